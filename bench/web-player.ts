/** The doors of providers in their process, as the web process has them (src/main/wiring.ts). */
import type { ClientConfig } from 'pg';
import { nobody } from '#kernel/actor.ts';
import { blindIndex, seal } from '#kernel/sealed.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { callbackRoutes } from '#dispatch/index.ts';
import { createServer, type WebServer } from '#web/index.ts';
import { playOrders } from './player.ts';

export type WebOrder = {
  readonly database: ClientConfig;
  readonly sealingKey: { readonly id: number; readonly key: Uint8Array };
};

/** Where the gateway `notify` calls back: `/receipts` and `/texts` follow. */
export type WebAnswer = { readonly url: string };

let running: { server: WebServer; database: Database } | undefined;

playOrders<WebOrder>(
  async (order) => {
    const key = { id: order.sealingKey.id, key: Buffer.from(order.sealingKey.key) };
    const database = openDatabase(order.database);
    const server = await createServer({
      routes: callbackRoutes({
        database,
        seals: {
          indexNumber: (number) => blindIndex(key.key, 'text', number),
          sealNumber: (id, number) => seal(key, `reply_number|${id}`, number),
          sealContent: (id, content) => seal(key, `reply_content|${id}`, content),
        },
      }),
      installation: { name: 'Bench', kind: 'demonstration' },
      origin: 'http://localhost',
      sessions: { findSession: () => Promise.resolve(undefined) },
      apiKeys: { findApiKey: () => Promise.resolve(nobody) },
      log: { info() {}, error: console.error },
    });
    running = { server, database };
    return { url: `${await server.listen({ port: 0 })}/callbacks/notify` };
  },
  async () => {
    await running?.server.close();
    await running?.database.end();
  },
);
