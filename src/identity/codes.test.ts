/** Signing in by code and app in a live installation, with what a stranger and a thief would try. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { COOKIE, openLiveSite, type LiveSite } from '../../test/support/live-site.ts';
import { identitySeals } from '../../test/support/identity-seals.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { countStatements } from '../../test/support/statements.ts';
import { signInWithCode } from './codes.ts';
import { giveRole, ofCentre, ofOrganisation, sendSignInCode } from './index.ts';
import { numberAt, stepOf } from './totp.ts';

let live: LiveSite;

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());
beforeEach(() => live.wait(2 * 3_600_000));

const STEP_MS = 30_000;
const VERSION = '0'.repeat(64);

async function own<T extends object>(statement: ReturnType<typeof sql>): Promise<T[]> {
  return await live.clone.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));
}

/** Does what the worker does for every code that was asked for, several at once. */
async function deliver(): Promise<void> {
  const asked = await own<{ id: string }>(sql`
    select id from identity.sign_in_code where sent_at is null order by asked_at, id`);
  const sending = {
    model: { ...live.model, version: VERSION, sender: 'CENTRE', helpLine: '0300 000 0000' },
    seals: identitySeals.codes,
    sealAddress: (_: string, address: string) => Buffer.from(address),
    now: live.now(),
  };
  await Promise.all(asked.map(({ id }) => sendSignInCode(live.clone.worker, id, sending)));
}

async function mailsTo(personId: string): Promise<string[]> {
  await deliver();
  const mails = await own<{ body: string }>(sql`
    select body from dispatch.message where contact_point_id = ${personId} and channel = 'mail'
    order by round`);
  return mails.map(({ body }) => /\d{6}/.exec(body)![0]);
}

const emailOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;

/** Somebody who keeps contacts, came by a link and set up an app. */
async function member(name: string) {
  const id = await live.invite(name, []);
  const held = { personId: id, role: 'keeper', ...ofOrganisation(newId()) };
  await live.clone.web.withActor(system('test'), (tx) =>
    giveRole(tx, held, { model: live.model, now: live.now() }),
  );
  const client = await live.byLink(id);
  const path = await begin(client);
  const secret = (await client.get(path)).textOf('.tocsin-secret').replaceAll(' ', '');
  const code = (await mailsTo(id)).at(-1)!;
  const done = await live.post(client, path, { code, number: numberOf(secret) });
  assert.equal(done.headers.get('location'), '/account', done.body);
  // The number of these thirty seconds is used up.
  live.wait(2 * STEP_MS);
  return { id, client, secret, email: emailOf(name) };
}

async function begin(client: PageClient): Promise<string> {
  const begun = await live.post(client, '/account/app');
  assert.equal(begun.status, 303, begun.body);
  return begun.headers.get('location')!;
}

const numberOf = (secret: string, off = 0) => numberAt(secret, stepOf(live.now()) + off);

/** Asks for a code; where it is to be typed. */
async function ask(email: string, client = live.site.visitor()) {
  const { status, headers, body } = await live.post(client, '/sign-in/code', { email });
  return { client, status, body, path: headers.get('location')?.split('?')[0] ?? '' };
}

/** Types both; true where it let in. */
async function type(client: PageClient, path: string, typed: { code: string; number: string }) {
  const answer = await live.post(client, path, typed);
  return { ...answer, isIn: client.cookie(COOKIE) !== undefined };
}

test('code and number sign in a member, each once', async () => {
  const { id, email, secret } = await member('Ann Both');
  const { client, path } = await ask(email.toUpperCase());
  const code = (await mailsTo(id)).at(-1)!;
  const number = numberOf(secret);
  const spaced = { code: `${code.slice(0, 3)} ${code.slice(3)}`, number: ` ${number}` };
  assert.ok((await type(client, path, spaced)).isIn, 'pasted with blanks');
  assert.match((await client.get('/account')).text, /by code and app/);
  assert.equal((await type(live.site.visitor(), path, { code, number })).isIn, false, 'once');
  const next = await ask(email);
  const later = (await mailsTo(id)).at(-1)!;
  const replay = await type(next.client, next.path, { code: later, number });
  assert.equal(replay.isIn, false, 'the number of these thirty seconds is used up');
  const before = await type(next.client, next.path, { code: later, number: numberOf(secret, -1) });
  assert.equal(before.isIn, false, 'and so are those before');
  live.wait(STEP_MS);
  assert.ok((await type(next.client, next.path, { code: later, number: numberOf(secret) })).isIn);
});

