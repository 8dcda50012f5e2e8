/** The public pages in a browser without scripts: at both widths, on paper, and by weight. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  browserFolder,
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import {
  openCentre,
  releaseAlert,
  releaseVersion,
  type Centre,
} from '../../../test/support/centre.ts';

/** Of a first visit with nothing kept: 0.8 s at the 400 kbit/s of a poor 3G line. */
const FIRST_VISIT_BYTES_MAX = 40_000;
const PAGE_BYTES_MAX = 4_000;

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

test('somebody who was sent nothing finds an alert, what changed, and what it said before', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  await page.goto(`${address}/public`);
  await page.getByText('No alert has been made public yet').waitFor();
  await lookAt(page, 'public-list-empty');

  const { alertId } = await releaseAlert(centre);
  await releaseAlert(centre, {
    title: `Phishing: ${'helpdesk'.repeat(9)}`,
    severity: 'low',
  });
  await releaseVersion(centre, alertId, 'update', { notKnown: 'When a patch comes.' });
  await releaseVersion(centre, alertId, 'correction', {
    doNow: 'Do NOT isolate Citrix gateways.',
    ifActed: `If you did, see ${'reconnect'.repeat(7)}.`,
    body: '# Steps\n\n1. Keep the gateways on\n2. Install 14.1-43\n',
  });
  await page.reload();
  await lookAt(page, 'public-list');
  await page.getByLabel('Words').fill('gateways');
  await page.keyboard.press('Enter');
  await page.waitForURL(/words=gateways/);
  await page.getByRole('link', { name: /^4901: Ransomware/ }).click();
  await page.getByText('CORRECTED').first().waitFor();
  await lookAt(page, 'public-alert');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.getByText('Answer for your organisation').isVisible(), false);
  assert.equal(await page.getByText('The newest words:').isVisible(), true);
  await page.screenshot({ path: path.join(browserFolder(), 'public-print.png'), fullPage: true });
  await page.emulateMedia({ media: 'screen' });

  await page.getByRole('link', { name: 'What changed' }).click();
  await page.getByRole('link', { name: /^Published/ }).click();
  await page.getByText('OLD VERSION.').waitFor();
  await lookAt(page, 'public-old');
  await page.getByRole('link', { name: 'Read what holds now' }).click();
  await page.waitForURL(`${address}/4901`);
  verify();
  await page.close();
});

test('the page of an alert is light', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { number } = await releaseAlert(centre);
  const { page } = await watchedPage(opened.browser, centre.site.address);
  const sizes: Promise<{ responseBodySize: number }>[] = [];
  page.on('requestfinished', (request) => sizes.push(request.sizes()));
  await page.goto(`${centre.site.address}/${number}`);
  const bytes = (await Promise.all(sizes)).map(({ responseBodySize }) => responseBodySize);
  const first = bytes.reduce((sum, one) => sum + one, 0);
  const headers = { 'accept-encoding': 'br' };
  const answer = await centre.site.visitor().request('GET', `/${number}`, { headers });
  const next = Number(answer.headers.get('content-length'));
  t.diagnostic(`${first} bytes at the first visit, ${next} of the page alone`);
  assert.ok(bytes.length >= 3 && first <= FIRST_VISIT_BYTES_MAX, `${first} bytes`);
  assert.ok(next > 500 && next <= PAGE_BYTES_MAX, `${next} bytes`);
  await page.close();
});
