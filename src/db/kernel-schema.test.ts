import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { nobody, system, type Actor } from '#kernel/actor.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import { sql } from './sql.ts';
import { enqueue } from './enqueue.ts';
import { violatedConstraint } from './database.ts';

const database = await cloneDatabase();
after(() => database.drop());

const contact: Actor = {
  kind: 'contact',
  id: 'c1',
  organisationIds: ['01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002'],
};

async function whoAmI(actor: Actor) {
  return await database.web.withActor(actor, (tx) =>
    tx.one(sql`select kernel.actor_kind() as kind, kernel.actor_id() as id,
      kernel.reach(), kernel.actor_organisations() as organisations`),
  );
}

test('each actor is known inside its own transaction and nowhere else', async () => {
  const centre = { kind: 'system', id: 'test', reach: 'centre', organisations: [] };
  assert.deepEqual(await whoAmI(system('test')), centre);
  const theirs = { kind: 'contact', id: 'c1', reach: 'organisation' };
  const organisations = contact.kind === 'contact' ? contact.organisationIds : [];
  assert.deepEqual(await whoAmI(contact), { ...theirs, organisations });
  const none = { kind: 'nobody', id: 'nobody', reach: 'nobody', organisations: [] };
  assert.deepEqual(await whoAmI(nobody), none);
});

test('ids are version 7, differ, and carry the time', async () => {
  const row = await database.web.withActor(nobody, (tx) =>
    tx.one<Record<string, unknown>>(sql`
      with made as materialized (
        select kernel.uuid_v7() as id, clock_timestamp() as at from generate_series(1, 10000))
      select count(distinct id) as ids,
        bool_and(substr(id::text, 15, 1) = '7' and substr(id::text, 20, 1) in ('8', '9', 'a', 'b'))
          as are_right,
        max(abs(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint
          - extract(epoch from at) * 1000))::int as apart_ms
      from made`),
  );
  assert.equal(row['ids'], 10_000);
  assert.equal(row['areRight'], true);
  assert.ok(Number(row['apartMs']) < 1000, `${String(row['apartMs'])} ms apart`);
});

test('a role that owns nothing adds jobs and cannot read them', async () => {
  await database.web.withActor(nobody, async (tx) => {
    await enqueue(tx, 'first', { id: 'a' }, { jobKey: 'one', runAt: new Date('2030-01-01') });
    await enqueue(tx, 'first', { id: 'b' }, { jobKey: 'one' });
  });
  const rows = await database.owner.withActor(nobody, (tx) =>
    tx.rows(sql`select key, task_identifier, run_at < '2030-01-01' as is_sooner
      from graphile_worker.jobs`),
  );
  assert.deepEqual(rows, [{ key: 'one', taskIdentifier: 'first', isSooner: true }]);
  const peek = database.worker.withActor(nobody, (tx) =>
    tx.rows(sql`select id from graphile_worker._private_jobs`),
  );
  await assert.rejects(peek, { code: '42501' });
});

test('a job of a transaction that fails does not exist', async () => {
  const failing = database.worker.withActor(nobody, async (tx) => {
    await enqueue(tx, 'never', {});
    throw new Error('on purpose');
  });
  await assert.rejects(failing, /on purpose/);
  const { count } = await database.owner.withActor(nobody, (tx) =>
    tx.one<{ count: number }>(
      sql`select count(*) from graphile_worker.jobs where task_identifier = 'never'`,
    ),
  );
  assert.equal(count, 0);
});

test('an installation is single and fixed; its passkey domain is set once', async () => {
  const run = (statement: ReturnType<typeof sql>) =>
    database.owner.withActor(nobody, (tx) => tx.run(statement));
  const insert = sql`insert into kernel.installation (id, kind, created_at)
    values (kernel.uuid_v7(), 'demonstration', now())`;
  await run(insert);
  await assert.rejects(run(insert), (error) => {
    assert.equal(violatedConstraint(error), 'installation_is_single');
    return true;
  });
  assert.equal(await run(sql`update kernel.installation set passkey_domain = 'a.example'`), 1);
  for (const forbidden of [
    sql`update kernel.installation set kind = 'live'`,
    sql`update kernel.installation set id = kernel.uuid_v7()`,
    sql`update kernel.installation set passkey_domain = 'b.example'`,
    sql`update kernel.installation set passkey_domain = null`,
    sql`delete from kernel.installation`,
    sql`truncate kernel.installation`,
  ]) {
    await assert.rejects(run(forbidden), { code: '23001' });
  }
});

test('ids drawn as one batch are uuids of version 7, all different, in order of their number', async () => {
  const { ids, versions, sorted } = await database.owner.withActor(nobody, (tx) =>
    tx.one<{ ids: number; versions: string[]; sorted: boolean }>(sql`
      with batch as (select kernel.uuid_v7()::text as id),
        drawn as (select n, kernel.uuid_v7_of_batch(batch.id, n) as id
          -- Over the borders of the counter's low and high part.
          from batch, unnest(array[0, 1, 16383, 16384, 16385, 67108863]::bigint[]) n)
      select count(distinct drawn.id) as ids,
        array_agg(distinct substr(drawn.id::text, 15, 1) || substr(drawn.id::text, 20, 1) in
          ('78', '79', '7a', '7b'))::text[] as versions,
        array_agg(drawn.id order by drawn.id) = array_agg(drawn.id order by drawn.n) as sorted
      from drawn`),
  );
  assert.deepEqual({ ids, versions, sorted }, { ids: 6, versions: ['true'], sorted: true });
});
