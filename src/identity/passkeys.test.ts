/** Passkeys in a live installation, with a device that lies where it can. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { openLiveSite, ORIGIN, type LiveSite } from '../../test/support/live-site.ts';
import type { Site } from '../../test/support/page-client.ts';
import { createSignInLink } from './index.ts';

const DOMAIN = 'centre.example';
const RESERVE = 'https://reserve.centre.example';

let live: LiveSite;
let elsewhere: Site;

before(async () => {
  live = await openLiveSite(DOMAIN);
  elsewhere = await live.startAt(RESERVE);
});

after(async () => {
  await elsewhere.close();
  await live.close();
});

beforeEach(() => live.wait(3_600_000));

test('a link leads whoever needs a passkey to making one, and gives nothing before', async () => {
  const id = await live.invite('Ada First', ['administrator']);
  const client = await live.byLink(id);
  const away = await client.request('GET', '/people');
  assert.equal(away.headers.get('location'), '/passkey?to=%2Fpeople');
  const page = await client.get('/passkey?to=/people');
  assert.equal(page.heading, 'Make your passkey');
  assert.match(page.text, /What your role allows needs a passkey/);
  assert.equal((await client.request('POST', `/people/${id}/lock`)).status, 403);
  const device = new Authenticator();
  assert.equal((await live.make(client, device)).status, 303);
  assert.equal((await client.request('GET', '/people')).status, 200);
  assert.match((await client.get('/account')).text, /Phone on this one device.*the only one/s);
});

test('a first passkey needs the link, used just now: no session left alone makes one', async () => {
  const id = await live.invite('Abe Alone', ['reader']);
  const client = await live.byLink(id);
  const device = new Authenticator();
  const { told } = await live.post(client, '/account/passkeys/options');
  const passkey = device.make(told.create, ORIGIN);
  live.wait(30 * 60_000);
  assert.equal((await client.request('GET', '/account')).status, 200, 'still signed in');
  const late = await live.post(client, '/account/passkeys/options');
  assert.equal(late.status, 403);
  assert.match(late.told.message, /Ask whoever manages people for another link/);
  assert.notEqual((await live.post(client, '/account/passkeys', { passkey })).status, 303);
  await client.get('/account/passkeys/new', { status: 403 });
  const again = await live.byLink(id);
  assert.equal((await live.make(again, device)).status, 303);
});

test('what the device signed in time is not kept when it comes late', async () => {
  const client = await live.byLink(await live.invite('Ann Late', ['reader']));
  live.wait(29 * 60_000);
  const { told } = await live.post(client, '/account/passkeys/options');
  live.wait(61_000);
  const passkey = new Authenticator().make(told.create, ORIGIN);
  const late = await live.post(client, '/account/passkeys', { passkey });
  assert.equal(late.status, 403);
  assert.match(late.body, /another link/);
});

test('a role that needs none is content with a link', async () => {
  const client = await live.byLink(await live.invite('Ray Reader', ['reader']));
  assert.match((await client.get('/account')).text, /Your role needs none/);
});

test('a passkey signs in, once for each challenge, and a new session each time', async () => {
  const [, device] = await live.administrator('Ben Again');
  const first = await live.signIn(device);
  assert.ok(first.isIn);
  assert.equal((await first.client.request('GET', '/people')).status, 200);
  const replay = live.site.visitor();
  assert.equal((await live.post(replay, '/sign-in/passkey', first.fields)).status, 409);
  assert.equal(replay.cookie('__Host-tocsin'), undefined);
  const second = await live.signIn(device);
  assert.notEqual(second.client.cookie('__Host-tocsin'), first.client.cookie('__Host-tocsin'));
});

test('another host of the same passkey domain takes the same passkey', async () => {
  const [, device] = await live.administrator('Rhona Reserve');
  assert.ok((await live.signIn(device, { at: elsewhere, origin: RESERVE })).isIn);
  assert.equal((await live.signIn(device, { at: elsewhere, origin: ORIGIN })).isIn, false);
});

test('what a device signs anywhere else, for anything else or for nobody is refused', async () => {
  const [, device] = await live.administrator('Cleo Careful');
  const other = new Authenticator();
  const tries: [string, Awaited<ReturnType<LiveSite['signIn']>>][] = [
    [
      'another address',
      await live.signIn(device, { origin: 'https://tocsin.centre.example.evil' }),
    ],
    ['plain http', await live.signIn(device, { origin: 'http://tocsin.centre.example' })],
    ['another domain', await live.signIn(device, { lies: { domain: 'evil.example' } })],
    ['nobody verified', await live.signIn(device, { lies: { verified: false } })],
    [
      'the answer to another question',
      await live.signIn(device, { lies: { type: 'webauthn.create' } }),
    ],
    ['a device that nobody registered', await live.signIn(other)],
  ];
  for (const [what, { status, isIn }] of tries) {
    assert.equal(isIn, false, what);
    assert.equal(status, 403, what);
  }
  assert.ok((await live.signIn(device)).isIn, 'none of it counts against its owner');
});

test('a challenge belongs to the page that asked, and is over after five minutes', async () => {
  const [, device] = await live.administrator('Dee Late');
  const client = live.site.visitor();
  const asked = (await live.post(client, '/sign-in/passkey/options')).told;
  const passkey = device.use(asked.get, ORIGIN);
  const { ticket } = (await live.post(client, '/sign-in/passkey/options')).told;
  assert.equal((await live.post(client, '/sign-in/passkey', { passkey, ticket })).status, 409);
  live.wait(300_001);
  const late = await live.post(client, '/sign-in/passkey', { passkey, ticket: asked.ticket });
  assert.equal(late.status, 409);
  const own = { challenge: Buffer.alloc(32, 7).toString('base64url'), rpId: DOMAIN };
  const made = { passkey: device.use(own, ORIGIN), ticket };
  assert.equal((await live.post(client, '/sign-in/passkey', made)).status, 409);
  for (const broken of ['', '{', '[]', '{"id":1}', 'x'.repeat(30_000)])
    assert.ok(
      [409, 422, 403].includes(
        (await live.post(client, '/sign-in/passkey', { passkey: broken })).status,
      ),
    );
  assert.equal(client.cookie('__Host-tocsin'), undefined);
});

test('a copy of a device is found by its counter, refused and written down', async () => {
  const [, device, id] = await live.administrator('Eve Copied');
  assert.ok((await live.signIn(device, { lies: { counter: 40 } })).isIn);
  assert.equal((await live.signIn(device, { lies: { counter: 40 } })).isIn, false);
  assert.equal((await live.signIn(device, { lies: { counter: 12 } })).isIn, false);
  const entries = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.rows(sql`select from audit.v_entry
      where action = 'passkey.copy_suspected' and subject_id = ${id}`),
  );
  assert.equal(entries.length, 2);
});

test('a passkey that counts nothing is fine', async () => {
  const client = await live.byLink(await live.invite('Zero Counter', ['administrator']));
  const device = new Authenticator();
  assert.equal((await live.make(client, device, { counter: 0 })).status, 303);
  for (const lies of [{ counter: 0 }, { counter: 0 }])
    assert.ok((await live.signIn(device, { lies })).isIn);
});

test('a new passkey is made only by a verified person, here, for what was asked', async () => {
  const client = await live.byLink(await live.invite('Fay New', ['administrator']));
  const thief = await live.byLink(await live.invite('Tom Thief', ['administrator']));
  for (const lies of [{ verified: false }, { domain: 'evil.example' }])
    assert.equal((await live.make(client, new Authenticator(), lies)).status, 403);
  const { told } = await live.post(client, '/account/passkeys/options');
  const passkey = new Authenticator().make(told.create, ORIGIN);
  assert.equal(
    (await live.post(thief, '/account/passkeys', { passkey })).status,
    409,
    'not the thief’s',
  );
  assert.equal((await live.post(client, '/account/passkeys', { passkey })).status, 303);
  assert.equal((await live.post(client, '/account/passkeys', { passkey })).status, 409, 'once');
  assert.equal((await live.make(thief, new Authenticator())).status, 303);
});

test('one more, or one fewer, needs one of those before, used just now; the last one stays', async () => {
  const [client, device] = await live.administrator('Gia Two');
  live.wait(1_000);
  assert.equal((await live.make(client, new Authenticator())).status, 303, 'made a moment ago');
  live.wait(300_000);
  const old = await live.post(client, '/account/passkeys/options');
  assert.equal(old.status, 403);
  assert.match(old.told.message, /Use one of your passkeys first/);
  const removals = (await client.get('/account'))
    .elements('form')
    .map((form) => form.attribs['action'] ?? '')
    .filter((action) => action.endsWith('/remove') && action.includes('passkeys'));
  assert.equal(removals.length, 2);
  assert.equal((await live.post(client, removals[1]!)).status, 403);
  assert.equal((await live.prove(client, device)).status, 200);
  assert.equal((await live.post(client, removals[1]!)).status, 303);
  const last = await live.post(client, removals[0]!);
  assert.equal(last.status, 409);
  assert.match(last.body, /your only passkey/);
  assert.ok((await live.signIn(device)).isIn);
});

test('removing both in the same moment leaves one', async () => {
  const [client] = await live.administrator('Ira Race');
  await live.make(client, new Authenticator());
  const removals = (await client.get('/account'))
    .elements('form')
    .map((form) => form.attribs['action'] ?? '')
    .filter((action) => action.includes('passkeys') && action.endsWith('/remove'));
  const answers = await Promise.all(removals.map((action) => live.post(client, action)));
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [303, 409],
  );
});

test('a passkey of somebody else proves nothing, and a lock ends its use', async () => {
  const [client, , id] = await live.administrator('Hal Held');
  const [other, theirs] = await live.administrator('Kim Key');
  assert.equal((await live.prove(client, theirs)).status, 403);
  assert.equal((await live.post(other, `/people/${id}/lock`)).status, 303);
  const [, device, locked] = await live.administrator('Lou Locked');
  assert.equal((await live.post(other, `/people/${locked}/lock`)).status, 303);
  assert.equal((await live.signIn(device)).isIn, false);
});

test('what is dangerous asks for the passkey again, keeps what was posted, and goes on', async () => {
  const [client, device] = await live.administrator('Mia Fresh');
  live.wait(300_000);
  assert.equal((await client.request('GET', '/people')).status, 200, 'reading goes on');
  await client.get('/people/invite');
  const page = await client.submit(
    '/people/invite',
    { name: 'New Person', email: 'new@centre.test' },
    { status: 403 },
  );
  assert.equal(page.heading, 'Show that it is you');
  assert.match(page.body, /value="New Person"/);
  assert.equal((await live.prove(client, device)).status, 200);
  await client.submit('Use your passkey and go on');
  assert.equal(client.page.heading, 'New Person');
});

test('whoever has passkeys gets no link any more', async () => {
  const [, , id] = await live.administrator('Nia Guarded');
  const link = await live.clone.web.withActor(system('test'), (tx) =>
    createSignInLink(tx, { personId: id, model: live.model, now: live.now() }),
  );
  assert.ok(!link.ok && /begin a recovery/.test(link.message));
});

test('a link that lay about opens nothing once a passkey was made', async () => {
  const id = await live.invite('Ola Twice', ['reader']);
  const spare = await live.clone.web.withActor(system('test'), (tx) =>
    createSignInLink(tx, { personId: id, model: live.model, now: live.now() }),
  );
  assert.ok(spare.ok);
  const path = `/sign-in/link/${spare.value.token}`;
  const client = await live.byLink(id);
  live.wait(1000);
  assert.equal((await live.site.visitor().request('GET', path)).status, 200, 'until then it does');
  assert.equal((await live.make(client, new Authenticator())).status, 303);
  const maker = live.site.visitor();
  assert.equal((await maker.request('GET', path)).status, 409);
  assert.equal((await maker.request('POST', path)).status, 409);
  await live.byLink(id);
});
