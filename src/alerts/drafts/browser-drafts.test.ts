/** The page of drafts in a browser: looked at twice, given up, taken up again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import { draftAlert, openCentre, type Centre } from '../../../test/support/centre.ts';

let centre: Centre;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre();
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await centre.close();
});

test('drafts that lie about are given up together, and one comes back', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const blank = { title: '', what: '', doNow: '', notKnown: '', body: '', clearLine: '' };
  await draftAlert(centre, blank);
  await draftAlert(centre, { title: 'Phishing: mails that ask for the password of the helpdesk' });
  const other = await centre.invite('Mia Berg', ['duty_officer']);
  await draftAlert({ ...centre, officer: other }, { title: 'A supplier is down' });
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  centre.visit(centre.officer);
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await page.context().addCookies([cookie]);
  await page.goto(`${address}/alerts`);
  await page.getByRole('link', { name: '3 drafts, 2 of yours' }).click();
  await lookAt(page, 'drafts-list');
  await page.getByRole('button', { name: 'Give up the ticked ones' }).click();
  await page.getByRole('heading', { name: 'Give up 1 draft?' }).waitFor();
  await lookAt(page, 'drafts-asked');
  await page.getByRole('link', { name: 'Keep it' }).click();
  await page.getByLabel(/^Choose 4902/).check();
  await page.getByRole('button', { name: 'Give up the ticked ones' }).click();
  await page.getByRole('button', { name: 'Give up 2 drafts' }).click();
  await page.getByText('2 drafts were given up.').waitFor();
  await lookAt(page, 'drafts-given-up');
  await page.getByRole('button', { name: 'Take up again 4902' }).click();
  await page.getByText('It is a draft again, as it was.').waitFor();
  assert.match(await page.getByLabel('Title').inputValue(), /^Phishing/);
  verify();
  await page.close();
});

test('a form in which nobody wrote a word saves nothing', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  centre.visit(centre.officer);
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await page.context().addCookies([cookie]);
  const saves: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && !request.url().endsWith('/preview'))
      saves.push(request.url());
  });
  await page.clock.install();
  await page.goto(`${address}/alerts/new`);
  await page.getByLabel('Critical').check();
  await page.clock.fastForward(60_000);
  assert.deepEqual(saves, []);
  await page.locator('#threat-part summary').click();
  await page.getByLabel('CVEs').fill('CVE-2026-12345');
  await page.clock.fastForward(60_000);
  await page.getByText(/^Saved \d\d:\d\d/).waitFor();
  assert.deepEqual(saves, [`${address}/alerts/new`]);
  verify();
  await page.close();
});
