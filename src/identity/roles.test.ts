/** Roles that are dangerous take two persons in a live installation. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { checkSignatures } from './approval-signature.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { openLiveSite, type LiveSite } from '../../test/support/live-site.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { agreeTo, findAgreeing, type Signer } from '../../test/support/second-person.ts';

let live: LiveSite;

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());
beforeEach(() => live.wait(3_600_000));

async function invite(client: PageClient, name: string, roles: string[]): Promise<string> {
  await client.get('/people/invite');
  const email = `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;
  await client.submit('/people/invite', { name, email, roles });
  assert.equal(client.page.heading, name);
  return client.page.path.split('/').at(-1)!;
}

/** Signed by this person's device and posted; the status. */
async function agree(who: Signer, personId: string): Promise<number> {
  const shown = await findAgreeing(who.client, personId);
  return (await agreeTo(live, who, shown!)).status;
}

async function holds(personId: string): Promise<string[]> {
  const rows = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.rows<{ role: string }>(sql`
      select role from identity.role_grant where person_id = ${personId} and ended_at is null
      order by role`),
  );
  return rows.map(({ role }) => role);
}

test('the first administrator is alone and gives roles alone', async () => {
  const [first] = await live.administrator('First Alone');
  const id = await invite(first, 'Early Bird', ['administrator']);
  assert.deepEqual(await holds(id), ['administrator']);
});

test('what needs a passkey is asked for and given by another; the rest is given at once', async () => {
  const [mira, hers] = await live.administrator('Mira Asks');
  const [noor, device, noorId] = await live.administrator('Noor Agrees');
  const id = await invite(mira, 'Nia New', ['approver', 'reader']);
  assert.deepEqual(await holds(id), ['reader']);
  assert.match(mira.page.text, /Approver, asked by Mira Asks.*Somebody else has to agree/);
  assert.equal(await findAgreeing(mira, id), undefined);
  assert.match((await noor.get('/people')).text, /Nia New is to be Approver, asked Mira Asks/);
  const shown = (await findAgreeing(noor, id))!;
  const { path, hash } = shown;
  assert.equal((await live.post(noor, path, { hash })).status, 403, 'nothing was signed');
  const other = { client: mira, device: hers };
  assert.equal((await agreeTo(live, other, shown)).status, 403, 'not whoever asked');
  const changed = { ...shown, hash: '0'.repeat(64) };
  assert.equal((await live.post(noor, path, changed)).status, 409, 'not what was shown');
  assert.equal((await agreeTo(live, { client: noor, device }, shown)).status, 303);
  assert.equal((await live.post(noor, path, { hash })).status, 409, 'once');
  const signed = await live.clone.owner.withActor(system('test'), (tx) => checkSignatures(tx));
  assert.deepEqual(signed, { right: 1, broken: [], unsigned: [] });
  assert.deepEqual(await holds(id), ['approver', 'reader']);
  assert.match((await noor.get(`/people/${id}`)).text, /Mira Asks, Noor Agrees agreed/);
  const row = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ agreedBy: string }>(sql`
      select agreed_by from identity.role_grant where person_id = ${id} and role = 'approver'`),
  );
  assert.equal(row.agreedBy, noorId);
});

test('an administrator who plays two gives nobody anything', async () => {
  const [mira] = await live.administrator('Mira Two');
  const [noor, theirs] = await live.administrator('Noor Watches');
  const ghost = await invite(mira, 'Ghost', ['administrator']);
  assert.equal(await agree({ client: noor, device: theirs }, ghost), 303);
  const puppet = await live.byLink(ghost);
  const device = new Authenticator();
  assert.equal((await live.make(puppet, device)).status, 303);
  const victim = await invite(mira, 'Second Ghost', ['approver']);
  assert.equal(await agree({ client: puppet, device }, victim), 403);
  assert.deepEqual(await holds(victim), []);
});

