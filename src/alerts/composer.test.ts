import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { everybody } from '#organisations/index.ts';
import { draftAlert, openCentre, releaseAlert, type Centre } from '../../test/support/centre.ts';
import { rulesWith } from '../../test/support/rules.ts';
import { countWillGo } from './audience.ts';
import { findVersion } from './index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
});

after(async () => {
  await centre.close();
});

const saved = async (alertId: string) =>
  await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));

it('a slip of the pen does not hide that somebody else saved meanwhile', async () => {
  const alertId = await draftAlert(centre);
  const path = `/alerts/${alertId}/edit`;
  const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
  await first.get(path);
  await second.get(path);
  await first.submit(path, { title: 'First tab' });
  await second.submit(path, { title: 'Second tab', what: 'two\nlines' }, { status: 422 });
  const page = await second.submit(path, { what: 'one line' }, { status: 409 });
  assert.match(page.text, /Title First tab Second tab/);
  assert.equal((await saved(alertId))?.title, 'First tab');
});

it('a revision that never was is refused as overtaken, at a save and at the submission', async () => {
  const alertId = await draftAlert(centre);
  const officer = centre.visit(centre.officer);
  for (const revision of ['', 'NaN', '-1', '1.5', '1e309', '2147483648', '9'.repeat(40)]) {
    await officer.get(`/alerts/${alertId}/edit`);
    const words = { title: `At ${revision}`, revision };
    await officer.submit(`/alerts/${alertId}/edit`, words, { status: 409 });
    const form = new URLSearchParams({ revision });
    const submitted = await officer.request('POST', `/alerts/${alertId}/submit`, { form });
    assert.equal(submitted.status, 409, revision);
  }
  assert.equal((await saved(alertId))?.state, 'draft');
});

it('a withdrawal that somebody posts to as a draft is called what it is', async () => {
  const { alertId } = await releaseAlert(centre);
  const officer = centre.visit(centre.officer);
  await officer.get(`/alerts/${alertId}/withdrawal`);
  await officer.submit('Withdraw', { reason: 'Wrong' });
  const form = new URLSearchParams({ title: '' });
  const answer = await officer.request('POST', `/alerts/${alertId}/edit`, { form });
  assert.equal(answer.status, 422);
  assert.match(answer.body, /<title>Error: Alert \d+: withdrawal/);
});

describe('a new draft posted twice, without script', () => {
  const alerts = async () =>
    (
      await centre.db.owner.withActor(centre.officer, (tx) =>
        tx.one<{ count: number }>(sql`select count(*) from alerts.alert`),
      )
    ).count;
  /** What the form on this page would send, with these words put in. */
  const formOf = async (words: Record<string, string>) => {
    const page = await centre.visit(centre.officer).get('/alerts/new');
    const formId = page.elements('input[name="formId"]')[0]?.attribs['value'] ?? '';
    assert.match(formId, /^[0-9a-f-]{36}$/);
    return { formId, severity: 'high', marking: 'CLEAR', what: 'a', next: 'stay', ...words };
  };
  const post = async (form: Record<string, string>) =>
    await centre
      .visit(centre.officer)
      .request('POST', '/alerts/new', { form: new URLSearchParams(form) });

  it('is one draft, however close together', async () => {
    const before = await alerts();
    const form = await formOf({ title: 'Once' });
    const answers = await Promise.all([post(form), post(form), post(form)]);
    answers.push(await post(form));
    const expected = [303, `/alerts/${form.formId}/edit`];
    for (const { status, headers } of answers)
      assert.deepEqual([status, headers.get('location')], expected);
    assert.equal(await alerts(), before + 1);
  });

  it('with other words is asked about; saving again is a decision, and lands on it', async () => {
    const before = await alerts();
    const form = await formOf({ title: 'First words' });
    await post(form);
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const changed = { title: 'Second words', formId: form.formId };
    const page = await officer.submit('/alerts/new', changed, { status: 409 });
    assert.match(page.text, /saved already, with other words/);
    assert.match(page.text, /Title First words Second words/);
    assert.match(page.body, /value="Second words"/);
    assert.equal((await saved(form.formId))?.title, 'First words');
    await officer.submit(`/alerts/${form.formId}/edit`);
    assert.equal((await saved(form.formId))?.title, 'Second words');
    assert.equal(await alerts(), before + 1);
  });

  it('keeps its id through a refusal', async () => {
    const officer = centre.visit(centre.officer);
    const opened = await officer.get('/alerts/new');
    const wrong = await officer.submit('/alerts/new', { what: 'a\nb' }, { status: 422 });
    const idOf = (page: typeof opened) =>
      page.elements('input[name="formId"]')[0]?.attribs['value'];
    assert.equal(idOf(wrong), idOf(opened));
  });
});

