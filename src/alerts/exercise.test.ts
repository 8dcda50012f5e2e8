/** An exercise runs as an alert does, and neither can pass for the other (P11). */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { everybody } from '#organisations/index.ts';
import {
  contactsCsv,
  contextOf,
  messagesOf,
  must,
  openCentre,
  organisationsCsv,
  releaseAlert,
  releaseVersion,
  submitDraft,
  textFrom,
  numbers,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { closeAndTell } from './close.ts';
import { approveAndRelease } from './decide.ts';
import { createAlert } from './draft.ts';
import { whatForbids } from './exercise.ts';
import type { Wording } from './model.ts';
import { listAsked } from './store-people.ts';
import { submitAlert } from './submit.ts';
import { standingAlone } from './alone/alone.ts';
import { findSubmission } from './store-submission.ts';
import { findVersion } from './store.ts';
import { withdrawReleased } from './withdraw.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-exercise-'));

async function open(...changes: [from: string, to: string][]): Promise<Centre> {
  const modelFile = path.join(folder, 'operating-model.yaml');
  let text = shipped;
  for (const [from, to] of [...changes, ALL_DAY]) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  writeFileSync(modelFile, text);
  const roles = { officerRole: 'duty_officer', approverRole: 'approver' };
  return await openCentre('demonstration', { modelFile, organisationsCsv, contactsCsv, ...roles });
}

const HOURS = '{ from: "08:00", until: "18:00" }';
const ALL_DAY: [string, string] = [HOURS, '{ from: "00:00", until: "23:59" }'];

async function draftExercise(centre: Centre, change: Partial<Wording> = {}): Promise<string> {
  const draft = { wording: { ...wording, ...change }, audience: everybody, exercise: true };
  return must(
    await centre.db.web.attempt(centre.officer, (tx) => createAlert(tx, centre.model, draft)),
  ).id;
}

const approve = (centre: Centre, alertId: string, hash: string, now = new Date()) =>
  centre.db.web.attempt(centre.approver, (tx) =>
    approveAndRelease(tx, contextOf(centre), { alertId, hash, now }),
  );