test('neither is enough alone, and the answer never says which was wrong', async () => {
  const { id, email, secret } = await member('Ben Half');
  const { client, path } = await ask(email);
  const code = (await mailsTo(id)).at(-1)!;
  const wrongCode = await type(client, path, { code: other(code), number: numberOf(secret) });
  const wrongNumber = await type(client, path, { code, number: other(numberOf(secret)) });
  assert.deepEqual([wrongCode.status, wrongNumber.status], [422, 422]);
  assert.equal(masked(wrongCode.body), masked(wrongNumber.body));
  for (const typed of [
    { code, number: '' },
    { code: '', number: numberOf(secret) },
  ])
    assert.equal((await type(client, path, typed)).isIn, false);
  const fifth = await type(client, path, { code, number: '000000' });
  assert.equal(fifth.status, 409);
  const dead = await type(client, path, { code, number: numberOf(secret) });
  assert.deepEqual([dead.status, dead.isIn], [409, false], 'five wrong tries end it');
});

/** Six digits that are others. */
const other = (digits: string) => String((Number(digits) + 1) % 1_000_000).padStart(6, '0');
/** A page without what is new at each request. */
const masked = (body: string) =>
  body.replaceAll(/[0-9a-f-]{36}|nonce="[^"]+"|\/[0-9a-f-]{36}/g, '');

const signedIn = async (person: Awaited<ReturnType<typeof member>>) => {
  const { client, path } = await ask(person.email);
  const code = (await mailsTo(person.id)).at(-1)!;
  assert.ok((await type(client, path, { code, number: numberOf(person.secret) })).isIn);
  return client;
};

test('whoever let somebody in stays behind the passkeys that they make by way of an app', async () => {
  const puppet = await member('Una Puppet');
  const voucherOf = async () =>
    (
      await own<{ vouchedBy: string[] }>(sql`
      select vouched_by from identity.passkey where person_id = ${puppet.id}
      order by created_at desc, id desc limit 1`)
    )[0]!.vouchedBy;
  const first = new Authenticator();
  assert.equal((await live.make(await signedIn(puppet), first)).status, 303);
  assert.deepEqual(await voucherOf(), ['test'], 'the link before the app');
  const [admin, , adminId] = await live.administrator('Olga Another');
  live.wait(1000);
  const made = await live.post(admin, `/people/${puppet.id}/link`);
  const client = live.site.visitor();
  await live.post(client, /\/sign-in\/link\/[\w-]{43}/.exec(made.body)![0]);
  assert.equal((await live.prove(client, first)).status, 200);
  assert.equal((await live.make(client, new Authenticator())).status, 303);
  assert.deepEqual(new Set(await voucherOf()), new Set([adminId, 'test']), 'and the link after it');
});

test('a code is over after ten minutes', async () => {
  const { id, email, secret } = await member('Cat Late');
  const { client, path } = await ask(email);
  const code = (await mailsTo(id)).at(-1)!;
  live.wait(10 * 60_000);
  assert.equal((await type(client, path, { code, number: numberOf(secret) })).status, 409);
});

test('an unknown address, one without an app and one with a passkey role look like any other', async () => {
  const { email } = await member('Dan Known');
  await live.invite('Eli Bare', ['reader']);
  const [, , adminId] = await live.administrator('Fay Chief');
  const pages: string[] = [];
  for (const address of [email, 'nobody@nowhere.test', emailOf('Eli Bare'), emailOf('Fay Chief')]) {
    const { client, status, path } = await ask(address);
    assert.equal(status, 303);
    await deliver();
    const shown = await client.get(path);
    const wrong = await live.post(client, path, { code: '123456', number: '654321' });
    assert.equal(wrong.status, 422);
    pages.push(masked(shown.body) + masked(wrong.body));
  }
  assert.equal(new Set(pages).size, 1);
  assert.deepEqual(await mailsTo(adminId), [], 'nothing is mailed to whoever takes a passkey');
});

test('a wrong code of somebody costs as many statements as one of nobody', async () => {
  const { email } = await member('Tim Timed');
  const { model, now } = live;
  const costOf = async (address: string) => {
    const id = (await ask(address)).path.split('/').at(-1)!;
    const how = { now: now(), device: 'Firefox', place: 'here' };
    const by = { model, seals: identitySeals.codes, how };
    return await countStatements(live.clone.web, (tx) =>
      signInWithCode(tx, { id, code: '000000', number: '000000' }, by),
    );
  };
  const known = await costOf(email);
  assert.ok(known > 2);
  assert.equal(await costOf('nobody.timed@centre.test'), known);
});