it('a conflict says who, and sets every field beside the other, the audience too', async () => {
  const alertId = await draftAlert(centre);
  const path = `/alerts/${alertId}/edit`;
  const other = await centre.invite('Grace Adeyemi', ['duty_officer']);
  const [mine, hers] = [centre.visit(centre.officer), centre.visit(other)];
  await mine.get(path);
  await hers.get(path);
  await hers.submit(path, { severity: 'high', body: 'hers', regions: ['RA'] });
  const page = await mine.submit(path, { body: 'mine', next: 'autosave' }, { status: 409 });
  assert.match(page.text, /Grace Adeyemi saved this draft at \d\d:\d\d/);
  const [shown = ''] = /Field Saved now Yours.*same\./.exec(page.text) ?? [];
  assert.match(shown, / Severity High Critical /);
  assert.match(shown, / Details hers mine /);
  assert.match(shown, / Regions RA – /);
  assert.doesNotMatch(shown, /Marking|Title/);
  assert.equal((await saved(alertId))?.body, 'hers');
});

it('a save by itself answers with the revision to go on with', async () => {
  const officer = centre.visit(centre.officer);
  const opened = await officer.get('/alerts/new');
  const id = opened.elements('input[name="formId"]')[0]!.attribs['value']!;
  const first = await officer.submit('/alerts/new', { title: 'Saved', next: 'autosave' });
  const mark = first.elements('[data-saved]')[0]!.attribs;
  assert.deepEqual([mark['data-revision'], mark['data-address']], ['1', `/alerts/${id}/edit`]);
  await officer.get(`/alerts/${id}/edit`);
  const again = await officer.submit(`/alerts/${id}/edit`, { title: 'Twice', next: 'autosave' });
  assert.equal(again.elements('[data-saved]')[0]!.attribs['data-revision'], '2');
  assert.equal((await saved(id))?.title, 'Twice');
});

