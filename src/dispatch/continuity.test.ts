/** When history counts as whole, what is held where it does not, and how a person lets it go on. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { nobody, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  installation,
  makeDispatch,
  putInState,
  quiet,
  referenceOf,
  release,
  rowsOf,
  seedNotify,
  statesOf,
} from '../../test/support/dispatch.ts';
import { cancelDispatch, standDown } from './actions.ts';
import { beginFirstLook, keepContinuity } from './continuity.ts';
import type { Gateway } from './gateways/gateway.ts';
import type { Listed } from './listing.ts';
import { recallDispatch } from './recall.ts';
import { resumeAfterRestore, type Resumption } from './resume.ts';
import { markProven, readContinuity } from './store-continuity.ts';
import { upsertGateway } from './store-gateway.ts';
import { readLedger } from './store-ledger.ts';
import { readHold } from './store-resume.ts';
import { cancelLeftovers, claimMessages } from './store-send.ts';

const SETTLE_MS = 60_000;

describe('continuity', () => {
  let db: Clone;
  let listed: Listed[] | undefined;

  const gateway = {
    id: 'notify',
    list: (olderThan?: string) => Promise.resolve(olderThan === undefined ? listed : []),
  } as unknown as Gateway;
  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const put = (what: Sql) => own((tx) => tx.run(sql`update dispatch.continuity set ${what}`));
  const keep = (gateways: readonly Gateway[] = [gateway], firstLook = beginFirstLook(0)) =>
    keepContinuity({
      database: db.worker,
      gateways: new Map(gateways.map((one) => [one.id, one])),
      installation,
      log: quiet,
      settleMs: SETTLE_MS,
      firstLook,
      isStopping: () => false,
      onUnread: () => {},
    });
  const claim = () =>
    db.worker.withActor(system('test'), (tx) =>
      claimMessages(tx, {
        gatewayId: 'notify',
        channel: 'text',
        owner: newId(),
        leaseMs: 60_000,
        most: 10,
      }),
    );
  const resume = (wish: Partial<Resumption> = {}) =>
    db.worker.attempt(system('test'), (tx) =>
      resumeAfterRestore(tx, {
        reason: 'ring 07700900123 says so',
        inDoubt: 'send_again',
        unread: 'refuse',
        ...wish,
      }),
    );
  const heldFor = (ms: number) => put(sql`held_since = now() - ${ms} * interval '1 ms'`);
  /** As after a restart of the server. */
  const restarted = () => put(sql`proven_start = '2026-01-01'`);

  function text(reference: string | null): Listed {
    return { providerId: newId(), reference, status: 'delivered', createdAt: new Date() };
  }

  async function ready(messages: number): Promise<string[]> {
    const id = await makeDispatch(db.owner, { messages });
    await release(db.web, id);
    return (await own((tx) => rowsOf(tx, id))).map((row) => row.id);
  }

  const cancel = (dispatchId: string) =>
    db.web.attempt(system('test'), (tx) => cancelDispatch(tx, { dispatchId, reason: 'test' }));
  /** What the beat does once history is whole. */
  const clearAway = () => db.worker.withActor(system('test'), (tx) => cancelLeftovers(tx, 100));

  async function ledgerOf(id: string): Promise<Record<string, number | boolean>> {
    const { messages, historyIsWhole } = await db.web.withActor(system('test'), (tx) =>
      readLedger(tx, id),
    );
    const { total: _, ...parts } = messages;
    return { ...parts, historyIsWhole };
  }

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  beforeEach(async () => {
    listed = [];
    await own(async (tx) => {
      await tx.run(sql`update dispatch.dispatch set state = 'cancelled'
        where state in ('sending', 'paused', 'held') and lane > 0 and pause_reason is null`);
      await tx.run(sql`update dispatch.continuity set held_since = null, held_start = null,
        held_reason = null, looked_at = null, read_from = null,
        proven_start = pg_postmaster_start_time(),
        timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
        database_id = dispatch.database_id()`);
    });
  });

  it('a database that was made in this start of its server may send', async () => {
    await ready(1);
    assert.equal(await keep(), true);
    assert.equal((await claim()).length, 1);
  });

  it('what was read of one start of the server proves nothing of another', async () => {
    await restarted();
    const now = await own(readContinuity);
    assert.equal(await own((tx) => markProven(tx, '2026-01-02 00:00:00+00')), false);
    assert.equal((await own(readContinuity)).isProven, false);
    assert.equal(await own((tx) => markProven(tx, now.start)), true);
  });

  it('after a restart nothing is claimed until the providers were read', async () => {
    await ready(2);
    await restarted();
    assert.equal((await claim()).length, 0);
    listed = undefined;
    assert.equal(await keep(), false, 'a provider that does not answer');
    assert.equal((await claim()).length, 0);
    listed = [text(null), text('somebody-else'), text(referenceOf(newId()).replace('-', '-0'))];
    assert.equal(await keep(), true);
    assert.equal((await claim()).length, 2);
  });

  it('a text of ours that the database does not know holds everything', async () => {
    await ready(1);
    await restarted();
    listed = [text(referenceOf(newId()))];
    assert.equal(await keep(), false);
    assert.equal((await claim()).length, 0);
    const { heldReason } = await own(readHold);
    assert.equal(heldReason, 'notify has sent texts that this database does not know');
    assert.equal(
      (
        await own((tx) =>
          tx.rows(sql`select held_reason from dispatch.v_continuity
      where held_since is not null`),
        )
      ).length,
      1,
    );
  });

  for (const [name, change] of [
    ['timeline', sql`timeline = '00000009'`],
    ['server', sql`system_identifier = '1'`],
    ['database', sql`database_id = '1-' || 'dispatch.continuity'::regclass::oid`],
    ['table', sql`database_id = split_part(database_id, '-', 1) || '-1'`],
  ] as const)
    it(`another ${name} holds everything`, async () => {
      await ready(1);
      await put(change);
      assert.equal(await keep(), false);
      assert.equal((await claim()).length, 0);
      assert.match((await own(readHold)).heldReason!, /another database, server or timeline/);
      await put(sql`system_identifier = (select system_identifier::text from pg_control_system())`);
      assert.equal((await resume()).ok, false, 'not read yet');
    });

  it('a hold that was read is no hold of a copy of it', async () => {
    await ready(1);
    await put(sql`held_since = now(), held_start = pg_postmaster_start_time(),
      held_reason = 'test', looked_at = now(), database_id = '1-1'`);
    assert.equal((await resume()).ok, false);
    assert.equal(await keep(), false);
    assert.equal((await own(readHold)).lookedAt, null);
  });

  it('an engine compares the newest page once, and then no more', async () => {
    await ready(2);
    let pages = 0;
    const counted = {
      ...gateway,
      list: (olderThan?: string) => ((pages += 1), gateway.list!(olderThan)),
    };
    const firstLook = beginFirstLook();
    listed = [text(null)];
    for (const whole of [await keep([counted], firstLook), await keep([counted], firstLook)])
      assert.equal(whole, true);
    assert.equal(pages, 1);
    listed = [text(referenceOf(newId()))];
    assert.equal(await keep([counted], firstLook), true, 'one that runs does not ask again');
    await restarted();
    listed = [];
    const another = beginFirstLook();
    assert.equal(await keep([counted], another), true);
    assert.equal(await keep([counted], another), true);
    assert.equal(pages, 2, 'what was read back to the last claim is compared');
  });

  it('an engine that finds a text it does not know holds everything', async () => {
    await ready(1);
    listed = [text(referenceOf(newId()))];
    assert.equal(await keep([gateway], beginFirstLook()), false);
    assert.equal((await claim()).length, 0);
    assert.equal(
      (await own(readHold)).heldReason,
      'notify has sent texts that this database does not know',
    );
  });

  it('an engine waits for a page that cannot be read, not for ever, and compares it late', async () => {
    await ready(1);
    listed = undefined;
    assert.equal(await keep([gateway], beginFirstLook()), false);
    const late = beginFirstLook(0);
    assert.equal(await keep([gateway], late), true);
    await late.reading;
    listed = [text(referenceOf(newId()))];
    assert.equal(await keep([gateway], late), true);
    await late.reading;
    assert.equal(await keep([gateway], late), false);
    assert.equal((await claim()).length, 0);
  });

  it('waits until old workers have stopped, then adopts what is found, once', async () => {
    const [sent, asked, waits] = await ready(3);
    await own((tx) => putInState(tx, asked!, 'unknown', { owner: newId() }));
    const cancelled = (await ready(1))[0]!;
    await own((tx) =>
      tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now()
      where id = ${cancelled}`),
    );
    await restarted();
    const lost = text(referenceOf(newId()));
    listed = [
      lost,
      text(referenceOf(sent!, 1)),
      text(referenceOf(sent!, 2)),
      text(referenceOf(asked!, 2)),
      text(referenceOf(cancelled, 1)),
    ];
    for (const before of [await keep(), await keep()]) assert.equal(before, false);
    assert.equal((await own(readHold)).lookedAt, null);
    assert.equal((await resume()).ok, false, 'not read yet');
    await heldFor(SETTLE_MS);
    await Promise.all([keep(), keep(), keep()]);
    const hold = await own(readHold);
    assert.deepEqual([hold.adopted, hold.withoutMessage, hold.notSent, hold.inDoubt], [2, 1, 1, 0]);
    const states = await own((tx) =>
      tx.rows<{ id: string; state: string }>(sql`select id, state from dispatch.message
        where id = any(${[sent, asked, waits, cancelled]}::uuid[])`),
    );
    assert.deepEqual(
      new Map(states.map(({ id, state }) => [id, state])),
      new Map([
        [sent, 'accepted'],
        [asked, 'accepted'],
        [waits, 'ready'],
        [cancelled, 'cancelled'],
      ]),
    );
    const alarms = await own((tx) =>
      tx.rows(sql`select kind, message_id from dispatch.v_alarm
      where message_id = any(${[sent, cancelled]}::uuid[]) order by kind`),
    );
    assert.deepEqual(alarms, [
      { kind: 'accepted_twice', messageId: sent },
      { kind: 'sent_unrecorded', messageId: cancelled },
    ]);
    assert.equal((await claim()).length, 0, 'only a person lets it go on');
    assert.ok((await resume()).ok);
    const [next] = await claim();
    assert.deepEqual([next?.id, next?.epoch], [waits, 2], 'no reference is used again');
    // What was found is known from now on: the next start is an ordinary one.
    await restarted();
    assert.equal(await keep(), true);
  });

  it('what is called off while history is held is unknown until it was read', async () => {
    const id = await makeDispatch(db.owner, { messages: 3, laterRoundsMs: [3_600_000] });
    await release(db.web, id);
    const [sent] = await own((tx) => rowsOf(tx, id));
    // Also in the moment before an engine has noticed.
    await restarted();
    assert.ok((await cancel(id)).ok);
    const nothingKnown = { gone: 0, unknown: 6, waiting: 0, neverSent: 0, historyIsWhole: false };
    assert.deepEqual(await ledgerOf(id), nothingKnown);
    listed = [text(referenceOf(sent!.id))];
    assert.equal(await keep(), false);
    assert.equal(await clearAway(), 0, 'a beat that began before');
    assert.deepEqual(await ledgerOf(id), nothingKnown);
    await heldFor(SETTLE_MS);
    await keep();
    assert.deepEqual(await ledgerOf(id), { ...nothingKnown, gone: 1, unknown: 5 });
    assert.ok((await resume()).ok);
    assert.deepEqual(await ledgerOf(id), {
      gone: 1,
      unknown: 0,
      waiting: 0,
      neverSent: 5,
      historyIsWhole: true,
    });
    assert.equal((await claim()).length, 0);
    await clearAway();
    assert.deepEqual(await statesOf(db.owner, id), { accepted: 1, cancelled: 5 });
    const alarms = await own((tx) =>
      tx.rows(sql`select kind from dispatch.v_alarm where dispatch_id = ${id}`),
    );
    assert.deepEqual(alarms, []);
  });

  for (const [name, found] of [
    ['a person lets it go on', true],
    ['the providers know of nothing else', false],
  ] as const)
    it(`who answers before is not asked again: ${name}`, async () => {
      const id = await makeDispatch(db.owner, { messages: 1, laterRoundsMs: [3_600_000] });
      await release(db.web, id);
      const [first] = await own((tx) => rowsOf(tx, id));
      const { organisationId } = await own((tx) =>
        tx.one<{ organisationId: string }>(
          sql`select organisation_id from dispatch.message where id = ${first!.id}`,
        ),
      );
      const answer = { dispatchId: id, organisationIds: [organisationId] };
      await restarted();
      listed = found ? [text(referenceOf(first!.id))] : [];
      const stoodDown = await db.web.withActor(system('test'), (tx) => standDown(tx, answer));
      assert.equal(stoodDown, 0, 'the second round may have left');
      assert.equal(await keep(), !found);
      if (found) {
        await heldFor(SETTLE_MS);
        await keep();
        assert.ok((await resume()).ok);
      }
      assert.deepEqual(await statesOf(db.owner, id), {
        [found ? 'accepted' : 'ready']: 1,
        cancelled: 1,
      });
    });

  it('what may have left is not recalled', async () => {
    const id = await makeDispatch(db.owner, { messages: 2 });
    await release(db.web, id);
    await own((tx) =>
      tx.run(sql`update dispatch.round set opened_at = null where dispatch_id = ${id}`),
    );
    await restarted();
    const steering = { dispatchId: id, reason: 'test' };
    const recall = () => db.web.attempt(system('test'), (tx) => recallDispatch(tx, steering));
    const refused = await recall();
    assert.ok(!refused.ok && refused.message.includes('may have left'));
    assert.equal(await keep(), true);
    assert.ok((await recall()).ok);
    assert.deepEqual(await statesOf(db.owner, id), { cancelled: 2 });
  });

  it('a hold that was read in another start of a server is read again', async () => {
    const [sent, waits] = await ready(2);
    await put(sql`held_since = now() - interval '1 hour', held_start = '2026-01-01',
      held_reason = 'test', looked_at = now(), read_gateways = '{notify}'`);
    // Somebody had let it go on after this copy was made.
    listed = [text(referenceOf(sent!, 1))];
    assert.equal((await resume()).ok, false, 'what was read then does not count');
    assert.equal(await keep(), false);
    assert.equal(await keep(), false);
    assert.equal((await own(readHold)).lookedAt, null, 'old workers may still be sending');
    await heldFor(SETTLE_MS);
    await keep();
    assert.equal((await own(readHold)).adopted, 1);
    assert.ok((await resume()).ok);
    assert.deepEqual(
      (await claim()).map(({ id }) => id),
      [waits],
    );
  });

  it('is let go on by whoever may steer, with the reason and the figures in the audit', async () => {
    await ready(1);
    assert.equal((await resume()).ok, false, 'nothing is held');
    await put(sql`held_since = now(), held_start = pg_postmaster_start_time(),
      held_reason = 'test', looked_at = now(),
      read_gateways = '{notify}'`);
    const byNobody = await db.worker.attempt(nobody, (tx) =>
      resumeAfterRestore(tx, { reason: 'x', inDoubt: 'send_again', unread: 'accept' }),
    );
    assert.equal(byNobody.ok, false);
    assert.ok((await resume()).ok);
    const { detail } = await own((tx) =>
      tx.one<{ detail: { reason: string; notSent: number } }>(sql`select detail from audit.entry
        where action = 'dispatch.resumed_after_restore' order by at desc limit 1`),
    );
    assert.equal(detail.notSent, 1);
    assert.ok(!detail.reason.includes('07700900123'));
  });

  it('goes on unread only where a person takes it upon them', async () => {
    await ready(1);
    await restarted();
    listed = undefined;
    assert.equal(await keep(), false);
    assert.equal((await resume()).ok, false);
    assert.ok((await resume({ unread: 'accept' })).ok);
    assert.equal((await claim()).length, 1);
  });

  it('what a gateway sent that nobody can read is decided by a person', async () => {
    await db.worker.withActor(system('test'), (tx) =>
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
    for (const [releasedAgo, inDoubt, states] of [
      ['1 minute', 'send_again', { ready: 2, held: 2 }],
      ['1 minute', 'treat_as_sent', { uncertain_closed: 2, held: 2 }],
      // Deputies may have been told early: whoever came before may have been uncertain by then.
      ['30 minutes', 'treat_as_sent', { uncertain_closed: 4 }],
    ] as const) {
      const id = await makeDispatch(db.owner, { messages: 2, laterRoundsMs: [3_600_000] });
      await release(db.web, id);
      await own((tx) =>
        tx.run(sql`update dispatch.dispatch set uncertain_after = interval '20 minutes',
          released_at = now() - ${releasedAgo}::interval where id = ${id}`),
      );
      await put(sql`held_since = now(), held_start = pg_postmaster_start_time(),
        held_reason = 'test', looked_at = now(), read_gateways = '{notify}'`);
      assert.equal((await own(readHold)).inDoubt, states.uncertain_closed ?? 2);
      assert.ok((await resume({ inDoubt })).ok);
      assert.deepEqual(await statesOf(db.owner, id), states);
      const over = sql`update dispatch.dispatch set state = 'cancelled' where id = ${id}`;
      await own((tx) => tx.run(over));
    }
  });

  for (const inDoubt of ['send_again', 'treat_as_sent'] as const)
    it(`what was called off meanwhile stays unknown where nobody can read: ${inDoubt}`, async () => {
      const id = await makeDispatch(db.owner, { messages: 2, laterRoundsMs: [3_600_000] });
      await release(db.web, id);
      await put(sql`held_since = now(), held_start = pg_postmaster_start_time(),
        held_reason = 'test', looked_at = now(), read_gateways = '{notify}'`);
      assert.ok((await cancel(id)).ok);
      assert.equal((await own(readHold)).inDoubt, 2);
      assert.ok((await resume({ inDoubt })).ok);
      await clearAway();
      assert.deepEqual(await statesOf(db.owner, id), { uncertain_closed: 2, cancelled: 2 });
      assert.deepEqual(await ledgerOf(id), {
        gone: 0,
        unknown: 2,
        waiting: 0,
        neverSent: 2,
        historyIsWhole: true,
      });
    });
});
