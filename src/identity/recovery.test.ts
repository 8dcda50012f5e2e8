/** Lost passkeys: one person asks, another agrees, and neither can do it alone. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql, type Sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { COOKIE, openLiveSite, type LiveSite } from '../../test/support/live-site.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { agreeTo, findAgreeing } from '../../test/support/second-person.ts';
import {
  createSignInLink,
  giveRole,
  ofCentre,
  recoverFromTerminal,
  tellOfSignIn,
} from './index.ts';

let live: LiveSite;

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());
beforeEach(() => live.wait(3_600_000));

/** By an administrator whose passkey is fresh; the path of the link. */
async function askFor(client: PageClient, personId: string): Promise<string> {
  await client.get(`/people/${personId}`);
  await client.submit('Begin a recovery');
  return new URL(client.page.textOf('.tocsin-secret')).pathname;
}

async function actions(personId: string): Promise<string[]> {
  const rows = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.rows<{ action: string }>(sql`
      select action from audit.v_entry
      where subject_id = ${personId} and action like 'recovery.%' order by at`),
  );
  return rows.map(({ action }) => action);
}

test('a recovery takes two: then the old passkey and sessions end, and a new one is made', async () => {
  const [mira, hers] = await live.administrator('Mira One');
  const [noor, theirs] = await live.administrator('Noor Two');
  const [lost, old, id] = await live.administrator('Lena Lost');
  const link = await askFor(mira, id);
  assert.match(mira.page.text, /It opens nothing yet/);
  const lena = live.site.visitor();
  assert.match((await lena.get(link)).text, /a second person has to agree/);
  assert.equal((await lena.request('POST', link)).status, 409);
  assert.equal(lena.cookie(COOKIE), undefined);
  assert.ok((await live.signIn(old)).isIn, 'until somebody agrees nothing changes');

  const page = await mira.get(`/people/${id}`);
  assert.match(page.text, /You asked for it, so somebody else has to agree/);
  const shown = (await findAgreeing(noor, id))!;
  const { path: confirm, hash } = shown;
  assert.match((await noor.get('/people')).text, /Lena Lost lost all passkeys, says Mira One/);
  const asker = { client: mira, device: hers };
  assert.equal((await agreeTo(live, asker, shown)).status, 403, 'not whoever asked');
  assert.equal((await live.post(lost, confirm, { hash })).status, 403, 'not oneself');
  assert.equal((await live.post(noor, confirm, { hash })).status, 403, 'nothing was signed');
  assert.equal((await agreeTo(live, { client: noor, device: theirs }, shown)).status, 303);
  assert.equal((await live.post(noor, confirm, { hash })).status, 409, 'once');

  assert.equal((await lost.request('GET', '/account')).status, 303, 'signed out');
  const another = await live.post(noor, `/people/${id}/link`);
  assert.equal(another.status, 409, 'no second link beside the one that was agreed to');
  assert.equal((await live.signIn(old)).isIn, false);
  await lena.get(link);
  assert.equal((await lena.request('POST', link)).headers.get('location'), '/passkey?to=%2F');
  const device = new Authenticator();
  assert.equal((await live.make(lena, device)).status, 303);
  assert.ok((await live.signIn(device)).isIn);
  assert.deepEqual(await actions(id), ['recovery.asked', 'recovery.confirmed']);
  await areTold(id);
});

