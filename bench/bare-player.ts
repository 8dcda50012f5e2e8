/** The least that a server can do with a callback: it reads it, keeps nothing and answers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { playOrders } from './player.ts';

export type BareAnswer = { readonly url: string };

let server: Server | undefined;

playOrders<object>(
  async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"status":"kept"}');
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/receipts` } satisfies BareAnswer;
  },
  () => {
    server?.closeAllConnections();
    return Promise.resolve();
  },
);
