import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import {
  startSite,
  type Answer,
  type Page,
  type PageClient,
  type Site,
} from '../../test/support/page-client.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { identitySeals } from '../../test/support/identity-seals.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';
import { identityRoutes, invitePerson, sessionsOf, createSignInLink } from './index.ts';
import type { RoleModel } from './model.ts';

const model: RoleModel = {
  signingIn,
  markingCeilings,
  roles: {
    duty_officer: { label: 'Duty officer', may: ['alert.read', 'alert.write'] },
    approver: { label: 'Approver', may: ['alert.read', 'alert.approve'] },
    administrator: { label: 'Administrator', may: ['alert.read', 'person.manage'] },
  },
};

let clone: Clone;
let site: Site;
let now = new Date('2026-11-23T03:12:00Z');

before(async () => {
  clone = await cloneDatabase();
  await clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into kernel.installation (id, kind, created_at)
      values (${newId()}, 'demonstration', ${now})`),
  );
  site = await start('demonstration');
});

after(async () => {
  await site.close();
  await clone.drop();
});

async function start(kind: 'live' | 'demonstration'): Promise<Site> {
  const installation = { name: 'Health and care', kind };
  const context = {
    database: clone.web,
    model,
    installation,
    origin: 'http://localhost',
    passkeyDomain: 'localhost',
    ...identitySeals,
  };
  return await startSite({
    routes: identityRoutes(context),
    installation,
    sessions: sessionsOf(clone.web, model),
    navigation: [{ href: '/people', text: 'People', permission: 'person.manage' }],
    now: () => now,
  });
}

async function invite(name: string, roles: string[]): Promise<string> {
  const email = `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;
  const invited = await clone.web.withActor(system('test'), (tx) =>
    invitePerson(tx, { name, email, roles }, { model, now }),
  );
  assert.ok(invited.ok);
  return invited.value;
}

async function linkFor(personId: string): Promise<string> {
  const link = await clone.web.withActor(system('test'), (tx) =>
    createSignInLink(tx, { personId, model, now }),
  );
  assert.ok(link.ok);
  return `/sign-in/link/${link.value.token}`;
}

async function signedIn(name: string, roles: string[]): Promise<PageClient> {
  const client = site.visitor();
  await client.get(await linkFor(await invite(name, roles)));
  await client.submit('Sign in', {}, { status: 404 }); // to `/`, which this test has no page for
  return client;
}

test('a link signs in once, and looking at it does not use it up', async () => {
  const link = await linkFor(await invite('Ada Okafor', ['duty_officer']));
  const scanner = site.visitor();
  for (const method of ['GET', 'HEAD', 'OPTIONS']) await scanner.request(method, link);
  assert.equal(scanner.cookie('tocsin'), undefined);
  const ada = site.visitor();
  assert.equal((await ada.get(link)).heading, 'Sign in as Ada Okafor');
  await ada.submit('Sign in', {}, { status: 404 });
  assert.match((await ada.get('/account')).text, /Ada Okafor.*Duty officer/);
  const thief = site.visitor();
  const dead = await thief.get(link, { status: 409 });
  assert.equal(dead.heading, 'This link does not work any more');
  assert.match(dead.text, /used already, or is too old\..*Get a new one/);
  const again = await thief.request('POST', link);
  assert.equal(again.status, 409);
  assert.equal(thief.cookie('tocsin'), undefined);
});

test('a link is dead after a day', async () => {
  const link = await linkFor(await invite('Late Riser', []));
  now = new Date(now.getTime() + 24 * 3_600_000);
  assert.equal((await site.visitor().request('POST', link)).status, 409);
});

test('every sign-in has a new token, and the old one dies at sign-out', async () => {
  const client = await signedIn('Ben Turner', ['approver']);
  const token = client.cookie('tocsin');
  assert.ok(token);
  await client.get('/account');
  await client.submit('/sign-out');
  assert.equal(client.page.textOf('.tocsin-notice'), 'You are signed out.');
  const replay = site.visitor();
  replay.setCookie('tocsin', token);
  assert.equal((await replay.request('GET', '/account')).status, 303);
});

test('a session ends when it is left alone, and after twelve hours whatever happens', async () => {
  const idle = await signedIn('Idle Person', []);
  now = new Date(now.getTime() + 59 * 60_000);
  assert.equal((await idle.request('GET', '/account')).status, 200);
  now = new Date(now.getTime() + 61 * 60_000);
  assert.equal((await idle.request('GET', '/account')).status, 303);
  const busy = await signedIn('Busy Person', []);
  for (let hour = 0; hour < 23; hour++) {
    now = new Date(now.getTime() + 30 * 60_000);
    assert.equal((await busy.request('GET', '/account')).status, 200, `half-hour ${hour}`);
  }
  now = new Date(now.getTime() + 31 * 60_000);
  assert.equal((await busy.request('GET', '/account')).status, 303);
});

test('in a demonstration one may be anybody; a live installation has no such door', async () => {
  const person = await invite('Dee Moor', ['duty_officer']);
  const client = site.visitor();
  const page = await client.get('/sign-in?to=/account');
  assert.match(page.text, /Dee Moor Duty officer/);
  assert.match(page.body, /no real phone rings/);
  const form = new URLSearchParams({ person, to: '/account' });
  const begun = await client.request('POST', '/sign-in/demonstration', { form });
  assert.equal(begun.headers.get('location'), '/account');
  assert.match((await client.get('/account')).text, /Dee Moor/);

  const live = await start('live');
  try {
    const visitor = live.visitor();
    const refused = await visitor.request('POST', '/sign-in/demonstration', { form });
    assert.equal(refused.status, 404);
    assert.equal(visitor.cookie('tocsin'), undefined);
    const signIn = await visitor.get('/sign-in');
    assert.doesNotMatch(signIn.body, /Dee Moor|no real phone rings|sign-in\/demonstration/);
  } finally {
    await live.close();
  }
});

test('nobody is led to another site after signing in', async () => {
  const person = await invite('Open Redirect', ['approver']);
  const away = [
    '//evil.test',
    '/\\evil.test',
    'https://evil.test/',
    '/\t/evil.test',
    '/..//evil.test',
  ];
  for (const to of away) {
    const form = new URLSearchParams({ person, to });
    const begun = await site.visitor().request('POST', '/sign-in/demonstration', { form });
    assert.equal(begun.headers.get('location'), '/', to);
    const page = await site.visitor().get(`/sign-in?to=${encodeURIComponent(to)}`);
    assert.doesNotMatch(page.body, /evil/);
  }
});

test('people are invited, given roles and locked out', async () => {
  const admin = await signedIn('Mira Chief', ['administrator']);
  await admin.get('/people');
  await admin.click('Invite somebody');
  await admin.submit('/people/invite', { name: ' ', email: 'no' }, { status: 422 });
  assert.match(admin.page.title, /^Error: /);
  const summary = admin.page.textOf('.nhsuk-error-summary');
  assert.match(summary, /Enter the full name.*name@example\.org/);
  await admin.submit(
    '/people/invite',
    { email: 'mira.chief@centre.test', name: 'X' },
    { status: 422 },
  );
  assert.match(admin.page.text, /Somebody with this address is here already/);
  await admin.submit('/people/invite', {
    name: 'Neu <b>Kollege',
    email: 'Neu@Centre.test',
    roles: ['approver', 'duty_officer'],
  });
  assert.equal(admin.page.heading, 'Neu <b>Kollege');
  const path = admin.page.path;
  await admin.submit('Make a sign-in link');
  const link = new URL(admin.page.textOf('.tocsin-secret')).pathname;
  const neu = site.visitor();
  await neu.get(link);
  await neu.submit('Sign in', {}, { status: 404 });
  assert.equal((await neu.request('GET', '/people')).status, 403);
  await admin.get(path);
  await admin.submit('End', {});
  assert.equal(admin.page.textOf('.tocsin-notice'), 'Role ended.');
  await admin.submit('Lock out');
  assert.equal((await neu.request('GET', '/account')).status, 303);
  assert.match((await admin.get('/people')).text, /Neu <b>Kollege Locked/);
});

const formIdOf = (page: Page) => page.elements('input[name="formId"]')[0]?.attribs['value'] ?? '';

test('an invitation posted twice is one person, and one more only where it says so', async () => {
  const admin = await signedIn('Double Click', ['administrator']);
  const formId = formIdOf(await admin.get('/people/invite'));
  const ada = { name: 'Ada Twice', email: 'ada.twice@centre.test', roles: 'approver', formId };
  const post = async () =>
    await admin.request('POST', '/people/invite', { form: new URLSearchParams(ada) });
  const answers = await Promise.all([post(), post()]);
  answers.push(await post());
  for (const { status, headers } of answers)
    assert.deepEqual([status, headers.get('location')], [303, `/people/${formId}`]);
  await admin.get('/people/invite');
  const ben = { ...ada, name: 'Ben Once', email: 'ben.once@centre.test' };
  const asked = await admin.submit('/people/invite', ben, { status: 409 });
  assert.match(asked.text, /This form has invited Ada Twice already/);
  assert.match(asked.body, /value="Ben Once"/);
  await admin.submit('/people/invite');
  assert.equal(admin.page.heading, 'Ben Once');
});

test('a sign-in link asked for twice by one form is the one that was shown last', async () => {
  const person = await invite('Two Links', []);
  const admin = await signedIn('Link Maker', ['administrator']);
  await admin.get(`/people/${person}`);
  const form = new URLSearchParams({ formId: formIdOf(admin.page) });
  const make = async () => await admin.request('POST', `/people/${person}/link`, { form });
  const linkIn = ({ body }: Answer) => /http:[^<]*(\/sign-in\/link\/[\w-]+)/.exec(body)![1]!;
  const [first, second] = [linkIn(await make()), linkIn(await make())];
  assert.equal((await site.visitor().request('GET', first)).status, 409);
  assert.equal((await site.visitor().request('POST', second)).status, 303);
  assert.equal((await make()).status, 409);
});

test('nobody changes their own rights', async () => {
  const admin = await signedIn('Own Goal', ['administrator']);
  await admin.get('/people');
  await admin.click('Own Goal');
  const path = admin.page.path;
  assert.match(admin.page.text, /This is you/);
  const form = new URLSearchParams({ role: 'approver' });
  for (const act of ['roles', 'roles/end', 'lock']) {
    const answer = await admin.request('POST', `${path}/${act}`, { form });
    assert.equal(answer.status, 403, act);
  }
});

test('one sees and ends one’s own sessions, and nobody else’s', async () => {
  const first = await signedIn('Two Desks', []);
  const other = await signedIn('Other Body', []);
  const page = await other.get('/account');
  const theirs = page.elements('form').find((f) => f.attribs['action']?.includes('/sessions/'));
  const action = theirs?.attribs['action'] ?? '';
  assert.equal((await first.request('POST', action)).status, 404);
  assert.equal((await other.request('GET', '/account')).status, 200);
  await other.request('POST', action);
  assert.equal((await other.request('GET', '/account')).status, 303);
});
