/**
 * The PostgreSQL that comes with the product: real, on a Unix socket only, gone when we are gone,
 * up again after any kill -9. Promise: at most one Tocsin runs on a data folder, and a start never
 * harms the one that runs.
 */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { DatabaseRole } from './database.ts';
import { explainFolder, type DataFolder } from './data-folder.ts';
import { findBinaries } from './postgres-binaries.ts';
import { furnishCluster, initialiseCluster, sweepUnfinished } from './postgres-cluster.ts';
import { explainServerLog, isPassing } from './postgres-messages.ts';
import { preparePlace, readRemembered, rememberPlace, type Place } from './postgres-place.ts';
import { saysReady, spawnServer, type ServerRun } from './postgres-process.ts';
import {
  clearTheWay,
  findOtherTocsin,
  holdStartLock,
  socketConfig,
  superuserConfig,
  takeInstanceLock,
  tryConnect,
  type Log,
} from './postgres-takeover.ts';

export type { Log } from './postgres-takeover.ts';

export type Embedded = {
  /** How to connect as one of our roles. */
  configFor(role: DatabaseRole, database?: string): ClientConfig;
  /** For tests and `doctor`; the product itself never connects as superuser. */
  superuserConfig(database?: string): ClientConfig;
  /** Folder of the cluster: usually below the data folder, see `postgres-place.ts`. */
  readonly dataPath: string;
  stop(): Promise<void>;
};

export type EmbeddedOptions = {
  readonly dataFolder: DataFolder;
  readonly log: Log;
  /** Server settings on top of ours: `fsync: 'off'` in tests. */
  readonly settings?: Readonly<Record<string, string>>;
};

const START_RETRY_MS = 10_000;
const RESTART_PAUSE_MAX_MS = 5000;

/** Starts the server (and makes the cluster on first use). Ends what is left of earlier runs. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<Outcome<Embedded>> {
  const binaries = findBinaries();
  if (!binaries.ok) return binaries;
  const release = await holdStartLock(options.dataFolder.path);
  try {
    const place = preparePlace(options.dataFolder, binaries.value);
    if (!place.ok) return place;
    announce(place.value, options);
    const server = new EmbeddedServer(place.value, options);
    const started = await server.start();
    return started.ok ? ok(server) : started;
  } catch (error) {
    return explainFolder(error, options.dataFolder.path);
  } finally {
    release();
  }
}

/** A server that already runs on this data folder, for commands beside `start`. */
export async function findRunningPostgres(dataFolder: {
  readonly path: string;
}): Promise<Pick<Embedded, 'configFor'> | undefined> {
  const remembered = readRemembered(dataFolder);
  if (remembered === undefined) return undefined;
  const client = await tryConnect(superuserConfig(remembered.run));
  if (!(client instanceof Client)) return undefined;
  await client.end().catch(() => {});
  return {
    configFor: (role, database = 'tocsin') => socketConfig(remembered.run, role, database),
  };
}

/** The refusal, with process and address, where another Tocsin runs on this data folder. */
export async function findTocsinOn(folder: { readonly path: string }) {
  const remembered = readRemembered(folder);
  return remembered && (await findOtherTocsin(folder.path, remembered.run));
}

function announce(place: Place, { dataFolder, log }: EmbeddedOptions): void {
  if (!place.initialised) log.info('Setting up the database for the first time.');
  if (!place.data.startsWith(dataFolder.path)) {
    log.info(
      `The database lives in ${place.data}, because its user may not enter the data folder.`,
    );
  }
}

class EmbeddedServer implements Embedded {
  readonly dataPath: string;
  readonly #place: Place;
  readonly #dataFolder: DataFolder;
  readonly #log: Log;
  readonly #settings: Readonly<Record<string, string>>;
  #run: ServerRun | undefined;
  #lock: Client | undefined;
  #stopping = false;

  constructor(place: Place, { dataFolder, log, settings }: EmbeddedOptions) {
    this.#dataFolder = dataFolder;
    this.dataPath = place.data;
    this.#place = place;
    this.#log = log;
    this.#settings = settings ?? {};
  }

