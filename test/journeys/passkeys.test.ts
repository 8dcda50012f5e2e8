/** Passkeys as people use them: a real browser with a device of its own, and a live installation. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { proveDispatch } from '#alerts/index.ts';
import { system } from '#kernel/actor.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  type BrowserOrReason,
  type BrowserPage,
} from '../support/browser.ts';
import {
  contextOf,
  draftAlert,
  openCentre,
  submitDraft,
  type Centre,
  type Person,
} from '../support/centre.ts';
import { openDevice, type Device } from '../support/browser-device.ts';
import { comeByLink, startLiveHost, type LiveHost } from '../support/live-host.ts';

let centre: Centre;
let host: LiveHost;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre('live');
  host = await startLiveHost(centre);
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await host.close();
  await centre.close();
});

const newDevice = () => openDevice(opened.browser!);

/** Accessible and whole at both widths; the pictures are for looking at. */
async function look(page: BrowserPage, name: string): Promise<void> {
  await assertAccessible(page);
  await shoot(page, `passkeys-${name}`);
  await assertAccessible(page);
  const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

const comeIn = ({ page }: Device, { id: personId }: Person) =>
  comeByLink(page, { centre, origin: host.origin, personId });

/** As if the passkey had been used so long ago that what is dangerous asks again. */
async function letTimePass(person: Person): Promise<void> {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update identity.session set passkey_at = passkey_at - interval '1 hour'
      where person_id = ${person.id}`),
  );
}

test('the first administrator: a link, a passkey, and in again with it', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const device = await newDevice();
  const { page } = device;
  const mira = await centre.invite('Mira Chief', ['administrator']);
  await comeIn(device, mira);
  await page.getByRole('heading', { name: 'Make your passkey' }).waitFor();
  await look(page, 'new');
  await device.verify(false);
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await page.getByText('Nothing was confirmed. Press again').waitFor();
  await look(page, 'not-confirmed');
  await device.verify(true);
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await page.getByText('Your passkey is made').waitFor();
  await page.goto(`${host.origin}/account`);
  await page.getByText('This is the only one').waitFor();
  await look(page, 'account');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with your passkey' }).waitFor();
  await look(page, 'sign-in');
  await device.verify(false);
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click();
  await page.getByText('Nothing was confirmed. Press again').waitFor();
  await device.verify(true);
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click();
  await page.getByRole('link', { name: 'People' }).waitFor();

  await letTimePass(mira);
  await page.goto(`${host.origin}/account/passkeys/new`);
  await page.getByRole('heading', { name: 'Use your passkey' }).waitFor();
  await look(page, 'prove');
  await page.getByRole('button', { name: 'Use your passkey' }).click();
  await page.getByRole('heading', { name: 'Make another passkey' }).waitFor();
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await page.getByText('This device holds a passkey of yours for Tocsin already').waitFor();

  await letTimePass(mira);
  await page.goto(`${host.origin}/people/invite`);
  await page.getByLabel('Full name').fill('Nora Quist');
  await page.getByLabel('E-mail address').fill('nora@centre.test');
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('heading', { name: 'Show that it is you' }).waitFor();
  await look(page, 'go-on');
  await page.getByRole('button', { name: 'Use your passkey and go on' }).click();
  await page.getByRole('heading', { name: 'Nora Quist' }).waitFor();
});

test('an approver signs exactly what is on the page, and it goes', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const device = await newDevice();
  const { page } = device;
  await comeIn(device, centre.approver);
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await page.getByText('Your passkey is made').waitFor();
  const alertId = await draftAlert(centre);
  const hash = await submitDraft(centre, alertId);
  await page.goto(`${host.origin}/alerts/${alertId}`);
  await device.verify(false);
  await page.getByRole('button', { name: 'Approve and send now' }).click();
  await page.getByText('Nothing was confirmed. Press again').waitFor();
  await look(page, 'approval');
  await device.verify(true);
  await page.getByRole('button', { name: 'Approve and send now' }).click();
  await page.getByText('organisations must answer').waitFor();
  const signed = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ personId: string; origin: string }>(sql`
      select person_id, origin from identity.approval_signature where hash = ${hash}`),
  );
  assert.deepEqual(signed, [{ personId: centre.approver.id, origin: host.origin }]);
  // The worker checks what the device signed before it sends, with its own rights.
  const { passkeyDomain } = centre.product;
  const proof = await centre.db.worker.withActor(system('dispatch'), async (tx) => {
    const { id } = await tx.one<{ id: string }>(sql`
      select dispatch_id as id from alerts.v_live where alert_id = ${alertId}`);
    return await proveDispatch(tx, { ...contextOf(centre), passkeyDomain }, id);
  });
  assert.ok(proof.holds, JSON.stringify(proof));
});

test('a recovery: begun by one, agreed to by another, on pages that fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const people = ['Ines Falk', 'Otto Brand', 'Lena Lost'];
  const devices: Device[] = [];
  const invited: Person[] = [];
  for (const name of people) {
    const [device, person] = [await newDevice(), await centre.invite(name, ['administrator'])];
    await comeIn(device, person);
    await device.page.getByRole('button', { name: 'Make the passkey' }).click();
    await device.page.getByText('Your passkey is made').waitFor();
    devices.push(device);
    invited.push(person);
  }
  const [ines, otto] = [devices[0]!.page, devices[1]!.page];
  const lena = invited[2]!;
  await ines.goto(`${host.origin}/people/${lena.id}`);
  await look(ines, 'recovery-begin');
  await ines.getByRole('button', { name: 'Begin a recovery' }).click();
  const link = await ines.locator('.tocsin-secret').innerText();
  await look(ines, 'recovery-link');
  await otto.goto(`${host.origin}/people`);
  await look(otto, 'recovery-people');
  await otto.goto(`${host.origin}/people/${lena.id}`);
  await look(otto, 'recovery-agree');
  await ines.goto(`${host.origin}/people/invite`);
  await ines.getByLabel('Full name').fill('Rosa Neu');
  await ines.getByLabel('E-mail address').fill('rosa@centre.test');
  await ines.getByLabel('Approver').check();
  await ines.getByRole('button', { name: 'Invite' }).click();
  await ines.getByRole('heading', { name: 'Rosa Neu' }).waitFor();
  await otto.goto(ines.url());
  await look(otto, 'role-agree');
  await otto.getByRole('button', { name: 'Agree to the role Approver' }).click();
  await otto.getByText('Agreed: the role is given').waitFor();
  await otto.goto(`${host.origin}/people/${lena.id}`);
  await otto.getByRole('button', { name: 'Agree to the recovery' }).click();
  await otto.getByText('The old passkeys are ended').waitFor();
  const anew = await newDevice();
  await anew.page.goto(link);
  await anew.page.getByRole('button', { name: 'Sign in' }).click();
  await anew.page.getByRole('heading', { name: 'Make your passkey' }).waitFor();
});

test('without script each page says what to do', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const page = await opened.browser.newPage({ javaScriptEnabled: false });
  await page.goto(`${host.origin}/sign-in`);
  await page.locator('noscript p', { hasText: 'A passkey needs JavaScript' }).waitFor();
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
});
