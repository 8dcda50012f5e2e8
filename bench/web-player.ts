/**
 * The doors of providers and the page on which anybody answers, in their process, as the web
 * process has them (src/main/wiring.ts).
 */
import type { ClientConfig } from 'pg';
import { nobody } from '#kernel/actor.ts';
import { blindIndex, seal } from '#kernel/sealed.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { callbackRoutes } from '#dispatch/index.ts';
import { publicRoutes } from '#responses/routes-public.ts';
import { createServer, type WebServer } from '#web/index.ts';
import { readModel } from './alert.ts';
import { playOrders } from './player.ts';

export type WebOrder = {
  readonly database: ClientConfig;
  readonly sealingKey: { readonly id: number; readonly key: Uint8Array };
};

/** `url` is where the gateway `notify` calls back: `/receipts` and `/texts` follow. */
export type WebAnswer = { readonly url: string; readonly origin: string };

const model = await readModel();
let running: { server: WebServer; database: Database } | undefined;

playOrders<WebOrder>(
  async (order) => {
    const key = { id: order.sealingKey.id, key: Buffer.from(order.sealingKey.key) };
    const database = openDatabase(order.database);
    const index = (kind: string, text: string) => blindIndex(key.key, kind, text);
    const server = await createServer({
      routes: [
        ...callbackRoutes({
          database,
          seals: {
            indexNumber: (number) => index('text', number),
            sealNumber: (id, number) => seal(key, `reply_number|${id}`, number),
            sealContent: (id, content) => seal(key, `reply_content|${id}`, content),
          },
        }),
        ...publicRoutes({
          database,
          model,
          origin: 'http://localhost',
          indexAddress: index,
          indexNetwork: (network) => index('network', network),
        }),
      ],
      // The load comes from many networks: the page lets one of them post three hundred a minute.
      trustedProxies: ['127.0.0.1'],
      installation: { name: 'Bench', kind: 'demonstration' },
      origin: 'http://localhost',
      sessions: { findSession: () => Promise.resolve(undefined) },
      apiKeys: { findApiKey: () => Promise.resolve(nobody) },
      log: { info() {}, error: console.error },
    });
    running = { server, database };
    const origin = await server.listen({ port: 0 });
    return { url: `${origin}/callbacks/notify`, origin };
  },
  async () => {
    await running?.server.close();
    await running?.database.end();
  },
);