/** As if everybody had answered: live alerts have nothing left to send. */
async function endLive(centre: Centre): Promise<void> {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now()
      where state in ('held', 'ready') and dispatch_id in (
        select id from dispatch.dispatch where not exercise and released_at is not null)`),
  );
}

async function releaseExercise(centre: Centre, change: Partial<Wording> = {}) {
  const alertId = await draftExercise(centre, change);
  await endLive(centre);
  must(await approve(centre, alertId, await submitDraft(centre, alertId)));
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = (await findVersion(tx, alertId))!;
    const { dispatchId, id } = (await findSubmission(tx, version.id))!;
    return { alertId, dispatchId, submissionId: id, number: version.alertNumber };
  });
}

/** Every dispatch there is, with its lane and all that it says. */
async function everythingSaid(centre: Centre) {
  const dispatches = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ id: string; label: string; lane: number; exercise: boolean }>(
      sql`select id, label, lane, exercise from dispatch.dispatch`,
    ),
  );
  const all = [];
  for (const one of dispatches) all.push({ ...one, messages: await messagesOf(centre, one.id) });
  return all.filter(({ messages }) => messages.length > 0);
}

after(() => rmSync(folder, { recursive: true }));

describe('all that leaves', () => {
  let centre: Centre;
  before(async () => {
    centre = await open([
      'most_in_30_days: { organisation: 2, centre: 4 }',
      'most_in_30_days: { organisation: 9, centre: 9 }',
    ]);
  });
  after(() => centre.close());

  it('of an exercise is marked and in its lane, of a live alert is neither', async () => {
    const live = await releaseAlert(centre, { severity: 'high' });
    const own = '{organisation}: do this now. Reply {code}';
    for (const change of [
      { severity: 'critical' },
      { severity: 'high', ownText: own },
      { severity: 'low' },
      { marking: 'AMBER' as const },
    ]) {
      const { alertId } = await releaseExercise(centre, change);
      await releaseVersion(centre, alertId, 'update', { asksAgain: false });
      await releaseVersion(centre, alertId, 'correction', { ifActed: 'Undo it.' });
      must(
        await centre.db.web.attempt(centre.approver, (tx) =>
          withdrawReleased(tx, contextOf(centre), { alertId, reason: 'over' }),
        ),
      );
    }
    const closed = await releaseExercise(centre, { severity: 'high' });
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        closeAndTell(tx, contextOf(centre), closed.alertId),
      ),
    );
    const said = await everythingSaid(centre);
    const labels = new Set<string>();
    for (const { label, lane, exercise, messages } of said) {
      const isLive = label.startsWith(`Alert ${live.number}`);
      labels.add(label.replace(/^Alert \d+/, ''));
      assert.deepEqual([lane === 4, exercise], [!isLive, !isLive], label);
      for (const { body, subject } of messages) {
        assert.equal(body.startsWith('EXERCISE '), !isLive, body);
        if (subject !== null) assert.equal(subject.startsWith('EXERCISE '), !isLive, subject);
      }
    }
    assert.deepEqual([...labels].sort(), [
      '',
      ', closing',
      ', correction',
      ', update',
      ', withdrawal',
    ]);
  });

  it('a live alert beside an exercise says that it is real; after it nothing of the kind', async () => {
    const { alertId } = await releaseExercise(centre, { severity: 'high' });
    const beside = await releaseAlert(centre, { severity: 'high' });
    for (const { body } of await messagesOf(centre, beside.dispatchId))
      assert.match(body, /^REAL, NOT EXERCISE: /);
    must(
      await centre.db.web.attempt(centre.approver, (tx) =>
        withdrawReleased(tx, contextOf(centre), { alertId, reason: 'over' }),
      ),
    );
    const later = await releaseAlert(centre, { severity: 'high' });
    for (const { body } of await messagesOf(centre, later.dispatchId))
      assert.doesNotMatch(body, /EXERCISE/);
  });

  it('an answer is written down on the exercise, and what we text back is marked', async () => {
    await seedNotify(centre.db.worker);
    const { alertId, dispatchId } = await releaseExercise(centre, { severity: 'high' });
    await releaseAlert(centre, { severity: 'high' });
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
        final_at = now(), due_at = now() where dispatch_id = ${dispatchId}`),
    );
    const sent = await messagesOf(centre, dispatchId);
    const { code } = sent.find(({ number }) => number.endsWith(numbers.eastvale))!;
    await textFrom(centre, numbers.eastvale, code);
    const answered = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ alertId: string }>(sql`select alert_id from responses.answer`),
    );
    assert.deepEqual(answered, [{ alertId }]);
    const replies = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ body: string }>(sql`select body from dispatch.message message
        join dispatch.dispatch on dispatch.id = message.dispatch_id
        where dispatch.lane = 0`),
    );
    assert.equal(replies.length, 1);
    assert.match(replies[0]!.body, /^EXERCISE NHS CYBER \d+, Eastvale: got it/);
  });

  it('each step is explained by the hours of exercises, with a link to that rule', async () => {
    const { alertId } = await releaseExercise(centre, { severity: 'critical' });
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/because`);
    assert.match(page.text, /Round 2.*exercises go from 00:00 until 23:59 only/);
    assert.match(page.text, /hours without exercises count in/);
    assert.match(page.body, new RegExp(`${centre.model.version}#rule-exercises"`));
    assert.doesNotMatch(page.text, /no quiet hours/);
  });

  it('pages and lists say it first; nothing of it is published', async () => {
    const officer = centre.visit(centre.officer);
    const waits = await draftExercise(centre, { severity: 'high', title: 'Words of a rehearsal' });
    await submitDraft(centre, waits);
    assert.match((await officer.get('/')).text, /EXERCISE \d+ Words of a rehearsal/);
    const { alertId, number } = await releaseExercise(centre, { severity: 'high' });
    for (const place of [
      'board',
      'wall',
      'versions',
      'organisations',
      'calls',
      'messages?channel=text',
    ])
      assert.match((await officer.get(`/alerts/${alertId}/${place}`)).text, /EXERCISE/, place);
    assert.doesNotMatch((await officer.get(`/alerts/${alertId}/board`)).body, /tocsin-lane--live/);
    assert.match((await officer.get('/')).text, /EXERCISE/);
    assert.match((await officer.get('/alerts')).text, /EXERCISE/);
    const visitor = centre.site.visitor();
    assert.match((await visitor.get(`/${number}`)).text, /EXERCISE Rehearsed/);
    for (const list of ['/public', '/public.atom'])
      assert.doesNotMatch(
        (await visitor.request('GET', list)).body,
        new RegExp(`\\b${number}\\b`),
        list,
      );
  });
});