/** Each time once, at their address and on their number, with whom to ring. */
async function areTold(personId: string): Promise<void> {
  await own(sql`update identity.person set phone_sealed = 'sealed', phone_mask = '···98',
    phone_index = 'x' where id = ${personId}`);
  const planned = await own<{ payload: { what: string } }>(sql`
    select job.payload from graphile_worker._private_jobs job
    join graphile_worker._private_tasks task on task.id = job.task_id
    where task.identifier = 'sign_in_changed' and job.payload ->> 'personId' = ${personId}
    order by job.id`);
  const telling = {
    model: {
      ...live.model,
      version: '0'.repeat(64),
      sender: 'CENTRE',
      helpLine: '0300 000 0000',
    },
    sealAddress: (_: string, address: string) => Buffer.from(address),
    clockOf: () => '03:12',
  };
  // A worker that died after it had told runs it again.
  for (const { payload } of [...planned, ...planned])
    await tellOfSignIn(live.clone.worker, payload, telling);
  const told = await own<{ channel: string; body: string; to: string }>(sql`
    select channel, body, convert_from(address_sealed, 'UTF8') as to from dispatch.message
    where contact_point_id = ${personId} order by channel, round`);
  const mails = told.filter(({ channel }) => channel === 'mail');
  assert.deepEqual(
    mails.map(({ body }) => body.split(', 03:12. Not you? Ring 0300 000 0000.')[0]),
    [
      'A passkey was added to your account',
      'Somebody asked for a link to your account in place of your passkeys',
      'Your passkeys were ended, and a link to your account opens',
      'A passkey was added to your account',
    ],
  );
  assert.equal(mails[0]?.to, 'lena.lost@centre.test');
  assert.equal(told.length, 2 * mails.length, 'and as many texts');
  const entries = await own<{ detail: { what: string; by: string[] } }>(sql`
    select detail from audit.v_entry
    where subject_id = ${personId} and action = 'person.told_of_sign_in' order by at, id`);
  assert.deepEqual(
    entries.map(({ detail }) => detail.what),
    planned.map(({ payload }) => payload.what),
  );
  assert.deepEqual(entries[0]?.detail.by, ['mail', 'text']);
}

async function own<T extends object>(statement: Sql): Promise<T[]> {
  return await live.clone.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));
}

