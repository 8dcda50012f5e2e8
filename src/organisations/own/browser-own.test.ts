/** Contacts at their own details in a real browser, at both widths. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { sessionsOf, signInForDemonstration } from '#identity/index.ts';
import {
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import {
  messagesOf,
  must,
  openCentre,
  sendOwnCodes,
  tasksFor,
  type Centre,
  type Person,
} from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';
import { askPoints } from '../proof/enrol.ts';

const ANSWERS = '00000000-0000-4000-8000-000000000000';

let centre: Centre;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  opened = await openBrowser();
});
after(async () => {
  await opened.browser?.close();
  await centre.close();
});

/** The newest code, after the worker has sent what was asked for. */
async function newestCode(): Promise<string> {
  const before = new Set((await messagesOf(centre, ANSWERS)).map(({ id }) => id));
  await sendOwnCodes(centre);
  const sent = (await messagesOf(centre, ANSWERS)).find(({ id }) => !before.has(id));
  return /\b(\d{6})\b/.exec(sent?.body ?? '')?.[1] ?? assert.fail('no code was sent');
}

/** The person as it would be signed in: with the roles and organisations of this moment. */
async function actorOf(person: Person): Promise<Person> {
  const token = must(
    await centre.db.web.withActor(system('test'), (tx) =>
      signInForDemonstration(tx, person.id, { now: new Date(), device: 'test', place: '' }),
    ),
  );
  const session = await sessionsOf(centre.db.web, centre.model).findSession(token, new Date());
  assert.equal(session?.actor.kind, 'person');
  return session.actor;
}

test('a contact comes in by a code, says that all is right, and replaces its number', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, centre.site.address);
  await page.goto(`${centre.site.address}/your-details`);
  await lookAt(page, 'own-sign-in');
  await page.getByLabel('Mobile number or email address').fill('nobody');
  await page.getByRole('button', { name: 'Send me a code' }).click();
  await page.getByText('Enter a mobile number or an email address').first().waitFor();
  await lookAt(page, 'own-sign-in-refused');
  await page.getByLabel('Mobile number or email address').fill('07700 900210');
  await page.getByRole('button', { name: 'Send me a code' }).click();
  await page.getByText('If we have it').waitFor();
  await lookAt(page, 'own-code');
  const code = await newestCode();
  await page.getByLabel('Code', { exact: true }).fill(code === '000000' ? '000001' : '000000');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Check the six digits').first().waitFor();
  await lookAt(page, 'own-code-refused');
  await page.getByLabel('Code', { exact: true }).fill(code);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await lookAt(page, 'own-who');
  await page.getByRole('radio').first().check();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('heading', { name: 'What we hold of you' }).waitFor();
  await lookAt(page, 'own-details');
  await page.getByRole('button', { name: 'Still right' }).click();
  await page.getByText('Last said:').waitFor();
  await lookAt(page, 'own-still-right');
  await page.getByRole('link', { name: 'Replace' }).first().click();
  await lookAt(page, 'own-number');
  await page.getByLabel('Mobile number or email address').fill('020 7946 0000');
  await page.getByRole('button', { name: 'Send a code there' }).click();
  await page.getByText('Not a UK mobile number').first().waitFor();
  await lookAt(page, 'own-number-refused');
  await page.getByLabel('Mobile number or email address').fill('07700 900299');
  await page.getByRole('button', { name: 'Send a code there' }).click();
  await page.getByText('A code is on its way there').waitFor();
  await page.getByLabel('Code', { exact: true }).fill(await newestCode());
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('It is on file, and proven').waitFor();
  await page.getByRole('button', { name: 'I have left' }).click();
  await page.getByText('You said that you have left').waitFor();
  await lookAt(page, 'own-left');
  verify();
});

test('whoever keeps the contacts of an organisation sees its own', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const administrator = await centre.invite('Ines Falk', ['administrator']);
  const keeper = await centre.invite('Nora Quist', []);
  const giver = centre.visit(administrator);
  await giver.get(`/people/${keeper.id}`);
  for (const organisation of ['ZZ-0001', 'ZZ-0005'])
    await giver.submit('Give for it', { organisation });
  const actor = await actorOf(keeper);
  centre.visit(actor);
  const { page, verify } = await watchedPage(opened.browser, centre.site.address);
  const as = async (id: string) =>
    await page.context().addCookies([{ name: 'tocsin', value: id, url: centre.site.address }]);
  await as(administrator.id);
  await page.goto(`${centre.site.address}/people/${keeper.id}`);
  await lookAt(page, 'own-person');
  await page.locator('#organisation_administrator-organisation').fill('nowhere');
  await page.getByRole('button', { name: 'Give for it' }).click();
  await page.getByText('Enter the code of an organisation').first().waitFor();
  await lookAt(page, 'own-person-refused');
  await as(keeper.id);
  await page.goto(centre.site.address);
  await page.getByRole('heading', { name: 'Our contacts' }).waitFor();
  await lookAt(page, 'own-ours');
  await page.getByRole('link', { name: 'Northmoor' }).first().click();
  await page.getByRole('button', { name: 'Show numbers' }).waitFor();
  await lookAt(page, 'own-ours-organisation');
  verify();
});

test('the centre sees who says that they have left, and decides', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, centre.site.address);
  centre.visit(centre.officer);
  const cookies = [{ name: 'tocsin', value: centre.officer.id, url: centre.site.address }];
  await page.context().addCookies(cookies);
  await page.goto(`${centre.site.address}/organisations/mend/people`);
  await lookAt(page, 'own-mend');
  await page.getByRole('link', { name: 'Deal with it' }).click();
  await lookAt(page, 'own-contact');
  await page.getByRole('link', { name: 'Northmoor' }).first().click();
  await page.getByText('Says they have left').waitFor();
  await lookAt(page, 'own-organisation');
  verify();
});

test('the link of a mail shows what is on file, and the code of the mail says that it is right', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { id: contactPointId } = await centre.db.owner.withActor(system('test'), async (tx) => {
    const manager = await tx.one<{ id: string }>(sql`
      update organisations.contact_point set proven_at = now()
      where shown like '%@hollow.test' returning id`);
    await askPoints(tx, [manager.id], new Date());
    return manager;
  });
  const before = new Set((await messagesOf(centre, ANSWERS)).map(({ id }) => id));
  await tasksFor(centre)['proof_asked']!({ contactPointId });
  const mail = (await messagesOf(centre, ANSWERS)).find(({ id }) => !before.has(id));
  const [link = ''] = /\/still-right\/[^\s]+/.exec(mail?.body ?? '') ?? [];
  const { page, verify } = await watchedPage(opened.browser, centre.site.address);
  await page.goto(centre.site.address + link);
  await page.getByRole('heading', { name: 'Is this still right?' }).waitFor();
  await lookAt(page, 'own-link');
  await page.getByRole('button', { name: 'Still right' }).click();
  await page.getByText('Enter the six digits of the mail').first().waitFor();
  await lookAt(page, 'own-link-refused');
  const [, code = ''] = /type (\d{6}) there/.exec(mail?.body ?? '') ?? [];
  await page.getByLabel('Code').fill(code);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await lookAt(page, 'own-link-done');
  await page.goto(centre.site.address + link);
  await page.getByRole('heading', { name: 'This link is over' }).waitFor();
  await lookAt(page, 'own-link-over');
  verify();
});
