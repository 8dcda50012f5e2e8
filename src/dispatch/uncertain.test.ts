/** What nobody can say in time: silence and the next in line, or a person who risks a copy. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nobody, system, type Actor } from '#kernel/actor.ts';
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
  statesOf,
} from '../../test/support/dispatch.ts';
import { cancelDispatch, standDown } from './actions.ts';
import { openDueRounds } from './rounds.ts';
import { readLedger } from './store-ledger.ts';
import { expireMessages } from './store-send.ts';
import { listUncertain } from './store-uncertain.ts';
import { riskSecondCopies, settleUncertain } from './uncertain.ts';

const officer: Actor = {
  kind: 'person',
  id: newId(),
  name: 'Duty officer',
  permissions: new Set(['alert.read', 'dispatch.steer']),
};

describe('what is uncertain', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const settle = () => settleUncertain(db.worker);
  const decide = (dispatchId: string, actor: Actor = officer, reason = 'the ward must know') =>
    db.web.attempt(actor, (tx) => riskSecondCopies(tx, { dispatchId, reason }));
  const uncertain = async (id: string) =>
    (await own((tx) => listUncertain(tx, id))).map(({ messages }) => messages);

  /** Round 1 in the given states, requested so many minutes ago; the scene's deadline is five. */
  async function scene(states: readonly ('unknown' | 'accepted' | 'delivered')[], minutes = 6) {
    const id = await makeDispatch(db.owner, {
      messages: states.length,
      laterRoundsMs: [3_600_000, 7_200_000],
    });
    await release(db.web, id);
    const ids = await own(async (tx) => {
      const rows = (await rowsOf(tx, id)).filter(({ round }) => round === 1);
      for (const [i, row] of rows.entries())
        await putInState(tx, row.id, states[i]!, { owner: newId() });
      await tx.run(sql`update dispatch.attempt
        set claimed_at = now() - ${minutes} * interval '1 minute'
        where message_id = any(${rows.map((row) => row.id)}::uuid[])`);
      return rows.map((row) => row.id);
    });
    return { id, ids };
  }

  it('is what is unknown past the deadline of its dispatch', async () => {
    assert.deepEqual(await uncertain((await scene(['unknown', 'unknown'], 4)).id), []);
    assert.deepEqual(await uncertain((await scene(['unknown', 'unknown', 'accepted'])).id), [2]);
  });

  it('stays silent by itself, and tells the next in line of who has nothing', async () => {
    // What earlier scenes left.
    await settle();
    const { id } = await scene(['unknown', 'delivered']);
    assert.equal(await settle(), 1, 'one deputy');
    assert.deepEqual(await statesOf(db.owner, id), { unknown: 1, delivered: 1, ready: 1, held: 3 });
    assert.equal(await settle(), 0, 'the deputy is on the way: no other is told');
    await own((tx) =>
      tx.run(sql`update dispatch.round set opens_at = now() where dispatch_id = ${id}
        and round = 2`),
    );
    assert.equal(await openDueRounds(db.worker), 1, 'the round opens for the rest');
  });

  it('tells nobody more where somebody has it, or where it was answered', async () => {
    const { id, ids } = await scene(['unknown']);
    const { organisationId } = await own((tx) =>
      tx.one<{ organisationId: string }>(sql`select organisation_id from dispatch.message
        where id = ${ids[0]}`),
    );
    await db.web.withActor(system('test'), (tx) =>
      standDown(tx, { dispatchId: id, organisationIds: [organisationId] }),
    );
    assert.equal(await settle(), 0);
    const early = await scene(['unknown'], 4);
    assert.equal(await settle(), 0);
    assert.deepEqual(await statesOf(db.owner, early.id), { unknown: 1, held: 2 });
  });

  it('goes again where a person decides so, by another gateway if there is one', async () => {
    const { id, ids } = await scene(['unknown', 'unknown', 'accepted']);
    const decided = await decide(id);
    assert.ok(decided.ok);
    assert.equal(decided.value, 2);
    await own((tx) =>
      tx.run(sql`insert into dispatch.gateway
      (id, kind, channel, bucket_id, can_be_asked, takes_replies, receipts, settings_sealed)
      values ('second', 'notify', 'text', 'notify', true, true, 'final', '')`),
    );
    // Found out between the decision and its carrying out: it does not go again.
    await own((tx) => putInState(tx, ids[1]!, 'accepted', { owner: newId() }));
    await settle();
    const rows = await own((tx) =>
      tx.rows<{ state: string; home: string }>(sql`
        select state, home_gateway_id as home from dispatch.message where id = any(${ids}::uuid[])
        order by state desc`),
    );
    assert.deepEqual(rows[0], { state: 'ready', home: 'second' });
    assert.equal(rows.filter(({ state }) => state === 'accepted').length, 2);
    const taken = await own((tx) =>
      tx.rows(sql`select message_id, attempt from dispatch.risk_taken
        where message_id = any(${ids}::uuid[])`),
    );
    assert.deepEqual(taken, [{ messageId: ids[0], attempt: 1 }]);
    const { detail, actorId } = await own((tx) =>
      tx.one<{ detail: object; actorId: string }>(sql`select detail, actor_id from audit.entry
        where action = 'dispatch.risk_decided' and subject_id = ${id}::text`),
    );
    assert.deepEqual(detail, { messages: 2, reason: 'the ward must know' });
    assert.equal(actorId, officer.kind === 'person' && officer.id);
    assert.equal((await decide(id)).ok, false, 'nothing is uncertain any more');
    await own((tx) => tx.run(sql`update dispatch.gateway set enabled = false where id = 'second'`));
  });

  it('a decision holds for what was uncertain then, not for what comes later', async () => {
    const { id } = await scene(['unknown']);
    assert.ok((await decide(id)).ok);
    const later = await own(async (tx) => {
      const [, row] = await rowsOf(tx, id);
      await putInState(tx, row!.id, 'unknown', { owner: newId() });
      return row!.id;
    });
    await settle();
    const { state } = await own((tx) =>
      tx.one<{ state: string }>(sql`select state from dispatch.message where id = ${later}`),
    );
    assert.equal(state, 'unknown');
  });

  it('whatever becomes of a risked copy, the message never counts as not sent', async () => {
    const { id } = await scene(['unknown', 'unknown']);
    assert.ok((await decide(id)).ok);
    await settle();
    const [first] = (await own((tx) => rowsOf(tx, id))).filter(({ state }) => state === 'ready');
    await own((tx) =>
      tx.run(sql`update dispatch.message set expires_at = now() where id = ${first!.id}`),
    );
    await own((tx) => expireMessages(tx));
    const called = await db.web.attempt(officer, (tx) =>
      cancelDispatch(tx, { dispatchId: id, reason: 'a false alarm' }),
    );
    assert.ok(called.ok);
    const states = await statesOf(db.owner, id);
    assert.deepEqual(states, { uncertain_closed: 2, cancelled: 4 }, 'one too old, one called off');
    const { messages } = await own((tx) => readLedger(tx, id));
    assert.deepEqual([messages.unknown, messages.neverSent], [2, 4]);
  });

  it('is decided only by whoever may, with a reason that may be kept', async () => {
    const { id } = await scene(['unknown']);
    assert.equal((await decide(id, nobody)).ok, false);
    for (const reason of ['', '  ', 'x'.repeat(501), 'ring 07700 900123'])
      assert.equal((await decide(id, officer, reason)).ok, false, reason);
    await settle();
    assert.deepEqual(await statesOf(db.owner, id), { unknown: 1, ready: 1, held: 1 });
  });

  it('the web process may decide it and cannot move it', async () => {
    const { ids } = await scene(['unknown']);
    const move = db.web.withActor(officer, (tx) =>
      tx.run(sql`update dispatch.message set state = 'ready' where id = ${ids[0]}`),
    );
    await assert.rejects(move, /may not move a message from unknown to ready/);
  });
});
