/** When rounds open: on time, after a pause, and after a time in which nothing ran. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, release, seedNotify } from '../../test/support/dispatch.ts';
import { openDueRounds, pauseDispatch, resumeDispatch } from './actions.ts';

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
  const open = () => openDueRounds(db.worker, () => '03:02');

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
