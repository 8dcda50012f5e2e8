/** When rounds open: on time, after a pause, after a time in which nothing ran; and in parts. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  release,
  seedNotify,
  statesOf,
  untilOneWaits,
} from '../../test/support/dispatch.ts';
import { cancelDispatch, pauseDispatch, resumeDispatch } from './actions.ts';
import { openDueRounds, readyPart } from './rounds.ts';
import { countUnopened } from './store-audit.ts';

const MINUTE_MS = 60_000;

describe('rounds that come late', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const web = <T>(act: (tx: Tx) => Promise<T>) => db.web.withActor(system('test'), act);
  const open = () => openDueRounds(db.worker);

  /** Released so long ago, with rounds after 15, 30 and 45 minutes. */
  async function releasedBefore(minutes: number): Promise<string> {
    const laterRoundsMs = [15, 30, 45].map((after) => after * MINUTE_MS);
    const id = await makeDispatch(db.owner, { messages: 1, laterRoundsMs });
    await release(db.web, id);
    const shift = sql`${minutes} * interval '1 minute'`;
    await own(async (tx) => {
      await tx.run(sql`update dispatch.dispatch set released_at = released_at - ${shift}
        where id = ${id}`);
      await tx.run(sql`update dispatch.round set opens_at = opens_at - ${shift}
        where dispatch_id = ${id}`);
    });
    return id;
  }

  /** Minutes from now to each round that is not open yet. */
  async function waiting(id: string): Promise<number[]> {
    const rows = await own((tx) =>
      tx.rows<{ minutes: number }>(sql`
        select round(extract(epoch from opens_at - now()) / 60)::int as minutes
        from dispatch.round where dispatch_id = ${id} and opened_at is null order by round`),
    );
    return rows.map(({ minutes }) => minutes);
  }

  async function pausedFor(id: string, minutes: number): Promise<void> {
    await web((tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
    await own((tx) =>
      tx.run(sql`update dispatch.dispatch set paused_at = now() - ${minutes} * interval '1 minute'
        where id = ${id}`),
    );
    await web((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
  }

  it('come as much later as the dispatch stood still', async () => {
    const id = await releasedBefore(65);
    // Paused five minutes after its release, for an hour.
    await pausedFor(id, 60);
    assert.deepEqual(await waiting(id), [10, 25, 40]);
    assert.equal(await open(), 0);
  });

  it('what was due before the pause opens at once, and alone', async () => {
    const id = await releasedBefore(50);
    await pausedFor(id, 10);
    assert.equal(await open(), 1);
    // The first was due 25 minutes ago, and so it is by that much later than planned.
    assert.deepEqual(await waiting(id), [15, 30]);
    assert.equal(await open(), 0);
  });

  it('after hours without an engine they open one by one, at their distance', async () => {
    const id = await releasedBefore(180);
    assert.equal(await open(), 1);
    assert.deepEqual(await waiting(id), [15, 30]);
    assert.equal(await open(), 0);
  });

  it('a refused resumption moves nothing', async () => {
    const id = await releasedBefore(5);
    const resumed = await web((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.equal(resumed.ok, false);
    assert.deepEqual(await waiting(id), [10, 25, 40]);
  });
});

describe('a large round', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const web = <T>(act: (tx: Tx) => Promise<T>) => db.web.withActor(system('test'), act);
  const openPart = (most: number) => openDueRounds(db.worker, most);

  /** Released, its second round of seven is due: three of rank 1, four of rank 2. */
  async function waiting(): Promise<string> {
    const id = await makeDispatch(db.owner, { messages: 7, laterRoundsMs: [0, 3_600_000] });
    await own(async (tx) => {
      await tx.run(sql`
        update dispatch.message set rank = 1 + (nth > 3)::int
        from (select id, row_number() over (order by id desc) as nth from dispatch.message
          where dispatch_id = ${id} and round = 2) numbered
        where numbered.id = message.id`);
    });
    await release(db.web, id);
    return id;
  }

  /** Ranks of those of round 2 that may go. */
  async function ranksReady(id: string): Promise<number[]> {
    const rows = await own((tx) =>
      tx.rows<{ rank: number }>(sql`select rank from dispatch.message
        where dispatch_id = ${id} and round = 2 and state = 'ready' order by rank`),
    );
    return rows.map(({ rank }) => rank);
  }

  const roundsOpen = (id: string) =>
    own((tx) =>
      tx.rows(sql`select round, part_at is null as whole from dispatch.round
        where dispatch_id = ${id} and opened_at is not null order by round`),
    );

  it('opens in parts, rank 1 of all before rank 2 of any, and is whole in the end', async () => {
    const id = await waiting();
    assert.equal(await openPart(3), 3);
    assert.deepEqual(await ranksReady(id), [1, 1, 1]);
    assert.deepEqual((await roundsOpen(id)).at(-1), { round: 2, whole: false });
    assert.equal(await openPart(3), 3);
    assert.equal(await openPart(3), 1);
    assert.deepEqual(await ranksReady(id), [1, 1, 1, 2, 2, 2, 2]);
    assert.deepEqual((await roundsOpen(id)).at(-1), { round: 2, whole: true });
    assert.equal(await openPart(3), 0);
  });

  it('a part of just what is left is the last one, seen a beat later', async () => {
    const id = await waiting();
    assert.equal(await openPart(7), 7);
    assert.deepEqual((await roundsOpen(id)).at(-1), { round: 2, whole: false });
    assert.equal(await openPart(7), 0);
    assert.deepEqual((await roundsOpen(id)).at(-1), { round: 2, whole: true });
  });

  it('readies nothing while it is paused, and goes on afterwards', async () => {
    const id = await waiting();
    await openPart(3);
    await web((tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.equal(await openPart(3), 0);
    await web((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.equal(await openPart(10), 4);
  });

  it('called off between two parts: the rest never goes', async () => {
    const id = await waiting();
    await openPart(3);
    await web((tx) => cancelDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.equal(await openPart(3), 0);
    assert.deepEqual(await statesOf(db.owner, id), { cancelled: 21 });
  });

  it('two engines share it out and ready each message once', async () => {
    const id = await waiting();
    await openPart(1);
    const both = await Promise.all([openPart(3), openPart(3)]);
    assert.ok(both.includes(3), 'one of them readies a part');
    while ((await openPart(3)) > 0);
    assert.equal((await ranksReady(id)).length, 7);
  });

  it('what is called off while a part is chosen does not end the round early', async () => {
    const id = await waiting();
    await openPart(1);
    const parked = Promise.withResolvers<void>();
    const isLocked = Promise.withResolvers<void>();
    // An answer of one of the next three, not committed yet.
    const standingDown = own(async (tx) => {
      await tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now()
        where id = (select id from dispatch.message where dispatch_id = ${id} and round = 2
          and state = 'held' order by rank, id limit 1)`);
      isLocked.resolve();
      await parked.promise;
    });
    await isLocked.promise;
    const part = own((tx) => readyPart(tx, { dispatchId: id, round: 2, most: 3 }));
    await untilOneWaits(db.owner);
    parked.resolve();
    await standingDown;
    assert.equal(await part, 2);
    assert.deepEqual((await roundsOpen(id)).at(-1), { round: 2, whole: false });
    assert.equal(await openPart(10), 3);
  });

  it('the auditor says where no part became ready for a minute, but not of a pause', async () => {
    const id = await waiting();
    await openPart(3);
    const breaches = async () => (await own(countUnopened)).breaches;
    assert.equal(await breaches(), 0);
    const stand = (minutes: number) =>
      own((tx) =>
        tx.run(sql`update dispatch.round set part_at = now() - ${minutes} * interval '1 minute'
          where dispatch_id = ${id} and part_at is not null`),
      );
    await stand(2);
    assert.equal(await breaches(), 1);
    await web((tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
    await own((tx) =>
      tx.run(sql`update dispatch.dispatch set paused_at = now() - interval '110 seconds'
        where id = ${id}`),
    );
    await web((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.equal(await breaches(), 0, 'it stood still on purpose');
  });
});
