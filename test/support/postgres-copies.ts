/**
 * Servers that lose history: a data folder that is turned back to an earlier copy, and a replica
 * that is promoted without the last commits. The product connects to whichever serves by one path.
 */
import { chmodSync, mkdtempSync, realpathSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { openDatabase, type Database, type DatabaseRole } from '#db/database.ts';
import { migrate } from '#db/migrate.ts';
import { initialiseCluster, furnishCluster } from '#db/postgres-cluster.ts';
import type { Place } from '#db/postgres-place.ts';
import { readPostmasterPid, spawnServer, type ServerRun } from '#db/postgres-process.ts';
import { socketConfig, superuserConfig, tryConnect } from '#db/postgres-takeover.ts';
import { listProcessesIn, waitForEnd } from '#db/processes.ts';
import { copyFiles, cutOff, placeIn, prepareReplica, promote } from './postgres-replica.ts';

const UP_WITHIN_MS = 30_000;
const ENDED_WITHIN_MS = 10_000;

/** One data folder and the server on it. */
export class CopiedServer {
  readonly place: Place;
  #run: ServerRun | undefined;

  constructor(place: Place) {
    this.place = place;
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#run = spawnServer(this.place, settings);
    const until = performance.now() + UP_WITHIN_MS;
    for (;;) {
      const client = await tryConnect(superuserConfig(this.place.run));
      if (client instanceof Client) return await client.end();
      if (performance.now() > until || this.#run.hasEnded())
        throw new Error(`no PostgreSQL: ${this.#run.words()}`);
      await delay(10);
    }
  }

  async stop(): Promise<void> {
    await this.#run?.stop();
  }

  /** `kill -9`: the sessions end, nothing is written any more. Throws where one lives on. */
  async kill(): Promise<void> {
    const pid = readPostmasterPid(this.place.data);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await this.#run?.ended;
    for (const left of listProcessesIn(realpathSync(this.place.data)))
      if (!left.zombie && !(await waitForEnd(left.pid, ENDED_WITHIN_MS)))
        throw new Error(`process ${left.pid} of PostgreSQL outlived its server`);
  }
}

export type CopyScene = {
  readonly primary: CopiedServer;
  /** As one of our roles, at whichever server serves now. */
  open(role: DatabaseRole): Database;
  /** Stops the server, keeps a copy of its files, and starts it again. */
  keepCopy(): Promise<void>;
  /** Stops the server, puts the copy in its place, and starts it: the last hours never were. */
  turnBack(): Promise<void>;
  /** As a dump would: everything as it is now, beside the database. Nobody may be at work in it. */
  keepDatabase(): Promise<void>;
  /** As a restore into the running server would: the database is dropped and made of the copy. */
  restoreDatabase(): Promise<void>;
  /** The same for the rows alone: no table and no database is made anew. */
  keepRows(): Promise<void>;
  restoreRows(): Promise<void>;
  /** A server that follows the primary. */
  startReplica(): Promise<CopiedServer>;
  /** From here on the replica gets no more commits. */
  cutOff(replica: CopiedServer): Promise<void>;
  /** Kills the primary and lets the replica take its place. */
  promote(replica: CopiedServer): Promise<void>;
  end(): Promise<void>;
};

async function makePrimary(folder: string): Promise<CopiedServer> {
  const primary = new CopiedServer(placeIn(folder, 'primary'));
  const made = await initialiseCluster(primary.place, false);
  if (!made.ok) throw new Error(made.message);
  await primary.start();
  const client = new Client(superuserConfig(primary.place.run));
  await client.connect();
  await furnishCluster(client);
  await client.end();
  return primary;
}

const EACH_TABLE = `select tablename as name from pg_tables where schemaname = 'dispatch'`;
const KEEP_ROWS = `
  create schema kept;
  do $$ declare one record; begin
    for one in ${EACH_TABLE} loop
      execute format('create table kept.%I as table dispatch.%I', one.name, one.name);
    end loop;
  end $$`;
const RESTORE_ROWS = `
  do $$ declare one record; begin
    set local session_replication_role = replica;
    for one in ${EACH_TABLE} loop
      execute format('delete from dispatch.%I', one.name);
      execute format('insert into dispatch.%I select * from kept.%I', one.name, one.name);
    end loop;
  end $$`;

async function asSuperuser(
  place: Place,
  database: string,
  statements: readonly string[],
): Promise<void> {
  const client = new Client(superuserConfig(place.run, database));
  client.on('error', () => {});
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The embedded PostgreSQL comes without pg_dump; what counts is the same server, another oid. */
async function copyDatabase(place: Place, { from, to }: { from: string; to: string }) {
  await asSuperuser(place, 'postgres', [
    `drop database if exists ${to} with (force)`,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${from}'`,
    `create database ${to} template ${from} owner tocsin_owner`,
  ]);
}

/** A migrated server of its own. */
export async function openCopyScene(): Promise<CopyScene> {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-copies-'));
  chmodSync(folder, 0o711);
  const primary = await makePrimary(folder);
  const { place } = primary;
  // Sockets of the server that serves are found by this path, whichever server it is.
  const serving = join(folder, 'serving');
  symlinkSync(place.run, serving);
  const databases: Database[] = [];
  const servers = [primary];
  const migrated = await migrate({ config: socketConfig(serving, 'tocsin_owner', 'tocsin') });
  if (!migrated.ok) throw new Error(migrated.message);
  const copy = `${place.data}.copy`;
  return {
    primary,
    open(role) {
      const config = { ...socketConfig(serving, role, 'tocsin'), allowExitOnIdle: true };
      const database = openDatabase(config);
      databases.push(database);
      return database;
    },
    async keepCopy() {
      await primary.stop();
      await copyFiles(place.data, copy);
      await primary.start();
    },
    async turnBack() {
      await primary.stop();
      await copyFiles(copy, place.data);
      await primary.start();
    },
    keepDatabase: () => copyDatabase(place, { from: 'tocsin', to: 'kept' }),
    restoreDatabase: () => copyDatabase(place, { from: 'kept', to: 'tocsin' }),
    keepRows: () => asSuperuser(place, 'tocsin', [KEEP_ROWS]),
    restoreRows: () => asSuperuser(place, 'tocsin', [RESTORE_ROWS]),
    async startReplica() {
      const replica = new CopiedServer(placeIn(folder, 'replica'));
      servers.push(replica);
      await prepareReplica(place, replica.place);
      await replica.start();
      return replica;
    },
    cutOff: (replica) => cutOff(place, replica.place),
    async promote(replica) {
      await primary.kill();
      await promote(replica.place);
      unlinkSync(serving);
      symlinkSync(replica.place.run, serving);
    },
    async end() {
      await Promise.all(databases.map((database) => database.end()));
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true, force: true });
      rmSync(place.data, { recursive: true, force: true });
    },
  };
}