test('so many codes go to one person in an hour, and one network may ask for so many', async () => {
  const { id, email } = await member('Gil Flood');
  const before = (await mailsTo(id)).length;
  for (let i = 0; i < 5; i++) assert.equal((await ask(email)).status, 303);
  assert.equal((await mailsTo(id)).length, 3, 'the one of the app counts too');
  assert.equal(before, 1);
  let last = 303;
  for (let i = 0; i < 20 && last === 303; i++) last = (await ask('x@nowhere.test')).status;
  assert.equal(last, 429);
  live.wait(3_600_000);
  assert.equal((await ask(email)).status, 303);
});

test('an app is set up only by whoever just came in, with both proven, and seen by nobody else', async () => {
  const id = await live.invite('Hal Setup', ['reader']);
  const client = await live.byLink(id);
  const path = await begin(client);
  const thief = await live.byLink(await live.invite('Ike Thief', ['reader']));
  assert.equal((await thief.request('GET', path)).status, 404);
  const sameElsewhere = await live.byLink(id);
  assert.equal((await sameElsewhere.request('GET', path)).status, 404, 'another session');
  const secret = (await client.get(path)).textOf('.tocsin-secret').replaceAll(' ', '');
  const code = (await mailsTo(id)).at(-1)!;
  const right = { code, number: numberOf(secret) };
  assert.equal((await live.post(thief, path, right)).status, 409);
  assert.equal((await live.post(client, path, { ...right, code: other(code) })).status, 422);
  assert.equal((await live.post(client, path, right)).status, 303);
  assert.equal((await client.request('GET', path)).status, 404, 'the secret is shown no more');
  live.wait(30 * 60_000);
  assert.equal((await live.post(client, '/account/app')).status, 403, 'a session left alone');
  assert.equal((await live.post(client, '/account/app/remove')).status, 403);
  const [admin] = await live.administrator('Ivy Chief');
  assert.match((await live.post(admin, '/account/app')).body, /takes a passkey/);
});

test('whoever came by code makes a passkey and then needs it; a new role closes the way', async () => {
  const { id, email, secret, client } = await member('Joy Grows');
  const device = new Authenticator();
  assert.equal((await live.make(client, device)).status, 303);
  const held = { personId: id, role: 'approver', ...ofCentre };
  await live.clone.web.withActor(system('test'), (tx) =>
    giveRole(tx, held, { model: live.model, now: live.now() }),
  );
  const asked = await ask(email);
  const sent = (await mailsTo(id)).length;
  assert.equal(sent, 1, 'none but the one of the app');
  const typed = { code: '000000', number: numberOf(secret) };
  assert.equal((await type(asked.client, asked.path, typed)).isIn, false);
});

test('a removed app opens nothing, and a lock ends the way at once', async () => {
  const { id, email, secret, client } = await member('Kai Gone');
  const locked = await ask(email);
  const code = (await mailsTo(id)).at(-1)!;
  await own(sql`update identity.person set active = false where id = ${id}`);
  assert.equal(
    (await type(locked.client, locked.path, { code, number: numberOf(secret) })).isIn,
    false,
  );
  await own(sql`update identity.person set active = true where id = ${id}`);
  assert.equal((await live.post(client, '/account/app/remove')).status, 303);
  assert.equal(
    (await type(locked.client, locked.path, { code, number: numberOf(secret) })).isIn,
    false,
  );
});

test('with an app goes what came in by its numbers', async () => {
  const { id, email, secret, client } = await member('Kit Stolen');
  const thief = await ask(email);
  const code = (await mailsTo(id)).at(-1)!;
  assert.ok((await type(thief.client, thief.path, { code, number: numberOf(secret) })).isIn);
  assert.equal((await live.post(client, '/account/app/remove')).status, 303);
  assert.equal((await thief.client.request('GET', '/account')).status, 303, 'to the sign-in');
  assert.equal((await client.request('GET', '/account')).status, 200);
});

test('the secret and the code are not in the database as they are', async () => {
  const { id, secret } = await member('Lea Sealed');
  const code = (await mailsTo(id)).at(-1)!;
  const [app] = await own<{ text: string }>(sql`
    select encode(secret_sealed, 'escape') as text from identity.authenticator_app
    where person_id = ${id}`);
  assert.ok(!app!.text.includes(secret));
  const rows = await own<{ text: string }>(sql`
    select c::text as text from identity.sign_in_code c where person_id = ${id}`);
  assert.ok(rows.every(({ text }) => !new RegExp(`[,(]${code}[,)]`).test(text)));
});
