/** The long-running parts: pages and API, and the worker with its engine and background tasks. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { startTasks } from '#db/tasks.ts';
import { LiveViews } from '#console/index.ts';
import {
  Engine,
  listGateways,
  openNotifyGateway,
  openSmtpGateway,
  upsertGateway,
  type Gateway,
  type NotifySettings,
  type SmtpSettings,
} from '#dispatch/index.ts';
import { apiKeysOf, idempotencyOf, sessionsOf } from '#identity/index.ts';
import { clockTime, createServer } from '#web/index.ts';
import type { Log } from '#log.ts';
import type { Ground } from './ground.ts';
import type { SimulatorProcess } from './simulator-process.ts';
import { installationOf, navigation, productRoutes, tasksOf, type Product } from './wiring.ts';

export type Running = { stop(): Promise<void> };

function productOf(ground: Ground, database: Database, live: LiveViews): Product {
  const { model, seals, config, folder } = ground;
  return { database, model, seals, live, origin: config.url, installation: folder.installation };
}

/** Listens and serves. `address` is what people open. */
export async function startWeb(
  ground: Ground,
  log: Log,
): Promise<Running & { readonly address: string }> {
  const { config, model } = ground;
  const database = ground.open('tocsin_web');
  const live = new LiveViews();
  const product = productOf(ground, database, live);
  const tls = config.tls && {
    cert: await readFile(config.tls.certFile, 'utf8'),
    key: await readFile(config.tls.keyFile, 'utf8'),
  };
  const server = await createServer({
    routes: productRoutes(product),
    installation: installationOf(product),
    origin: config.url,
    sessions: sessionsOf(database, model),
    apiKeys: apiKeysOf(database),
    idempotency: idempotencyOf(database),
    navigation,
    checks: { database: () => canRead(database) },
    log,
    trustedProxies: config.trustedProxies,
    ...(tls && { tls }),
  });
  live.start(database);
  await server.listen({ port: config.port, host: config.host });
  return {
    address: config.url,
    async stop() {
      await live.stop();
      await server.close();
      await database.end();
    },
  };
}

async function canRead(database: Database): Promise<void> {
  await database.withActor(system('readiness'), () => Promise.resolve());
}

/** Sends, settles, keeps the timers, and runs background tasks. */
export async function startWorker(
  ground: Ground,
  simulator: SimulatorProcess | undefined,
  log: Log,
): Promise<Running> {
  const database = ground.open('tocsin_worker', 12);
  await seedGateways(ground, database, simulator);
  const engine = new Engine({
    database,
    gateways: await openGateways(ground, database),
    openAddress: ground.seals.openAddress,
    installation: ground.folder.installation.id,
    log,
    clockOf: clockTime,
  });
  engine.start();
  const product = productOf(ground, database, new LiveViews());
  const tasks = await startTasks(ground.configFor('tocsin_owner'), tasksOf(product), log);
  return {
    async stop() {
      await tasks.stop();
      await engine.stop();
      await database.end();
    },
  };
}

/** The environment (or the simulator, in a demonstration) describes the first gateways. */
async function seedGateways(
  ground: Ground,
  database: Database,
  simulator: SimulatorProcess | undefined,
): Promise<void> {
  const { config, seals } = ground;
  const notify = simulator
    ? {
        baseUrl: simulator.notifyUrl,
        apiKey: DEMONSTRATION_KEY,
        callbackToken: simulator.callbackToken,
      }
    : config.notify;
  const smtp = simulator
    ? { url: simulator.smtpUrl, from: 'Tocsin demonstration <alerts@tocsin.test>' }
    : config.smtp;
  await database.withActor(system('start'), async (tx) => {
    if (notify !== undefined)
      await upsertGateway(tx, {
        id: 'notify',
        kind: 'notify',
        channel: 'text',
        bucket: { id: 'notify', ratePerSecond: 49.5, burst: 980 },
        canBeAsked: true,
        takesReplies: true,
        settingsSealed: seals.sealSettings('notify', {
          baseUrl: notify.baseUrl,
          apiKey: notify.apiKey,
        }),
        callbackTokenHash:
          notify.callbackToken === undefined
            ? null
            : createHash('sha256').update(notify.callbackToken).digest(),
      });
    if (smtp !== undefined)
      await upsertGateway(tx, {
        id: 'smtp',
        kind: 'smtp',
        channel: 'mail',
        bucket: { id: 'smtp', ratePerSecond: 50, burst: 500 },
        canBeAsked: false,
        takesReplies: false,
        settingsSealed: seals.sealSettings('smtp', smtp),
        callbackTokenHash: null,
      });
  });
}

/** The key every simulator knows (src/simulator/settings.ts); it opens nothing else. */
const DEMONSTRATION_KEY =
  'simulator_live-70c51700-0000-4000-8000-000000000001-70c51700-0000-4000-8000-0000000000aa';

async function openGateways({ seals }: Ground, database: Database): Promise<Gateway[]> {
  const rows = await database.withActor(system('start'), (tx) => listGateways(tx));
  return rows.map(({ id, kind, settingsSealed }) => {
    const settings = seals.openSettings(id, settingsSealed);
    return kind === 'notify'
      ? openNotifyGateway(id, settings as NotifySettings)
      : openSmtpGateway(id, settings as SmtpSettings);
  });
}
