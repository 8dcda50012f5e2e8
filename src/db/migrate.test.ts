import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { Client } from 'pg';
import type { Outcome } from '#kernel/outcome.ts';
import { cloneDatabase, createEmptyDatabase } from '../../test/support/database.ts';
import { dumpSchema } from './dump-schema.ts';
import { MIGRATIONS_FOLDER, readMigrations, refuseHistory } from './migration-files.ts';
import { migrate } from './migrate.ts';
import { configFromUrl, ensureRoles } from './roles.ts';

const database = await createEmptyDatabase();
const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-migrations-'));
after(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});
const { config } = database;

function write(name: string, text: string): void {
  writeFileSync(path.join(folder, `${name}.sql`), text);
}

function message(outcome: Outcome<unknown>): string {
  return outcome.ok ? 'it worked' : outcome.message;
}

async function as<T>(settings: typeof config, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(settings);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

beforeEach(async () => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  await as(database.superuser, async (client) => {
    const { rows } = await client.query<{ schema: string }>(
      `select quote_ident(nspname) as schema from pg_namespace
       where nspname !~ '^pg_' and nspname <> 'information_schema'`,
    );
    for (const { schema } of rows) await client.query(`drop schema ${schema} cascade`);
    await client.query('create schema public');
  });
});

test('all our migrations run on an empty database, once', async () => {
  const names = readMigrations().map((file) => file.name);
  assert.deepEqual(await migrate({ config, check: true }), { ok: true, value: { names } });
  assert.deepEqual(await migrate({ config }), { ok: true, value: { names } });
  assert.deepEqual(await migrate({ config }), { ok: true, value: { names: [] } });
});

test('processes that start at once migrate once', async () => {
  write('0001_a', 'create schema a; select pg_sleep(0.05)');
  const outcomes = await Promise.all([1, 2, 3].map(() => migrate({ config, folder })));
  const counts = outcomes.map((outcome) => (outcome.ok ? outcome.value.names.length : -1));
  assert.deepEqual(
    [...counts].sort((a, b) => a - b),
    [0, 0, 1],
  );
});

test('a failing migration leaves nothing and names its line; mended, it runs', async () => {
  write('0001_a', 'create schema a;');
  write('0002_b', 'create table a.b (id int);\n\nselect wrong from a.b;');
  const failed = message(await migrate({ config, folder }));
  assert.match(failed, /^Migration 0002_b\.sql line 3 failed and was undone: column "wrong"/);
  write('0002_b', 'create table a.b (id int);');
  assert.deepEqual(await migrate({ config, folder }), { ok: true, value: { names: ['0002_b'] } });
});

test('a changed migration is refused', async () => {
  write('0001_a', 'create schema a;');
  await migrate({ config, folder });
  write('0001_a', 'create schema a; -- changed');
  assert.match(message(await migrate({ config, folder })), /0001_a\.sql is not the one that made/);
});

test('the line ends of another system change nothing', async () => {
  write('0001_a', 'create schema a;\nselect 1;\n');
  await migrate({ config, folder });
  write('0001_a', 'create schema a;\r\nselect 1;\r\n');
  assert.equal((await migrate({ config, folder })).ok, true);
});

test('a database of a newer Tocsin is refused, and not touched by a check either', async () => {
  write('0001_a', 'create schema a;');
  write('0002_b', 'select 1;');
  await migrate({ config, folder });
  rmSync(path.join(folder, '0002_b.sql'));
  for (const check of [true, false]) {
    const text = message(await migrate({ config, folder, check }));
    assert.match(text, /made by a newer Tocsin: it has migration 0002_b/);
  }
});

test('a migration slipped in before, and one whose file is gone, are refused', () => {
  const file = (number: number) => ({ number, name: `000${number}_x`, text: '', sha256: 'x' });
  const refusal = (applied: number[], files: number[]) =>
    refuseHistory(applied.map(file), files.map(file))?.message ?? 'fine';
  assert.match(refusal([1, 3], [1, 2, 3]), /0002_x is not in the database although later/);
  assert.match(refusal([1, 2, 3], [1, 3]), /0002_x made this database, and its file is missing/);
  assert.equal(refusal([1], [1, 2]), 'fine');
});

