/**
 * The PostgreSQL that tests use: real, and careless about power cuts because nothing in it is worth
 * keeping. `npm test` starts one for its run. A test file run by hand finds none and calls a
 * keeper: this file as a process of its own, which serves later runs too and goes when
 * nobody uses it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { openDataFolder } from '#db/data-folder.ts';
import { startEmbeddedPostgres, type Embedded } from '#db/embedded-postgres.ts';
import { readRemembered } from '#db/postgres-place.ts';
import { socketConfig, superuserConfig, tryConnect } from '#db/postgres-takeover.ts';

/** Holds the socket's folder of the server that `npm test` started. */
const SERVER_VARIABLE = 'POSTGRES_FOR_TESTS';
const KEEPER_IDLE_MS = 300_000;
const CALL_TIMEOUT_MS = 30_000;

const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '1GB',
  max_connections: '400',
  shared_buffers: '128MB',
};

export type TestServer = {
  readonly superuser: (database?: string) => ClientConfig;
  readonly configFor: (role: string, database: string) => ClientConfig;
};

/** Starts a server in `folder` for this process and those it starts with `environment`. */
export async function startTestServer(
  folder: string,
): Promise<{ embedded: Embedded; environment: Record<string, string> }> {
  const dataFolder = openDataFolder({ path: folder, live: false });
  if (!dataFolder.ok) throw new Error(dataFolder.message);
  const log = { info() {}, warn: console.error, error: console.error };
  const options = { dataFolder: dataFolder.value, log, settings: SETTINGS };
  const embedded = await startEmbeddedPostgres(options);
  if (!embedded.ok) throw new Error(embedded.message);
  const { host = '' } = embedded.value.superuserConfig();
  return { embedded: embedded.value, environment: { [SERVER_VARIABLE]: host } };
}

/** The server for this test process: the run's own, else the keeper's. */
export async function findTestServer(): Promise<TestServer> {
  const run = process.env[SERVER_VARIABLE] ?? (await callKeeper());
  return {
    superuser: (database) => superuserConfig(run, database),
    configFor: (role, database) => socketConfig(run, role, database),
  };
}

function keeperFolder(): string {
  const checkout = createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 8);
  return path.join(os.tmpdir(), `tocsin-test-${process.getuid?.() ?? 0}-${checkout}`);
}

/**
 * Several test files may call at once: the instance lock lets one keeper win, all use that one. It
 * is ready when its database is there, which it makes last: a cluster answers before it has the
 * roles, and whoever came then was told that `tocsin_owner` does not exist.
 */
async function callKeeper(): Promise<string> {
  const folder = keeperFolder();
  const until = Date.now() + CALL_TIMEOUT_MS;
  let keeper: ReturnType<typeof spawn> | undefined;
  while (Date.now() < until) {
    const run = readRemembered({ path: folder })?.run;
    const client = run === undefined ? undefined : await tryConnect(superuserConfig(run, 'tocsin'));
    if (run !== undefined && client instanceof Client) {
      await client.end();
      return run;
    }
    if (keeper === undefined || keeper.exitCode !== null) keeper = spawnKeeper(folder);
    await delay(20);
  }
  throw new Error(`no PostgreSQL for tests after 30 s: see ${folder}.log`);
}

function spawnKeeper(folder: string): ReturnType<typeof spawn> {
  mkdirSync(path.dirname(folder), { recursive: true });
  const log = openSync(`${folder}.log`, 'a', 0o600);
  const keeper = spawn(process.execPath, [import.meta.filename, folder], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  });
  keeper.unref();
  return keeper;
}

/** Runs until nobody has been connected for a while. */
async function keep(folder: string): Promise<void> {
  const { embedded } = await startTestServer(folder);
  const client = new Client(embedded.superuserConfig());
  client.on('error', () => process.exit(1));
  await client.connect();
  // What a keeper that was killed left behind. Somebody may be making a database already: not that.
  const { rows } = await client.query<{ name: string }>(
    `select datname as name from pg_database where datname ~ '^(test|building|template_tocsin)_'
       and (pg_stat_file('base/' || oid || '/PG_VERSION')).modification
         < pg_postmaster_start_time() - interval '1 second'`,
  );
  for (const { name } of rows) await client.query(`drop database if exists ${name} with (force)`);
  let usedAt = Date.now();
  while (Date.now() - usedAt < KEEPER_IDLE_MS) {
    await delay(5000);
    const others = await client.query(
      `select from pg_stat_activity where backend_type = 'client backend'
         and datname not in ('postgres', 'tocsin')`,
    );
    if (others.rowCount !== 0) usedAt = Date.now();
  }
  await client.end();
  await embedded.stop();
  rmSync(folder, { recursive: true, force: true });
}

if (process.argv[1] === import.meta.filename) await keep(process.argv[2]!);
