/** A call that was promised wakes whoever has it, and the others once it is late. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { WAKE_TASK, type WakingTimer } from '#identity/index.ts';
import { answersAt } from '../../test/support/answers.ts';
import {
  must,
  numbers,
  openCentre,
  tasksFor,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { claimItem, closeItem, promiseCall } from './desk.ts';

let centre: Centre;

const phones = { officer: '447700900302', second: '447700900303' };

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  const second = await centre.invite('Mia Berg', ['duty_officer']);
  for (const [person, number] of [
    [centre.officer, phones.officer],
    [second, phones.second],
  ] as const) {
    const page = centre.visit(person);
    await page.get('/account');
    await page.submit('Save the number', { phone: `+${number}` });
  }
});

after(async () => {
  await centre.close();
});

const { liveAlert, tidy } = answersAt(() => centre);

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

beforeEach(async () => {
  await own(sql`delete from identity.woken`);
  await forget();
});

const forget = () => own(sql`delete from dispatch.message where body like '%our call is%'`);

const wake = (timer: WakingTimer) => tasksFor(centre)[WAKE_TASK]!(timer);

async function woken(): Promise<{ number: string; body: string }[]> {
  const rows = await own<{ contactPointId: string; addressSealed: Buffer; body: string }>(sql`
    select contact_point_id, address_sealed, body from dispatch.message
    where body like '%our call is%' order by due_at`);
  return rows.map(({ contactPointId, addressSealed, body }) => ({
    number: centre.product.seals.openAddress(contactPointId, addressSealed),
    body,
  }));
}

const wokenNumbers = async () => (await woken()).map(({ number }) => number).sort();

/** Asks for help from this number; the item, and its timers in order. */
async function askForHelp(number: string, code: string) {
  await textFrom(centre, number, `${code} HELP`);
  const [item] = await own<{ id: string; callBackAt: Date }>(sql`
    select id, call_back_at from responses.desk_item where kind = 'help' and state = 'open'
    order by created_at desc limit 1`);
  return { itemId: item!.id, dueAt: item!.callBackAt, timers: await timersOf(item!.id) };
}

async function timersOf(itemId: string): Promise<WakingTimer[]> {
  const jobs = await own<{ payload: WakingTimer }>(sql`
    select payload from graphile_worker._private_jobs job
    where payload ->> 'id' = ${itemId} order by job.run_at`);
  return jobs.map(({ payload }) => payload);
}

const byOfficer = async (verb: Parameters<typeof centre.db.web.attempt<void>>[1]) =>
  must(await centre.db.web.attempt(centre.officer, verb));

it('that nobody took wakes the officers before it is due; each step once', async () => {
  const { alertId, codeOf } = await liveAlert();
  const { timers } = await askForHelp(numbers.eastvale, codeOf(numbers.eastvale));
  assert.deepEqual(
    timers.map(({ step }) => step),
    [1, 2, 3],
  );
  await Promise.all([wake(timers[0]!), wake(timers[0]!)]);
  assert.deepEqual(await wokenNumbers(), [phones.officer, phones.second]);
  const [text] = await woken();
  assert.match(text!.body, /help in alert 49\d\d, and our call is due \d\d:\d\d\./);
  assert.doesNotMatch(text!.body, /Eastvale|Citrix|http/);
  await tidy(alertId);
});

it('that somebody took wakes them alone, and the others once it is late', async () => {
  const { alertId, codeOf } = await liveAlert();
  const { itemId, timers } = await askForHelp(numbers.eastvale, codeOf(numbers.eastvale));
  await byOfficer((tx) => claimItem(tx, itemId, centre.model));
  await wake(timers[0]!);
  assert.deepEqual(await wokenNumbers(), [phones.officer]);
  await forget();
  await own(sql`update identity.woken set at = at - interval '10 minutes'`);
  await wake(timers[1]!);
  assert.deepEqual(await wokenNumbers(), [phones.officer, phones.second]);
  assert.match((await woken())[0]!.body, /our call is late, due \d\d:\d\d\./);
  await tidy(alertId);
});

it('promised anew, its old timers are silent; dealt with, all are', async () => {
  const { alertId, codeOf } = await liveAlert();
  const { itemId, timers } = await askForHelp(numbers.eastvale, codeOf(numbers.eastvale));
  await byOfficer((tx) => claimItem(tx, itemId, centre.model));
  await byOfficer((tx) => promiseCall(tx, itemId, { inMinutes: 60, rules: centre.model }));
  for (const timer of timers) await wake(timer);
  assert.deepEqual(await woken(), []);
  const anew = (await timersOf(itemId)).filter(({ dueAt }) => dueAt !== timers[0]!.dueAt);
  assert.equal(anew.length, 3);
  await wake(anew[0]!);
  assert.deepEqual(await wokenNumbers(), [phones.officer]);
  await forget();
  await byOfficer((tx) => closeItem(tx, itemId, { outcome: 'Rang; they are fine' }));
  await wake(anew[1]!);
  assert.deepEqual(await woken(), []);
  await tidy(alertId);
});

it('of many who ask at once, nobody is texted for each', async () => {
  const { alertId, codeOf } = await liveAlert();
  const first = await askForHelp(numbers.eastvale, codeOf(numbers.eastvale));
  const second = await askForHelp(numbers.northmoor, codeOf(numbers.northmoor));
  await wake(first.timers[0]!);
  await wake(second.timers[0]!);
  assert.deepEqual(await wokenNumbers(), [phones.officer, phones.second]);
  await tidy(alertId);
});
