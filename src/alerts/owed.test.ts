/** What the centre owes wakes people by text, step by step, until it is done. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { WAKE_TASK, type WakingTimer } from '#identity/index.ts';
import {
  contextOf,
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  releaseVersion,
  submitDraft,
  tasksFor,
  type Centre,
  type Person,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import {
  approveAndRelease,
  closeAlert,
  closeAndTell,
  findSubmission,
  findVersion,
  withdrawReleased,
} from './index.ts';

let centre: Centre;
let second: Person;

const phones = { approver: '447700900301', officer: '447700900302', second: '447700900303' };

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  second = await centre.invite('Mia Berg', ['duty_officer']);
  const lead = await centre.inviteLead('Rhian Pryce', ['RA']);
  for (const [person, number] of [
    [centre.approver, phones.approver],
    [centre.officer, phones.officer],
    [second, phones.second],
    [lead, '447700900304'],
  ] as const) {
    const page = centre.visit(person);
    await page.get('/account');
    await page.submit('Save the number', { phone: `+${number}` });
  }
});

after(async () => {
  await centre.close();
});

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

beforeEach(async () => {
  await own(
    sql`delete from dispatch.message where dispatch_id = '00000000-0000-4000-8000-000000000000'`,
  );
});

/** The timers of one promise, in order. */
async function timersOf(kind: string, id: string) {
  return await own<{ payload: WakingTimer; runAt: Date }>(sql`
    select job.payload, job.run_at from graphile_worker._private_jobs job
    where job.payload ->> 'kind' = ${kind} and job.payload ->> 'id' = ${id} order by job.run_at`);
}

const wake = (timer: WakingTimer) => tasksFor(centre)[WAKE_TASK]!(timer);

/** Texts to people of the centre, as the engine would send them, each number with its words. */
async function wakingTexts(): Promise<{ number: string; body: string }[]> {
  const rows = await own<{ contactPointId: string; addressSealed: Buffer; body: string }>(sql`
    select contact_point_id, address_sealed, body from dispatch.message
    where dispatch_id = '00000000-0000-4000-8000-000000000000' and state = 'ready'
    order by due_at, round`);
  return rows.map(({ contactPointId, addressSealed, body }) => ({
    number: centre.product.seals.openAddress(contactPointId, addressSealed),
    body,
  }));
}

async function wokenNumbers(): Promise<string[]> {
  return (await wakingTexts()).map(({ number }) => number).sort();
}

const MINUTE_MS = 60_000;

const minutesFrom = (at: number, timers: readonly { runAt: Date }[]) =>
  timers.map(({ runAt }) => Math.round((runAt.getTime() - at) / MINUTE_MS));

