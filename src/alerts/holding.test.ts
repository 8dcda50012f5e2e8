import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { must, openCentre, type Centre } from '../../test/support/centre.ts';
import { everybody, saveAudience } from '#organisations/index.ts';
import { newId } from '#kernel/ids.ts';
import { findVersion } from './index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
});

after(async () => {
  await centre.close();
});

const idOf = (path: string) => path.split('/')[2]!;

it('comes filled in by each saved text, and goes to all who must answer', async () => {
  const page = centre.visit(centre.officer);
  await page.get('/alerts');
  const blank = await page.click('Holding alert');
  const [first, second] = centre.model.holding.texts;
  assert.ok(blank.body.includes(`value="${first!.what}"`));
  assert.match(blank.text, /4 organisations, of which 4 must answer/);
  const other = await page.click(second!.label);
  assert.ok(other.body.includes(`value="${second!.what}"`));
  const waiting = await page.submit('Submit for approval');
  assert.match(
    waiting.text,
    /You shaped this, or whom it goes to, so somebody else has to approve it/,
  );
  const version = await centre.db.web.withActor(centre.officer, (tx) =>
    findVersion(tx, idOf(waiting.path)),
  );
  assert.deepEqual(
    [version?.title, version?.severity, version?.marking, version?.state],
    [second!.title, centre.model.holding.severity.id, 'CLEAR', 'submitted'],
  );
});

it('the usual audience is chosen where it is saved; another one counts', async () => {
  const save = (name: string, include: string[]) =>
    centre.db.web.attempt(centre.officer, (tx) =>
      saveAudience(tx, {
        id: newId(),
        name,
        question: { ...everybody, regions: include },
        now: new Date(),
      }),
    );
  must(await save('The North', ['RA']));
  must(await save(centre.model.holding.audience, ['RB']));
  const page = centre.visit(centre.officer);
  const shown = await page.get('/alerts/holding');
  assert.match(shown.text, /By the audience All who must answer, version 1/);
  const north = /<option value="([^"]+)"[^>]*>The North/.exec(shown.body)![1]!;
  const waiting = await page.submit('Submit for approval', { audience: north });
  assert.match(waiting.text, /To 2 organisations/);
});

it('what is wrong stands beside its field, and what was typed stays', async () => {
  const page = centre.visit(centre.officer);
  await page.get('/alerts/holding');
  const back = await page.submit(
    'Submit for approval',
    { what: '', doNow: 'go to https://x.test/', nextUpdateDate: '2020-01-01', audience: newId() },
    { status: 422 },
  );
  assert.match(back.text, /Choose who is told/);
  const again = await page.submit('Submit for approval', { audience: '' }, { status: 422 });
  assert.match(again.text, /Say what is happening, in one sentence/);
  assert.match(again.text, /The next update must be in the future/);
  assert.match(again.text, /No link in a text that nobody asked for/);
  assert.ok(again.body.includes('value="go to https://x.test/"'));
  const alerts = await page.get('/alerts');
  assert.doesNotMatch(alerts.text, /4903/, 'a refusal leaves nothing');
});

it('pressed twice it is one alert, and another word with the same form is told', async () => {
  const page = centre.visit(centre.officer);
  const shown = await page.get('/alerts/holding');
  const formId = /name="formId" value="([^"]+)"/.exec(shown.body)![1]!;
  const form = new URLSearchParams({
    formId,
    text: 'ransomware',
    what: 'one and the same',
    doNow: 'Wait.',
    nextUpdateDate: '2099-01-01',
    nextUpdateTime: '04:00',
    audience: '',
  });
  const answers = await Promise.all(
    [1, 2].map(() => page.request('POST', '/alerts/holding', { form })),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [303, 303],
  );
  form.set('what', 'something else');
  const other = await page.request('POST', '/alerts/holding', { form });
  assert.equal(other.status, 409);
});
