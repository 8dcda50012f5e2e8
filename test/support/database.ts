/** A database of its own for each test file: a copy of one that all migrations have run on. */
import { createHash, randomBytes } from 'node:crypto';
import { Client, escapeLiteral, type ClientConfig, type PoolConfig } from 'pg';
import { openDatabase, type Database, type DatabaseRole, type Tx } from '#db/database.ts';
import { migrate } from '#db/migrate.ts';
import { readMigrations } from '#db/migration-files.ts';
import { sql } from '#db/sql.ts';
import { findTestServer, type TestServer } from './setup.ts';

export type Clone = {
  readonly owner: Database;
  readonly web: Database;
  readonly worker: Database;
  readonly sequencer: Database;
  /** As the owner of the tables: what graphile-worker's pool and `pg.Client` take. */
  readonly config: ClientConfig;
  /** As the superuser: for tests of the database itself. */
  readonly superuser: ClientConfig;
  /** Ends the pools and drops the database. Call it in `after`. */
  drop(): Promise<void>;
};

/** Any constant: only one process at a time makes the template. */
const TEMPLATE_LOCK = 7_428_001;
const TEMPLATES_MAX = 4;

/**
 * A copied database counts as restored, and would send nothing (P10). Before the migration that
 * makes the table, as in an empty database, there is nothing to say.
 */
const IS_NO_COPY = `do $$ begin
  if to_regclass('dispatch.continuity') is not null then
    update dispatch.continuity set database_id = dispatch.database_id();
  end if;
end $$`;

let server: Promise<TestServer> | undefined;

/** A fresh copy (30 ms). The server may be shared with other test files, the database is not. */
export async function cloneDatabase(): Promise<Clone> {
  return await makeDatabase(await ensureTemplate(await theServer()));
}

/** A database that nothing has happened to: for tests of migrating and restoring. */
export async function createEmptyDatabase(): Promise<Clone> {
  return await makeDatabase('template1');
}

async function theServer(): Promise<TestServer> {
  server ??= findTestServer();
  return await server;
}

async function makeDatabase(template: string): Promise<Clone> {
  const { superuser, configFor } = await theServer();
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await asSuperuser(
    superuser(),
    `create database ${name} template ${template} owner tocsin_owner strategy file_copy`,
  );
  await asSuperuser(superuser(name), IS_NO_COPY);
  const open = (role: DatabaseRole) => {
    // Forgotten pools do not keep the test process alive.
    const config: PoolConfig = { ...configFor(role, name), allowExitOnIdle: true };
    return openDatabase(config);
  };
  const [owner, web] = [open('tocsin_owner'), open('tocsin_web')];
  const [worker, sequencer] = [open('tocsin_worker'), open('tocsin_sequencer')];
  return {
    owner,
    web,
    worker,
    sequencer,
    config: configFor('tocsin_owner', name),
    superuser: superuser(name),
    async drop() {
      await Promise.all([owner, web, worker, sequencer].map((database) => database.end()));
      await asSuperuser(superuser(), `drop database if exists ${name} with (force)`);
    },
  };
}

/** The name of the template for the migrations as they are now; made by whoever comes first. */
async function ensureTemplate({ superuser, configFor }: TestServer): Promise<string> {
  const hashes = readMigrations().map((file) => file.sha256);
  const key = createHash('sha256').update(hashes.join()).digest('hex').slice(0, 12);
  const template = `template_tocsin_${key}`;
  const client = new Client(superuser());
  client.on('error', () => {});
  await client.connect();
  try {
    if (await isThere(client, template)) return template;
    await client.query(`select pg_advisory_lock(${TEMPLATE_LOCK})`);
    if (await isThere(client, template)) return template;
    const building = `building_${key}`;
    await client.query(`drop database if exists ${building} with (force)`);
    await client.query(`create database ${building} owner tocsin_owner strategy file_copy`);
    const migrated = await migrate({ config: configFor('tocsin_owner', building) });
    if (!migrated.ok) {
      const text = escapeLiteral(migrated.message);
      await client.query(`comment on database ${building} is ${text}`);
    }
    await client.query(`alter database ${building} rename to ${template}`);
    await dropOldTemplates(client);
    await isThere(client, template);
    return template;
  } finally {
    await client.end();
  }
}

/**
 * A migration that fails leaves a template with those before it, so that somebody else's unfinished
 * one does not stop every test; each test process says so, and src/db/migrate.test.ts fails.
 */
async function isThere(client: Client, template: string): Promise<boolean> {
  const { rows } = await client.query<{ failure: string | null }>(
    `select shobj_description(oid, 'pg_database') as failure from pg_database where datname = $1`,
    [template],
  );
  if (typeof rows[0]?.failure === 'string') console.error(rows[0].failure);
  return rows.length === 1;
}

/** A keeper sees many states of the migrations while somebody writes one. */
async function dropOldTemplates(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select datname as name from pg_database where datname like 'template\\_tocsin\\_%'
     order by oid desc offset ${TEMPLATES_MAX}`,
  );
  for (const { name } of rows) {
    // Somebody may be copying it in this moment; the next one to come drops it.
    await client.query(`drop database if exists ${name}`).catch(() => {});
  }
}

async function asSuperuser(config: ClientConfig, statement: string): Promise<void> {
  const client = new Client(config);
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Switches the guards of tables off until the transaction ends: who owns them could do it too. */
export async function withoutGuards(tx: Tx): Promise<void> {
  await tx.run(sql`do $$ declare guarded regclass; begin
    for guarded in select distinct tgrelid::regclass from pg_trigger where not tgisinternal loop
      execute format('alter table %s disable trigger user', guarded);
    end loop;
  end $$`);
}
