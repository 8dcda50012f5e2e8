/**
 * The centre comes up under another host of the same passkey domain (a reserve site), in a real
 * browser: that alone decides which host may ask for which passkey.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { proveDispatch } from '#alerts/index.ts';
import { system } from '#kernel/actor.ts';
import { openDevice, type Device } from '../support/browser-device.ts';
import { openBrowser, type BrowserOrReason } from '../support/browser.ts';
import {
  contextOf,
  draftAlert,
  openCentre,
  submitDraft,
  type Centre,
  type Person,
} from '../support/centre.ts';
import { comeByLink, startLiveHost, type LiveHost } from '../support/live-host.ts';

/** Browsers take every name below localhost for this machine, and as safe as https. */
const DOMAIN = 'centre.localhost';

let centre: Centre;
let opened: BrowserOrReason;
let usual: LiveHost;
let reserve: LiveHost;

before(async () => {
  centre = await openCentre('live');
  usual = await startAt('tocsin.centre.localhost');
  reserve = await startAt('reserve.centre.localhost');
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await reserve.close();
  await usual.close();
  await centre.close();
});

const startAt = (name: string) => startLiveHost(centre, { name, passkeyDomain: DOMAIN });

/** Lets somebody in at the usual host, with a passkey that is made there. */
async function comeIn({ page }: Device, person: Person): Promise<void> {
  await comeByLink(page, { centre, origin: usual.origin, personId: person.id });
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await page.getByText('Your passkey is made').waitFor();
}

async function signIn({ page }: Device, { origin }: Pick<LiveHost, 'origin'>): Promise<void> {
  await page.goto(`${origin}/sign-in`);
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click();
}

test('a passkey made at the usual host approves at the reserve, and the worker believes it', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const device = await openDevice(opened.browser);
  const { page } = device;
  await comeIn(device, centre.approver);
  const alertId = await draftAlert(centre);
  const hash = await submitDraft(centre, alertId);
  await page.goto(`${reserve.origin}/alerts/${alertId}`);
  assert.match(page.url(), /\/sign-in\?/, 'the session of one host is not one of the other');
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click();
  await page.getByRole('button', { name: 'Approve and send now' }).click();
  await page.getByText('organisations must answer').waitFor();
  const signed = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ origin: string; domain: string }>(sql`
      select origin, domain from identity.approval_signature where hash = ${hash}`),
  );
  assert.deepEqual(signed, [{ origin: reserve.origin, domain: DOMAIN }]);
  const proof = await centre.db.worker.withActor(system('dispatch'), async (tx) => {
    const { id } = await tx.one<{ id: string }>(sql`
      select dispatch_id as id from alerts.v_live where alert_id = ${alertId}`);
    return await proveDispatch(tx, { ...contextOf(centre), passkeyDomain: DOMAIN }, id);
  });
  assert.ok(proof.holds, JSON.stringify(proof));
});

test('with the usual host gone, two let in a third at the reserve; back there, all of it holds', async (t) => {
  const { browser } = opened;
  if (browser === undefined) return t.skip(opened.reason);
  const open = async (name: string) => {
    const [device, person] = [
      await openDevice(browser),
      await centre.invite(name, ['administrator']),
    ];
    await comeIn(device, person);
    return { device, page: device.page, person };
  };
  const [ines, otto, lena] = [await open('Ines'), await open('Otto'), await open('Lena')];
  await usual.close();

  for (const { device, page } of [ines, otto]) {
    await signIn(device, reserve);
    await page.getByRole('link', { name: 'People' }).waitFor();
  }
  await ines.page.goto(`${reserve.origin}/people/${lena.person.id}`);
  await ines.page.getByRole('button', { name: 'Begin a recovery' }).click();
  const link = await ines.page.locator('.tocsin-secret').innerText();
  assert.ok(link.startsWith(`${reserve.origin}/sign-in/link/`), 'the link leads to the reserve');
  await otto.page.goto(`${reserve.origin}/people/${lena.person.id}`);
  await otto.page.getByRole('button', { name: 'Agree to the recovery' }).click();
  await otto.page.getByText('The old passkeys are ended').waitFor();

  const anew = await openDevice(browser);
  await anew.page.goto(link);
  await anew.page.getByRole('button', { name: 'Sign in' }).click();
  await anew.page.getByRole('button', { name: 'Make the passkey' }).click();
  await anew.page.getByText('Your passkey is made').waitFor();

  usual = await startAt('tocsin.centre.localhost');
  await signIn(anew, usual);
  await anew.page.getByRole('link', { name: 'People' }).waitFor();
  await signIn(lena.device, usual);
  await lena.page.getByText('not accepted').waitFor();
});

test('a host that is not below the domain gets no passkey, and its page says why', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const device = await openDevice(opened.browser);
  await comeIn(device, await centre.invite('Edda Elsewhere', ['administrator']));
  const elsewhere = await startAt('tocsin.localhost');
  try {
    await signIn(device, elsewhere);
    await device.page.getByText('Open Tocsin at its usual address').waitFor();
    assert.equal((await device.page.context().cookies(elsewhere.origin)).length, 0);
  } finally {
    await elsewhere.close();
  }
});