  configFor(role: DatabaseRole, database = 'tocsin'): ClientConfig {
    return socketConfig(this.#place.run, role, database);
  }

  superuserConfig(database = 'postgres'): ClientConfig {
    return superuserConfig(this.#place.run, database);
  }

  async start(): Promise<Outcome<void>> {
    if (!this.#place.initialised) {
      const made = await initialiseCluster(this.#place, this.#settings['fsync'] !== 'off');
      if (!made.ok) return made;
    }
    rememberPlace(this.#dataFolder, this.#place);
    sweepUnfinished(this.#place.data);
    const first = await this.#bringUp();
    if (!first.ok) return first;
    try {
      await furnishCluster(first.value);
    } catch (error) {
      await this.stop();
      return refused('unavailable', explainServerLog((error as Error).message, this.#place));
    }
    this.#keep(first.value);
    return ok(undefined);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#lock !== undefined) socketOf(this.#lock).ref();
    await this.#lock?.end().catch(() => {});
    await this.#run?.stop();
  }

  /** Clears the way, starts, waits until it answers; the client holds the instance lock. */
  async #bringUp(): Promise<Outcome<Client>> {
    const until = Date.now() + START_RETRY_MS;
    for (;;) {
      const occupied = await clearTheWay(this.#place, this.#log);
      if (occupied !== undefined) return occupied;
      const run = spawnServer(this.#place, this.#settings);
      const client = await this.#waitUntilReady(run);
      if (client !== undefined) return await this.#settle(run, client);
      if (!isPassing(run.words()) || Date.now() > until) {
        return refused('unavailable', explainServerLog(run.words(), this.#place));
      }
      await delay(200);
    }
  }

  /** A client as soon as the server takes one; undefined once it has ended instead. */
  async #waitUntilReady(run: ServerRun): Promise<Client | undefined> {
    const noticeAt = Date.now() + 5000;
    let noticed = false;
    while (!run.hasEnded()) {
      const client = saysReady(this.dataPath) && (await tryConnect(this.superuserConfig()));
      if (client instanceof Client) return client;
      if (!noticed && Date.now() > noticeAt) {
        noticed = true;
        this.#log.info('PostgreSQL is still starting: it repairs itself after a crash.');
      }
      await delay(10);
    }
    return undefined;
  }

  async #settle(run: ServerRun, client: Client): Promise<Outcome<Client>> {
    if (!(await takeInstanceLock(client))) {
      await client.end().catch(() => {});
      await run.stop();
      return refused('conflict', 'Another Tocsin took this data folder in the same moment.');
    }
    this.#run = run;
    void run.ended.then(() => this.#bringBack());
    return ok(client);
  }

  /** Keeps the lock's connection, and takes the lock again when a crash inside broke it. */
  #keep(client: Client): void {
    this.#lock = client;
    // The lock must not keep a process alive that has nothing left to do.
    socketOf(client).unref();
    client.once('end', () => void this.#lockAgain());
  }

  async #lockAgain(): Promise<void> {
    while (!this.#stopping && this.#run?.hasEnded() === false) {
      const client = await tryConnect(this.superuserConfig());
      if (client instanceof Client) {
        await takeInstanceLock(client).catch(() => false);
        this.#keep(client);
        return;
      }
      await delay(200, undefined, { ref: false });
    }
  }

  /** The server ended although nobody asked it to: killed, or its disk is full. */
  async #bringBack(): Promise<void> {
    if (this.#stopping) return;
    let said = 'PostgreSQL ended unexpectedly and is being started again.';
    this.#log.error(said);
    for (let pauseMs = 50; !this.#stopping; pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MAX_MS)) {
      const release = await holdStartLock(this.#dataFolder.path);
      const again = await this.#bringUp().finally(release);
      if (again.ok) {
        this.#log.info('PostgreSQL is up again.');
        this.#keep(again.value);
        if (this.#stopping) await this.stop();
        return;
      }
      // A disk stays full for hours; the reason is worth a line when it is another one.
      if (again.message !== said) this.#log.error(again.message);
      said = again.message;
      // Another Tocsin was started meanwhile, and the data folder is its own now.
      if (again.kind === 'conflict') return;
      await delay(pauseMs, undefined, { ref: false });
    }
  }
}

/** `pg` offers no other way to say that a connection need not keep the process alive. */
function socketOf(client: Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
