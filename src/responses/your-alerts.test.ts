/** A code session reads and answers the alerts of its organisation, and no others. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { answersAt } from '../../test/support/answers.ts';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import {
  messagesOf,
  openCentre,
  releaseAlert,
  sendOwnCodes,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import type { PageClient } from '../../test/support/page-client.ts';

const ANSWERS = '00000000-0000-4000-8000-000000000000';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { responsesTo, answersTo, deskItems } = answersAt(() => centre);

/** Came by a one-time code to this mobile number. */
async function enter(address: string): Promise<PageClient> {
  const visitor = centre.site.visitor();
  await visitor.get('/your-details/sign-in');
  await visitor.submit('Send me a code', { address });
  await sendOwnCodes(centre);
  const number = address.replace(/^0/, '44').replaceAll(' ', '');
  const sent = (await messagesOf(centre, ANSWERS)).filter((one) => one.number === number);
  const code = /\b(\d{6})\b/.exec(sent.at(-1)?.body ?? '')?.[1];
  await visitor.submit('Go on', { code: code ?? assert.fail('no code was sent') });
  return visitor;
}

it('lists what went to its organisation up to AMBER, and opens nothing else (P8)', async () => {
  const mine = await releaseAlert(centre, { marking: 'AMBER', title: 'Mine' }, { regions: ['RA'] });
  const red = await releaseAlert(centre, { marking: 'RED', title: 'Too red' }, { regions: ['RA'] });
  const others = { regions: ['RB'] };
  const other = await releaseAlert(centre, { marking: 'GREEN', title: 'Of others' }, others);
  const clear = await releaseAlert(centre, { title: 'Clear, of others' }, others);
  const contact = await enter('07700 900201');
  await contact.click('Alerts to your organisation');
  assert.match(
    contact.page.text,
    new RegExp(`${mine.number}: Mine Critical TLP:AMBER Not answered`),
  );
  assert.doesNotMatch(contact.page.text, /Too red|others/);
  for (const { number } of [red, other, clear]) {
    await contact.get(`/your-alerts/${number}`, { status: 404 });
    const form = new URLSearchParams({ kind: 'got_it' });
    const answer = await contact.request('POST', `/your-alerts/${number}`, { form });
    assert.equal(answer.status, 404);
  }
  assert.equal((await contact.get(`/your-alerts/${mine.number}`)).status, 200);
  assert.deepEqual(await responsesTo(mine.alertId), [], 'opening it is no answer (P7)');
});

it('answers for its organisation alone; help asked twice is one call', async () => {
  const alert = await releaseAlert(centre, { marking: 'GREEN' });
  const contact = await enter('07700 900202');
  await contact.get(`/your-alerts/${alert.number}`);
  const page = await contact.submit('Got it', { kind: 'got_it' });
  assert.match(page.text, /Your answer is here\..*CISO or head of cyber has this since \d\d:\d\d/);
  assert.deepEqual(
    (await responsesTo(alert.alertId)).map(({ organisation, evidence }) => [
      organisation,
      evidence,
    ]),
    [['Southmere', 'link_with_code']],
  );
  await contact.submit('We need help', { kind: 'help' });
  await contact.submit('We need help', { kind: 'help' });
  assert.equal((await deskItems()).length, 1);
  await contact.click('All alerts');
  assert.match(contact.page.text, /Answered/);
  assert.equal(await answersTo(alert.alertId), 3);
});

it('sends whoever has no session to ask for a code', async () => {
  const { number } = await releaseAlert(centre);
  const visitor = centre.site.visitor();
  assert.match((await visitor.get('/your-alerts')).text, /Send me a code/);
  assert.match((await visitor.get(`/your-alerts/${number}`)).text, /Send me a code/);
  const officer = centre.visit(centre.officer);
  assert.match((await officer.get('/your-alerts')).text, /Send me a code/);
});

it('is readable at both widths', async (t) => {
  const opened = await openBrowser();
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { number } = await releaseAlert(centre);
  const contact = await enter('07700 900203');
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  const cookie = { name: 'tocsin-contact', value: contact.cookie('tocsin-contact')!, url: address };
  await page.context().addCookies([cookie]);
  for (const path of ['/your-alerts', `/your-alerts/${number}`]) {
    await page.goto(address + path);
    await assertAccessible(page);
    await shoot(page, path.slice(1).replace(/\/.*/, '-one'));
    await assertAccessible(page);
  }
  verify();
  await opened.browser.close();
});