test('it is taken back by either, and is over after a day', async () => {
  const [mira] = await live.administrator('Mira Back');
  const [noor, device] = await live.administrator('Noor Late');
  const id = await invite(mira, 'Wim Wait', ['approver']);
  await mira.submit('Take it back');
  assert.doesNotMatch(mira.page.text, /asked by/);
  await mira.submit('Give the role Approver');
  assert.match(mira.page.text, /Asked for\. A second person/);
  const shown = (await findAgreeing(noor, id))!;
  live.wait(24 * 3_600_000);
  const later = (await live.signIn(device)).client;
  assert.equal((await agreeTo(live, { client: later, device }, shown)).status, 409);
  assert.deepEqual(await holds(id), []);
  await later.get(`/people/${id}`);
  await later.submit('Give the role Approver');
  assert.match(later.page.text, /asked by Noor Late/);
});

test('what is asked for a time is agreed to with its days, and given for them', async () => {
  const [mira] = await live.administrator('Mira Dates');
  const [noor, device] = await live.administrator('Noor Dates');
  const second = { client: noor, device };
  const id = await invite(mira, 'Sten Stand-in', ['reader']);
  const days = { role: 'approver', from: '2026-12-24', until: '2027-01-03' };
  await mira.submit('Give for this time', days);
  assert.match(mira.page.text, /Approver from 24 December 2026 until 3 January 2027, asked by/);
  assert.equal(await agree(second, id), 303);
  const row = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ startsAt: Date; endsAt: Date }>(sql`
      select starts_at, ends_at from identity.role_grant
      where person_id = ${id} and role = 'approver'`),
  );
  assert.deepEqual(
    [row.startsAt, row.endsAt],
    [new Date('2026-12-24T00:00:00Z'), new Date('2027-01-04T00:00:00Z')],
  );
  const late = await invite(mira, 'Lars Late', ['reader']);
  const today = live.now().toISOString().slice(0, 10);
  await mira.submit('Give for this time', { role: 'approver', until: today });
  live.wait(24 * 3_600_000 - 360_000);
  second.client = (await live.signIn(device)).client;
  assert.equal(await agree(second, late), 409, 'its last day has passed');
});

test('the database keeps it to two as well', async () => {
  const [mira, , miraId] = await live.administrator('Mira Base');
  await live.administrator('Noor Base');
  const id = await invite(mira, 'Dot Base', ['approver']);
  const forge = (by: string) =>
    live.clone.web.withActor(system('test'), (tx) =>
      tx.run(sql`update identity.role_request
        set state = 'given', decided_by = ${by}, decided_at = ${live.now()}
        where person_id = ${id} and state = 'asked'`),
    );
  for (const by of [miraId, id]) await assert.rejects(forge(by), /by the person who acts/);
  const asMira = live.clone.web.withActor(
    { kind: 'person', id: miraId, name: 'Mira Base', permissions: new Set(['person.manage']) },
    (tx) =>
      tx.run(sql`update identity.role_request
        set state = 'given', decided_by = ${miraId}, decided_at = ${live.now()}
        where person_id = ${id} and state = 'asked'`),
  );
  await assert.rejects(asMira, /role_request_by_another|by the word of two/);
  const keeper = { kind: 'person', id, name: 'Dot Base', permissions: new Set<never>() } as const;
  const organisationIds = [newId()];
  const seen = await live.clone.web.withActor({ ...keeper, organisationIds }, (tx) =>
    tx.rows(sql`select id from identity.role_request`),
  );
  assert.deepEqual(seen, [], 'who keeps an organisation sees no request of the centre');
});

test('whoever locks all others out is not alone by that', async () => {
  const others = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.rows<{ id: string }>(sql`select id from identity.person`),
  );
  const [mira] = await live.administrator('Mira Locks');
  const [noor, , noorId] = await live.administrator('Noor Locked');
  for (const { id } of [...others, { id: noorId }]) await live.post(mira, `/people/${id}/lock`);
  assert.equal((await noor.request('GET', '/people')).status, 303, 'signed out');
  const ghost = await invite(mira, 'Ghost Of One', ['administrator']);
  assert.deepEqual(await holds(ghost), []);
  assert.match(mira.page.text, /Administrator, asked by Mira Locks/);
});
