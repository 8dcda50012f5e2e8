/**
 * Brings a database to the state this version needs: roles, graphile-worker's schema, then our
 * migrations, each in a transaction, under one lock, so that several processes may start at once.
 */
import { runMigrations } from 'graphile-worker';
import { Client, DatabaseError, Pool, type ClientConfig } from 'pg';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import {
  readMigrations,
  refuseHistory,
  type AppliedMigration,
  type MigrationFile,
} from './migration-files.ts';
import { explainOutside } from './outside-failures.ts';
import { ensureRoles } from './roles.ts';

export type MigrateOptions = {
  /** Connects as the role that owns, or will own, the tables. */
  readonly config: ClientConfig;
  /** Changes nothing, only looks (`bin/tocsin migrate --check`). */
  readonly check?: boolean;
  /** Another folder of migrations, for tests. */
  readonly folder?: string;
};

export type MigrateReport = {
  /** Names of the migrations of this run; with `check`, of those that a run would apply. */
  readonly names: readonly string[];
};

/** "tocm", as a number: held while migrating. */
const MIGRATE_LOCK = 0x746f636d;
const SERVER_VERSION_MIN = 150_000;

export async function migrate(options: MigrateOptions): Promise<Outcome<MigrateReport>> {
  const client = new Client({ connectionTimeoutMillis: 10_000, ...options.config });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(`set lock_timeout = '30s'; set client_min_messages = warning`);
    return await run(client, options);
  } catch (error) {
    return explain(error);
  } finally {
    await client.end().catch(() => {});
  }
}

async function run(client: Client, options: MigrateOptions): Promise<Outcome<MigrateReport>> {
  const unfit = await refuseServer(client);
  if (unfit !== undefined) return unfit;
  const files = readMigrations(options.folder);
  // A process that waits here finds the work done. The wait has no limit of its own.
  await client.query(`set lock_timeout = 0; select pg_advisory_lock(${MIGRATE_LOCK})`);
  await client.query(`set lock_timeout = '30s'`);
  const applied = await listApplied(client);
  if (applied === undefined) {
    const stranger = await refuseStranger(client);
    if (stranger !== undefined) return stranger;
  }
  const history = refuseHistory(applied ?? [], files);
  if (history !== undefined) return history;
  const due = files.filter(({ number }) => !applied?.some((one) => one.number === number));
  if (options.check !== true) {
    const prepared = await prepare(client, options.config);
    if (!prepared.ok) return prepared;
    for (const file of due) await apply(client, file);
  }
  return ok({ names: due.map((file) => file.name) });
}

async function refuseServer(client: Client): Promise<Refused | undefined> {
  const { rows } = await client.query<{ number: number; name: string; encoding: string }>(
    `select current_setting('server_version_num')::int as number,
       current_setting('server_version') as name, current_setting('server_encoding') as encoding`,
  );
  const { number, name, encoding } = rows[0]!;
  if (number < SERVER_VERSION_MIN) {
    const message = `This is PostgreSQL ${name}; Tocsin needs 15 or newer.`;
    return refused('unavailable', `${message} Upgrade it, or let DATABASE_URL name another.`);
  }
  if (encoding === 'UTF8') return undefined;
  const message = `This database has the encoding ${encoding}; Tocsin needs UTF8.`;
  return refused('unavailable', `${message} Create one with: create database … encoding 'UTF8'.`);
}

/** What was applied, in order; undefined where no Tocsin has ever been here. */
async function listApplied(client: Client): Promise<AppliedMigration[] | undefined> {
  const { rows } = await client.query<{ present: boolean }>(
    `select to_regclass('kernel.migration') is not null as present`,
  );
  if (rows[0]?.present !== true) return undefined;
  const applied = await client.query<AppliedMigration>(
    `select number, name, sha256 from kernel.migration order by number`,
  );
  return applied.rows;
}

/** A database that somebody else fills is left alone: a wrong DATABASE_URL must not cost data. */
async function refuseStranger(client: Client): Promise<Refused | undefined> {
  const { rows } = await client.query<{ database: string; relation: string | null }>(
    `select current_database() as database, (
       select format('%I.%I', n.nspname, c.relname)
       from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
       where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'
         and c.relkind in ('r', 'p', 'v', 'm', 'f')
         and not exists (select from pg_depend as d
           where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
       order by 1 limit 1) as relation`,
  );
  const { database, relation } = rows[0]!;
  if (relation === null) return undefined;
  return refused(
    'conflict',
    `The database "${database}" holds tables of something else (such as ${relation}). Let ` +
      'DATABASE_URL name an empty database.',
  );
}

/** Everything that 0001 builds on. Our own mark comes first: it tells a half-made database from a
 * stranger's. */
async function prepare(client: Client, config: ClientConfig): Promise<Outcome<void>> {
  const roles = await ensureRoles(client);
  if (!roles.ok) return roles;
  await client.query(`
    begin;
    create schema if not exists kernel;
    create table if not exists kernel.migration (
      number integer primary key,
      name text not null,
      sha256 text not null,
      applied_at timestamptz not null default now()
    );
    commit`);
  const pgPool = new Pool({ ...config, max: 1, connectionTimeoutMillis: 10_000 });
  pgPool.on('error', () => {});
  pgPool.on('connect', (one) => one.on('error', () => {}));
  try {
    await runMigrations({ pgPool });
  } finally {
    await pgPool.end();
  }
  return ok(undefined);
}

class MigrationFailed extends Error {}

async function apply(client: Client, file: MigrationFile): Promise<void> {
  try {
    await client.query('begin');
    await client.query(file.text);
    await client.query('insert into kernel.migration (number, name, sha256) values ($1, $2, $3)', [
      file.number,
      file.name,
      file.sha256,
    ]);
    await client.query('commit');
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    await client.query('rollback').catch(() => {});
    const before = file.text.slice(0, Number(error.position ?? 1) - 1);
    const line = error.position === undefined ? '' : ` line ${before.split('\n').length}`;
    const where = error.where === undefined ? '' : `, ${error.where.split('\n')[0]}`;
    const reason = `${error.message} (${error.code}${where})`;
    const message = `Migration ${file.name}.sql${line} failed and was undone: ${reason}.`;
    throw new MigrationFailed(message, { cause: error });
  }
}

function explain(error: unknown): Refused {
  const cause = error instanceof MigrationFailed ? error.cause : error;
  if (cause instanceof DatabaseError) {
    // The server went down under us: whoever started it can say why.
    if (/^57P0[12]$/.test(cause.code ?? '')) throw cause;
    const outside = explainOutside(cause);
    if (outside !== undefined) return outside;
  }
  if (error instanceof MigrationFailed) return refused('unavailable', error.message);
  const { code, message } = error as { code?: string; message: string };
  if (code === '42501') {
    return refused(
      'forbidden',
      'The login of DATABASE_URL may not create in that database. Let an administrator run: ' +
        'grant create on database <name> to <login>.',
    );
  }
  if (code === '55P03') {
    const reason = 'Something has held a lock that a migration needs for 30 s.';
    return refused('conflict', `${reason} Stop the other Tocsin processes and try again.`);
  }
  if (!(error instanceof DatabaseError) && code === undefined) throw error;
  const reason = message === '' ? code : message;
  return refused('unavailable', `The database does not answer: ${reason}. Check DATABASE_URL.`);
}
