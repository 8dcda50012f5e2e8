/** Journeys over audiences, suppliers, tags and the dry run, in a browser and without script. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
  type BrowserPage,
} from '../../../test/support/browser.ts';
import { draftAlert, openCentre, submitDraft, type Centre } from '../../../test/support/centre.ts';
import { seedGateway } from '../../../test/support/dispatch.ts';

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

async function visit(t: TestContext, path: string, person = centre.officer) {
  if (opened.browser === undefined) return t.skip(opened.reason);
  centre.visit(person);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  await page.context().addCookies([{ name: 'tocsin', value: person.id, url: address }]);
  await page.goto(`${address}${path}`);
  return { page, verify };
}

async function look(page: BrowserPage, name: string): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 900 });
  await assertAccessible(page);
  await shoot(page, `audiences-${name}`);
  await assertAccessible(page);
  const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

async function organisationId(code: string): Promise<string> {
  const { id } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select id from organisations.organisation where code = ${code}`),
  );
  return id;
}

test('what an organisation uses and how it is tagged, from its page to the lists', async (t) => {
  const northmoor = await organisationId('ZZ-0001');
  const visited = await visit(t, '/suppliers');
  if (visited === undefined) return;
  const { page, verify } = visited;
  const go = async (path: string) => await page.goto(`${centre.site.address}${path}`);
  await look(page, 'suppliers-empty');
  await go('/tags');
  await look(page, 'tags-empty');
  await go('/audiences');
  await look(page, 'empty');
  await go(`/organisations/${northmoor}`);
  await page.getByRole('link', { name: 'Write down what it uses' }).click();
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look(page, 'use-errors');
  await page.getByLabel('Supplier').fill('Citrix');
  await page.getByLabel('Product (optional)').fill('NetScaler Gateway');
  await page.getByLabel('Who said so').fill('Kim Lee, head of IT, by phone');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('Written down.').waitFor();
  await page.getByLabel('Add a tag').fill('Stroke centre');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('Tagged.').waitFor();
  await look(page, 'organisation-uses');
  await page.getByRole('link', { name: 'Citrix' }).click();
  await page.getByRole('heading', { name: 'Who uses Citrix?' }).waitFor();
  await look(page, 'supplier');
  await go('/suppliers');
  await look(page, 'suppliers');
  await go('/tags');
  await look(page, 'tags');
  verify();
  await page.close();
});

test('from who uses it to an audience, its versions, and an alert to it', async (t) => {
  const visited = await visit(t, '/suppliers');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByRole('link', { name: 'Citrix' }).click();
  await page.getByRole('link', { name: 'Make an audience of it' }).click();
  await page.locator('#preview').getByText('1 organisation, of which 1 must answer').waitFor();
  await look(page, 'new');
  // The count follows what is chosen.
  await page.locator('#by-name summary').click();
  await page.getByLabel('Also these organisations').fill('ZZ-0003, ZZ-0004');
  await page.locator('#preview').getByText('3 organisations, of which 2 must answer').waitFor();
  await page.getByLabel('But not these').fill('ZZ-0004');
  await page.locator('#preview').getByText('2 organisations, of which 2 must answer').waitFor();
  await page.getByRole('button', { name: 'Save audience' }).click();
  await page.getByText('Audience saved.').waitFor();
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      update organisations.organisation set closed_on = case code when 'ZZ-0003'
        then current_date + 30 end where code in ('ZZ-0003', 'ZZ-0004')`),
  );
  await page.reload();
  await page.getByText('Will go out').waitFor();
  await look(page, 'audience');
  await page.getByRole('link', { name: 'Every organisation, with why it is in' }).click();
  await page.getByText('uses Citrix', { exact: true }).waitFor();
  await page.getByText('named as left out').waitFor();
  await look(page, 'members');
  await page.getByRole('link', { name: 'Users of Citrix' }).click();
  await page.getByRole('button', { name: 'Change the question' }).click();
  await page.locator('#types').check();
  await page.getByRole('button', { name: 'Save as a new version' }).click();
  await page.getByText('Saved. Version 2 is in use.').waitFor();
  await page.getByRole('link', { name: 'Version 2', exact: true }).click();
  await page.getByText('What differs from version 1').waitFor();
  await look(page, 'version');
  await page.getByRole('link', { name: 'Users of Citrix' }).click();
  await page.getByRole('link', { name: 'Write an alert to this audience' }).click();
  await page.locator('#preview').getByText('By the audience').waitFor();
  await look(page, 'composer');
  await page.goto(`${centre.site.address}/audiences`);
  await look(page, 'list');
  verify();
  await page.close();
});

test('the dry run on a desk and on a phone', async (t) => {
  await seedGateway(centre.db.worker, {
    id: 'notify',
    bucket: { ratePerSecond: 49.5, burst: 980 },
  });
  const alertId = await draftAlert(centre);
  const visited = await visit(t, `/alerts/${alertId}/edit`);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByRole('button', { name: 'Save and dry run' }).click();
  await page.getByRole('heading', { name: 'No usable chain to the end' }).waitFor();
  await look(page, 'dry-run');
  await page.close();
  await submitDraft(centre, await draftAlert(centre));
  verify();
});

test('an audience is made, changed and retired with the keyboard alone', async (t) => {
  const visited = await visit(t, '/audiences/new');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.locator('#name').focus();
  await page.keyboard.type('By keys');
  await page.keyboard.press('Enter');
  await page.getByText('Audience saved.').waitFor();
  await page.getByRole('button', { name: 'Change the question' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('#mustAnswerOnly').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await page.getByText('Saved. Version 2 is in use.').waitFor();
  await page.getByRole('button', { name: 'Retire By keys' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Retired. It is offered no more.').waitFor();
  await look(page, 'retired');
  verify();
  await page.close();
});

test('without script: counted by a button, saved, and chosen in the composer', async () => {
  const client = centre.visit(centre.officer);
  await client.get('/audiences/new');
  const counted = await client.submit('/audiences/new', { types: ['practice'], next: 'count' });
  assert.match(counted.text, /1 organisation, of which 0 must answer/);
  const named = await client.submit('/audiences/new', { name: '', next: 'save' }, { status: 422 });
  assert.match(named.text, /Give it a name/);
  await client.submit('/audiences/new', { name: 'Surgeries', next: 'save' });
  assert.match(client.page.text, /Audience saved/);
  const id = client.page.path.split('/')[2]!;
  const members = await client.get(`/audiences/${id}/organisations`);
  assert.match(members.text, /Hollow Lane Surgery ?ZZ-0004 ?type GP practice/);
  const csv = await client.request('GET', `/audiences/${id}/organisations.csv`);
  assert.match(csv.body, /^code,organisation,type,region,must_answer,why\r\nZZ-0004,/);
  const composer = await client.get(`/alerts/new?audience=${id}`);
  assert.match(composer.body, new RegExp(`<option value="${id}@1" selected>Surgeries`));
});

test('bad input is a sentence, and what is not there is not there', async () => {
  const client = centre.visit(centre.officer);
  await client.get('/audiences/new');
  const long = await client.submit('/audiences/new', { name: 'x'.repeat(81) }, { status: 422 });
  assert.match(long.text, /Use 80 characters or fewer/);
  const wrong = await client.submit(
    '/audiences/new',
    { name: 'a\u200bb', include: 'NOPE-1, =cmd' },
    { status: 422 },
  );
  assert.match(wrong.text, /invisible character/);
  const huge = new URLSearchParams({ name: 'x', include: 'A'.repeat(10 * 1024 * 1024) });
  const tooLarge = await client.request('POST', '/audiences/preview', { form: huge });
  assert.equal(tooLarge.status, 413);
  for (const path of ['/audiences/x', '/audiences/01900000-0000-7000-8000-000000000001'])
    await client.get(path, { status: 404 });
  await client.get('/suppliers/01900000-0000-7000-8000-000000000001', { status: 404 });
  const guest = await centre.site.visitor().request('GET', '/audiences');
  assert.equal(guest.status, 303);
  const organisation = await organisationId('ZZ-0002');
  await client.get(`/organisations/${organisation}/uses/new`);
  const days = await client.submit(
    `/organisations/${organisation}/uses/new`,
    { supplier: '<b>x</b>', saidBy: 'me', saidOn: '2999-01-01' },
    { status: 422 },
  );
  assert.match(days.text, /That day is yet to come/);
});
