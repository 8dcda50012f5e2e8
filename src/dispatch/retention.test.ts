/** What is old goes in batches and leaves its counts; what is young or open stays, whoever asks. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  notifyGateway,
  putInState,
  release,
  rowsOf,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import type { MessageState } from './model.ts';
import { forgetOld } from './retention.ts';
import { readLedger } from './store-ledger.ts';
import { countMessages } from './store-plan.ts';

const actor = system('test');
const DAY_MS = 86_400_000;
const rule = { messagesMs: 40 * DAY_MS, inboxMs: 40 * DAY_MS };
const quick = { batch: 4, pauseMs: 0 };

describe('retention', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const own = (statement: Sql) => db.owner.withActor(actor, (tx) => tx.run(statement));
  const count = async (from: Sql) => {
    const row = await db.owner.withActor(actor, (tx) =>
      tx.one<{ rows: number }>(sql`select count(*) as rows from ${from}`),
    );
    return row.rows;
  };

  /** A dispatch in this state that ended so many days ago, with a message in each of these. */
  async function ended(state: string, daysAgo: number, states: MessageState[]): Promise<string> {
    const id = await makeDispatch(db.owner, { messages: states.length });
    await release(db.web, id);
    await db.owner.withActor(actor, async (tx) => {
      for (const [i, row] of (await rowsOf(tx, id)).entries())
        await putInState(tx, row.id, states[i]!, { owner: newId() });
      const [first] = await rowsOf(tx, id);
      await tx.run(sql`insert into dispatch.attempt_end (message_id, epoch, number, class)
        values (${first!.id}, 1, 1, 'accepted')`);
      await tx.run(sql`insert into dispatch.lookup (message_id, reference, answer)
        values (${first!.id}, 'x', 'absent')`);
      await tx.run(sql`insert into dispatch.message_credit (message_id, organisation_id)
        values (${first!.id}, ${newId()})`);
      await tx.run(sql`insert into dispatch.alarm (kind, message_id, gateway_id, provider_id)
        values ('accepted_twice', ${first!.id}, 'notify', 'x')`);
      await tx.run(sql`with decision as (
          insert into dispatch.risk_decision (dispatch_id, decided_by, reason)
          values (${id}, 'somebody', 'test') returning id)
        insert into dispatch.risk_taken (message_id, attempt, decision_id)
        select ${first!.id}, 1, id from decision`);
      await tx.run(sql`update dispatch.dispatch set state = ${state},
        ended_at = now() - ${daysAgo} * interval '1 day' where id = ${id}`);
    });
    return id;
  }

  it('deletes what is over and old, batch by batch, and keeps counts, ledger and audit', async () => {
    const finals = 'delivered delivered undelivered cancelled rejected uncertain_closed accepted';
    const states = `${finals} expired suppressed`.split(' ') as MessageState[];
    const old = await ended('done', 41, states);
    const young = await ended('done', 39, ['delivered']);
    const open = await ended('sending', 41, ['delivered']);
    const look = async () => ({
      counts: await db.web.withActor(actor, (tx) => countMessages(tx, old)),
      ledger: await db.web.withActor(actor, (tx) => readLedger(tx, old)),
    });
    const before_ = await look();
    assert.deepEqual(await forgetOld(db.worker, rule, quick), { messages: 9, inbox: 0 });
    assert.deepEqual(await look(), before_);
    assert.equal(await count(sql`dispatch.message where dispatch_id = ${old}`), 0);
    // One of each is left: of the young one and of the open one.
    for (const table of [
      sql`dispatch.attempt_end`,
      sql`dispatch.lookup`,
      sql`dispatch.message_credit`,
      sql`dispatch.attempt`,
      sql`dispatch.alarm`,
      sql`dispatch.risk_taken`,
    ])
      assert.equal(await count(table), 2);
    for (const id of [young, open])
      assert.equal(await count(sql`dispatch.message where dispatch_id = ${id}`), 1);
    const entries = sql`audit.entry where action = 'dispatch.forgotten' and subject_id = ${old}`;
    assert.equal(await count(entries), 1);
    assert.deepEqual(await forgetOld(db.worker, rule, quick), { messages: 0, inbox: 0 });
  });

  it('tells the truth while it is half done, and goes on where it was stopped', async () => {
    const old = await ended('cancelled', 41, ['delivered', 'delivered', 'cancelled', 'held']);
    const ledger = () => db.web.withActor(actor, (tx) => readLedger(tx, old));
    const before_ = await ledger();
    await db.worker.withActor(actor, (tx) =>
      tx.one(sql`select deleted from dispatch.forget_messages(now() - interval '40 days', 2)`),
    );
    assert.equal(await count(sql`dispatch.message where dispatch_id = ${old}`), 2);
    assert.deepEqual(await ledger(), before_);
    assert.deepEqual(await forgetOld(db.worker, rule, quick), { messages: 2, inbox: 0 });
    assert.deepEqual(await ledger(), before_);
  });

  it('empties the inboxes of what was dealt with, and of our answers to it', async () => {
    await own(sql`insert into dispatch.receipt_inbox (gateway_id, provider_id, status, received_at,
        handled_at, outcome)
      select 'notify', n::text, 'delivered', now() - n * interval '10 days',
        case when n < 9 then now() end, case when n < 9 then 'applied' end
      from generate_series(1, 9) n`);
    await own(sql`insert into dispatch.part (gateway_id, provider_id, updated_at)
      select 'notify', n::text, now() - n * interval '10 days' from generate_series(1, 9) n`);
    await own(sql`insert into dispatch.reply_inbox (gateway_id, provider_id, address_index,
        address_sealed, content_sealed, received_at, handled_at)
      select 'notify', n::text, 'x', 'x', 'x', now() - n * interval '10 days', now()
      from generate_series(1, 9) n`);
    await own(sql`insert into dispatch.message (dispatch_id, contact_point_id, channel, round, rank,
        code, body, address_sealed, state, due_at, final_at, attempt, rule, rule_version, rule_fact)
      select '00000000-0000-4000-8000-000000000000', gen_random_uuid(), 'text', 1, 1, '4821', 'x',
        'x', 'delivered', now() - n * interval '10 days', now(), 1, 'texts.after_reply',
        repeat('0', 64), 'x'
      from generate_series(1, 9) n`);
    // Of each nine five are older than forty days (50 to 90), or just so (40); one receipt waits.
    const { inbox } = await forgetOld(db.worker, rule, quick);
    assert.equal(inbox, 5 + 6 + 6 + 6);
    assert.equal(await count(sql`dispatch.part`), 3);
    assert.equal(await count(sql`dispatch.receipt_inbox where handled_at is null`), 1);
  });

  it('nothing younger than thirty days goes, whatever anybody asks, and the web may not ask', async () => {
    const ask = (database: typeof db.web, days: number) =>
      database.withActor(actor, (tx) =>
        tx.one(sql`select deleted
          from dispatch.forget_messages(now() - ${days} * interval '1 day', 1)`),
      );
    await assert.rejects(ask(db.worker, 29), { code: '23001' });
    await assert.rejects(ask(db.web, 40), { code: '42501' });
    await assert.rejects(
      db.worker.withActor(actor, (tx) =>
        tx.one(sql`select dispatch.forget_inbox(now() - interval '29 days', 1)`),
      ),
      { code: '23001' },
    );
    await assert.rejects(
      db.worker.withActor(actor, (tx) => tx.one(sql`select dispatch.delete_messages('{}')`)),
      { code: '42501' },
    );
  });

  it('beside a send it takes its batches, and the send ends as it would', async (context) => {
    await ended(
      'done',
      41,
      Array.from({ length: 400 }, () => 'delivered'),
    );
    const simulator = await startQuickSimulator();
    const engine = startEngine(db.worker, [notifyGateway(simulator)]);
    context.after(async () => {
      await engine.stop();
      await simulator.close();
    });
    const id = await makeDispatch(db.owner, { messages: 2_000 });
    await release(db.web, id);
    const forgetting = forgetOld(db.worker, rule, { batch: 20, pauseMs: 5 });
    await until(
      () => statesOf(db.owner, id),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered === 2_000,
      30_000,
    );
    assert.equal((await forgetting).messages, 400);
    assert.equal(simulator.simulation.counts.accepted, 2_000);
  });
});
