/** Several dispatches to the same numbers: no number gets more than its share within its time. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { release, seedNotify } from '../../test/support/dispatch.ts';
import { planDispatch } from './actions.ts';

const actor = system('test');
const HOUR_MS = 3_600_000;

describe('spacing', () => {
  let db: Clone;
  const [busy, idle] = [newId(), newId()];

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  /** A released dispatch to these numbers: two texts an hour to each, of use for so long. */
  async function send(points: string[], expiresAfterMs: number, channel = 'text') {
    const id = newId();
    await db.owner.withActor(actor, async (tx) => {
      await planDispatch(tx, {
        id,
        label: 'Test',
        lane: 1,
        exercise: false,
        expiresAfterMs,
        receiptAsksMs: [120_000],
        uncertainAfterMs: 300_000,
        perNumber: { most: 2, withinMs: HOUR_MS },
        rounds: [{ round: 1, opensAfterMs: 0 }],
      });
      await tx.run(sql`
        insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
          channel, round, rank, code, body, address_sealed)
        select kernel.uuid_v7(), ${id}, point, point, ${channel}, 1, 1, '4821', 'x', 'x'
        from unnest(${points}::uuid[]) point`);
    });
    await release(db.web, id);
    return await db.owner.withActor(actor, (tx) =>
      tx.rows<{ point: string; state: string; code: string | null; minutes: number }>(sql`
        select contact_point_id as point, state, failure_code as code,
          round(extract(epoch from due_at - now()) / 60)::int as minutes
        from dispatch.message where dispatch_id = ${id}`),
    );
  }

  const age = (minutes: number) =>
    db.owner.withActor(actor, async (tx) => {
      await tx.run(sql`update dispatch.message
        set due_at = due_at - ${minutes} * interval '1 minute'`);
      await tx.run(sql`update dispatch.round
        set opened_at = opened_at - ${minutes} * interval '1 minute'`);
    });

  it('lets go what is within the share, puts off the next, suppresses what would be too late', async () => {
    assert.deepEqual((await send([busy], 4 * HOUR_MS))[0]!.minutes, 0);
    await age(20);
    assert.deepEqual((await send([busy], 4 * HOUR_MS))[0]!.minutes, 0);
    await age(10);
    // The first of the two is half an hour old: in another half hour there is room.
    const third = await send([busy, idle], 4 * HOUR_MS);
    const of = (point: string) => third.find((row) => row.point === point)!;
    assert.deepEqual(of(idle), { point: idle, state: 'ready', code: null, minutes: 0 });
    assert.deepEqual(of(busy), { point: busy, state: 'ready', code: 'number_limit', minutes: 30 });
    // What waits counts too: the fourth comes an hour after the second.
    assert.deepEqual((await send([busy], 4 * HOUR_MS))[0]!.minutes, 50);
    const late = await send([busy], HOUR_MS / 4);
    assert.deepEqual([late[0]!.state, late[0]!.code], ['suppressed', 'number_limit']);
    const mail = await send([busy], HOUR_MS, 'mail');
    assert.deepEqual([mail[0]!.state, mail[0]!.minutes], ['ready', 0], 'mail has no such limit');
  });

  it('what was never sent takes no share', async () => {
    await age(120);
    const other = newId();
    await send([other], HOUR_MS);
    await send([other], HOUR_MS);
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now()
        where contact_point_id = ${other}`),
    );
    const third = await send([other], HOUR_MS);
    assert.deepEqual([third[0]!.state, third[0]!.code], ['ready', null]);
  });
});
