/** The long-running parts: pages and API, and the worker with its engine and background tasks. */
import { readFile } from 'node:fs/promises';
import { Sequencer } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { listen } from '#db/listen.ts';
import { startTasks, type Tasks } from '#db/tasks.ts';
import { LiveViews } from '#console/index.ts';
import {
  Auditor,
  Engine,
  reserveTokens,
  startBounceListener,
  type BounceListener,
  type Probing,
} from '#dispatch/index.ts';
import { fillBlanks, type OperatingModel } from '#operating-model/index.ts';
import { apiKeysOf, idempotencyOf, sessionsOf } from '#identity/index.ts';
import { contactSessionsOf } from '#organisations/index.ts';
import { clockTime, createServer, type Replacement } from '#web/index.ts';
import type { Log } from '#log.ts';
import { auditFiles } from './audit-files.ts';
import { networkOf } from './environment-gateways.ts';
import { proveDispatch, type ProofContext } from '#alerts/index.ts';
import { findGatewayVersion, openGateways, seedGateways } from './gateways.ts';
import type { Ground } from './ground.ts';
import { followKeysOf, tidyKeysOf } from './keys.ts';
import { followRules } from './rules.ts';
import type { SimulatorProcess } from './simulator-process.ts';
import { registryOf } from './metrics.ts';
import { navigation } from './navigation.ts';
import { alertContext, installationOf, productRoutes, tasksOf, type Product } from './wiring.ts';

export type Running = { stop(): Promise<void> };

function productOf(ground: Ground, database: Database, live: LiveViews): Product {
  const { model, seals, config, folder } = ground;
  const { url: origin, passkeyDomain, operatingModelFile: modelFile } = config;
  const { installation } = folder;
  const site = { origin, passkeyDomain, installation, network: networkOf(config) };
  return { database, model, modelFile, seals, live, ...site };
}

/** All that the server makes of the rules in force. */
function servedBy(product: Product): Replacement {
  return {
    routes: productRoutes(product),
    installation: installationOf(product),
    sessions: sessionsOf(product.database, product.model),
    apiKeys: apiKeysOf(product.database, product.model),
  };
}

/** Listens and serves. `address` is what people open. */
export async function startWeb(
  ground: Ground,
  log: Log,
): Promise<Running & { readonly address: string }> {
  const { config } = ground;
  const database = ground.open('tocsin_web');
  const live = new LiveViews();
  const tls = config.tls && {
    cert: await readFile(config.tls.certFile, 'utf8'),
    key: await readFile(config.tls.keyFile, 'utf8'),
  };
  const server = await createServer({
    ...servedBy(productOf(ground, database, live)),
    origin: config.url,
    contactSessions: contactSessionsOf(database),
    idempotency: idempotencyOf(database),
    navigation,
    checks: { database: () => canRead(database) },
    registry: registryOf(database),
    log,
    trustedProxies: config.trustedProxies,
    ...(config.securityContact && { securityContact: config.securityContact }),
    ...(tls && { tls }),
  });
  live.start(database);
  const keys = followKeysOf(ground, database, { part: 'web', log });
  const rules = followRules(database, log, {
    current: ground.model,
    onChange: (model) => server.replace(servedBy(productOf({ ...ground, model }, database, live))),
  });
  await server.listen({ port: config.port, host: config.host });
  const bounces = await listenForBounces(ground, database, log);
  return {
    address: config.url,
    async stop() {
      await rules.stop();
      await keys.stop();
      await live.stop();
      await bounces?.close();
      await server.close();
      await database.end();
    },
  };
}

async function canRead(database: Database): Promise<void> {
  await database.withActor(system('readiness'), () => Promise.resolve());
}

async function listenForBounces(
  { config, folder, seals }: Ground,
  database: Database,
  log: Log,
): Promise<BounceListener | undefined> {
  if (config.mailIn === undefined) return undefined;
  const { installation } = folder;
  const key = seals.returnPathKey;
  return await startBounceListener({
    ...config.mailIn,
    key,
    installation: installation.id,
    database,
    log,
  });
}

function proofContext({ model, config }: Ground): ProofContext {
  const { url: origin, passkeyDomain } = config;
  return { ...alertContext({ model, origin }), passkeyDomain };
}