test('a database of somebody else is refused and left alone', async () => {
  await as(config, (client) => client.query('create schema a; create table a.theirs (id int)'));
  const text = message(await migrate({ config, folder }));
  assert.match(text, /holds tables of something else \(such as a\.theirs\)/);
  const { rows } = await as(config, (client) =>
    client.query(`select from pg_namespace where nspname = 'kernel'`),
  );
  assert.equal(rows.length, 0);
});

test('a server that is not there is one sentence', async () => {
  const text = message(await migrate({ config: { host: '127.0.0.1', port: 1 } }));
  assert.match(text, /^The database does not answer: .*ECONNREFUSED.* Check DATABASE_URL\.$/);
});

test('a login that may not make roles gets the SQL for its administrator', async () => {
  const { host, database: name } = config;
  const url = `postgresql://stranger@localhost/${name}?host=${encodeURIComponent(host!)}`;
  await as(database.superuser, async (client) => {
    await client.query('drop role if exists stranger');
    await client.query(`create role stranger login; grant all on database ${name} to stranger`);
  });
  const owner = configFromUrl(url, 'tocsin_owner');
  write('0001_a', 'create schema a; grant usage on schema a to tocsin_web;');
  const run = (statement: string) => as(database.superuser, (client) => client.query(statement));
  // All three are there, so that none is to be made; one is granted already.
  await run('grant tocsin_worker to stranger');
  const asked = message(await migrate({ config: owner, folder }));
  const grant = 'grant tocsin_web, tocsin_sequencer to stranger;';
  assert.equal(
    asked,
    'The login of DATABASE_URL lacks the roles tocsin_web, tocsin_sequencer and may not take ' +
      `them. Let an administrator of that server run: ${grant}`,
  );
  await run(grant);
  assert.deepEqual(await migrate({ config: owner, folder }), {
    ok: true,
    value: { names: ['0001_a'] },
  });
  const { rows } = await as(configFromUrl(url, 'tocsin_web'), (client) =>
    client.query('select current_user::text, session_user::text'),
  );
  assert.deepEqual(rows, [{ current_user: 'tocsin_web', session_user: 'stranger' }]);
  await as(database.superuser, (client) => client.query('drop owned by stranger cascade'));
});

test('of roles that are to be made, only those that the server lacks are named', async () => {
  const standing = { login: 'stranger', mayMake: false, stepsDown: true };
  const present = ['tocsin_web', 'tocsin_worker'];
  const server = { query: async () => ({ rows: [{ ...standing, present, usable: present }] }) };
  const asked = message(await ensureRoles(server as unknown as Client));
  assert.match(asked, / lacks the roles tocsin_sequencer and may not make them\. /);
  const statements = 'create role tocsin_sequencer nologin; grant tocsin_sequencer to stranger;';
  assert.equal(asked.split(' run: ')[1], statements);
});

test('no migration names its login: DATABASE_URL may bring another', () => {
  const files = readdirSync(MIGRATIONS_FOLDER).filter((name) => /^\d{4}_/.test(name));
  assert.ok(files.length > 0);
  for (const name of files) {
    const text = readFileSync(path.join(MIGRATIONS_FOLDER, name), 'utf8');
    assert.doesNotMatch(text, /tocsin_owner/, `${name}: say current_user`);
  }
});

test('migrations/schema.sql shows the schema as the migrations make it', async () => {
  const clone = await cloneDatabase();
  const dump = await as(clone.config, dumpSchema);
  await clone.drop();
  const file = path.join(MIGRATIONS_FOLDER, 'schema.sql');
  const same = readFileSync(file, 'utf8') === dump;
  assert.ok(same, 'it does not: run node scripts/write-schema.ts and review the difference');
});
