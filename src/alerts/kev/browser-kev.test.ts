import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import { openCentre, type Centre } from '../../../test/support/centre.ts';

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

const entry = (i: number) => ({
  cveID: `CVE-2026-1234${i}`,
  vendorProject: ['Citrix', 'Fortinet', 'Microsoft'][i],
  product: ['NetScaler Gateway', 'FortiOS', 'Exchange Server'][i],
  vulnerabilityName: `${['Citrix NetScaler', 'Fortinet FortiOS', 'Microsoft Exchange'][i]} Memory Disclosure Vulnerability`,
  dateAdded: `2026-11-2${i}`,
  shortDescription:
    'It gives away what is in its memory, sessions of administrators too, to whoever asks it over the network.',
  requiredAction: 'Apply mitigations per vendor instructions.',
  dueDate: '2026-12-11',
  knownRansomwareCampaignUse: i === 1 ? 'Known' : 'Unknown',
  notes: 'https://vendor.example/advisory ; https://nvd.example/2',
});

const file = {
  name: 'known_exploited_vulnerabilities.json',
  mimeType: 'application/json',
  buffer: Buffer.from(
    JSON.stringify({
      catalogVersion: '2026.11.22',
      dateReleased: '2026-11-22T15:00:00Z',
      vulnerabilities: [0, 1, 2].map(entry),
    }),
  ),
};

test('a catalogue is imported without script, and an entry becomes an alert in two clicks', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  centre.visit(centre.officer);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address, { javaScriptEnabled: false });
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await page.context().addCookies([cookie]);
  await page.goto(`${address}/alerts`);
  await page.getByRole('link', { name: 'Known exploited vulnerabilities' }).click();
  await page.getByText('No catalogue was imported yet').waitFor();
  await shoot(page, 'kev-empty');
  const wrong = { ...file, buffer: Buffer.from('{}') };
  await page.locator('#file').setInputFiles(wrong);
  await page.getByRole('button', { name: 'Import' }).click();
  await page.locator('#file-error').getByText('This is no catalogue of CISA KEV').waitFor();
  await page.locator('#file').setInputFiles(file);
  await page.getByRole('button', { name: 'Import' }).click();
  await page.getByText('Catalogue 2026.11.22: 3 new, 0 changed, 0 gone.').waitFor();
  await page.getByRole('link', { name: 'Write an alert about CVE-2026-12341' }).click();
  await page.getByRole('button', { name: 'Save and check' }).click();
  await page.getByRole('button', { name: 'Submit for approval' }).waitFor();
  await page.getByText('used in ransomware campaigns').first().waitFor();
  verify();
  await page.close();
});

test('the catalogue is accessible, on a desk and on a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await page.context().addCookies([cookie]);
  const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  for (const [path, name] of [
    ['/kev', 'kev-list'],
    ['/alerts/new?kev=CVE-2026-12341', 'kev-composer'],
  ] as const) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${address}${path}`);
    await assertAccessible(page);
    await shoot(page, name);
    await assertAccessible(page);
    assert.equal(await page.evaluate(wide), 0, `${name} scrolls sideways`);
  }
  verify();
  await page.close();
});
