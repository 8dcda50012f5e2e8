/** Drafts that save themselves: what the audit tells of them, and how those that lie about go. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { everybody } from '#organisations/index.ts';
import {
  contextOf,
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  submitDraft,
  wording,
  type Centre,
  type Person,
} from '../../../test/support/centre.ts';
import { beginVersion, findVersion, saveDraft, submitAlert, withdrawAlert } from '../index.ts';
import type { Wording } from '../index.ts';
import { giveUpDrafts, takeUpDraft } from './give-up.ts';

let centre: Centre;
let other: Person;

before(async () => {
  centre = await openCentre();
  other = await centre.invite('Mia Berg', ['duty_officer']);
});

after(async () => {
  await centre.close();
});

const versionOf = async (alertId: string) =>
  (await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId)))!;

async function save(alertId: string, change: Partial<Wording>, by: Person): Promise<void> {
  const { revision, ...saved } = await versionOf(alertId);
  const draft = { wording: { ...wording, ...saved, ...change }, audience: everybody };
  must(await centre.db.web.attempt(by, (tx) => saveDraft(tx, { ...draft, alertId, revision })));
}

/** Actions and details about this alert, the oldest first. */
async function entriesOf(alertId: string) {
  const subject = { kind: 'alert', id: alertId };
  const { entries } = await centre.db.owner.withActor(system('test'), (tx) =>
    listEntries(tx, { subject }),
  );
  return entries.toReversed();
}

const actionsOf = async (alertId: string) => (await entriesOf(alertId)).map(({ action }) => action);

