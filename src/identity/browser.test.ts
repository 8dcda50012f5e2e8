import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { CLIENT, startIssuer } from '../../test/support/issuer.ts';
import { lookAt, openBrowser, watchedPage } from '../../test/support/browser.ts';
import type { BrowserOrReason } from '../../test/support/browser.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { identitySeals, issuerSeals } from '../../test/support/identity-seals.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';
import {
  giveRole,
  identityRoutes,
  invitePerson,
  ofOrganisation,
  saveIssuer,
  sessionsOf,
  switchOffIssuer,
  type RoleModel,
} from './index.ts';

const model: RoleModel = {
  signingIn,
  markingCeilings,
  roles: {
    duty_officer: { label: 'Duty officer', may: ['alert.read', 'alert.write', 'alert.approve'] },
    administrator: { label: 'Administrator', may: ['alert.read', 'person.manage'] },
    keeper: { label: 'Administrator of an organisation', may: ['directory.own'] },
  },
};
const northmoor = { id: newId(), name: 'Northmoor and Vale Community Hospitals' };
const installation = { name: 'Health and care', kind: 'demonstration' } as const;

let clone: Clone;
let site: Site;
let opened: BrowserOrReason;
let officer = '';
/** Where people open it; known once it listens. */
const where = { origin: 'http://localhost' };

