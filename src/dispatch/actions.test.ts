import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Approved } from '#kernel/approved.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  rehearse,
  release,
  rowsOf,
  seedNotify,
  statesOf,
  untilOneWaits,
} from '../../test/support/dispatch.ts';
import {
  cancelDispatch,
  pauseDispatch,
  releaseDispatch,
  resumeDispatch,
  sealDispatch,
  standDown,
} from './actions.ts';
import { openDueRounds } from './rounds.ts';
import { hashContent } from './store-plan.ts';

describe('planning and steering', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const web = <T>(act: (tx: Tx) => Promise<T>) => db.web.withActor(system('test'), act);
  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const tryRelease = (tx: Tx, dispatchId: string, hash: string, alsoCovers = '') =>
    releaseDispatch(tx, {
      dispatchId,
      approved: { hash, approvedBy: newId(), approvedAt: new Date() } as Approved,
      alsoCovers,
    });

  describe('the hash (P5)', () => {
    let id: string;

    before(async () => {
      id = await makeDispatch(db.owner, { messages: 3, laterRoundsMs: [1000] });
    });

    const hashAfter = (change: (tx: Tx) => Promise<unknown>, alsoCovers = 'page') =>
      rehearse(db.owner, async (tx) => {
        await change(tx);
        return (await hashContent(tx, id, alsoCovers)).hash;
      });
    const nothing = () => Promise.resolve();
    const one = (tx: Tx, set: Sql) =>
      tx.run(sql`update dispatch.message set ${set} where id = (
        select id from dispatch.message where dispatch_id = ${id} order by id limit 1)`);

    it('is stable, whatever the order of the rows', async () => {
      const hash = await hashAfter(nothing);
      assert.match(hash, /^[0-9a-f]{64}$/);
      assert.equal(await hashAfter(nothing), hash);
      // An update writes the row to another place of the table.
      assert.equal(await hashAfter((tx) => one(tx, sql`rank = rank`)), hash);
      assert.equal(await hashAfter((tx) => one(tx, sql`due_at = now()`)), hash);
    });

    const changes: [string, Sql][] = [
      ['the text', sql`body = body || '.'`],
      ['the recipient', sql`contact_point_id = gen_random_uuid()`],
      ['the address', sql`address_sealed = 'another'`],
      ['the round', sql`round = 3`],
      ['the rank', sql`rank = 2`],
      ['the code', sql`code = '0000'`],
      ['the channel', sql`channel = 'mail'`],
      ['the subject', sql`subject = 'New'`],
      ['an empty subject for none', sql`subject = ''`],
    ];
    for (const [name, set] of changes) {
      it(`changes with ${name}`, async () => {
        assert.notEqual(await hashAfter((tx) => one(tx, set)), await hashAfter(nothing));
      });
    }

    it('changes with a message more or less, and with what it also covers', async () => {
      const lessOne = (tx: Tx) =>
        one(
          tx,
          sql`dispatch_id = '00000000-0000-4000-8000-000000000000', rule = 'texts.enrol',
            rule_version = ${'0'.repeat(64)}, rule_fact = 'x'`,
        );
      const hashes = [
        await hashAfter(nothing),
        await hashAfter(nothing, 'another page'),
        await hashAfter(lessOne),
      ];
      assert.equal(new Set(hashes).size, 3);
    });

    it('tells contents apart whose fields follow each other as the same bytes', async () => {
      const split = (subject: string | null, body: string, address = 'x') =>
        hashAfter((tx) =>
          one(
            tx,
            sql`subject = ${subject}, body = ${body}, address_sealed = ${Buffer.from(address)}`,
          ),
        );
      assert.notEqual(await split('a', 'b c'), await split('a b', 'c'));
      assert.notEqual(await split('a', 'b,c'), await split('a,b', 'c'));
      assert.notEqual(await split(null, 'a b'), await split('a', 'b'));
      assert.notEqual(await split('', 'b'), await split(null, 'b'));
      assert.notEqual(await split('a', 'b', 'cd'), await split('a', 'bc', 'd'));
    });
  });

  describe('release', () => {
    it('takes what was approved, once', async () => {
      const id = await makeDispatch(db.owner, { messages: 4, laterRoundsMs: [3_600_000] });
      const hash = await web((tx) => sealDispatch(tx, id, 'page'));
      const first = await web((tx) => tryRelease(tx, id, hash, 'page'));
      assert.ok(first.ok);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 4, held: 4 });
      const second = await web((tx) => tryRelease(tx, id, hash, 'page'));
      assert.equal(second.ok, false);
    });

    it('at the same time from two sides happens once', async () => {
      const id = await makeDispatch(db.owner, { messages: 4 });
      const hash = await web((tx) => sealDispatch(tx, id, ''));
      const tries = await Promise.all([1, 2, 3].map(() => web((tx) => tryRelease(tx, id, hash))));
      assert.equal(tries.filter((outcome) => outcome.ok).length, 1);
    });

    it('refuses what is not what was approved, and what was never sealed', async () => {
      const refusedAfter = async (change: (tx: Tx, id: string) => Promise<unknown>) => {
        const id = await makeDispatch(db.owner, { messages: 2 });
        const hash = await web((tx) => sealDispatch(tx, id, ''));
        await own((tx) => change(tx, id));
        const outcome = await web((tx) => tryRelease(tx, id, hash));
        assert.equal(outcome.ok, false);
        assert.equal((await statesOf(db.owner, id))['ready'], undefined);
      };
      await refusedAfter((tx, id) =>
        tx.run(sql`update dispatch.message set body = 'x' where dispatch_id = ${id}`),
      );
      await refusedAfter((tx, id) =>
        tx.run(sql`delete from dispatch.message where dispatch_id = ${id}`),
      );
      await refusedAfter((tx, id) =>
        tx.run(sql`update dispatch.dispatch set content_hash = null where id = ${id}`),
      );
      await refusedAfter((tx, id) => cancelDispatch(tx, { dispatchId: id, reason: 'test' }));
    });

    it('leaves no moment for a message that nobody approved', async () => {
      const id = await makeDispatch(db.owner, { messages: 1 });
      const hash = await web((tx) => sealDispatch(tx, id, ''));
      const add = (tx: Tx) =>
        tx.run(sql`insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, channel,
          round, rank, code, body, address_sealed)
          values (${newId()}, ${id}, ${newId()}, 'text', 1, 1, '1111', 'unapproved', 'x')`);
      const added = Promise.withResolvers<void>();
      const hold = Promise.withResolvers<void>();
      const planner = web(async (tx) => {
        await add(tx);
        added.resolve();
        await hold.promise;
      });
      await added.promise;
      const releasing = web((tx) => tryRelease(tx, id, hash));
      try {
        // The release waits for the planner; then the hash holds the new message too.
        await untilOneWaits(db.owner);
      } finally {
        hold.resolve();
        await planner;
      }
      assert.equal((await releasing).ok, false);
    });

    it('a message that is added later is refused by the database (P5)', async () => {
      const id = await makeDispatch(db.owner, { messages: 1 });
      const add = (state: string) =>
        own(async (tx) => {
          await tx.run(sql`update dispatch.dispatch set state = ${state},
            pause_reason = case when ${state} = 'paused' then 'x' end,
            paused_at = case when ${state} = 'paused' then now() end where id = ${id}`);
          await tx.run(sql`insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id,
            channel, round, rank, code, body, address_sealed)
            values (${newId()}, ${id}, ${newId()}, 'text', 1, 1, '1111', 'unapproved', 'x')`);
        });
      await release(db.web, id);
      for (const state of ['sending', 'paused', 'done', 'cancelled'])
        await assert.rejects(add(state), { code: '23001' }, state);
    });
  });

  describe('rounds', () => {
    it('open once, when they are due, while the dispatch is sent', async () => {
      const id = await makeDispatch(db.owner, { messages: 2, laterRoundsMs: [60_000, 120_000] });
      await release(db.web, id);
      const open = () => openDueRounds(db.worker);
      assert.equal(await open(), 0);
      const due = (round: number) =>
        own((tx) =>
          tx.run(sql`update dispatch.round set opens_at = now() - interval '1 second'
          where dispatch_id = ${id} and round = ${round}`),
        );
      await due(2);
      await web((tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
      assert.equal(await open(), 0);
      await web((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
      const opened = await Promise.all([open(), open(), open()]);
      assert.equal(
        opened.reduce((sum, ready) => sum + ready),
        2,
      );
      assert.equal(await open(), 0);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 4, held: 2 });
    });

    it('the first may wait too', async () => {
      const id = await makeDispatch(db.owner, { messages: 2 });
      await own((tx) =>
        tx.run(sql`update dispatch.round set opens_after = interval '1 hour'
        where dispatch_id = ${id}`),
      );
      await release(db.web, id);
      assert.deepEqual(await statesOf(db.owner, id), { held: 2 });
    });

    it('keep the words that were approved: who sends fills the one blank in them', async () => {
      const id = await makeDispatch(db.owner, { messages: 1 });
      await own((tx) =>
        tx.run(sql`update dispatch.message set body = 'unanswered since {since}'
        where dispatch_id = ${id}`),
      );
      await release(db.web, id);
      const { body } = await own((tx) =>
        tx.one<{ body: string }>(sql`select body from dispatch.message where dispatch_id = ${id}`),
      );
      assert.equal(body, 'unanswered since {since}');
    });
  });

  describe('standing down (P1, P7)', () => {
    it('waits for every organisation that shares the number, and spares round 1', async () => {
      const id = await makeDispatch(db.owner, { messages: 2, laterRoundsMs: [60_000] });
      const [shared, alone] = [newId(), newId()];
      await own(async (tx) => {
        const rows = await rowsOf(tx, id);
        await tx.run(sql`update dispatch.message set organisation_id = ${alone}
          where dispatch_id = ${id}`);
        const [first, , firstAgain] = rows as [Row, Row, Row, Row];
        for (const row of [first, firstAgain])
          await tx.run(sql`insert into dispatch.message_credit (message_id, organisation_id)
            values (${row.id}, ${shared})`);
      });
      await release(db.web, id);
      const answer = (organisationIds: string[]) =>
        web((tx) => standDown(tx, { dispatchId: id, organisationIds }));
      assert.equal(await answer([shared]), 0, 'the other one has not answered');
      assert.equal(await answer([newId()]), 0);
      assert.equal(await answer([alone]), 2);
      assert.equal(await answer([alone, shared]), 0);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 2, cancelled: 2 });
    });
  });

  it('two that share a number and answer in the same moment stand down together', async () => {
    const id = await makeDispatch(db.owner, { messages: 40, laterRoundsMs: [60_000] });
    const organisations = [newId(), newId()];
    await own((tx) =>
      tx.run(sql`
        with first as (update dispatch.message set organisation_id = ${organisations[0]!}
          where dispatch_id = ${id} returning id)
        insert into dispatch.message_credit (message_id, organisation_id)
        select id, ${organisations[1]!} from first`),
    );
    await release(db.web, id);
    const cancelled = await Promise.all(
      organisations.map((one) =>
        web((tx) => standDown(tx, { dispatchId: id, organisationIds: [one] })),
      ),
    );
    assert.deepEqual(
      cancelled.sort((a, b) => a - b),
      [0, 40],
    );
  });

  describe('steering', () => {
    const now = (id: string) =>
      own((tx) =>
        tx.one<{ state: string; epoch: number; ended: boolean; pauseReason: string | null }>(sql`
          select state, epoch, ended_at is not null as ended, pause_reason
          from dispatch.dispatch where id = ${id}`),
      );

    it('pauses and resumes, and says no to whoever comes second', async () => {
      const id = await makeDispatch(db.owner, { messages: 1 });
      const steering = { dispatchId: id, reason: 'wrong text' };
      assert.equal((await web((tx) => pauseDispatch(tx, steering))).ok, false, 'not released');
      await release(db.web, id);
      assert.equal((await web((tx) => resumeDispatch(tx, steering))).ok, false);
      assert.equal((await web((tx) => pauseDispatch(tx, steering))).ok, true);
      assert.equal((await web((tx) => pauseDispatch(tx, steering))).ok, false);
      assert.deepEqual(await now(id), {
        state: 'paused',
        epoch: 1,
        ended: false,
        pauseReason: 'wrong text',
      });
      assert.equal((await web((tx) => resumeDispatch(tx, steering))).ok, true);
      assert.equal((await now(id)).pauseReason, null);
    });

    it('a cancellation waits for no claim, and is not turned away by one', async () => {
      const id = await makeDispatch(db.owner, { messages: 6 });
      await release(db.web, id);
      const held = Promise.withResolvers<void>();
      const cancelled = Promise.withResolvers<void>();
      // A claim in the middle: it has its messages, and will want the dispatch.
      const claiming = own(async (tx) => {
        const [row] = await rowsOf(tx, id);
        await putInState(tx, row!.id, 'claimed', { owner: newId() });
        held.resolve();
        await cancelled.promise;
        await tx.run(sql`update dispatch.dispatch set last_claimed_at = now() where id = ${id}`);
      });
      await held.promise;
      const cancel = web((tx) => cancelDispatch(tx, { dispatchId: id, reason: 'stop' }));
      assert.equal((await cancel).ok, true);
      cancelled.resolve();
      await claiming;
      assert.deepEqual(await statesOf(db.owner, id), { claimed: 1, cancelled: 5 });
    });

    it('cancels what no worker holds, raises the epoch, and leaves the rest to end', async () => {
      const id = await makeDispatch(db.owner, { messages: 4, laterRoundsMs: [60_000] });
      await release(db.web, id);
      await own(async (tx) => {
        const [first, second] = await rowsOf(tx, id);
        await putInState(tx, first!.id, 'claimed', { owner: newId() });
        await putInState(tx, second!.id, 'delivered', { owner: newId() });
      });
      const cancelled = await web((tx) => cancelDispatch(tx, { dispatchId: id, reason: 'stop' }));
      assert.ok(cancelled.ok);
      assert.deepEqual(await statesOf(db.owner, id), { cancelled: 6, claimed: 1, delivered: 1 });
      const { state, epoch, ended } = await now(id);
      assert.deepEqual([state, epoch, ended], ['cancelled', 2, true]);
      for (const steer of [pauseDispatch, resumeDispatch, cancelDispatch])
        assert.equal((await web((tx) => steer(tx, { dispatchId: id, reason: 'x' }))).ok, false);
    });
  });
});

type Row = Awaited<ReturnType<typeof rowsOf>>[number];
