import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { openDatabase } from './database.ts';
import { configFromUrl } from './roles.ts';
import { sql } from './sql.ts';

let clone: Clone;

before(async () => {
  clone = await cloneDatabase();
});

after(async () => {
  await clone.drop();
});

test('a server that does not answer is waited for once, and the next one is asked anew', async () => {
  const database = openDatabase({ ...clone.config, query_timeout: 2_000 });
  const asked = (seconds: number) =>
    database.withActor(system('test'), (tx) => tx.run(sql`select pg_sleep(${seconds})`));
  const from = performance.now();
  await assert.rejects(asked(9), /Query read timeout/);
  const waited = performance.now() - from;
  assert.ok(waited < 3_500, `${waited} ms: the rollback waited as long again`);
  assert.equal(await asked(0), 1);
  await database.end();
});

test('a statement may be given longer than the others, and no other one of its transaction', async () => {
  const limits = { statement_timeout: 200, query_timeout: 300 };
  const database = openDatabase({ ...clone.config, ...limits });
  const nap = sql`select pg_sleep(0.5)`;
  await database.withActor(system('test'), (tx) => tx.run(nap, { withinMs: 5_000 }));
  const twice = database.withActor(system('test'), async (tx) => {
    await tx.run(nap, { withinMs: 5_000 });
    await tx.run(nap);
  });
  await assert.rejects(twice, /statement timeout/);
  await database.end();
});

test('commits wait for the disk of this server and for no other, whatever the site has set', async () => {
  const url = configFromUrl('postgres://login@server/tocsin', 'tocsin_web').options;
  assert.match(String(url), / -c synchronous_commit=local /);
  for (const database of [clone.owner, clone.web, clone.worker]) {
    const { setting } = await database.withActor(system('test'), (tx) =>
      tx.one<{ setting: string }>(sql`
        select current_setting('synchronous_commit') as setting`),
    );
    assert.equal(setting, 'local', 'the server of the tests has it off');
  }
});
