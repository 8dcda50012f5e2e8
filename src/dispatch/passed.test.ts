/** What moves a message without anybody’s act has an entry, which says how many and which (P9). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { sql, type Sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  release,
  rowsOf,
  seedNotify,
} from '../../test/support/dispatch.ts';
import { takeReceipts } from './inbox.ts';
import type { MessageState } from './model.ts';
import { endDone, endLeases, endUse } from './passed.ts';

const past = sql`now() - interval '1 second'`;
const owner = newId();
let db: Clone;

before(async () => {
  db = await cloneDatabase();
  await seedNotify(db.worker);
});
after(() => db.drop());

const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);

/** Two messages of one dispatch, both in that state. */
async function twoIn(state: MessageState, change: Sql): Promise<{ ids: string[]; of: string }> {
  const of = await makeDispatch(db.owner, { messages: 2 });
  await release(db.web, of);
  const ids = await db.owner.withActor(system('test'), async (tx) => {
    const rows = await rowsOf(tx, of);
    for (const { id } of rows) {
      await putInState(tx, id, state, { owner });
      await tx.run(sql`update dispatch.message set ${change} where id = ${id}`);
    }
    return rows.map(({ id }) => id);
  });
  return { ids, of };
}

async function entries(action: string): Promise<{ subject: string; detail: unknown }[]> {
  return await db.owner.withActor(system('test'), (tx) =>
    tx.rows(sql`select subject_kind || ' ' || subject_id as subject, detail from audit.entry
      where action = ${action}`),
  );
}

const hashOf = (ids: readonly string[], state: string) =>
  createHash('sha256')
    .update(
      ids
        .map((id) => `${id} ${state}`)
        .sort()
        .join('\n'),
    )
    .digest('hex');

describe('messages that move by themselves', () => {
  it('what receipts said, once', async () => {
    const { ids } = await twoIn('accepted', sql`due_at = ${past}`);
    const told = ids.map((messageId) => ({
      gatewayId: 'notify',
      messageId,
      attempt: 1,
      providerId: newId(),
      to: 'delivered' as const,
    }));
    for (let i = 0; i < 2; i++) await work((tx) => takeReceipts(tx, told));
    assert.deepEqual(await entries('messages.reported'), [
      { subject: 'gateway notify', detail: { delivered: 2, hash: hashOf(ids, 'delivered') } },
    ]);
  });

  it('leases that ended, once', async () => {
    const { ids } = await twoIn('claimed', sql`lease_until = ${past}`);
    for (let i = 0; i < 2; i++) await endLeases({ database: db.worker, owner }, 60_000);
    assert.deepEqual(await entries('messages.lease_ended'), [
      { subject: `worker ${owner}`, detail: { unknown: 2, hash: hashOf(ids, 'unknown') } },
    ]);
  });

  it('messages past their use, once', async () => {
    const { ids } = await twoIn('ready', sql`expires_at = ${past}`);
    for (let i = 0; i < 2; i++) await endUse({ database: db.worker, owner });
    assert.deepEqual(await entries('messages.expired'), [
      { subject: `worker ${owner}`, detail: { expired: 2, hash: hashOf(ids, 'expired') } },
    ]);
  });

  it('a dispatch that is through, once', async () => {
    const { of } = await twoIn('delivered', sql`due_at = ${past}`);
    for (let i = 0; i < 2; i++) await endDone({ database: db.worker, owner });
    const done = await entries('dispatch.done');
    assert.equal(done.filter(({ subject }) => subject === `dispatch ${of}`).length, 1);
  });
});
