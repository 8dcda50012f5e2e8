/**
 * The least a provider can be: it takes every text and keeps nothing. For runs in which the
 * simulator's own memory and work would be what is measured.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { playOrders } from './player.ts';

export type StubAnswer = { readonly url: string };

const TEMPLATE = { id: randomUUID(), type: 'sms', version: 1, body: '((body))' };

let server: Server | undefined;

playOrders<object>(
  async () => {
    server = createServer((request, response) => {
      void answerTo(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}` } satisfies StubAnswer;
  },
  async () => {
    server?.closeAllConnections();
  },
);

async function answerTo(request: IncomingMessage): Promise<{ status: number; body: object }> {
  if (request.method === 'GET' && request.url?.startsWith('/v2/templates') === true)
    return { status: 200, body: { templates: [TEMPLATE] } };
  if (request.method === 'GET') return { status: 200, body: { notifications: [] } };
  const sent = JSON.parse(await textOf(request)) as {
    reference: string;
    personalisation: { body: string };
  };
  const id = randomUUID();
  return {
    status: 201,
    body: {
      id,
      reference: sent.reference,
      content: { body: sent.personalisation.body, from_number: 'TOCSIN' },
      uri: `/v2/notifications/${id}`,
      template: { id: TEMPLATE.id, version: TEMPLATE.version, uri: '' },
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}