describe('an audience that names what is not there', () => {
  it('is refused beside each field, with the codes, and everything typed comes back', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const page = await officer.submit(
      '/alerts/new',
      {
        title: 'kept as typed',
        what: 'two\nlines',
        regions: ['RA', 'RX'],
        systems: ['SX'],
        include: 'ZZ-0001, zz-9 ZZ-8',
        exclude: 'ZZ-7',
      },
      { status: 422 },
    );
    assert.match(page.body, /id="regions-error"[^]{0,120}Not in the directory: RX/);
    assert.match(page.body, /id="systems-error"[^]{0,120}Not in the directory: SX/);
    assert.match(page.body, /id="include-error"[^]{0,120}Not in the directory: ZZ-9, ZZ-8/);
    assert.match(page.body, /id="exclude-error"[^]{0,120}Not in the directory: ZZ-7/);
    assert.match(page.text, /What is happening must be one line/);
    assert.match(page.body, /value="kept as typed"/);
    assert.match(page.body, /value="ZZ-0001, zz-9 ZZ-8"/);
  });

  it('is refused where nothing else is wrong, at a new alert and at a saved one', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const wrong = { title: 'kept', include: 'ZZ-9' };
    const first = await officer.submit('/alerts/new', wrong, { status: 422 });
    assert.match(first.text, /Not in the directory: ZZ-9/);
    const alertId = await draftAlert(centre);
    await officer.get(`/alerts/${alertId}/edit`);
    const second = await officer.submit(`/alerts/${alertId}/edit`, wrong, { status: 422 });
    assert.match(second.text, /Not in the directory: ZZ-9/);
    assert.notEqual((await saved(alertId))?.title, 'kept');
  });

  it('is said by the preview while somebody types', async () => {
    const officer = centre.visit(centre.officer);
    const form = new URLSearchParams({ severity: 'high', marking: 'CLEAR', include: 'ZZ-9' });
    const { body } = await officer.request('POST', '/alerts/preview', { form });
    assert.match(body, /Cannot be sent as it is:<\/strong> Not in the directory: ZZ-9/);
  });

  it('is not submitted, should a draft hold one', async () => {
    const alertId = await draftAlert(centre);
    await centre.db.owner.withActor(centre.officer, (tx) =>
      tx.run(sql`update alerts.version set audience = audience || '{"include": ["ZZ-9"]}'
        where alert_id = ${alertId}`),
    );
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}`);
    const page = await officer.submit('Submit for approval', {}, { status: 422 });
    assert.match(page.text, /Not in the directory: ZZ-9/);
  });
});

describe('what a draft promises', () => {
  it('is said beside each severity, and a next update that breaks it is warned of', async () => {
    const officer = centre.visit(centre.officer);
    const page = await officer.get('/alerts/new');
    assert.match(page.text, /next update within \d+ (?:min|h)/);
    const saved = await officer.submit('/alerts/new', {
      title: 'Late',
      severity: 'critical',
      nextUpdateDate: '2099-01-01',
      next: 'check',
    });
    assert.match(saved.text, /Critical promises the next update within .*; this one is later/);
  });

  it('follows another severity where nobody touched it, and what was set by hand stays', async () => {
    const officer = centre.visit(centre.officer);
    const timeOf = async (id: string) =>
      (await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, id)))!.nextUpdateAt!;
    const idOf = (page: { readonly path: string }) => page.path.split('/')[2]!;
    const within = (severity: string) =>
      centre.model.severities.find(({ id }) => id === severity)!.nextUpdateWithinMs;
    await officer.get('/alerts/new');
    const raised = await officer.submit('/alerts/new', { severity: 'critical', next: 'check' });
    assert.match(raised.text, /The next update is now at \d\d:\d\d: Critical promises it within/);
    assert.doesNotMatch(raised.text, /this one is later/);
    const id = idOf(raised);
    const proposed = await timeOf(id);
    assert.ok(proposed.getTime() <= Date.now() + within('critical'));
    const edit = `/alerts/${id}/edit`;
    await officer.get(edit);
    const lowered = await officer.submit(edit, { severity: 'high', next: 'stay' });
    assert.match(lowered.text, /Draft saved\. The next update is now at/);
    const high = await timeOf(id);
    assert.ok(high > proposed);
    await officer.get(edit);
    const touched = { severity: 'critical', nextUpdateDate: '2099-01-01', next: 'stay' };
    assert.doesNotMatch((await officer.submit(edit, touched)).text, /is now at/);
    assert.equal((await timeOf(id)).getUTCFullYear(), 2099);
    // What was set by hand goes no further than the new severity allows.
    await officer.get(edit);
    await officer.submit(edit, { severity: 'high', next: 'stay' });
    assert.ok((await timeOf(id)).getTime() <= Date.now() + within('high'));
  });

  it('has its length beside each text, those of later rounds and reminders too', async () => {
    const alertId = await draftAlert(centre, { severity: 'high' });
    const check = await centre.visit(centre.officer).get(`/alerts/${alertId}`);
    const measured = check.text.match(/HELP=call me ?\d+ characters, \d fragments?/g);
    assert.equal(measured?.length, 5);
  });

  it('costs what the check says, all reminders with it: dry run and approval say the same', async () => {
    const alertId = await draftAlert(centre, { severity: 'high' });
    const officer = centre.visit(centre.officer);
    const pence = (text: string, words: RegExp) => Number(words.exec(text)![1]);
    const writing = await officer.get(`/alerts/${alertId}/edit`);
    const quick = pence(writing.text, /All texts cost (\S+)p with VAT or less/);
    const dryRun = await officer.get(`/alerts/${alertId}/dry-run`);
    const counted = pence(dryRun.text, /at most (\S+)p if nobody answers/);
    const check = await officer.get(`/alerts/${alertId}`);
    assert.equal(pence(check.text, /at most (\S+)p with VAT, if nobody answers/), counted);
    const waiting = await officer.submit('Submit for approval');
    assert.equal(pence(waiting.text, /(\S+)p with VAT at most/), counted);
    assert.ok(counted > 0 && counted <= quick, `${counted}p after ${quick}p`);
  });

  it('is refused where its time has passed, with everything typed', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const past = { title: 'kept as typed', nextUpdateDate: '2020-01-01' };
    const page = await officer.submit('/alerts/new', past, { status: 422 });
    assert.match(page.text, /The next update must be in the future/);
    assert.match(page.body, /value="kept as typed"/);
  });

  it('cannot be submitted before it is whole; each thing to mend leads to its field', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const page = await officer.submit('/alerts/new', { next: 'check' });
    assert.doesNotMatch(page.text, /Submit for approval/);
    assert.match(page.body, new RegExp(`href="${page.path}/edit#title">Enter a title`));
    const form = new URLSearchParams({ revision: '1' });
    const refused = await officer.request('POST', `${page.path}/submit`, { form });
    assert.equal(refused.status, 422);
    assert.match(refused.body, /href="[^"]+\/edit#doNow">\s*Say what to do now/);
  });

  it('may begin with a saved text for “do now”, and is not submitted with its blank', async () => {
    const officer = centre.visit(centre.officer);
    const page = await officer.get('/alerts/new');
    const list = /<datalist id="do-now-texts">([^]*?)<\/datalist>/.exec(page.body)?.[1] ?? '';
    const texts = Array.from(list.matchAll(/value="([^"]+)"/g), ([, text]) => text);
    assert.deepEqual(texts, centre.model.doNowTexts);
    const typed = { title: 'a', what: 'b', doNow: 'Isolate {product} now.', next: 'check' };
    const check = await officer.submit('/alerts/new', typed);
    assert.match(check.body, /edit#doNow">Fill in \{product\}/);
    assert.doesNotMatch(check.text, /Submit for approval/);
    await officer.get(`${check.path}/edit`);
    const filled = { doNow: 'Isolate Citrix now.', next: 'check' };
    assert.match((await officer.submit(`${check.path}/edit`, filled)).text, /Submit for approval/);
  });

  it('is previewed under the number it will probably get', async () => {
    const officer = centre.visit(centre.officer);
    const [, likely = ''] = /(\d{4}) is the number it will/.exec(
      (await officer.get('/alerts/new')).text,
    ) ?? ['', ''];
    const form = new URLSearchParams({ severity: 'high', marking: 'CLEAR', what: 'a' });
    const live = await officer.request('POST', '/alerts/preview', { form });
    assert.match(live.body, new RegExp(`${likely} is the number it will`));
    const alertId = await draftAlert(centre);
    assert.equal((await saved(alertId))?.alertNumber, Number(likely));
  });

  it('has a title that is counted and never cut', async () => {
    const officer = centre.visit(centre.officer);
    const page = await officer.get('/alerts/new');
    assert.deepEqual(page.elements('[maxlength]'), []);
    const title = 'x'.repeat(130);
    const refused = await officer.submit('/alerts/new', { title }, { status: 422 });
    assert.match(refused.text, /The title has 130 characters; at most 120/);
    assert.match(refused.body, new RegExp(`value="${title}"`));
  });
});

it('who leaves the audience is counted as far ahead as the rules say', async () => {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      update organisations.organisation set closed_on = current_date + 60
      where short_name = 'Lonely'`),
  );
  const going = async (lookAhead: string) =>
    await centre.db.web.withActor(centre.officer, (tx) =>
      countWillGo(
        tx,
        { ...everybody, mustAnswerOnly: true },
        rulesWith(['look_ahead: P90D', `look_ahead: ${lookAhead}`]),
      ),
    );
  assert.deepEqual(await going('P59D'), { days: 59, organisations: 0 });
  assert.deepEqual(await going('P62D'), { days: 62, organisations: 1 });
});