describe('one entry for each stretch of editing', () => {
  it('saves of one person follow each other without a word; another person begins anew', async () => {
    const alertId = await draftAlert(centre);
    for (const title of ['A', 'Al', 'Ale']) await save(alertId, { title }, centre.officer);
    assert.deepEqual(await actionsOf(alertId), ['alert.created']);
    for (const doNow of ['I', 'Is', 'Iso']) await save(alertId, { doNow }, other);
    await save(alertId, { what: 'again' }, centre.officer);
    const entries = await entriesOf(alertId);
    assert.deepEqual(
      entries.map(({ action, actorId, detail }) => [action, actorId, detail['first']]),
      [
        ['alert.created', centre.officer.id, undefined],
        ['alert.edited', other.id, 'doNow'],
        ['alert.edited', centre.officer.id, 'what'],
      ],
    );
    assert.equal((await versionOf(alertId)).revision, 8);
  });

  it('a pause of half an hour and a submission end it', async () => {
    const alertId = await draftAlert(centre);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update alerts.editor set last_edited_at = now() - interval '31 min'
        where version_id = (select id from alerts.version where alert_id = ${alertId})`),
    );
    await save(alertId, { title: 'Later' }, centre.officer);
    await save(alertId, { title: 'Later still' }, centre.officer);
    assert.deepEqual(await actionsOf(alertId), ['alert.created', 'alert.edited']);
    const now = new Date();
    const { revision } = await versionOf(alertId);
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        submitAlert(tx, contextOf(centre), { alertId, revision, now }),
      ),
    );
    must(await centre.db.web.attempt(centre.officer, (tx) => withdrawAlert(tx, { alertId, now })));
    await save(alertId, { title: 'After' }, centre.officer);
    assert.equal((await actionsOf(alertId)).at(-1), 'alert.edited');
  });

  it('the submission says who changed which parts', async () => {
    const alertId = await draftAlert(centre, { notKnown: '', body: '', clearLine: '' });
    await save(alertId, { doNow: 'Wait.' }, other);
    await save(alertId, { marking: 'GREEN', clearLine: 'Wait.' }, other);
    const { revision } = await versionOf(alertId);
    const submission = { alertId, revision, now: new Date() };
    must(
      await centre.db.web.attempt(centre.officer, (tx) =>
        submitAlert(tx, contextOf(centre), submission),
      ),
    );
    const { detail } = (await entriesOf(alertId)).find(
      ({ action }) => action === 'alert.submitted',
    )!;
    assert.deepEqual(detail['shapedBy'], {
      [centre.officer.id]: 'asksAgain audience doNow marking nextUpdateAt severity title what',
      [other.id]: 'clearLine doNow marking',
    });
  });
});

describe('drafts that lie about', () => {
  it('are listed, those without a word apart from the alerts; one gives up one’s own', async () => {
    const blank = { title: '', what: '', doNow: '', notKnown: '', body: '', clearLine: '' };
    const [empty, kept] = [await draftAlert(centre, blank), await draftAlert(centre)];
    const theirs = await draftAlert({ ...centre, officer: other }, { title: 'Of Mia' });
    const officer = centre.visit(centre.officer);
    const alerts = await officer.get('/alerts');
    assert.match(alerts.text, /\d+ drafts, \d+ of yours/);
    assert.ok(!alerts.body.includes(`/alerts/${empty}"`) && alerts.body.includes(kept));
    const list = await officer.get('/alerts/drafts');
    const ticked = list.elements('[name="draft"]').filter(({ attribs }) => 'checked' in attribs);
    assert.deepEqual(
      ticked.map(({ attribs }) => attribs['value']),
      [empty],
    );
    assert.equal(list.elements(`[value="${theirs}"]`).length, 0);
    const asked = await officer.get(`/alerts/drafts?draft=${empty}&draft=${theirs}`);
    assert.match(asked.text, /Give up 1 draft\? Nothing written/);
    await save(kept, { title: 'Meanwhile' }, centre.officer);
    const done = await officer.submit('/alerts/drafts');
    assert.match(done.text, /One draft was given up\./);
    assert.equal((await versionOf(empty)).state, 'abandoned');
    assert.equal((await versionOf(theirs)).state, 'draft');
  });

  it('what changed after the second look stays', async () => {
    const alertId = await draftAlert(centre);
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/drafts?draft=${alertId}`);
    await save(alertId, { title: 'In another window' }, centre.officer);
    const page = await officer.submit('/alerts/drafts');
    assert.match(page.text, /0 drafts were given up\. 1 changed meanwhile, and stayed/);
    assert.equal((await versionOf(alertId)).state, 'draft');
  });

  it('nothing is lost: given up, it is taken up again with its words', async () => {
    const alertId = await draftAlert(centre, { title: 'Worth keeping' });
    const { revision } = await versionOf(alertId);
    const chosen = [{ alertId, revision }];
    must(await centre.db.web.attempt(centre.officer, (tx) => giveUpDrafts(tx, chosen)));
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get('/alerts/drafts')).text, /Given up Worth keeping/);
    const again = await officer.submit(`/alerts/${alertId}/take-up`);
    assert.match(again.body, /value="Worth keeping"/);
    assert.deepEqual(await actionsOf(alertId), [
      'alert.created',
      'alert.abandoned',
      'alert.taken_up',
    ]);
    const twice = await centre.db.web.attempt(centre.officer, (tx) => takeUpDraft(tx, alertId));
    assert.ok(!twice.ok && twice.kind === 'conflict');
  });

  it('an update that was given up comes back only while nothing took its place', async () => {
    const { alertId } = await releaseAlert(centre);
    const begin = async () =>
      must(
        await centre.db.web.attempt(centre.officer, (tx) =>
          beginVersion(tx, centre.model, { alertId, kind: 'update' }),
        ),
      );
    const act = async (verb: typeof takeUpDraft) =>
      await centre.db.web.attempt(centre.officer, (tx) => verb(tx, alertId));
    const giveUp = async () =>
      must(
        await centre.db.web.attempt(centre.officer, (tx) =>
          giveUpDrafts(tx, [{ alertId, revision: 1 }]),
        ),
      );
    await begin();
    await giveUp();
    must(await act(takeUpDraft));
    await giveUp();
    await begin();
    assert.equal((await act(takeUpDraft)).ok, false);
  });
});

it('a draft of others is no business of whoever did not shape it', async () => {
  const alertId = await draftAlert(centre);
  await submitDraft(centre, alertId);
  const own = await draftAlert(centre);
  const chosen = [alertId, own].map((one) => ({ alertId: one, revision: 1 }));
  const done = must(await centre.db.web.attempt(other, (tx) => giveUpDrafts(tx, chosen)));
  assert.equal(done.givenUp, 0);
});