test('one administrator who plays two cannot recover a third', async () => {
  const [mira, , miraId] = await live.administrator('Mira Plays');
  const [, , id] = await live.administrator('Vic Tim');
  await mira.get('/people/invite');
  await mira.submit('/people/invite', { name: 'Ghost', email: 'ghost@centre.test' });
  const ghostId = mira.page.path.split('/').at(-1)!;
  // As it was given while she was the only one.
  await live.clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into identity.role_grant (id, person_id, role, given_at, given_by)
      values (${newId()}, ${ghostId}, 'administrator', ${live.now()}, ${miraId})`),
  );
  await mira.submit('Make a sign-in link');
  const link = new URL(mira.page.textOf('.tocsin-secret')).pathname;
  const ghost = live.site.visitor();
  await ghost.request('POST', link);
  const device = new Authenticator();
  assert.equal((await live.make(ghost, device)).status, 303);
  await askFor(mira, id);
  const shown = (await findAgreeing(ghost, id))!;
  assert.equal((await agreeTo(live, { client: ghost, device }, shown)).status, 403);
});

test('a recovery is refused by anybody who manages people, and is over after a day', async () => {
  const [mira, device] = await live.administrator('Mira Refused');
  const [noor, theirs] = await live.administrator('Noor Refuses');
  const [, old, id] = await live.administrator('Rae Right');
  const first = await askFor(mira, id);
  await noor.get(`/people/${id}`);
  await noor.submit('Refuse it');
  assert.equal((await live.site.visitor().request('POST', first)).status, 409);
  assert.ok((await live.signIn(old)).isIn);
  await askFor(mira, id);
  const shown = (await findAgreeing(noor, id))!;
  live.wait(24 * 3_600_000);
  const later = (await live.signIn(theirs)).client;
  assert.equal((await agreeTo(live, { client: later, device: theirs }, shown)).status, 409);
  assert.ok((await live.signIn(device)).isIn);
});

test('whoever asked and was locked out since, or lost the right, has asked for nothing', async () => {
  const [noor, theirs] = await live.administrator('Noor Stays');
  const [, old, id] = await live.administrator('Ria Robbed');
  for (const [name, path] of [
    ['Zoe Locked', 'lock'],
    ['Zed Ended', 'roles/end'],
  ] as const) {
    const [asker, , askerId] = await live.administrator(name);
    await askFor(asker, id);
    const shown = (await findAgreeing(noor, id))!;
    const taken = await live.post(noor, `/people/${askerId}/${path}`, { role: 'administrator' });
    assert.equal(taken.status, 303);
    const agreed = await agreeTo(live, { client: noor, device: theirs }, shown);
    assert.equal(agreed.status, 409);
    assert.match(agreed.body, /Whoever asked for this may not do so any more/);
    await noor.get(`/people/${id}`);
    await noor.submit('Refuse it');
  }
  assert.ok((await live.signIn(old)).isIn);
  const [asker, , askerId] = await live.administrator('Zac Caught');
  const link = await askFor(asker, id);
  const shown = (await findAgreeing(noor, id))!;
  assert.equal((await agreeTo(live, { client: noor, device: theirs }, shown)).status, 303);
  assert.equal((await live.post(noor, `/people/${askerId}/lock`)).status, 303);
  assert.equal((await live.site.visitor().request('GET', link)).status, 409);
  assert.equal(
    (await live.site.visitor().request('POST', link)).status,
    409,
    'nor what was agreed',
  );
});

test('with the passkeys go the app and every link from before', async () => {
  const [mira] = await live.administrator('Mira Asks');
  const [noor, theirs] = await live.administrator('Noor Agrees');
  const id = await live.invite('Lou Lost', ['reader']);
  assert.equal((await live.make(await live.byLink(id), new Authenticator())).status, 303);
  await own(sql`
    insert into identity.authenticator_app (id, person_id, session_id, secret_sealed, vouched_by,
      made_at, confirmed_at)
    values (${newId()}, ${id}, ${newId()}, 'sealed', '{}', ${live.now()}, ${live.now()})`);
  live.wait(1000);
  const by = { personId: id, model: live.model, now: live.now() };
  const before = await live.clone.web.withActor(system('test'), (tx) => createSignInLink(tx, by));
  assert.ok(before.ok, 'a reader needs no passkey');
  const held = { personId: id, role: 'approver', ...ofCentre };
  await live.clone.web.withActor(system('test'), (tx) => giveRole(tx, held, by));
  await askFor(mira, id);
  const shown = (await findAgreeing(noor, id))!;
  assert.equal((await agreeTo(live, { client: noor, device: theirs }, shown)).status, 303);
  const thief = live.site.visitor();
  assert.equal((await thief.request('POST', `/sign-in/link/${before.value.token}`)).status, 409);
  assert.equal(thief.cookie(COOKIE), undefined);
  const apps = await own(sql`
    select id from identity.authenticator_app where person_id = ${id} and ended_at is null`);
  assert.deepEqual(apps, []);
});

test('from the terminal it waits for a person, unless nobody is left who could agree', async () => {
  const [, old, id] = await live.administrator('Sol Server');
  const asked = async () =>
    await live.clone.web.withActor(system('sign-in-link'), (tx) =>
      recoverFromTerminal(tx, { personId: id, model: live.model, now: live.now() }),
    );
  const waiting = await asked();
  assert.ok(waiting.ok && waiting.value.waits);
  assert.ok((await live.signIn(old)).isIn);
  await live.clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update identity.person set active = false where id <> ${id}`),
  );
  const alone = await asked();
  assert.ok(alone.ok && !alone.value.waits);
  assert.equal((await live.signIn(old)).isIn, false);
  const path = `/sign-in/link/${alone.value.token}`;
  assert.equal((await live.site.visitor().request('POST', path)).status, 303);
  assert.deepEqual((await actions(id)).slice(0, 2), ['recovery.asked', 'recovery.by_operator']);
});

test('the database keeps it to two as well', async () => {
  const [, , id] = await live.administrator('Dot Base');
  const [, , other] = await live.administrator('Ola Other');
  const waiting = await live.clone.web.withActor(system('sign-in-link'), (tx) =>
    recoverFromTerminal(tx, { personId: id, model: live.model, now: live.now() }),
  );
  assert.ok(waiting.ok && waiting.value.waits);
  for (const by of ['sign-in-link', id, other]) {
    const forged = live.clone.web.withActor(system('sign-in-link'), (tx) =>
      tx.run(sql`update identity.sign_in_link set confirmed_at = ${live.now()}, confirmed_by = ${by}
        where person_id = ${id} and recovers`),
    );
    await assert.rejects(
      forged,
      /sign_in_link_by_another|confirmed by the person who acts|takes the word of two/,
    );
  }
  const used = live.clone.web.withActor(system('sign-in'), (tx) =>
    tx.run(sql`update identity.sign_in_link set used_at = ${live.now()}
      where person_id = ${id} and recovers`),
  );
  await assert.rejects(used, /sign_in_link_used_late/);
});
