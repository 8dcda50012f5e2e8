import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import {
  draftAlert,
  openCentre,
  releaseAlert,
  submitDraft,
  type Centre,
} from '../../../test/support/centre.ts';
import { noContent, type Content } from './model.ts';

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

const content: Content = {
  ...noContent,
  exploited: 'yes',
  safe: 'NHSmail, HSCN and the phones',
  safeAsAt: '2026-07-01T02:05:00.000Z',
  remediateBy: '2099-07-02T16:00:00.000Z',
  threatType: 'vulnerability',
  categories: ['exploit', 'ransomware'],
  platforms: ['NetScaler ADC 14.1 before 14.1-43', 'NetScaler Gateway 13.1 before 13.1-58'],
  cves: ['CVE-2026-12345', 'CVE-2026-1234567'],
  steps: [
    { type: 'Patch', text: 'Install 14.1-43 or 13.1-58', link: '' },
    { type: 'Action', text: 'End all sessions: kill icaconnection -all', link: '' },
    { type: 'Aware', text: 'A patched gateway may have been entered before', link: '' },
  ],
  sources: ['https://support.citrix.example/article/CTX693420-security-bulletin'],
  endorsed: [{ body: 'NCSC', title: 'Advice on Citrix', url: 'https://www.ncsc.example/citrix' }],
};

test('a new alert shows four fields first; the rest is folded, with or without script', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address, { javaScriptEnabled: false });
  centre.visit(centre.officer);
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await page.context().addCookies([cookie]);
  await page.goto(`${address}/alerts/new`);
  for (const id of ['safe', 'stepsPatch', 'cves', 'sources'])
    assert.equal(await page.locator(`#${id}`).isVisible(), false, id);
  await page.getByLabel('Title').fill('Citrix');
  await page.getByText('What is safe to keep using').click();
  await page.locator('#safe').fill('NHSmail');
  await page.locator('#safeAsAtDate').fill('2026-07-01');
  await page.getByRole('button', { name: 'Save draft' }).click();
  // It does not hide what is wrong in it.
  await page
    .getByRole('link', { name: 'Enter the day and the time as at which it is safe' })
    .waitFor();
  assert.equal(await page.locator('#safeAsAtTime').isVisible(), true);
  await page.locator('#safeAsAtTime').fill('03:05');
  await page.getByRole('button', { name: 'Save draft' }).click();
  await page.getByText('Draft saved.').waitFor();
  assert.equal(await page.locator('#safe').inputValue(), 'NHSmail');
  verify();
  await page.close();
});

test('the whole content on its pages is accessible, on a desk and on a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  const as = async (id: string) =>
    await page.context().addCookies([{ name: 'tocsin', value: id, url: address }]);
  centre.visit(centre.officer);
  centre.visit(centre.approver);
  const { number } = await releaseAlert(centre, { content });
  const alertId = await draftAlert(centre, { content });
  await as(centre.officer.id);
  const pictures = async (path: string, name: string, before = async () => {}) => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${address}${path}`);
    await before();
    await assertAccessible(page);
    await shoot(page, name);
    await assertAccessible(page);
    const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    assert.equal(await page.evaluate(wide), 0, `${name} scrolls sideways`);
  };
  await pictures(`/alerts/${alertId}/edit`, 'content-composer');
  await pictures(`/alerts/${alertId}`, 'content-check');
  await submitDraft(centre, alertId);
  await as(centre.approver.id);
  await pictures(`/alerts/${alertId}`, 'content-approval', async () => {
    await page.locator('#words summary').click();
  });
  await page.context().clearCookies();
  await pictures(`/${number}`, 'content-public');
  verify();
  await page.close();
});
