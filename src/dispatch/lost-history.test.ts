/** What lost history does to the messages: what was found, what nobody can say, what must wait. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  release,
  rowsOf,
  seedNotify,
  statesOf,
} from '../../test/support/dispatch.ts';
import { adopt } from './adopt.ts';
import type { MessageState } from './model.ts';
import { resumeAfterRestore, type Resumption } from './resume.ts';
import { claimChecks, requeueMessages } from './store-check.ts';
import type { SightedText } from './store-continuity.ts';
import { upsertGateway } from './store-gateway.ts';
import { readHold } from './store-resume.ts';
import { cancelLeftovers, expireMessages, markCleared, settleMessages } from './store-send.ts';
import { spaceMessages } from './store-space.ts';
import { applyRiskDecisions, insertRiskDecision } from './store-uncertain.ts';

const OWNER = newId();

describe('messages after lost history', () => {
  let db: Clone;

  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);
  const put = (what: Sql) => own((tx) => tx.run(sql`update dispatch.continuity set ${what}`));
  const held = sql`held_since = now(), held_start = pg_postmaster_start_time(),
    held_reason = 'test'`;
  const resume = (wish: Partial<Resumption>) =>
    db.worker.attempt(system('test'), (tx) =>
      resumeAfterRestore(tx, {
        reason: 'test',
        inDoubt: 'treat_as_sent',
        unread: 'refuse',
        ...wish,
      }),
    );

  const giveBack = (ids: readonly string[]) =>
    work((tx) =>
      settleMessages(
        tx,
        OWNER,
        ids.map((id) => ({
          id,
          epoch: 1,
          attempt: 1,
          class: 'not_sent',
          code: 'history_in_doubt',
          providerId: null,
          againInMs: 0,
        })),
      ),
    );

  /** A released dispatch of so many texts, one in each of these states after attempt 1. */
  async function inStates(...states: MessageState[]): Promise<{ id: string; ids: string[] }> {
    const id = await makeDispatch(db.owner, { messages: states.length });
    await release(db.web, id);
    const ids = (await own((tx) => rowsOf(tx, id))).map((row) => row.id);
    await own(async (tx) => {
      for (const [i, state] of states.entries())
        await putInState(tx, ids[i]!, state, { owner: OWNER });
    });
    return { id, ids };
  }

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  beforeEach(async () => {
    await own(async (tx) => {
      await tx.run(sql`update dispatch.dispatch set state = 'cancelled'
        where state in ('sending', 'paused', 'held') and lane > 0 and pause_reason is null`);
      await tx.run(sql`update dispatch.continuity set held_since = null, held_start = null,
        held_reason = null, looked_at = null, read_gateways = '{}', read_from = null`);
    });
  });

  describe('an attempt after the one that is known may be among what was lost', () => {
    const addBlind = () =>
      work((tx) =>
        upsertGateway(tx, {
          id: 'blind',
          kind: 'notify',
          channel: 'text',
          bucket: { id: 'notify', ratePerSecond: 1e6, burst: 1e6 },
          canBeAsked: false,
          takesReplies: true,
          settingsSealed: Buffer.from(''),
          callbackTokenHash: null,
        }),
      );
    const absentTwice = (ids: readonly string[]) =>
      work((tx) =>
        requeueMessages(
          tx,
          ids.map((id) => ({ id, attempt: 1 })),
        ),
      );
    it('not where every gateway was read: then a look-up tells', async () => {
      const { id, ids } = await inStates('claimed', 'unknown');
      await put(sql`${held}, looked_at = now(), read_gateways = '{notify}'`);
      assert.equal((await own(readHold)).inDoubt, 0);
      assert.ok((await resume({})).ok);
      assert.deepEqual(await statesOf(db.owner, id), { claimed: 1, unknown: 1 });
      assert.equal((await absentTwice(ids)).length, 1);
      assert.equal((await giveBack(ids)).length, 1);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 2 });
    });

    for (const [name, unread, reading] of [
      ['by a gateway without a list', 'refuse', sql`looked_at = now(), read_gateways = '{notify}'`],
      ['by one that was not read', 'accept', sql`looked_at = null`],
    ] as const)
      it(`${name}: treated as sent it does not go again`, async () => {
        await addBlind();
        const { id, ids } = await inStates('claimed', 'unknown', 'ready', 'accepted');
        await put(sql`${held}, ${reading}`);
        assert.equal((await own(readHold)).inDoubt, 3);
        assert.ok((await resume({ unread })).ok);
        assert.deepEqual(await statesOf(db.owner, id), { uncertain_closed: 3, accepted: 1 });
        assert.deepEqual([await absentTwice(ids), await giveBack(ids)], [[], []]);
      });

    it('by a gateway without a list: what a person sends again is looked up first', async () => {
      await addBlind();
      const { id } = await inStates('claimed', 'unknown', 'ready');
      await put(sql`${held}, looked_at = now(), read_gateways = '{notify}'`);
      assert.ok((await resume({ inDoubt: 'send_again' })).ok);
      assert.deepEqual(await statesOf(db.owner, id), { claimed: 1, unknown: 1, ready: 1 });
    });
  });

  describe('what a provider only has as created may be deleted again', () => {
    const texts = (ids: readonly string[], attempt: number, status: string) =>
      ids.map((messageId) => ({
        messageId,
        epoch: 1,
        attempt,
        reference: `${messageId}-${attempt}`,
        providerId: newId(),
        status,
        createdAt: new Date(),
      }));
    const found = (sighted: readonly SightedText[]) => work((tx) => adopt(tx, 'notify', sighted));

    it('it is looked up, and goes again once it is absent', async () => {
      const { id, ids } = await inStates('ready', 'claimed', 'unknown');
      await put(held);
      assert.equal(await found(texts(ids, 2, 'created')), 3);
      assert.deepEqual(await statesOf(db.owner, id), { unknown: 3 });
      assert.ok((await resume({ unread: 'accept', inDoubt: 'send_again' })).ok);
      const due = await work((tx) =>
        claimChecks(tx, { gatewayIds: ['notify'], gapMs: 15_000, most: 50 }),
      );
      assert.deepEqual(
        due.filter((check) => ids.includes(check.id)).map(({ epoch, attempt }) => [epoch, attempt]),
        [
          [1, 2],
          [1, 2],
          [1, 2],
        ],
      );
      const absent = ids.map((one) => ({ id: one, attempt: 2 }));
      assert.equal((await work((tx) => requeueMessages(tx, absent))).length, 3);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 3 });
    });

    it('of several the one that is sent counts', async () => {
      const { id, ids } = await inStates('ready');
      await put(held);
      await found([...texts(ids, 2, 'created'), ...texts(ids, 3, 'sending')]);
      assert.deepEqual(await statesOf(db.owner, id), { accepted: 1 });
      const [row] = await own((tx) => rowsOf(tx, id));
      assert.equal(row!.attempt, 3);
    });

    it('what is looked up is the attempt of the newest epoch', async () => {
      const { ids } = await inStates('unknown', 'unknown');
      await own((tx) =>
        tx.run(sql`insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner,
            claimed_at)
          select id, epoch, 1, 'notify', ${OWNER}, now() - interval '1 hour'
          from unnest(${ids}::uuid[]) id, unnest('{3,2}'::int[]) epoch`),
      );
      await own((tx) =>
        tx.run(sql`update dispatch.message set check_at = now()
        where id = any(${ids}::uuid[])`),
      );
      const due = await work((tx) =>
        claimChecks(tx, { gatewayIds: ['notify'], gapMs: 15_000, most: 50 }),
      );
      assert.deepEqual(
        due.filter((check) => ids.includes(check.id)).map(({ epoch }) => epoch),
        [3, 3],
      );
    });

    it('believed to be held it counts as accepted: it has no words yet to go again with', async () => {
      const { id, ids } = await inStates('held');
      await put(held);
      await found(texts(ids, 2, 'created'));
      assert.deepEqual(await statesOf(db.owner, id), { accepted: 1 });
    });
  });

  // As a worker does that stood still in its beat while a replica was promoted.
  describe('nothing counts as never sent while history is held, whatever a beat had begun', () => {
    const hold = () => put(held);
    const whole = () => put(sql`held_since = null, held_start = null, held_reason = null`);

    it('what is too old', async () => {
      const { id } = await inStates('ready', 'unknown');
      await own((tx) =>
        tx.run(sql`update dispatch.message set expires_at = now() where dispatch_id = ${id}`),
      );
      await hold();
      assert.deepEqual(await work(expireMessages), []);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 1, unknown: 1 });
      await whole();
      await work(expireMessages);
      assert.deepEqual(await statesOf(db.owner, id), { expired: 1, uncertain_closed: 1 });
    });

    it('what is given back of a dispatch that was called off', async () => {
      const { id, ids } = await inStates('claimed');
      await own((tx) =>
        tx.run(sql`update dispatch.dispatch set state = 'cancelled', cleared = false,
          ended_at = now() - interval '2 minutes' where id = ${id}`),
      );
      assert.equal(await work(markCleared), 0, 'it may come back in line');
      await hold();
      assert.equal((await giveBack(ids)).length, 1);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 1 });
      await whole();
      await work((tx) => cancelLeftovers(tx, 100));
      assert.deepEqual(await statesOf(db.owner, id), { cancelled: 1 });
    });

    it('what its number has no room for', async () => {
      const { id, ids } = await inStates('ready', 'accepted');
      const [one] = await own((tx) => rowsOf(tx, id));
      await own(async (tx) => {
        await tx.run(sql`update dispatch.dispatch set number_most = 1, number_within = '1 hour'
          where id = ${id}`);
        await tx.run(sql`insert into dispatch.round (dispatch_id, round, opens_after, opened_at)
          values (${id}, 2, '0', now())`);
        // Both to one number, the second of a round of its own.
        await tx.run(sql`update dispatch.message set round = 2
          where dispatch_id = ${id} and state = 'ready'`);
        await tx.run(sql`update dispatch.message set expires_at = now() + interval '1 minute',
          contact_point_id = (select contact_point_id from dispatch.message where id = ${one!.id})
          where dispatch_id = ${id}`);
      });
      const space = () => work((tx) => spaceMessages(tx, { dispatchId: id, ids }));
      await hold();
      assert.equal(await space(), 1);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 1, accepted: 1 });
      await whole();
      assert.equal(await space(), 1);
      assert.deepEqual(await statesOf(db.owner, id), { suppressed: 1, accepted: 1 });
    });

    it('and no copy is risked', async () => {
      const { id } = await inStates('unknown');
      await own(async (tx) => {
        await tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '1 hour'`);
        await insertRiskDecision(tx, { dispatchId: id, decidedBy: 'somebody', reason: 'test' });
      });
      await hold();
      assert.deepEqual(await work(applyRiskDecisions), []);
      assert.deepEqual(await statesOf(db.owner, id), { unknown: 1 });
      await whole();
      assert.equal((await work(applyRiskDecisions)).length, 1);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 1 });
    });
  });
});
