/** Whether a text is genuine: said to who has it, and to nobody else. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { answersAt } from '../../test/support/answers.ts';
import { numbers, openCentre, releaseAlert, type Centre } from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { countStatements } from '../../test/support/statements.ts';
import { openWithCodes } from './code-answers.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { liveAlert, responsesTo, tidy } = answersAt(() => centre);

const forget = async () =>
  await centre.db.worker.withActor(system('test'), (tx) =>
    tx.run(sql`delete from responses.failed_try`),
  );

it('says when we sent it, names no organisation, and answers nothing (P7)', async () => {
  const { alertId, number, codeOf } = await liveAlert();
  const visitor = centre.site.visitor();
  const form = await visitor.get('/genuine');
  assert.equal(form.headers.get('cache-control'), 'public, max-age=0, s-maxage=30');
  const typed = { alert: String(number), address: '07700 900201' };
  const page = await visitor.submit('Check it', { ...typed, code: codeOf(numbers.northmoor) });
  assert.equal(page.heading, 'Yes, it is genuine');
  assert.match(page.text, new RegExp(`message about alert ${number} with this code there on \\d`));
  assert.doesNotMatch(page.body, /Northmoor/);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.deepEqual(await responsesTo(alertId), []);
  const alert = await visitor.submit('Read the alert');
  assert.match(alert.text, /Answer for Northmoor/);
  assert.deepEqual(await responsesTo(alertId), []);
  await tidy(alertId);
});

it('whatever does not fit gets the same words: another code, number, alert or nobody’s', async () => {
  const { alertId, number, codeOf } = await liveAlert();
  const other = await liveAlert();
  const visitor = centre.site.visitor();
  await visitor.get('/genuine');
  const code = codeOf(numbers.northmoor);
  const right = { alert: String(number), address: '07700 900201', code };
  const texts = new Set<string>();
  for (const wrong of [
    { code: '0000' },
    { address: '07700 900203' },
    { address: '07700 900998' },
    { alert: String(other.number) },
    { alert: '99999' },
  ]) {
    const page = await visitor.submit('Check it', { ...right, ...wrong }, { status: 422 });
    assert.match(page.text, /We cannot confirm it/);
    texts.add(page.text);
  }
  assert.equal(texts.size, 1);
  await forget();
  await tidy(alertId);
  await tidy(other.alertId);
});

it('a wrong code costs the same statements whether we know the number or not', async () => {
  const { alertId, number } = await liveAlert();
  const costOf = async (e164: string) => {
    const addressIndex = centre.product.seals.indexAddress('text', e164);
    const typed = { alertNumber: number, channel: 'text', code: '0000' } as const;
    const from = { addressIndex, networkIndex: Buffer.alloc(32) };
    return await countStatements(centre.db.web, (tx) => openWithCodes(tx, [{ ...typed, ...from }]));
  };
  const known = await costOf(numbers.northmoor);
  assert.ok(known > 2);
  assert.equal(await costOf('447700900998'), known);
  await forget();
  await tidy(alertId);
});

it('without the address it says whether the alert is ours, and never that the text is', async () => {
  const { alertId, number } = await liveAlert();
  const amber = await releaseAlert(centre, { marking: 'AMBER', clearLine: 'Be ready.' });
  const visitor = centre.site.visitor();
  await visitor.get('/genuine');
  for (const code of ['0000', '4821']) {
    const page = await visitor.submit('Check it', { alert: String(number), code, address: ' ' });
    assert.match(page.text, new RegExp(`Alert ${number} is ours\\. Read it here: published \\d`));
    assert.match(page.text, /Whether your text is, we cannot say yet/);
  }
  const texts = new Set<string>();
  for (const closed of [amber.number, 99_999]) {
    const typed = { alert: String(closed), code: '0000', address: '' };
    const page = await visitor.submit('Check it', typed);
    assert.match(page.text, /From these alone we cannot say/);
    texts.add(page.text.replaceAll(String(closed), 'N'));
  }
  assert.equal(texts.size, 1);
  await visitor.submit(
    'Check it',
    { alert: String(number), code: '48', address: '' },
    { status: 422 },
  );
  await tidy(alertId);
  await tidy(amber.alertId);
});

it('guessing stops as on the page of the alert, and counts there too', async () => {
  const { alertId, number, codeOf } = await liveAlert();
  const visitor = centre.site.visitor();
  await visitor.get('/genuine');
  const typed = { alert: String(number), address: '07700 900203' };
  for (let i = 0; i < 5; i += 1)
    await visitor.submit('Check it', { ...typed, code: '0000' }, { status: 422 });
  const code = codeOf(numbers.eastvale);
  const late = await visitor.submit('Check it', { ...typed, code }, { status: 429 });
  assert.match(late.text, /Too many wrong codes/);
  assert.doesNotMatch(late.text, /We cannot confirm it/);
  await visitor.get(`/${number}`);
  await visitor.submit('Go on', { address: typed.address, code }, { status: 429 });
  await forget();
  await tidy(alertId);
});

it('what was typed comes back with what is wrong with it', async () => {
  const visitor = centre.site.visitor();
  await visitor.get('/genuine');
  const bad = { alert: 'x', address: 'me', code: '1' };
  const page = await visitor.submit('Check it', bad, { status: 422 });
  assert.match(page.text, /such as 4901.*mobile number or mail address.*four digits/);
  assert.match(page.body, /value="me"/);
  assert.doesNotMatch(page.text, /We cannot confirm it/);
});
