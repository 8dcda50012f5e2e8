/** The approver is woken by text and chased until somebody decides. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  contextOf,
  draftAlert,
  must,
  openCentre,
  submitDraft,
  tasksFor,
  type Centre,
  type Person,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { approveAndRelease, findSubmission, findVersion, WAKE_TASK } from './index.ts';

let centre: Centre;
let second: Person;

const phones = { approver: '447700900301', officer: '447700900302', second: '447700900303' };

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  second = await centre.invite('Mia Berg', ['duty_officer']);
  for (const [person, number] of [
    [centre.approver, phones.approver],
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

async function submissionOf(alertId: string): Promise<string> {
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return (await findSubmission(tx, version!.id))!.id;
  });
}

async function submitted(severity = 'critical') {
  const alertId = await draftAlert(centre, { severity });
  const hash = await submitDraft(centre, alertId);
  return { alertId, hash, submissionId: await submissionOf(alertId) };
}

const wake = (submissionId: string, step: number) =>
  tasksFor(centre)[WAKE_TASK]!({ submissionId, step });

/** Texts to people of the centre, as the engine would send them. */
async function wakingTexts(): Promise<{ number: string; body: string }[]> {
  const rows = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ contactPointId: string; addressSealed: Buffer; body: string }>(sql`
      select message.contact_point_id, message.address_sealed, message.body
      from dispatch.message message
      where message.body like '%waits for your approval%' and message.state = 'ready'`),
  );
  return rows.map(({ contactPointId, addressSealed, body }) => ({
    number: centre.product.seals.openAddress(contactPointId, addressSealed),
    body,
  }));
}

const forget = () =>
  centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`delete from dispatch.message where body like '%waits for your approval%'`),
  );

it('each step of the ladder is a job at its time, for the severities that wake', async () => {
  const startedAt = Date.now();
  const { submissionId } = await submitted();
  const jobsOf = (id: string) =>
    centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ payload: { step: number }; runAt: Date }>(sql`
        select job.payload, job.run_at from graphile_worker._private_jobs job
        where job.payload ->> 'submissionId' = ${id} order by job.run_at`),
    );
  const jobs = await jobsOf(submissionId);
  assert.deepEqual(
    jobs.map(({ payload }) => payload.step),
    [1, 2, 3],
  );
  const waits = jobs.map(({ runAt }) => Math.round((runAt.getTime() - startedAt) / 60_000));
  assert.deepEqual(waits, [0, 5, 15]);
  const low = await submitted('low');
  assert.deepEqual(await jobsOf(low.submissionId), []);
});

it('wakes who may approve and shaped nothing, each once, with no word of the alert', async () => {
  await forget();
  const { alertId, submissionId } = await submitted();
  await Promise.all([wake(submissionId, 1), wake(submissionId, 1)]);
  const texts = await wakingTexts();
  assert.deepEqual(
    texts.map(({ number }) => number),
    [phones.approver],
  );
  assert.match(texts[0]!.body, /^NHS CYBER: alert 49\d\d CRITICAL waits .* since \d\d:\d\d\./);
  assert.doesNotMatch(texts[0]!.body, /Citrix|http/);
  await wake(submissionId, 2);
  assert.deepEqual(
    (await wakingTexts()).map(({ number }) => number).sort(),
    [phones.approver, phones.approver, phones.second],
    'the deputy too, and not the officer who wrote it',
  );
  const page = await centre.visit(centre.approver).get(`/alerts/${alertId}`);
  assert.match(page.text, /Woken Tom Lindqvist \d\d:\d\d.*Mia Berg \d\d:\d\d/);
});

it('once somebody decided, nobody is woken', async () => {
  await forget();
  const { alertId, hash, submissionId } = await submitted();
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
    ),
  );
  await wake(submissionId, 1);
  assert.deepEqual(await wakingTexts(), []);
});

it('a number is a mobile, is masked, and is gone when it is removed', async () => {
  const page = centre.visit(second);
  await page.get('/account');
  const wrong = await page.submit('Save the number', { phone: '0303 999 0001' }, { status: 422 });
  assert.match(wrong.text, /Enter a mobile number/);
  const shown = await page.get('/account');
  assert.match(shown.text, /On file: 07700 ···303/);
  assert.doesNotMatch(shown.body, /900303/);
  const removed = await page.submit('Remove the number');
  assert.match(removed.text, /None is on file/);
  await forget();
  const { submissionId } = await submitted();
  await wake(submissionId, 2);
  assert.deepEqual(
    (await wakingTexts()).map(({ number }) => number),
    [phones.approver],
  );
});
