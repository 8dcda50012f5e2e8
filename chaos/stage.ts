/** Everything a run stands on: the server, the wires, and the processes that may be struck. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { newId } from '#kernel/ids.ts';
import type { SealingKey } from '#kernel/sealed.ts';
import { openDatabase, type Database, type DatabaseRole } from '#db/database.ts';
import { openDataFolder } from '#db/data-folder.ts';
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts';
import { migrate } from '#db/migrate.ts';
import type { Place } from '#db/postgres-place.ts';
import { DEFAULT_API_KEYS } from '#simulator/index.ts';
import { seedGateway, type Bucket } from '../bench/scene.ts';
import { placeOf } from '../test/support/postgres-replica.ts';
import { Load } from './load.ts';
import { Part } from './part.ts';
import { Postgres } from './postgres.ts';
import type { Defect, Waits, WebTask, WorkerTask } from './task.ts';
import { Wire } from './wire.ts';

const WORKERS = 3;
/** 200,000 in less than four minutes, where the machine can. */
const BUCKET = { ratePerSecond: 1_000, burst: 2_000 };
/** As far away as a provider is; it keeps requests on the wire, where faults find them. */
const PROVIDER_DELAY_MS = 40;

export type Stage = {
  readonly workers: readonly Part[];
  readonly web: Part;
  readonly simulator: Part;
  readonly postgres: Postgres;
  /** Between the workers and the provider, and between them and the database. */
  readonly providerWire: Wire;
  readonly databaseWire: Wire;
  /** The simulator's second door, which stays open while its first one is shut. */
  readonly controlUrl: string;
  readonly load: Load;
  readonly sealingKey: SealingKey;
  readonly owner: Database;
  /** As whoever lets sending go on by `bin/tocsin history` connects. */
  readonly person: Database;
  /** Of each promotion: how many texts were found that the promoted database did not know. */
  readonly found: number[];
};

export type StageOptions = {
  readonly defect: Defect | null;
  readonly waits: Waits;
  readonly bucket?: Bucket;
};

/** Runs `play` on a stage and takes everything away afterwards, also after a failure. */
export async function onStage<T>(
  options: StageOptions,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-chaos-'));
  chmodSync(folder, 0o755);
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    return await play(await setUp(folder, options, ends));
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function setUp(
  folder: string,
  { defect, waits, bucket = BUCKET }: StageOptions,
  ends: (() => unknown)[],
): Promise<Stage> {
  const postgres = new Postgres(await makeCluster(folder), folder);
  ends.push(() => postgres.stop());
  await postgres.start();
  const open = (role: DatabaseRole) => {
    const database = openDatabase(postgres.configFor(role));
    ends.push(() => database.end());
    return database;
  };
  const [owner, web] = [open('tocsin_owner'), open('tocsin_web')];
  const person = open('tocsin_worker');
  const callbackToken = randomBytes(16).toString('hex');
  await seedGateway(owner, bucket, createHash('sha256').update(callbackToken).digest());

  const ports = { notify: await freePort(), control: await freePort(), web: await freePort() };
  const providerWire = new Wire(
    () => ({ host: '127.0.0.1', port: ports.notify }),
    PROVIDER_DELAY_MS,
  );
  const databaseWire = new Wire(() => ({ path: postgres.socket }));
  const wired = { provider: await providerWire.listen(), database: await databaseWire.listen() };
  ends.push(() => Promise.all([providerWire.close(), databaseWire.close()]));

  const sealingKey = { id: 1, key: randomBytes(32) };
  const worker: WorkerTask = {
    database: configOn(wired.database, 'tocsin_worker'),
    notifyUrl: `http://127.0.0.1:${wired.provider}`,
    apiKey: DEFAULT_API_KEYS.live,
    installation: newId(),
    sealingKey,
    defect,
    waits,
  };
  const webTask: WebTask = { database: configOn(wired.database, 'tocsin_web'), port: ports.web };
  const workers = Array.from({ length: WORKERS }, (_, i) => {
    const name = `worker ${i + 1}`;
    const database = { ...worker.database, application_name: name };
    return new Part(name, () => forked('worker.ts', { ...worker, database }));
  });
  const webPart = new Part('web', () => forked('web.ts', webTask));
  const simulator = new Part('simulator', () =>
    startSimulator([
      `--data=${path.join(folder, 'simulator')}`,
      `--port=${ports.notify}`,
      `--control-port=${ports.control}`,
      `--callback-url=http://127.0.0.1:${ports.web}/callbacks/notify`,
      `--callback-token=${callbackToken}`,
      '--callback-retry-ms=1000',
      '--receipt-delay-ms=50,1500',
      '--no-limiter',
    ]),
  );
  for (const part of [simulator, webPart, ...workers]) {
    ends.push(() => part.stop());
    await part.start();
  }
  const controlUrl = `http://127.0.0.1:${ports.control}`;
  const wires = { providerWire, databaseWire };
  const load = new Load({ owner, web }, sealingKey);
  const parts = { workers, web: webPart, simulator, postgres, ...wires };
  return { ...parts, controlUrl, load, sealingKey, owner, person, found: [] };
}

/** A migrated cluster, stopped. */
async function makeCluster(folder: string): Promise<Place> {
  const dataFolder = openDataFolder({ path: path.join(folder, 'data'), live: false });
  if (!dataFolder.ok) throw new Error(dataFolder.message);
  const log = { info() {}, warn: console.error, error: console.error };
  const embedded = await startEmbeddedPostgres({ dataFolder: dataFolder.value, log });
  if (!embedded.ok) throw new Error(embedded.message);
  const migrated = await migrate({ config: embedded.value.configFor('tocsin_owner') });
  await embedded.value.stop();
  if (!migrated.ok) throw new Error(migrated.message);
  return placeOf(dataFolder.value);
}

function configOn(port: number, user: DatabaseRole) {
  const options = '-c timezone=UTC';
  return { host: '127.0.0.1', port, user, database: 'tocsin', ssl: false, options };
}

/** A child that says when it is ready, and that ends with us. */
async function forked(file: string, task: object): Promise<ChildProcess> {
  const child = fork(path.join(import.meta.dirname, file), { serialization: 'advanced' });
  child.send(task);
  await once(child, 'message');
  return child;
}

async function startSimulator(options: readonly string[]): Promise<ChildProcess> {
  const main = path.join(import.meta.dirname, '../src/main.ts');
  const child = spawn(process.execPath, [main, 'simulator', '--exit-with-stdin', ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(createInterface(child.stdout), 'line');
  return child;
}

/** The same port after each start: whoever calls it was told once. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