describe('the rules', () => {
  let centre: Centre;
  before(async () => {
    centre = await open(
      ['severities: [critical, high, medium, low]\n  hours', 'severities: [high]\n  hours'],
      [
        'most_in_30_days: { organisation: 2, centre: 4 }',
        'most_in_30_days: { organisation: 1, centre: 4 }',
      ],
    );
  });
  after(() => centre.close());

  const submit = (alertId: string, now = new Date()) =>
    centre.db.web.attempt(centre.officer, (tx) =>
      submitAlert(tx, contextOf(centre), { alertId, revision: 1, now }),
    );

  it('no other severity is exercised, and one person never sends it', async () => {
    const alertId = await draftExercise(centre, { severity: 'critical' });
    const refused = await submit(alertId);
    assert.ok(!refused.ok);
    assert.equal(refused.fields['severity'], 'Exercises are held as High');
    const alone = await centre.db.web.withActor(centre.officer, async (tx) =>
      standingAlone(tx, contextOf(centre), (await findVersion(tx, alertId))!),
    );
    assert.match(alone.why ?? '', /second person, always/);
  });

  it('none is submitted or released out of hours', async () => {
    const night = new Date('2026-11-23T23:59:30Z');
    const alertId = await draftExercise(centre, { severity: 'high' });
    const refused = await submit(alertId, night);
    assert.match(refused.ok ? '' : refused.message, /^Exercises are sent from 00:00 until 23:59/);
    const hash = await submitDraft(centre, alertId);
    const late = await approve(centre, alertId, hash, night);
    assert.match(late.ok ? '' : late.message, /^Exercises are sent from/);
  });

  it('waits while a live alert waits, for that does not say that it is real', async () => {
    const alertId = await draftExercise(centre, { severity: 'high' });
    const hash = await submitDraft(centre, alertId);
    const draft = { wording, audience: everybody };
    const live = must(
      await centre.db.web.attempt(centre.officer, (tx) => createAlert(tx, centre.model, draft)),
    );
    const liveHash = await submitDraft(centre, live.id);
    const barred = await approve(centre, alertId, hash);
    assert.match(barred.ok ? '' : barred.message, new RegExp(`Live alert ${live.number} waits`));
    must(await approve(centre, live.id, liveHash));
    // It is out, and its second round still says nothing of the kind.
    const beside = await approve(centre, alertId, hash);
    assert.match(
      beside.ok ? '' : beside.message,
      new RegExp(`Live alert ${live.number} sends something to .* and \\d more meanwhile`),
    );
    const later = await draftExercise(centre, { severity: 'high' });
    const refused = await submit(later);
    assert.match(refused.ok ? '' : refused.message, /sends something to/);
    const forbidden = await centre.db.web.withActor(centre.officer, async (tx) => {
      const organisationIds = (await listAsked(tx, everybody)).map((one) => one.organisationId);
      const asked = { alertId: later, exercise: true, severity: 'high' };
      return await whatForbids(tx, asked, { model: centre.model, at: new Date(), organisationIds });
    });
    assert.match(forbidden.at(-1)?.says ?? '', /^A live alert sends something to \d meanwhile/);
    await endLive(centre);
    must(await approve(centre, alertId, hash));
  });

  it('nobody gets more in 30 days than the model says', async () => {
    const alertId = await draftExercise(centre, { severity: 'high' });
    const refused = await submit(alertId);
    assert.match(refused.ok ? '' : refused.message, /had 1 in 30 days, as many as/);
    const later = new Date(Date.now() + 31 * 24 * 3_600_000);
    // A rehearsal of it names whom.
    const forbidden = async (at: Date) =>
      await centre.db.web.withActor(centre.officer, async (tx) => {
        const organisationIds = (await listAsked(tx, everybody)).map((one) => one.organisationId);
        const asked = { alertId, exercise: true, severity: 'high' };
        return await whatForbids(tx, asked, { model: centre.model, at, organisationIds });
      });
    const [found] = await forbidden(new Date());
    assert.match(found?.says ?? '', /^\d had 1 in 30 days, as many exercises/);
    assert.ok(found!.organisationIds.length > 0);
    assert.deepEqual(await forbidden(later), []);
    must(await submit(alertId, later));
  });
});

describe('the database', () => {
  let centre: Centre;
  before(async () => {
    centre = await open();
  });
  after(() => centre.close());

  const owner = (statement: ReturnType<typeof sql>) =>
    centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));

  it('makes no live alert of an exercise, and no exercise of a live alert', async () => {
    const { alertId } = await releaseExercise(centre, { severity: 'high' });
    const live = await releaseAlert(centre, { severity: 'high' });
    for (const [id, to] of [
      [alertId, false],
      [live.alertId, true],
    ] as const)
      await assert.rejects(
        owner(sql`update alerts.alert set exercise = ${to} where id = ${id}`),
        /an exercise stays an exercise/,
      );
  });

  it('takes no dispatch of the other kind, nor one whose lane would change', async () => {
    const exercise = await releaseExercise(centre, { severity: 'high' });
    const live = await releaseAlert(centre, { severity: 'high' });
    await assert.rejects(
      owner(sql`update alerts.submission set dispatch_id = gen_random_uuid()
        where dispatch_id = ${live.dispatchId}`),
      /belongs to an exercise, and to nothing else/,
    );
    await assert.rejects(
      owner(sql`update alerts.submission set correction_dispatch_id = ${exercise.dispatchId}
        where dispatch_id = ${live.dispatchId}`),
      /belongs to an exercise, and to nothing else/,
    );
    await assert.rejects(
      owner(sql`update dispatch.dispatch set lane = 1 where id = ${exercise.dispatchId}`),
      /dispatch_exercise_lane/,
    );
    await assert.rejects(
      centre.db.web.withActor(centre.officer, (tx) =>
        tx.run(sql`update dispatch.dispatch set lane = 1, exercise = false`),
      ),
      /permission denied/,
    );
  });
});