/** How gateways prove themselves, in the words of the centre. */
function probingOf(model: OperatingModel, addresses: ReadonlyMap<string, string>): Probing {
  const { sender, sending, texts } = model;
  return {
    everyMs: sending.probeEveryMs,
    addresses,
    wordsAt: (time) => ({
      subject: sender,
      body: fillBlanks(texts.probe, { sender, time: clockTime(time) }),
    }),
  };
}

/** Sends, settles, keeps the timers, and runs background tasks. */
export async function startWorker(
  ground: Ground,
  simulator: SimulatorProcess | undefined,
  log: Log,
): Promise<Running> {
  const database = ground.open('tocsin_worker', 12);
  await seedGateways(ground, database, simulator);
  let current = ground;
  await reserve(database, current);
  const keys = followKeysOf(ground, database, { part: 'worker', log });
  const engine = await startEngines(() => current, database, log);
  const { deadmanUrl } = ground.config;
  const network = networkOf(ground.config);
  const auditor = new Auditor({
    database,
    log,
    network,
    ...(deadmanUrl !== undefined && { deadmanUrl }),
  });
  auditor.start();
  const sequencer = startSequencer(ground, log);
  const live = new LiveViews();
  const tasksFor = () => ({
    ...tasksOf(productOf(current, database, live), log),
    keys: () => tidyKeysOf(current),
  });
  let tasksNow: Tasks = tasksFor();
  // By name each time: a task obeys the rules of the moment in which it runs.
  const followed = Object.fromEntries(
    Object.keys(tasksNow).map((name) => [name, (payload: unknown) => tasksNow[name]!(payload)]),
  );
  const tasks = await startTasks(ground.configFor('tocsin_owner'), followed, log);
  const rules = followRules(database, log, {
    current: ground.model,
    onChange: async (model) => {
      current = { ...ground, model };
      tasksNow = tasksFor();
      await reserve(database, current);
      await engine.follow();
    },
  });
  return {
    async stop() {
      await rules.stop();
      await tasks.stop();
      await auditor.stop();
      await engine.stop();
      await sequencer.stop();
      await keys.stop();
      await database.end();
    },
  };
}

/** Writes the log of the audit, with rights of its own, and exports what it signs. */
function startSequencer(ground: Ground, log: Log): Running {
  const database = ground.open('tocsin_sequencer', 1);
  const sequencer = new Sequencer({ database, log, ...auditFiles(ground) });
  sequencer.start();
  return {
    async stop() {
      await sequencer.stop();
      await database.end();
    },
  };
}

async function reserve(database: Database, { model }: Ground): Promise<void> {
  const { urgentReserveShare } = model.sending;
  await database.withActor(system('start'), (tx) => reserveTokens(tx, urgentReserveShare));
}

/**
 * An engine over the gateways as their rows are and the rules in force, and another one whenever
 * either changes: the new one runs before the old one drains, as two workers do, so nothing waits.
 */
async function startEngines(
  groundNow: () => Ground,
  database: Database,
  log: Log,
): Promise<Running & { follow(): Promise<void> }> {
  const start = async () => {
    const ground = groundNow();
    const { gateways, probeAddresses, version } = await openGateways(ground, database);
    const engine = new Engine({
      database,
      gateways,
      openAddress: ground.seals.openAddress,
      seals: ground.seals,
      installation: ground.folder.installation.id,
      log,
      clockOf: clockTime,
      prove: (tx, id) => proveDispatch(tx, proofContext(ground), id),
      pauseWhenRefused: ground.model.sending.pauseWhenRefused,
      probing: probingOf(ground.model, probeAddresses),
    });
    engine.start();
    return { engine, version, rules: ground.model.version };
  };
  let running = await start();
  const follow = async () => {
    try {
      const isSame = (await findGatewayVersion(database)) === running.version;
      if (isSame && groundNow().model.version === running.rules) return;
      const before = running;
      running = await start();
      await before.engine.stop();
    } catch (error) {
      log.error('dispatch.gateways_not_opened', { error });
    }
  };
  let changing = Promise.resolve();
  const listener = listen({
    config: database.config,
    channels: ['tocsin_gateways'],
    onNotify: () => void (changing = changing.then(follow)),
    // What was changed while nobody listened is not known: look.
    onGap: () => void (changing = changing.then(follow)),
    onError: (error) => log.warn('dispatch.notifications_lost', { error }),
  });
  return {
    follow: () => (changing = changing.then(follow)),
    async stop() {
      await listener.stop();
      await changing;
      await running.engine.stop();
    },
  };
}
