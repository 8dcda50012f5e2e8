import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLog } from '#log.ts';
import { system } from '#kernel/actor.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { sql } from './sql.ts';
import { startTasks } from './tasks.ts';

let db: Clone;
before(async () => void (db = await cloneDatabase()));
after(async () => await db.drop());

const start = async () =>
  await startTasks(db.config, { hourly: async () => {} }, createLog({ level: 'silent' }));

test('a clock that ran ahead keeps nothing from being done by the clock afterwards', async () => {
  await (await start()).stop();
  const setLast = async (ago: string) =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.rows(sql`
        update graphile_worker._private_known_crontabs
        set last_execution = now() - ${ago}::interval returning identifier`),
    );
  const isKnown = async () =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ identifier: string }>(sql`
        select identifier from graphile_worker._private_known_crontabs
        where last_execution is not null`),
    );
  assert.equal((await setLast('1 hour')).length, 1);
  await (await start()).stop();
  assert.equal((await isKnown()).length, 1, 'what was done stays done');
  await setLast('-1 day');
  await (await start()).stop();
  assert.equal((await isKnown()).length, 0);
});