before(async () => {
  clone = await cloneDatabase();
  const now = new Date();
  await clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into kernel.installation (id, kind, created_at)
      values (${newId()}, ${installation.kind}, ${now})`),
  );
  for (const [name, role] of [
    ['Mira Castellanos-Whitfield', 'administrator'],
    ['Ada Okafor', 'duty_officer'],
  ] as const) {
    const email = `${role}@centre.test`;
    const invited = await clone.web.withActor(system('test'), (tx) =>
      invitePerson(tx, { name, email, roles: [role] }, { model, now }),
    );
    officer = invited.ok ? invited.value : assert.fail(invited.message);
  }
  const keeper = { name: 'Kit Nakamura', email: 'kit@northmoor.test', roles: [] };
  await clone.web.withActor(system('test'), async (tx) => {
    const kit = await invitePerson(tx, keeper, { model, now });
    const personId = kit.ok ? kit.value : assert.fail(kit.message);
    const held = { personId, role: 'keeper', ...ofOrganisation(northmoor.id) };
    await giveRole(tx, held, { model, now });
  });
  const context = Object.assign(where, {
    database: clone.web,
    model,
    installation,
    passkeyDomain: 'localhost',
    ...identitySeals,
    organisations: {
      findByCode: async (_: unknown, code: string) => (code === 'ZZ-0001' ? northmoor : undefined),
      listNames: async () => [northmoor],
      listRegions: async () => [],
    },
  });
  site = await startSite({
    installation,
    routes: identityRoutes(context),
    sessions: sessionsOf(clone.web, model),
    navigation: ['Duty desk', 'Alerts', 'Help queue', 'Organisations', 'People', 'Audit'].map(
      (text) => ({ text, href: `/${text.toLowerCase().replace(' ', '-')}` }),
    ),
  });
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await site.close();
  await clone.drop();
});

test('the pages of people and sign-in are accessible and fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  const look = async (name: string) => await lookAt(page, `identity-${name}`);
  await page.goto(`${site.address}/sign-in?to=/people`);
  await look('sign-in');
  await page.getByRole('button', { name: 'Continue as Mira' }).click();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  await look('people');
  await page.getByRole('button', { name: 'Menu' }).click();
  assert.ok(await page.getByRole('link', { name: 'Help queue' }).isVisible());
  for (const [path, name] of [
    [`/people/${officer}`, 'person'],
    ['/people/invite', 'invite'],
    ['/account', 'account'],
    ['/nowhere', 'not-found'],
  ] as const) {
    await page.goto(site.address + path);
    await look(name);
  }
  await page.goto(`${site.address}/people/invite`);
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('invite-errors');
  await page.getByRole('link', { name: 'Enter the full name' }).click();
  assert.equal(await page.evaluate('document.activeElement.id'), 'name');
  verify();
});

test('a colleague is invited, accepts, and is taken back, on pages that fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  const look = async (name: string) => await lookAt(page, `identity-${name}`);
  await page.goto(`${site.address}/sign-in?to=/colleagues`);
  await page.getByRole('button', { name: 'Continue as Kit' }).click();
  await page.getByRole('heading', { name: 'Colleagues', exact: true }).waitFor();
  const invite = async (name: string, email: string) => {
    await page.goto(`${site.address}/colleagues/invite`);
    await page.getByLabel('Full name').fill(name);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByRole('heading', { name: `Invitation for ${name}` }).waitFor();
    return new URL(await page.locator('.tocsin-secret').innerText()).pathname;
  };
  await page.goto(`${site.address}/colleagues/invite`);
  await look('colleague-invite');
  await page.getByRole('button', { name: 'Make the link' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('colleague-invite-errors');
  const taken = await invite('Robin Featherstonehaugh', 'robin.featherstonehaugh@northmoor.test');
  await look('invitation-made');
  const path = await invite('Sam Okonkwo', 'sam@northmoor.test');
  await page.goto(`${site.address}/colleagues`);
  await look('colleagues');
  await page.getByRole('button', { name: 'Take back the invitation for Robin' }).click();
  await page.getByText('Taken back. No link of it opens anything.').waitFor();
  await page.goto(site.address + taken);
  await look('dead-invitation');
  await page.goto(site.address + path);
  await look('invitation');
  await page.getByRole('button', { name: 'Accept, and make a passkey' }).click();
  await page.getByRole('heading', { name: 'Make your passkey' }).waitFor();
  await look('passkey-new');
  verify();
});

test('somebody is vouched for, and let in by another, on pages that fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  const look = async (name: string) => await lookAt(page, `identity-${name}`);
  const signIn = async (name: string, to: string) => {
    await page.context().clearCookies();
    await page.goto(`${site.address}/sign-in?to=${to}`);
    await page.getByRole('button', { name: `Continue as ${name}` }).click();
  };
  await signIn('Kit', '/colleagues/vouch');
  await page.getByRole('heading', { name: 'Vouch for somebody' }).waitFor();
  await look('vouch');
  await page.getByLabel('Code of their organisation').fill('ZZ-9999');
  await page.getByRole('button', { name: 'Vouch for them' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('vouch-errors');
  await page.getByLabel('Full name').fill('Vera Solberg-Montgomery');
  await page.getByLabel('E-mail address').fill('vera.solberg-montgomery@northmoor.test');
  await page.getByLabel('Code of their organisation').fill('ZZ-0001');
  await page
    .getByLabel('How you know them')
    .fill('We ran the region’s on-call rota together for six years; she heads their network team.');
  await page.getByRole('button', { name: 'Vouch for them' }).click();
  await page.getByText('Vouched for. Somebody who lets people in there now decides.').waitFor();
  await look('vouch-waiting');
  await signIn('Mira', '/people');
  await page.getByText('Kit Nakamura vouches for Vera').waitFor();
  await look('people-vouched-for');
  await page.getByRole('button', { name: 'Let them in (Vera Solberg-Montgomery)' }).click();
  await page.getByRole('heading', { name: 'Invitation for Vera' }).waitFor();
  await look('vouched-made');
  await page.goto(
    site.address + new URL(await page.locator('.tocsin-secret').innerText()).pathname,
  );
  await page.getByText('Kit Nakamura vouches for you.').waitFor();
  await look('invitation-vouched');
  verify();
});

test('a code, an app and its QR code are set up and typed on pages that fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, site.address);
  const look = async (name: string) => await lookAt(page, `identity-${name}`);
  await page.goto(`${site.address}/sign-in/code`);
  await look('code-ask');
  await page.getByLabel('Your e-mail address').fill('kit@northmoor.test');
  await page.getByRole('button', { name: 'Mail me a code' }).click();
  await page.getByRole('heading', { name: 'Enter the code and the number' }).waitFor();
  await look('code');
  await page.getByLabel('Code').fill('123 456');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
  await look('code-wrong');
  await page.goto(`${site.address}/sign-in?to=/account/app`);
  await page.getByRole('button', { name: 'Continue as Kit' }).click();
  await page.getByRole('heading', { name: 'Sign in with an app' }).waitFor();
  await look('app');
  await page.getByRole('button', { name: 'Set up an app' }).click();
  await page.getByRole('heading', { name: 'Set up your app' }).waitFor();
  await look('app-new');
  verify();
});

async function save(id: string, label: string, url: string): Promise<void> {
  const issuer = {
    id,
    label,
    url,
    organisationId: id === 'vale' ? northmoor.id : null,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    sendsSecretBy: 'basic' as const,
    origins: [],
    acr: [],
    amr: ['mfa'],
    authAgeMaxMs: 3_600_000,
  };
  const by = { seals: issuerSeals, now: new Date() };
  await clone.web.withActor(system('test'), (tx) => saveIssuer(tx, issuer, by));
}

test('somebody comes by an issuer that they linked, on pages that fit a phone', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const address = site.address.replace('127.0.0.1', 'localhost');
  where.origin = address;
  const issuer = await startIssuer({ returns: [`${address}/sign-in/with/northmoor/return`] });
  t.after(() => issuer.close());
  await save('northmoor', 'Northmoor and Vale Community Hospitals', issuer.url);
  // Nothing listens there.
  await save('vale', 'Vale Ambulance', 'http://127.0.0.1:9');
  const { page, verify } = await watchedPage(opened.browser, address, { also: [issuer.url] });
  const look = async (name: string) => await lookAt(page, `identity-${name}`);
  const logIn = async (ways: string) => {
    await page.getByRole('heading', { name: 'Northmoor sign-in' }).waitFor();
    await page.getByLabel('User').fill('kit');
    await page.getByLabel('Ways').fill(ways);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  await page.goto(`${address}/sign-in?to=/account`);
  await page.getByRole('button', { name: 'Continue as Kit' }).click();
  await page.getByRole('heading', { name: 'Sign-ins that you have elsewhere' }).waitFor();
  await page.getByRole('button', { name: 'Link Northmoor' }).click();
  await logIn('pwd');
  await page.getByText('Linked.', { exact: true }).waitFor();
  await look('account-linked');
  const ways = 'Go there to sign in with Northmoor';
  const leave = async () => {
    await page.context().clearCookies();
    await page.goto(`${address}/sign-in?to=/account`);
  };
  await leave();
  await look('sign-in-issuers');
  await page.getByRole('button', { name: ways }).click();
  await logIn('pwd mfa');
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  await leave();
  await page.getByRole('button', { name: ways }).click();
  await logIn('pwd');
  await page.getByRole('heading', { name: 'One more proof' }).waitFor();
  await look('issuer-more');
  await leave();
  await page.getByRole('button', { name: 'Go there to sign in with Vale' }).click();
  await page.getByText('Vale Ambulance does not answer').first().waitFor();
  await look('issuer-down');
  await page.getByRole('button', { name: 'Continue as Mira' }).click();
  await clone.web.withActor(system('test'), (tx) => switchOffIssuer(tx, 'vale', new Date()));
  await page.goto(`${address}/issuers`);
  await look('issuers');
  // Nothing comes of going there: the page stays, as it does for a moment otherwise.
  await page.route(`${issuer.url}/**`, (route) => route.fulfill({ status: 204 }));
  await page.goto(`${address}/account`);
  await page.getByRole('button', { name: 'Link Northmoor' }).click();
  await page.getByRole('heading', { name: 'On to Northmoor' }).waitFor();
  await look('issuer-leave');
  verify();
});
