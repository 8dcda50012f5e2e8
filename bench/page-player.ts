/** The web process with every page of the product, as officers, contacts and readers see it. */
import type { ClientConfig } from 'pg';
import { nobody } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { LiveViews } from '#console/index.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { permissionsOf } from '#identity/index.ts';
import { createServer, type Session, type WebServer } from '#web/index.ts';
import { sealsOf } from '#main/seals.ts';
import { navigation } from '#main/navigation.ts';
import { installationOf, productRoutes, type Product } from '#main/wiring.ts';
import { MODEL_FILE, readModel } from './alert.ts';
import { playOrders, usageOfThisProcess, type Usage } from './player.ts';

export type PageOrder =
  | {
      readonly kind: 'start';
      readonly database: ClientConfig;
      /** Of the directory, where contacts come by their addresses. */
      readonly sealingKey?: { readonly id: number; readonly key: Uint8Array };
    }
  | { readonly kind: 'usage' };

export type PageAnswer = Usage & { readonly origin: string };

const model = await readModel();
let running: { server: WebServer; database: Database; live: LiveViews; origin: string } | undefined;

playOrders<PageOrder>(
  async (order) => {
    if (order.kind === 'start') running = await start(order);
    return { ...usageOfThisProcess(), origin: running!.origin };
  },
  async () => {
    await running?.live.stop();
    await running?.server.close();
    await running?.database.end();
  },
);

async function start({ database: config, sealingKey }: PageOrder & { kind: 'start' }) {
  const database = openDatabase(config);
  const live = new LiveViews();
  live.start(database);
  const key = { id: sealingKey?.id ?? 1, key: Buffer.from(sealingKey?.key ?? Buffer.alloc(32)) };
  const keysOf = () => ({ current: key, all: [key] });
  const product: Product = {
    database,
    model,
    modelFile: MODEL_FILE,
    seals: sealsOf({ keysOf, blindIndexKey: key.key }),
    installation: { id: newId(), kind: 'demonstration', createdAt: new Date() },
    origin: 'http://localhost',
    passkeyDomain: 'localhost',
    live,
  };
  const server = await createServer({
    routes: productRoutes(product),
    navigation,
    installation: installationOf(product),
    origin: product.origin,
    // Whoever shows a token is signed in as the one it names.
    sessions: { findSession: (token) => Promise.resolve(officerOf(token)) },
    contactSessions: { findSession: (token) => Promise.resolve(contactOf(token)) },
    apiKeys: { findApiKey: () => Promise.resolve(nobody) },
    log: { info() {}, error: console.error },
  });
  return { server, database, live, origin: await server.listen({ port: 0 }) };
}

const permissions = permissionsOf(model, ['duty_officer', 'approver']);
const expiresAt = new Date('2099-01-01');

function officerOf(id: string): Session {
  const name = 'Bench officer';
  return { id, actor: { kind: 'person', id, name, permissions }, name, expiresAt };
}

/** The id of a contact and that of its organisation. */
function contactOf(token: string): Session {
  const [id = '', organisationId = ''] = token.split(' ');
  const actor = { kind: 'contact', id, organisationIds: [organisationId] } as const;
  return { id, actor, name: 'Bench contact', expiresAt };
}
