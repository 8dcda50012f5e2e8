import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { londonDay } from '#kernel/day.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { thisDay } from './store-day.ts';

let db: Clone;
before(async () => {
  db = await cloneDatabase();
});
after(() => db?.drop());

test('the day begins at midnight in London, in summer too', () => {
  assert.equal(londonDay(new Date('2027-03-31T22:59:59Z')), '2027-03-31');
  assert.equal(londonDay(new Date('2027-03-31T23:00:00Z')), '2027-04-01');
  assert.equal(londonDay(new Date('2027-12-31T23:59:59Z')), '2027-12-31');
});

test('the database has the same day, around each midnight of a year', async () => {
  const hours = Array.from({ length: 366 * 4 }, (_, i) => {
    const midnight = Date.UTC(2027, 0, 1 + Math.floor(i / 4));
    return new Date(midnight + [-90, -30, 30, 90][i % 4]! * 60_000);
  });
  await db.web.withActor(system('test'), async (tx) => {
    const { now, day } = await tx.one<{ now: Date; day: string }>(
      sql`select now() as now, ${thisDay}::text as day`,
    );
    assert.equal(day, londonDay(now));
    const { body } = await tx.one<{ body: string }>(
      sql`select pg_get_function_sqlbody('kernel.today'::regproc) as body`,
    );
    assert.match(body, /now\(\) AT TIME ZONE 'Europe\/London'/);
    const days = await tx.rows<{ day: string }>(sql`
      select (at at time zone 'Europe/London')::date::text as day
      from unnest(${hours}::timestamptz[]) with ordinality as moment (at, i) order by i`);
    assert.deepEqual(
      days.map((one) => one.day),
      hours.map(londonDay),
    );
  });
});
