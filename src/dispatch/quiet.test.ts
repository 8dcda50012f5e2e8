/** Quiet hours: rounds that fall into them wait for their end, whatever put them there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ZONE } from '#kernel/day.ts';
import { system } from '#kernel/actor.ts';
import { afterQuiet, type QuietHours } from '#kernel/quiet-hours.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, release, seedNotify, statesOf } from '../../test/support/dispatch.ts';
import { pauseDispatch, resumeDispatch } from './actions.ts';
import { sendNow } from './recall.ts';
import { openDueRounds } from './rounds.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Around now by the clock of London: begun so many minutes ago, over in as many. */
function around(minutes: number, fromNow = 0): QuietHours {
  const { hour, minute } = Temporal.Now.zonedDateTimeISO(ZONE);
  const at = (shift: number) => (hour * 60 + minute + shift + DAY_MINUTES) % DAY_MINUTES;
  return { fromMinute: at(fromNow - minutes), untilMinute: at(fromNow + minutes) };
}

describe('quiet hours', () => {
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

  async function timesOf(id: string): Promise<{ opensAt: Date; openedAt: Date | null }[]> {
    return await own((tx) =>
      tx.rows(sql`select opens_at, opened_at from dispatch.round
        where dispatch_id = ${id} order by round`),
    );
  }

  async function released(quietHours: QuietHours): Promise<string> {
    const laterRoundsMs = [15 * MINUTE_MS, 40 * MINUTE_MS];
    const id = await makeDispatch(db.owner, { messages: 2, laterRoundsMs, quietHours });
    await release(db.web, id);
    return id;
  }

  it('hold a release, and later rounds keep their distance', async () => {
    const quietHours = around(60);
    const id = await released(quietHours);
    assert.deepEqual(await statesOf(db.owner, id), { held: 6 });
    const [first, second, third] = await timesOf(id);
    assert.equal(first?.openedAt, null);
    assert.equal(first.opensAt.getTime(), afterQuiet(Date.now(), quietHours));
    assert.equal(second!.opensAt.getTime() - first.opensAt.getTime(), 15 * MINUTE_MS);
    assert.equal(third!.opensAt.getTime() - second!.opensAt.getTime(), 25 * MINUTE_MS);
  });

  it('let whoever presses send the first round at once; the next wait', async () => {
    const quietHours = around(60);
    const id = await released(quietHours);
    const sent = await web((tx) => sendNow(tx, id));
    assert.ok(sent.ok);
    assert.deepEqual(await statesOf(db.owner, id), { held: 4, ready: 2 });
    const [first, second] = await timesOf(id);
    assert.ok(first?.openedAt);
    assert.equal(second!.opensAt.getTime(), afterQuiet(Date.now(), quietHours));
  });

  it('hold what a pause would have put into them', async () => {
    const quietHours = around(20, 30);
    const id = await released(quietHours);
    // Round 2 in a quarter of an hour falls into them: they begin in ten minutes.
    const [, planned] = await timesOf(id);
    const end = afterQuiet(Date.now() + 15 * MINUTE_MS, quietHours);
    assert.equal(planned!.opensAt.getTime(), end);
    await web((tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
    await own((tx) =>
      tx.run(sql`update dispatch.dispatch
        set paused_at = now() - interval '1 day' + interval '1 minute' where id = ${id}`),
    );
    await web((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
    const [, put, later] = await timesOf(id);
    // A day less a minute later than their end: still quiet, so they wait for the next.
    assert.equal(put!.opensAt.getTime(), end + 24 * 60 * MINUTE_MS);
    assert.equal(later!.opensAt.getTime() - put!.opensAt.getTime(), 25 * MINUTE_MS);
  });

  it('hold a round that was due before and that nothing opened', async () => {
    const quietHours = around(5);
    const id = await released(quietHours);
    // As if it had fallen due before they began, and no engine ran.
    await own((tx) =>
      tx.run(sql`update dispatch.round set opens_at = now() - interval '20 minutes'
        where dispatch_id = ${id} and round = 1`),
    );
    await openDueRounds(db.worker);
    const [first] = await timesOf(id);
    assert.equal(first?.openedAt, null);
    assert.equal(first.opensAt.getTime(), afterQuiet(Date.now(), quietHours));
  });

  it('hold nothing outside of them', async () => {
    const id = await released(around(30, 12 * 60));
    assert.deepEqual(await statesOf(db.owner, id), { held: 4, ready: 2 });
  });
});