describe('an approval', () => {
  async function submitted(severity = 'critical') {
    const alertId = await draftAlert(centre, { severity });
    const hash = await submitDraft(centre, alertId);
    const submissionId = await centre.db.web.withActor(centre.officer, async (tx) => {
      const version = await findVersion(tx, alertId);
      return (await findSubmission(tx, version!.id))!.id;
    });
    const timers = (await timersOf('approval', submissionId)).map(({ payload }) => payload);
    return { alertId, hash, submissionId, timers };
  }

  it('has a timer for each step of its ladder, at the severities that wake', async () => {
    const startedAt = Date.now();
    const { submissionId } = await submitted();
    const timers = await timersOf('approval', submissionId);
    assert.deepEqual(minutesFrom(startedAt, timers), [0, 5, 15]);
    assert.deepEqual((await submitted('low')).timers, []);
  });

  it('that is late offers the holding alert to whoever may write', async () => {
    const { alertId, submissionId } = await submitted();
    const officer = centre.visit(centre.officer);
    assert.doesNotMatch((await officer.get(`/alerts/${alertId}`)).text, /send a holding alert/);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update alerts.submission set submitted_at = now() - interval '11 minutes'
        where id = ${submissionId}`),
    );
    assert.match((await officer.get(`/alerts/${alertId}`)).text, /send a holding alert/);
    const approver = centre.visit(centre.approver);
    assert.doesNotMatch((await approver.get(`/alerts/${alertId}`)).text, /send a holding alert/);
  });

  it('wakes who may approve and shaped nothing, each once, with no word of the alert', async () => {
    const { alertId, timers } = await submitted();
    await Promise.all([wake(timers[0]!), wake(timers[0]!)]);
    const texts = await wakingTexts();
    assert.deepEqual(
      texts.map(({ number }) => number),
      [phones.approver],
    );
    assert.match(texts[0]!.body, /^NHS CYBER: alert 49\d\d CRITICAL waits .* since \d\d:\d\d\./);
    assert.doesNotMatch(texts[0]!.body, /Citrix|http/);
    await wake(timers[1]!);
    assert.deepEqual(
      await wokenNumbers(),
      [phones.approver, phones.approver, phones.second],
      'the deputy too, and not the officer who wrote it',
    );
    const page = await centre.visit(centre.approver).get(`/alerts/${alertId}`);
    assert.match(page.text, /Decision due in \d+ min/);
    assert.match(page.text, /Woken (Mia Berg|Tom Lindqvist) \d\d:\d\d.*Mia Berg \d\d:\d\d/);
    const desk = await centre.visit(centre.approver).get('/');
    assert.match(desk.text, /by Amara Osei, just now\. A decision is due in \d+ min\./);
  });

  it('once somebody decided, nobody is woken', async () => {
    const { alertId, hash, timers } = await submitted();
    must(
      await centre.db.web.attempt(centre.approver, (tx) =>
        approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
      ),
    );
    await wake(timers[0]!);
    assert.deepEqual(await wakingTexts(), []);
  });

  it('where nobody of a step has a number, those of the next are woken', async () => {
    const page = centre.visit(centre.approver);
    await page.get('/account');
    await page.submit('Remove the number');
    const { timers } = await submitted();
    await wake(timers[0]!);
    assert.deepEqual(await wokenNumbers(), [phones.second]);
    await page.get('/account');
    await page.submit('Save the number', { phone: `+${phones.approver}` });
  });
});

describe('a next update', () => {
  const dueAt = new Date(Date.now() + 3 * 3_600_000);

  async function released() {
    const alert = await releaseAlert(centre, { nextUpdateAt: dueAt });
    const version = await centre.db.web.withActor(centre.officer, (tx) =>
      findVersion(tx, alert.alertId),
    );
    const timers = (await timersOf('next_update', version!.id)).map(({ payload }) => payload);
    return { ...alert, versionId: version!.id, timers };
  }

  /** As if the time had come: only a draft's words may be changed, so the guard stands aside. */
  async function letItBeLate(versionId: string): Promise<void> {
    await centre.db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`alter table alerts.version disable trigger guard_version`);
      await tx.run(sql`update alerts.version set next_update_at = now() - interval '4 minutes'
        where id = ${versionId}`);
      await tx.run(sql`alter table alerts.version enable trigger guard_version`);
    });
  }

  it('has timers before it is due and after, and none whose time is over already', async () => {
    const { versionId } = await released();
    const timers = await timersOf('next_update', versionId);
    assert.deepEqual(minutesFrom(dueAt.getTime(), timers), [-10, 0, 15]);
    const soon = new Date(Date.now() + 5 * MINUTE_MS);
    const { alertId } = await releaseAlert(centre, { nextUpdateAt: soon });
    const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
    const left = await timersOf('next_update', version!.id);
    assert.deepEqual(minutesFrom(soon.getTime(), left), [0, 15]);
  });

  it('wakes whoever has it before, and all officers once it is late; each step once', async () => {
    const { timers } = await released();
    await Promise.all([wake(timers[0]!), wake(timers[0]!)]);
    const [text, ...others] = await wakingTexts();
    assert.deepEqual(others, []);
    assert.equal(text!.number, phones.officer);
    assert.match(text!.body, /^NHS CYBER: our next update of alert 49\d\d CRITICAL is due /);
    await wake(timers[1]!);
    assert.deepEqual(await wokenNumbers(), [phones.officer, phones.officer, phones.second]);
    assert.match((await wakingTexts()).at(-1)!.body, /CRITICAL is late, due /);
    await wake(timers[2]!);
    assert.equal((await wokenNumbers()).filter((one) => one === phones.approver).length, 1);
  });

  it('can be taken over, and is then the other’s', async () => {
    const { alertId, timers } = await released();
    const page = centre.visit(second);
    assert.match((await page.get(`/alerts/${alertId}/board`)).text, /Amara Osei has it\./);
    const taken = await page.submit('I have the next update');
    assert.match(taken.text, /You have the next update now/);
    assert.match(taken.text, /Mia Berg has it\./);
    await wake(timers[0]!);
    assert.deepEqual(await wokenNumbers(), [phones.second]);
  });

  it('is said to be late on the desk, on the board and to the public, with who was woken', async () => {
    const { alertId, number, versionId, timers } = await released();
    const visitor = centre.site.visitor();
    assert.match((await visitor.get(`/${number}`)).text, /Next update by /);
    await wake(timers[0]!);
    await letItBeLate(versionId);
    const late =
      /Our next update overdue by 4 min \(\d\d:\d\d, late\)\. Amara Osei has it; texted Amara Osei/;
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get('/')).text, late);
    assert.match((await officer.get(`/alerts/${alertId}/board`)).text, late);
    const shown = (await visitor.get(`/${number}`)).text;
    assert.match(shown, /Update due \d\d:\d\d, late\./);
    assert.doesNotMatch(shown, /Next update by/);
  });

  it('after a stretch in which nothing ran, the last step that is due is enough', async () => {
    const { alertId, versionId, timers } = await released();
    await letItBeLate(versionId);
    const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
    const dueAt = version!.nextUpdateAt!.toISOString();
    await wake({ ...timers[0]!, dueAt });
    assert.deepEqual(await wakingTexts(), []);
    await wake({ ...timers[1]!, dueAt });
    assert.deepEqual(await wokenNumbers(), [phones.officer, phones.second]);
  });

  it('wakes nobody once another version is out, or the alert is over', async () => {
    const updated = await released();
    await releaseVersion(centre, updated.alertId, 'update', { asksAgain: false });
    const closed = await released();
    must(await centre.db.web.attempt(centre.officer, (tx) => closeAlert(tx, closed.alertId)));
    await wake(updated.timers[0]!);
    await wake(closed.timers[0]!);
    await wake({ ...updated.timers[0]!, dueAt: new Date(0).toISOString() });
    assert.deepEqual(await wakingTexts(), []);
  });
});

describe('what one officer does to an alert that is out', () => {
  /** What was announced last, as its job would tell. */
  async function tell(): Promise<void> {
    const [last] = await own<{ payload: WakingTimer }>(sql`
      select job.payload from graphile_worker._private_jobs job
      where job.payload ->> 'kind' = 'announcement' order by job.id desc limit 1`);
    await Promise.all([wake(last!.payload), wake(last!.payload)]);
  }

  const desk = async () => (await centre.visit(second).get('/')).text;

  it('withdrawn: all others who may send or approve are told, and the desk says so', async () => {
    const { alertId, number } = await releaseAlert(centre);
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        withdrawReleased(tx, contextOf(centre), { alertId, reason: 'false' }),
      ),
    );
    await tell();
    assert.deepEqual(await wokenNumbers(), [phones.approver, phones.second]);
    const [text] = await wakingTexts();
    assert.match(text!.body, new RegExp(`alert ${number} CRITICAL was withdrawn \\d\\d:\\d\\d\\.`));
    assert.doesNotMatch(text!.body, /Citrix|http/);
    assert.match(await desk(), new RegExp(`Withdrawn ${number} Ransomware .* by Amara Osei, `));
  });

  it('corrected: by the approver, so the officers are told', async () => {
    const { alertId, number } = await releaseAlert(centre);
    await releaseVersion(centre, alertId, 'correction', { ifActed: 'Reconnect.' });
    await tell();
    assert.deepEqual(await wokenNumbers(), [phones.officer, phones.second]);
    assert.match((await wakingTexts())[0]!.body, /was corrected/);
    assert.match(await desk(), new RegExp(`Corrected ${number} Ransomware .* by Tom Lindqvist, `));
  });

  it('closed, with a word to everybody or without', async () => {
    const { alertId } = await releaseAlert(centre);
    must(await centre.db.web.attempt(centre.officer, (tx) => closeAlert(tx, alertId)));
    await tell();
    const told = await releaseAlert(centre);
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        closeAndTell(tx, contextOf(centre), told.alertId),
      ),
    );
    await tell();
    const texts = await wakingTexts();
    assert.equal(texts.filter(({ body }) => /was closed/.test(body)).length, 4);
  });

  it('an update is none of it', async () => {
    const { alertId } = await releaseAlert(centre);
    await releaseVersion(centre, alertId, 'update', { asksAgain: false });
    const rows = await own(sql`select id from alerts.announcement where alert_id = ${alertId}`);
    assert.deepEqual(rows, []);
  });
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
});
