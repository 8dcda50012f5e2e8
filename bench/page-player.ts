/** The web process as officers and readers see it: boards with their streams, and the public page. */
import type { ClientConfig } from 'pg';
import { nobody } from '#kernel/actor.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { consoleRoutes, LiveViews } from '#console/index.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { permissionsOf } from '#identity/index.ts';
import { publicRoutes } from '#responses/routes-public.ts';
import { createServer, type Session, type WebServer } from '#web/index.ts';
import { readModel } from './alert.ts';
import { playOrders, usageOfThisProcess, type Usage } from './player.ts';

export type PageOrder =
  | { readonly kind: 'start'; readonly database: ClientConfig }
  | { readonly kind: 'usage' };

export type PageAnswer = Usage & { readonly origin: string };

const model = await readModel();
let running: { server: WebServer; database: Database; live: LiveViews; origin: string } | undefined;

playOrders<PageOrder>(
  async (order) => {
    if (order.kind === 'start') running = await start(order.database);
    return { ...usageOfThisProcess(), origin: running!.origin };
  },
  async () => {
    await running?.live.stop();
    await running?.server.close();
    await running?.database.end();
  },
);

async function start(config: ClientConfig) {
  const database = openDatabase(config);
  const live = new LiveViews();
  live.start(database);
  const index = (kind: string, text: string) => blindIndex(Buffer.alloc(32), kind, text);
  const server = await createServer({
    routes: [
      ...consoleRoutes({
        database,
        model,
        openReply: () => '',
        sectionsOf: () => [],
        live,
        now: () => new Date(),
      }),
      ...publicRoutes({
        database,
        model,
        origin: 'http://localhost',
        indexAddress: index,
        indexNetwork: (network) => index('network', network),
      }),
    ],
    installation: { name: 'Bench', kind: 'demonstration' },
    origin: 'http://localhost',
    // Whoever shows a token is an officer of that name, signed in there.
    sessions: { findSession: (token) => Promise.resolve(sessionOf(token)) },
    apiKeys: { findApiKey: () => Promise.resolve(nobody) },
    log: { info() {}, error: console.error },
  });
  return { server, database, live, origin: await server.listen({ port: 0 }) };
}

const permissions = permissionsOf(model, ['duty_officer']);

function sessionOf(token: string): Session {
  const actor = { kind: 'person', id: token, name: token, permissions } as const;
  return { id: token, actor, name: token, expiresAt: new Date('2099-01-01') };
}
