/** Coverage and what is to be mended, as people see them: at a desk, on a phone, by keyboard. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { loadOperatingModel } from '#operating-model/index.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { secrets } from '../../../test/support/directory.ts';
import { startSite, type Site } from '../../../test/support/page-client.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { demonstrationSector } from '../demonstration/demonstration.ts';
import { organisationRoutes } from '../routes.ts';
import { reachRoutes } from './routes-reach.ts';

const sector = demonstrationSector({ organisations: 200, mustAnswer: 60, regions: 7, systems: 9 });
const permissions = new Set<Permission>(['alert.read', 'directory.read', 'directory.write']);
const ada = { kind: 'person', id: newId(), name: 'Ada Okafor', permissions } as const;
const session = { id: 's', actor: ada, name: ada.name, expiresAt: new Date('2099-01-01') };

let db: Clone;
let site: Site;
let opened: BrowserOrReason;

before(async () => {
  db = await cloneDatabase();
  const loaded = await loadOperatingModel('operating-model.yaml');
  assert.ok(loaded.ok);
  const rules = loaded.value;
  site = await startSite({
    installation: { name: 'Health and care', kind: 'demonstration' },
    routes: [
      ...reachRoutes({ database: db.web, model: rules, secrets }),
      ...organisationRoutes({ database: db.web, model: rules, secrets }),
    ],
    sessions: { findSession: async () => session },
    navigation: ['Duty desk', 'Alerts', 'Directory', 'People'].map((text) => ({
      text,
      href: text === 'Directory' ? '/organisations' : `/${text}`,
    })),
  });
  await db.web.withActor(system('import'), async (tx) => {
    const options = { rules, secrets, startedAt: new Date() };
    const file = (text: string) => ({ name: 'seed.csv', bytes: Buffer.from(text) });
    assert.ok((await importOrganisations(tx, file(sector.organisations), options)).ok);
    // Some have nobody, some only mail: every seventh row is left out, every fifth has no number.
    const [header, ...rows] = sector.contacts.trimEnd().split('\n');
    const at = header!.split(',').indexOf('mobile');
    const kept = rows
      .filter((_, i) => i % 7 !== 0)
      .map((row, i) => row.split(',').map((cell, k) => (k === at && i % 5 === 0 ? '' : cell)));
    const contacts = [header, ...kept.map((cells) => cells.join(','))].join('\n');
    assert.ok((await importContacts(tx, file(`${contacts}\n`), options)).ok);
  });
  opened = await openBrowser();
});
after(async () => {
  await opened.browser?.close();
  await site.close();
  await db.drop();
});

test('coverage and the lists to mend are accessible and fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  for (const [path, name] of [
    ['/organisations/coverage', 'coverage'],
    ['/organisations/coverage?who=all', 'coverage-all'],
    ['/organisations/coverage?who=all&map=system', 'coverage-systems'],
    ['/organisations/coverage?who=all&map=type', 'coverage-types'],
    ['/organisations/coverage?who=all&as-at=2020-01-01', 'coverage-past'],
    ['/organisations/coverage?as-at=2099-04-01', 'coverage-future'],
    ['/organisations/mend?who=all', 'mend'],
    ['/organisations/mend?region=nowhere&kind=nobody&type=board', 'mend-nothing'],
    ['/organisations/mend/people', 'mend-people'],
    ['/organisations/mend/people?organisation=zz-0012', 'mend-one'],
    ['/organisations/mend/schedule', 'schedule'],
    ['/ring-through', 'ring-through'],
  ] as const) {
    await page.goto(site.address + path);
    await page.setViewportSize({ width: 1280, height: 900 });
    await assertAccessible(page);
    await shoot(page, `reach-${name}`);
    await assertAccessible(page);
    const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
  }
  verify();
});

test('a merger is planned and confirmed on a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  const look = async (name: string) => {
    await assertAccessible(page);
    await shoot(page, `reach-${name}`);
    const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
  };
  await page.goto(`${site.address}/organisations/successions`);
  await look('successions-none');
  await page.getByRole('button', { name: 'Plan a merger or split' }).click();
  await page.getByRole('button', { name: 'See what it would do' }).click();
  await page.getByText('Enter the first day of the successors').first().waitFor();
  await look('succession-errors');
  await page.getByLabel('Who hands over').fill('zz-0010 zz-0011');
  await page.getByLabel('Who takes over').fill('ZZ-0012');
  await page.getByLabel('First day').fill('2099-04-01');
  await page.getByRole('button', { name: 'See what it would do' }).click();
  await page.getByText('Nothing is decided yet.').waitFor();
  await look('succession');
  await page.getByRole('button', { name: 'Confirm for 1 April 2099' }).click();
  await page.getByText('Confirmed').first().waitFor();
  await page.goto(`${site.address}/organisations/successions`);
  await look('successions');
  for (const code of ['zz-0012', 'zz-0010']) {
    await page.goto(`${site.address}/organisations?q=${code}`);
    await page.locator('tbody a').first().click();
    await page.goto(`${page.url()}?as-at=2099-04-02`);
    await page.getByText('Carried out here').waitFor();
    await look(`as-at-${code}`);
  }
  await page.goto(`${site.address}/organisations/successions/new`);
  await page.getByLabel('Who hands over').fill('zz-0013');
  await page.getByLabel('Who takes over').fill('ZZ-0014 ZZ-0015');
  await page.getByLabel('Who takes those below').fill('ZZ-0016');
  await page.getByLabel('First day').fill('2099-04-01');
  await page.getByRole('button', { name: 'See what it would do' }).click();
  await page.getByText('Name one of those who take over').first().waitFor();
  await look('split-errors');
  await page.getByLabel('Who takes those below').fill('ZZ-0015');
  await page.getByRole('button', { name: 'See what it would do' }).click();
  await page.getByText('Nothing is decided yet.').waitFor();
  await look('split');
  verify();
});

test('a number is asked from the list with the keyboard, and a second press waits', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  await page.goto(`${site.address}/organisations/mend/people`);
  await page.getByRole('button', { name: 'Ask now' }).first().focus();
  await page.keyboard.press('Enter');
  await page.getByText('1 asked: proven when the code comes back.').waitFor();
  await page.getByRole('button', { name: 'Ask again' }).first().focus();
  await page.keyboard.press('Enter');
  await page.getByText('1 had a message a few minutes ago').waitFor();
  verify();
});
