import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  release,
  rowsOf,
  seedNotify,
  type Row,
} from '../../test/support/dispatch.ts';
import type { AttemptClass, MessageState } from './model.ts';
import { applyReceipts } from './store-inbox.ts';
import { moveDispatch } from './store-plan.ts';
import {
  adoptMessages,
  requeueMessages,
  setNextChecks,
  setNextReceiptAsks,
} from './store-check.ts';
import {
  claimMessages,
  endDispatches,
  expireLeases,
  settleMessages,
  type Settlement,
} from './store-send.ts';

describe('settling', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);
  const rowOf = async (id: string) =>
    await work((tx) =>
      tx.one<Row & { dueInS: number; checkInS: number | null; accepted: boolean; final: boolean }>(
        sql`select id, state, attempt, absences, provider_id, failure_code, lease_owner,
          extract(epoch from due_at - now())::float as due_in_s,
          extract(epoch from check_at - now())::float as check_in_s,
          accepted_at is not null as accepted, final_at is not null as final
          from dispatch.message where id = ${id}`,
      ),
    );
  const endsOf = (id: string) =>
    work((tx) =>
      tx.rows<{ number: number; class: AttemptClass; code: string | null }>(sql`
        select number, class, code from dispatch.attempt_end where message_id = ${id}
        order by number`),
    );

  /** One message that `owner` has claimed. */
  async function claimed(owner: string): Promise<string> {
    const id = await makeDispatch(db.owner, { messages: 1 });
    await release(db.web, id);
    const [message] = await work((tx) =>
      claimMessages(tx, {
        gatewayId: 'notify',
        channel: 'text',
        owner,
        leaseMs: 60_000,
        most: 1,
      }),
    );
    assert.equal(message?.dispatchId, id);
    return message.id;
  }

  const end = (id: string, change: Partial<Settlement> = {}): Settlement => ({
    id,
    epoch: 1,
    attempt: 1,
    class: 'accepted',
    code: null,
    providerId: newId(),
    againInMs: 60_000,
    ...change,
  });
  const settle = (owner: string, ...batch: Settlement[]) =>
    work((tx) => settleMessages(tx, owner, batch));

  const classes: [AttemptClass, MessageState, 'due' | 'check' | 'final'][] = [
    ['accepted', 'accepted', 'check'],
    ['rejected', 'rejected', 'final'],
    ['not_sent', 'ready', 'due'],
    ['unknown', 'unknown', 'check'],
  ];
  for (const [name, state, timer] of classes) {
    it(`${name}: ${state}, with a timer or an end (P3)`, async () => {
      const owner = newId();
      const id = await claimed(owner);
      const code = name === 'accepted' ? null : 'some code';
      const providerId = name === 'accepted' ? newId() : null;
      assert.deepEqual(await settle(owner, end(id, { class: name, code, providerId })), [id]);
      const row = await rowOf(id);
      assert.deepEqual(
        [row.state, row.leaseOwner, row.providerId, row.failureCode],
        [state, null, providerId, code],
      );
      const about60 = (seconds: number | null) => seconds !== null && seconds > 50 && seconds <= 60;
      assert.equal(about60(row.dueInS), timer === 'due');
      assert.equal(about60(row.checkInS), timer === 'check');
      assert.equal(row.final, timer === 'final');
      assert.equal(row.accepted, name === 'accepted');
      assert.deepEqual(await endsOf(id), [{ number: 1, class: name, code }]);
    });
  }

  it('by another owner changes nothing, but its end is kept', async () => {
    const id = await claimed(newId());
    assert.deepEqual(await settle(newId(), end(id)), []);
    assert.equal((await rowOf(id)).state, 'claimed');
    assert.deepEqual(await endsOf(id), [{ number: 1, class: 'accepted', code: null }]);
  });

  it('of an earlier attempt changes nothing, but its end is kept', async () => {
    const owner = newId();
    const id = await claimed(owner);
    await settle(owner, end(id, { class: 'not_sent', code: 'x', providerId: null, againInMs: 0 }));
    // The same worker claims it again; an end of attempt 1 comes a second time, and differs.
    await work((tx) =>
      claimMessages(tx, { gatewayId: 'notify', channel: 'text', owner, leaseMs: 60_000, most: 1 }),
    );
    assert.deepEqual(await settle(owner, end(id, { class: 'rejected', code: 'late' })), []);
    const row = await rowOf(id);
    assert.deepEqual([row.state, row.attempt], ['claimed', 2]);
    assert.deepEqual(await endsOf(id), [{ number: 1, class: 'not_sent', code: 'x' }]);
    assert.deepEqual(await settle(owner, end(id, { attempt: 2 })), [id]);
  });

  it('after the lease was taken away changes nothing', async () => {
    const owner = newId();
    const id = await claimed(owner);
    await work(async (tx) => {
      await tx.run(sql`update dispatch.message set lease_until = now() where id = ${id}`);
    });
    assert.deepEqual(await work((tx) => expireLeases(tx, 35_000)), [{ id, state: 'unknown' }]);
    assert.deepEqual(await settle(owner, end(id)), []);
    const row = await rowOf(id);
    assert.deepEqual([row.state, row.failureCode], ['unknown', 'lease_ended']);
    assert.ok(row.checkInS! > 30 && row.checkInS! <= 35, 'quiet from the end of the lease');
  });

  it('twice is settled once', async () => {
    const owner = newId();
    const id = await claimed(owner);
    const settlement = end(id);
    assert.deepEqual(await settle(owner, settlement), [id]);
    assert.deepEqual(await settle(owner, settlement), []);
    assert.equal((await endsOf(id)).length, 1);
  });

  it('a receipt that came first wins over every end', async () => {
    for (const [name] of classes) {
      const owner = newId();
      const id = await claimed(owner);
      const receipt = {
        gatewayId: 'notify',
        messageId: id,
        attempt: 1,
        providerId: 'from receipt',
      };
      const moved = await work((tx) => applyReceipts(tx, [{ ...receipt, to: 'delivered' }]));
      assert.deepEqual(moved, [{ id, state: 'delivered' }]);
      assert.deepEqual(await settle(owner, end(id, { class: name })), []);
      const row = await rowOf(id);
      assert.deepEqual([row.state, row.providerId], ['delivered', 'from receipt']);
      assert.equal((await endsOf(id))[0]!.class, name);
    }
  });

  it('a batch moves each of its own, whatever the others are', async () => {
    const owner = newId();
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await claimed(owner));
    const foreign = await claimed(newId());
    const batch = ids.map((id, i) => end(id, { class: classes[i]![0] }));
    // One whose claim the database lost (a promoted replica) must not hold up the others.
    const lost = end(newId(), { attempt: 9 });
    assert.deepEqual((await settle(owner, ...batch, end(foreign), lost)).sort(), ids.sort());
  });

  describe('a message that surely did not leave', () => {
    it('goes back while its dispatch stands still, and is cancelled with it', async () => {
      for (const [to, state] of [
        ['paused', 'ready'],
        ['cancelled', 'cancelled'],
      ] as const) {
        const owner = newId();
        const id = await claimed(owner);
        await work(async (tx) => {
          const { dispatchId } = await tx.one<{ dispatchId: string }>(
            sql`select dispatch_id from dispatch.message where id = ${id}`,
          );
          const reason = to === 'paused' ? 'test' : null;
          await moveDispatch(tx, { id: dispatchId, from: ['sending'], to, reason });
        });
        await settle(owner, end(id, { class: 'not_sent', code: 'called_off', providerId: null }));
        assert.equal((await rowOf(id)).state, state);
      }
    });
  });

  describe('a look-up', () => {
    async function unknown(attempt = 1): Promise<string> {
      const dispatchId = await makeDispatch(db.owner, { messages: 1 });
      await release(db.web, dispatchId);
      return await db.owner.withActor(system('test'), async (tx) => {
        const [row] = await rowsOf(tx, dispatchId);
        await putInState(tx, row!.id, 'unknown', { owner: newId() });
        await tx.run(sql`update dispatch.message set attempt = ${attempt} where id = ${row!.id}`);
        return row!.id;
      });
    }

    it('puts back what is absent, keeping its attempt number for the next', async () => {
      const id = await unknown();
      const absent = [{ id, attempt: 1 }];
      assert.deepEqual(await work((tx) => requeueMessages(tx, absent)), [id]);
      const row = await rowOf(id);
      assert.deepEqual([row.state, row.attempt, row.checkInS], ['ready', 1, null]);
      assert.ok(row.dueInS <= 0);
      assert.deepEqual(await work((tx) => requeueMessages(tx, absent)), []);
    });

    it('that comes late says nothing of the next attempt (P2)', async () => {
      // Asked for attempt 1; meanwhile attempt 2 was made, and is unknown too.
      const id = await unknown(2);
      const asked = { id, attempt: 1 };
      const adopted = { ...asked, foundAttempt: 1, providerId: 'p' };
      assert.deepEqual(await work((tx) => requeueMessages(tx, [asked])), []);
      assert.deepEqual(await work((tx) => adoptMessages(tx, [adopted])), []);
      await work((tx) => setNextChecks(tx, [{ ...asked, inMs: 1, absences: 1 }]));
      const row = await rowOf(id);
      assert.deepEqual([row.state, row.attempt, row.absences], ['unknown', 2, 0]);
      assert.ok(row.checkInS! > 50);
    });

    it('that told nothing is made again when it was said', async () => {
      const id = await unknown();
      await work((tx) => setNextChecks(tx, [{ id, attempt: 1, inMs: 15_000, absences: 1 }]));
      const row = await rowOf(id);
      assert.equal(row.absences, 1);
      assert.ok(row.checkInS! > 14 && row.checkInS! <= 15);
    });

    it('for a receipt comes at the times of the dispatch, then seldom, for a week', async () => {
      const id = await unknown();
      const askedAfter = async (minutes: number) => {
        await db.owner.withActor(system('test'), async (tx) => {
          await putInState(tx, id, 'accepted', { owner: newId() });
          await tx.run(sql`update dispatch.message
            set accepted_at = now() - ${minutes} * interval '1 minute' where id = ${id}`);
        });
        await work((tx) => setNextReceiptAsks(tx, [{ id, attempt: 1 }]));
        const { checkInS } = await rowOf(id);
        return checkInS === null ? null : Math.round(checkInS / 60);
      };
      // The scene asks after 2, 5, 10 and 30 minutes.
      assert.deepEqual(
        [await askedAfter(0), await askedAfter(2), await askedAfter(6), await askedAfter(10)],
        [2, 3, 4, 20],
      );
      const day = 24 * 60;
      assert.deepEqual(
        [
          await askedAfter(15),
          await askedAfter(30),
          await askedAfter(60),
          await askedAfter(3 * day),
        ],
        [15, 30, 60, day],
      );
      assert.deepEqual([await askedAfter(6.5 * day), await askedAfter(7 * day)], [day / 2, null]);
    });
  });

  it('a dispatch ends when its rounds are open and nothing is under way', async () => {
    const id = await makeDispatch(db.owner, { messages: 2, laterRoundsMs: [3_600_000] });
    await release(db.web, id);
    const state = () =>
      work(async (tx) => {
        await endDispatches(tx);
        const query = sql`select state from dispatch.dispatch where id = ${id}`;
        return (await tx.one<{ state: string }>(query)).state;
      });
    const put = (to: MessageState) =>
      db.owner.withActor(system('test'), async (tx) => {
        for (const row of await rowsOf(tx, id))
          await putInState(tx, row.id, to, { owner: newId() });
      });
    await put('delivered');
    assert.equal(await state(), 'sending', 'a round is still to open');
    await work((tx) => tx.run(sql`update dispatch.round set opened_at = now()`));
    for (const open of ['held', 'ready', 'claimed', 'unknown'] as const) {
      await put(open);
      assert.equal(await state(), 'sending', open);
    }
    await put('accepted');
    assert.equal(await state(), 'done');
  });
});
