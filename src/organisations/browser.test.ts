import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { RunningTasks } from '#db/tasks.ts';
import {
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../test/support/browser.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { secrets, startImports } from '../../test/support/directory.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { importContacts, importOrganisations } from './imports/actions.ts';
import { demonstrationSector } from './demonstration/demonstration.ts';
import { FILE_BYTES_MAX } from './imports/form-import.ts';
import type { AudienceRules, ImportRules } from './model.ts';
import { organisationRoutes } from './routes.ts';
import { listOrganisations } from './store.ts';

const model: AudienceRules & ImportRules = {
  organisationTypes: {
    trust: { label: 'NHS trust', mustAnswer: true },
    board: { label: 'Integrated care board', mustAnswer: true },
    practice: { label: 'GP practice', mustAnswer: false },
    care_provider: { label: 'Care provider', mustAnswer: false },
    supplier: { label: 'Supplier', mustAnswer: false },
    other: { label: 'Other body', mustAnswer: false },
  },
  contactRoles: {
    ciso: { label: 'CISO or head of cyber' },
    on_call_it: { label: 'On-call IT' },
    cio: { label: 'CIO' },
    siro: { label: 'SIRO' },
    practice_manager: { label: 'Practice manager' },
  },
  audienceLookAheadMs: 90 * 86_400_000,
  importedAloneADay: 100_000,
  readerKinds: {
    technical: { label: 'Technical', chased: true },
    information: { label: 'For information', chased: false },
  },
};
const permissions = new Set([
  'alert.read',
  'directory.read',
  'directory.write',
  'response.record',
] as const);
const ada = { kind: 'person', id: newId(), name: 'Ada Okafor', permissions } as const;
const session = { id: 's', actor: ada, name: ada.name, expiresAt: new Date('2099-01-01') };
const sector = demonstrationSector({ organisations: 200, mustAnswer: 60, regions: 7, systems: 9 });
const MORE_CONTACTS = [
  'organisation_code,name,kind,role,rank,mobile,email,active',
  'ZZ-0010,Shared on-call desk of the Moor and Vale partnership,post,on_call_it,2,07700 900111,,',
  'ZZ-0003,Shared on-call desk of the Moor and Vale partnership,post,on_call_it,2,07700 900111,,',
  'ZZ-0010,Bartholomew Featherstonehaugh-Cholmondeley,person,cio,4,,bartholomew@northmoor.test,no',
  '',
].join('\n');

let db: Clone;
let site: Site;
let tasks: RunningTasks;
let opened: BrowserOrReason;

before(async () => {
  db = await cloneDatabase();
  site = await startSite({
    installation: { name: 'Health and care', kind: 'demonstration' },
    routes: organisationRoutes({ database: db.web, model, secrets }),
    sessions: { findSession: async () => session },
    navigation: ['Duty desk', 'Alerts', 'Directory', 'People'].map((text) => ({
      text,
      href: text === 'Directory' ? '/organisations' : `/${text}`,
    })),
  });
  tasks = await startImports(db, model);
  opened = await openBrowser();
});
after(async () => {
  await opened.browser?.close();
  await tasks.stop();
  await site.close();
  await db.drop();
});

async function fill(): Promise<void> {
  const options = { rules: model, secrets, startedAt: new Date() };
  await db.web.withActor(system('import'), async (tx) => {
    const file = (text: string) => ({ name: 'seed.csv', bytes: Buffer.from(text) });
    for (const [run, text] of [
      [importOrganisations, sector.organisations],
      [importContacts, sector.contacts],
      [importContacts, MORE_CONTACTS],
    ] as const) {
      const outcome = await run(tx, file(text), options);
      assert.deepEqual(outcome.ok && outcome.value.refusedRows, []);
    }
  });
}

const BAD = [
  'organisation_code,name,role,rank,mobile,email,nickname',
  ...Array.from({ length: 6 }, (_, i) => `ZZ-00${i + 10},Person ${i},palace,12,0800 1,nobody,x`),
  'ZZ-0010,Good Person,ciso,1,07700 900222,good@northmoor.test,x',
  '',
].join('\n');

test('the directory and its imports are accessible and fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  const look = async (name: string) => await lookAt(page, `organisations-${name}`);
  const check = async (name: string, text: string) => {
    await page.goto(`${site.address}/organisations/import?kind=contacts`);
    const file = { name, mimeType: 'text/csv', buffer: Buffer.from(text) };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Check the file' }).click();
  };
  await page.goto(`${site.address}/organisations`);
  await look('empty');
  await page.goto(`${site.address}/organisations/imports`);
  await look('imports-empty');
  await fill();
  for (const [path, name] of [
    ['/organisations', 'list'],
    ['/organisations?q=northmoor&type=trust', 'found'],
    ['/organisations?q=nobody', 'nothing'],
    ['/organisations?as-at=2020-01-01', 'list-past'],
    ['/organisations?as-at=2099-04-01&type=trust', 'list-future'],
    ['/organisations/imports', 'imports'],
    ['/organisations/import', 'import'],
  ] as const) {
    await page.goto(site.address + path);
    await look(name);
  }
  const [northmoor] = await db.web.withActor(ada, (tx) =>
    listOrganisations(tx, { text: 'ZZ-0010', limit: 1 }),
  );
  await page.goto(`${site.address}/organisations/${northmoor!.id}`);
  await look('organisation');
  await page.goto(`${site.address}/organisations/import`);
  await page.getByRole('button', { name: 'Check the file' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('import-errors');
  await check('contacts of november, with a name that somebody made rather long.csv', BAD);
  await page.getByRole('heading', { name: 'Check before you import' }).waitFor();
  await look('checked-bad');
  await page.getByRole('button', { name: 'Import the 1 good row' }).click();
  await page.getByRole('heading', { name: 'Imported' }).waitFor();
  await look('imported');
  await check('contacts.csv', sector.contacts);
  await page.getByText('The directory holds all of this already').waitFor();
  await look('checked-same');
  verify();
});

test('an organisation on another day, its parents, and who stands below', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  const look = async (name: string) => await lookAt(page, `organisations-${name}`);
  const [northmoor] = await db.web.withActor(ada, (tx) =>
    listOrganisations(tx, { text: 'ZZ-0010', limit: 1 }),
  );
  await page.goto(`${site.address}/organisations/${northmoor!.id}`);
  await page.getByLabel('As at another day').fill('2099-04-01');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('As at 1 April 2099.').waitFor();
  await look('organisation-as-at');
  await page.getByRole('link', { name: 'Back to today' }).click();
  await page.getByRole('link', { name: 'Change the parent' }).click();
  await page.getByLabel('Code of the parent').fill('zz-0002');
  await page.getByLabel('First day').fill('2099-04-01');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('parent-errors');
  await page.getByLabel('Who said so').fill('Kim Lee, head of IT, by phone');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('Written down.').waitFor();
  await look('parents');
  await page
    .getByRole('link', { name: /Integrated Care Board/ })
    .first()
    .click();
  await look('parent');
  await page.getByRole('link', { name: /^\d+ organisations$/ }).click();
  await look('below');
  await page.goto(`${site.address}/organisations/${northmoor!.id}/edit`);
  await look('facts');
  verify();
});

test('a file is chosen, checked and imported with the keyboard alone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  await page.goto(`${site.address}/organisations/import`);
  await page.locator('#kind').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  const chooser = page.waitForEvent('filechooser');
  await page.keyboard.press('Space');
  const buffer = Buffer.from('code,name,type\nZZ-9001,Keyboard,other\n');
  await (await chooser).setFiles({ name: 'keys.csv', mimeType: 'text/csv', buffer });
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const button = page.getByRole('button', { name: 'Import 1 row' });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Imported' }).waitFor();
  verify();
});

test('a file that is too large is told before it travels', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page } = await watchedPage(opened.browser, site.address);
  await page.context().addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  await page.goto(`${site.address}/organisations/import`);
  const buffer = Buffer.alloc(FILE_BYTES_MAX + 1, 'x');
  const said = 'document.getElementById("file").validationMessage';
  const input = page.locator('input[type=file]');
  await input.setInputFiles({ name: 'large.csv', mimeType: 'text/csv', buffer });
  assert.match(String(await page.evaluate(said)), /larger than 20 MB/);
  await input.setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('a') });
  assert.equal(await page.evaluate(said), '');
});
