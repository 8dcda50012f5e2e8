/** Contacts, facts, duplicates and the call list in a real browser, at both widths. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import {
  browserFolder,
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { startSite, type Site } from '../../../test/support/page-client.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { organisationRoutes } from '../routes.ts';
import { listOrganisations } from '../store.ts';

const permissions = new Set([
  'alert.read',
  'directory.read',
  'directory.write',
  'response.record',
] as const);
const ada = { kind: 'person', id: newId(), name: 'Ada Okafor', permissions } as const;
const session = { id: 's', actor: ada, name: ada.name, expiresAt: new Date('2099-01-01') };

const ORGANISATIONS = [
  'code,name,type,region,region_name,system,system_name,telephone,address_1,town,postcode',
  'ZZ-0010,Northmoor Teaching Hospitals NHS Trust,trust,R1,North,S1,Moor and Vale,0306 999 0010,1 Moor Road,Northmoor,NM1 1AA',
  'ZZ-0011,Eastfirth Community Healthcare NHS Foundation Trust,trust,R1,North,S1,Moor and Vale,0306 999 0011,,,',
  'ZZ-0012,Mill Lane Surgery,practice,R2,South,S2,Downs,,,,',
  '',
].join('\n');
const CONTACTS = [
  'organisation_code,name,kind,role,rank,mobile,email,landline,active',
  'ZZ-0010,Mira Vale,person,ciso,1,07700 900123,mira.vale@northmoor.test,0306 999 0123,',
  'ZZ-0010,On-call desk of the Moor and Vale partnership,post,on_call_it,2,07700 900124,,,',
  'ZZ-0010,Bartholomew Featherstonehaugh-Cholmondeley,person,on_call_it,3,,bartholomew@northmoor.test,,',
  'ZZ-0010,"Vale, Mira",person,on_call_it,4,07700 900128,,,',
  'ZZ-0010,Old Hand,person,ciso,4,07700 900125,,,no',
  'ZZ-0011,On-call desk of the Moor and Vale partnership,post,on_call_it,1,07700 900124,,,',
  'ZZ-0011,Ben Ferris,person,ciso,2,07700 900129,ben@eastfirth.test,,',
  'ZZ-0012,Manager,post,ciso,1,,manager@millane.test,,',
  '',
].join('\n');

let db: Clone;
let site: Site;
let opened: BrowserOrReason;
let northmoor: string;

before(async () => {
  db = await cloneDatabase();
  site = await startSite({
    installation: { name: 'Health and care', kind: 'demonstration' },
    routes: organisationRoutes({ database: db.web, model: rules, secrets }),
    sessions: { findSession: async () => session },
    navigation: [{ text: 'Directory', href: '/organisations' }],
  });
  const options = { rules, secrets, startedAt: new Date() };
  const file = (text: string) => ({ name: 'seed.csv', bytes: Buffer.from(text) });
  await db.web.withActor(system('import'), async (tx) => {
    for (const [run, text] of [
      [importOrganisations, ORGANISATIONS],
      [importContacts, CONTACTS],
    ] as const) {
      const outcome = await run(tx, file(text), options);
      assert.deepEqual(outcome.ok && outcome.value.refusedRows, []);
    }
    northmoor = (await listOrganisations(tx, { text: 'ZZ-0010', limit: 1 }))[0]!.id;
  });
  opened = await openBrowser();
});
after(async () => {
  await opened.browser?.close();
  await site.close();
  await db.drop();
});

async function signedIn(browser: NonNullable<BrowserOrReason['browser']>) {
  const watched = await watchedPage(browser, site.address);
  const cookies = [{ name: 'tocsin', value: 'x', url: site.address }];
  await watched.page.context().addCookies(cookies);
  return watched;
}

test('a contact is added, ordered, given hours and merged, at both widths', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await signedIn(opened.browser);
  const home = `${site.address}/organisations/${northmoor}`;
  await page.goto(home);
  await lookAt(page, 'contacts-organisation');
  await page.getByRole('button', { name: 'Show numbers' }).click();
  await page.getByRole('link', { name: '07700 900123' }).waitFor();
  await lookAt(page, 'contacts-numbers');
  await page.goto(`${home}/contacts/new`);
  await lookAt(page, 'contacts-new');
  await page.getByLabel('Name').fill('Gate keeper');
  await page.getByLabel('Mobile', { exact: true }).fill('020 7946 0000');
  await page.getByLabel('Email address', { exact: true }).fill('gate keeper');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('Not a UK mobile number').first().waitFor();
  await lookAt(page, 'contacts-refused');
  await page.getByLabel('Email address', { exact: true }).fill('gate@private.test');
  await page.getByRole('button', { name: 'Keep it as the landline' }).click();
  await page.getByText('Gate keeper is told from now on').waitFor();
  await page.getByRole('button', { name: 'Tell On-call desk', exact: false }).first().click();
  await page.getByText('is told earlier').waitFor();
  await page.getByRole('link', { name: 'On-call desk', exact: false }).first().click();
  await page.getByText('Write down an absence').click();
  await page.getByText('Weekly hours', { exact: true }).click();
  await lookAt(page, 'contacts-contact');
  for (const day of [1, 2, 3, 4, 5]) {
    await page.locator(`#from_${day}`).fill('18:00');
    await page.locator(`#to_${day}`).fill('08:00');
  }
  await page.getByRole('button', { name: 'Keep these hours' }).click();
  await page.getByText('The hours are kept').waitFor();
  await page.getByText('Write down an absence').click();
  await page.locator('#from').fill('2027-01-11T00:00');
  await page.locator('#until').fill('2027-01-12T00:00');
  await page.locator('#cover').selectOption({ label: 'Mira Vale' });
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('The absence is written down').waitFor();
  await lookAt(page, 'contacts-duty');
  await page.goto(`${home}?at=2027-01-11T12:00`);
  await page.getByText('Told on 11 January 2027').waitFor();
  await lookAt(page, 'contacts-chain');
  await page.goto(`${home}/history`);
  await lookAt(page, 'contacts-history');
  await page.goto(`${site.address}/organisations/duplicates`);
  await lookAt(page, 'contacts-duplicates');
  await page.getByRole('link', { name: 'Make them one' }).first().click();
  await lookAt(page, 'contacts-merge');
  await page.getByRole('button', { name: 'Make them one' }).click();
  await page.getByText('is one contact now').waitFor();
  await lookAt(page, 'contacts-merged');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('They are two contacts again').waitFor();
  await page.goto(`${site.address}/organisations/shared-numbers`);
  await lookAt(page, 'contacts-shared');
  await page.goto(`${home}/contacts/new`);
  verify();
});

test('facts are changed with the consequence said, and the name in texts seen as typed', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await signedIn(opened.browser);
  await page.goto(`${site.address}/organisations/${northmoor}/edit`);
  await page.locator('#short_name').fill('Northmoor');
  await page.getByText('11 left').waitFor();
  assert.equal(await page.locator('[data-preview]').textContent(), 'Northmoor');
  await lookAt(page, 'contacts-facts');
  await page.locator('#closed_on').fill('2099-03-31');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('told nothing from 1 April 2099').waitFor();
  await lookAt(page, 'contacts-facts-said');
  await page.getByRole('button', { name: 'Yes, save' }).click();
  await page.getByText('The details are changed').waitFor();
  verify();
});

test('the call list prints: a page for each region, and nothing of the screen', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await signedIn(opened.browser);
  await page.goto(`${site.address}/organisations/call-list`);
  await lookAt(page, 'contacts-call-list-choose');
  await page.getByRole('button', { name: 'Make the list' }).click();
  await page.getByRole('heading', { name: 'Call list' }).waitFor();
  await lookAt(page, 'contacts-call-list');
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 794, height: 1123 });
  const file = path.join(browserFolder(), 'contacts-call-list-print.png');
  await page.screenshot({ path: file, fullPage: true });
  assert.equal(await page.locator('.tocsin-header').isVisible(), false);
  assert.equal(await page.getByText('07700 900123').isVisible(), true);
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
  assert.equal(pdf.match(/\/Type \/Page\b/g)?.length, 2);
  verify();
});

test('with the keyboard alone a contact is moved, and without script one is added', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await signedIn(opened.browser);
  await page.goto(`${site.address}/organisations/${northmoor}`);
  const later = page.getByRole('button', { name: 'Tell Mira Vale later' });
  await later.focus();
  await page.keyboard.press('Enter');
  await page.getByText('Mira Vale is told later').waitFor();
  verify();
  const context = await opened.browser.newContext({ javaScriptEnabled: false });
  await context.addCookies([{ name: 'tocsin', value: 'x', url: site.address }]);
  const plain = await context.newPage();
  await plain.goto(`${site.address}/organisations/${northmoor}/contacts/new`);
  await plain.getByLabel('Name').fill('Without script');
  await plain.getByLabel('Mobile', { exact: true }).fill('07700 900130');
  await plain.getByRole('button', { name: 'Add', exact: true }).click();
  await plain.getByText('Without script is told from now on').waitFor();
  await context.close();
});

/** An organisation of 120, after the others were looked at. */
async function addLarge(): Promise<string> {
  const options = { rules, secrets, startedAt: new Date() };
  const file = (lines: readonly string[]) => ({
    name: 'large.csv',
    bytes: Buffer.from(`${lines.join('\n')}\n`),
  });
  const contacts = Array.from({ length: 120 }, (_, i) => {
    const role = i % 10 === 0 ? 'on_call_it' : 'ciso';
    return `ZZ-0013,Person ${i},${role},${(i % 9) + 1},07700 ${900200 + i},p${i}@large.test`;
  });
  return await db.web.withActor(system('import'), async (tx) => {
    const organisation = ['code,name,type', 'ZZ-0013,Large Partnership,practice'];
    assert.ok((await importOrganisations(tx, file(organisation), options)).ok);
    const columns = 'organisation_code,name,role,rank,mobile,email';
    assert.ok((await importContacts(tx, file([columns, ...contacts]), options)).ok);
    return (await listOrganisations(tx, { text: 'ZZ-0013', limit: 1 }))[0]!.id;
  });
}

