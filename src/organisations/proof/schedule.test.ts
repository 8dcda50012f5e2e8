/** The schedule that asks for proof: two persons, these words, so many a day, and never more. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { openCentre, type Centre } from '../../../test/support/centre.ts';
import { hashOfSchedule, runSchedule } from './schedule.ts';
import { scheduleMoves } from './store-schedule.ts';

const PAGE = '/organisations/mend/schedule';

describe('the schedule that asks for proof', () => {
  let centre: Centre;
  before(async () => (centre = await openCentre()));
  after(async () => await centre.close());

  const own = <T>(act: Parameters<typeof centre.db.owner.withActor<T>>[1]) =>
    centre.db.owner.withActor(system('test'), act);
  const asked = async () =>
    (
      await own((tx) =>
        tx.one<{ asked: number }>(sql`
          select count(*) as asked from organisations.contact_point where asked_at is not null`),
      )
    ).asked;
  const run = async (clock: { hour?: number; isWorkingDay?: boolean; now?: Date } = {}) =>
    await runSchedule(centre.db.worker, centre.model, {
      hour: 10,
      isWorkingDay: true,
      now: new Date(),
      ...clock,
    });

  it('is planned by one person and approved by another, over the number and the words', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get(PAGE);
    const wrong = await officer.submit('Ask a second person', { aDay: 'many' }, { status: 422 });
    assert.match(wrong.text, /Enter a whole number from 1 to 1000/);
    const waiting = await officer.submit('Ask a second person', { aDay: '2' });
    assert.match(waiting.text, /Waits for a second person/);
    assert.match(waiting.text, /somebody else has to approve it/);
    assert.equal(await run(), 0);
    const approver = centre.visit(centre.approver);
    await approver.get(PAGE);
    const running = await approver.submit('Approve: up to 2 a day');
    assert.match(running.text, /Runs since/);
  });

  it('asks in its hour of a working day, so many and no more, those told first before others', async () => {
    assert.equal(await run({ hour: 9 }), 0);
    assert.equal(await run({ isWorkingDay: false }), 0);
    assert.equal(await run(), 2);
    assert.equal(await run(), 0);
    assert.equal(await asked(), 2);
    const ranks = await own((tx) =>
      tx.rows<{ rank: number }>(sql`
        select min(contact.rank) as rank from organisations.contact_point point
        join organisations.contact_contact_point link on link.contact_point_id = point.id
        join organisations.contact on contact.id = link.contact_id
        where point.asked_at is not null group by point.id`),
    );
    assert.deepEqual(
      ranks.map(({ rank }) => rank),
      [1, 1],
    );
  });

  it('asks others on the next day, and nobody again too soon', async () => {
    const total = await own((tx) =>
      tx.one<{ points: number }>(sql`select count(*) as points from organisations.contact_point`),
    );
    for (let day = 1; day < 12; day += 1) {
      await own((tx) =>
        tx.run(sql`update organisations.contact_point set asked_at = asked_at - interval '1 day'`),
      );
      await run({ now: new Date() });
    }
    assert.equal(await asked(), total.points);
    const twice = await own((tx) =>
      tx.one<{ jobs: number }>(sql`
        select count(*) as jobs from graphile_worker._private_jobs job
        join graphile_worker._private_tasks task on task.id = job.task_id
        where task.identifier = 'proof_asked'`),
    );
    assert.equal(twice.jobs, total.points);
  });

  it('ends by itself where the words are not those that were approved', async () => {
    const changed = { ...centre.model, sender: 'OTHER' };
    assert.notEqual(hashOfSchedule(2, changed), hashOfSchedule(2, centre.model));
    const clock = { hour: 10, isWorkingDay: true, now: new Date() };
    assert.equal(await runSchedule(centre.db.worker, changed, clock), 0);
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get(PAGE)).text, /Ask a second person/);
  });

  it('is taken back by whoever may change the directory, and not approved afterwards', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get(PAGE);
    await officer.submit('Ask a second person', { aDay: '5' });
    const approver = centre.visit(centre.approver);
    await approver.get(PAGE);
    await officer.submit('Take it back');
    const late = await approver.submit('Approve: up to 5 a day', {}, { status: 409 });
    assert.match(late.text, /decided or ended meanwhile/);
  });

  it('its states are those of the database', async () => {
    const [check] = await own((tx) =>
      tx.rows<{ definition: string }>(sql`
        select pg_get_constraintdef(oid) as definition from pg_constraint
        where conname = 'proof_schedule_state_check'`),
    );
    for (const state of Object.keys(scheduleMoves))
      assert.match(check!.definition, new RegExp(`'${state}'`));
  });
});