test('an organisation of many contacts is paged, searched, and printed without its forms', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await signedIn(opened.browser);
  await page.goto(`${site.address}/organisations/${await addLarge()}`);
  await page.getByText('120 contacts are told').waitFor();
  await lookAt(page, 'contacts-many');
  await page.setViewportSize({ width: 390, height: 900 });
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.getByRole('link', { name: 'First page' }).waitFor();
  await page.getByLabel('Part of a name, or a role').fill('on-call');
  await page.keyboard.press('Enter');
  await page.getByText('12 contacts fit').waitFor();
  await lookAt(page, 'contacts-many-found');
  await page.getByLabel('Part of a name, or a role').fill('nobody at all');
  await page.keyboard.press('Enter');
  await page.getByText('0 contacts fit').waitFor();
  await lookAt(page, 'contacts-many-nobody');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.getByRole('button', { name: 'Search' }).isVisible(), false);
  verify();
});

test('of many colleagues whoever stands in is searched by name, at both widths', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const options = { rules, secrets, startedAt: new Date() };
  const file = (lines: readonly string[]) => ({
    name: 'many.csv',
    bytes: Buffer.from(`${lines.join('\n')}\n`),
  });
  const desks = Array.from(
    { length: 14 },
    (_, i) => `ZZ-0013,Desk ${i + 1},post,ciso,${i}@many.test`,
  );
  const id = await db.web.withActor(system('import'), async (tx) => {
    await importOrganisations(tx, file(['code,name,type', 'ZZ-0013,Many Desks,trust']), options);
    const columns = 'organisation_code,name,kind,role,email';
    await importContacts(tx, file([columns, ...desks]), options);
    return (await listOrganisations(tx, { text: 'ZZ-0013', limit: 1 }))[0]!.id;
  });
  const { page, verify } = await signedIn(opened.browser);
  await page.goto(`${site.address}/organisations/${id}`);
  await page.getByRole('link', { name: 'Desk 2', exact: true }).click();
  await page.getByText('Write down an absence').click();
  await page.locator('#from').fill('2099-01-11T00:00');
  await page.locator('#until').fill('2099-01-12T00:00');
  await page.getByLabel('Who stands in').fill('desk 1');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('Several have that in the name').waitFor();
  await lookAt(page, 'contacts-cover');
  await page.getByLabel('Desk 14').check();
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('Desk 14 stands in').waitFor();
  verify();
});
