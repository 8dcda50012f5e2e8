/** Colleagues of organisations in a live installation: let in, refused, taken back and ended. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { COOKIE, openLiveSite, type LiveSite } from '../../test/support/live-site.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { giveRole, ofOrganisation, setActive } from './index.ts';

let live: LiveSite;
const northmoor = newId();
const southmere = newId();

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());
beforeEach(() => live.wait(3_600_000));

const DAY_MS = 24 * 3_600_000;

/** Somebody who keeps the contacts of this organisation, signed in. */
async function keeper(name: string, organisationId = northmoor, role = 'keeper') {
  const id = await live.invite(name, []);
  await give(id, role, organisationId);
  return { id, client: await live.byLink(id) };
}

async function give(personId: string, role: string, organisationId: string) {
  const given = { personId, role, ...ofOrganisation(organisationId) };
  await live.clone.web.withActor(system('test'), (tx) =>
    giveRole(tx, given, { model: live.model, now: live.now() }),
  );
}

type Wish = { name?: string; email: string; role?: string; organisation?: string };

/** What the page answers to a new form. */
async function ask(client: PageClient, wish: Wish) {
  const fields = { name: 'Nell New', role: 'keeper', organisation: northmoor, formId: newId() };
  return await live.post(client, '/colleagues/invite', { ...fields, ...wish });
}

async function link(client: PageClient, wish: Wish): Promise<string> {
  const { status, body } = await ask(client, wish);
  assert.equal(status, 200, body);
  return /\/invitation\/[\w-]{43}/.exec(body)![0];
}

async function entries(action: string, subjectId: string) {
  return await live.clone.owner.withActor(system('test'), (tx) =>
    tx.rows<{ actorId: string }>(sql`select actor_id from audit.v_entry
      where action = ${action} and subject_id = ${subjectId}`),
  );
}

test('a colleague comes by a link, makes a passkey, and keeps that organisation alone', async () => {
  const { client } = await keeper('Ines Inviter');
  const path = await link(client, { email: 'Nell.New@northmoor.test' });
  assert.match((await client.get('/colleagues')).text, /Nell New.*nell\.new@northmoor\.test/s);
  const scanner = live.site.visitor();
  for (const method of ['GET', 'HEAD', 'OPTIONS']) await scanner.request(method, path);
  const nell = live.site.visitor();
  const page = await nell.get(path);
  assert.match(page.text, /Ines Inviter invites you to be Keeper of contacts for Organisation/);
  const accepted = await nell.request('POST', path);
  assert.equal(accepted.headers.get('location'), '/account/passkeys/new?to=/colleagues');
  const device = new Authenticator();
  assert.equal((await live.make(nell, device)).status, 303);
  assert.match((await nell.get('/colleagues')).text, /Nell New You.*None\./s);
  assert.equal((await nell.request('GET', '/people')).status, 403);
  assert.equal((await live.post(nell, '/colleagues/invite', {})).status, 422);
  assert.equal((await ask(nell, { email: 'x@y.test', organisation: southmere })).status, 404);
  assert.ok((await live.signIn(device)).isIn, 'comes back without anybody');
  const again = live.site.visitor();
  assert.equal((await again.request('POST', path)).status, 409, 'once');
  assert.equal(again.cookie(COOKIE), undefined);
});

test('two who press at once make one account', async () => {
  const { client } = await keeper('Rita Race');
  const path = await link(client, { email: 'twice@northmoor.test' });
  const visitors = [live.site.visitor(), live.site.visitor(), live.site.visitor()];
  const answers = await Promise.all(visitors.map((one) => one.request('POST', path)));
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  assert.deepEqual(statuses, [303, 409, 409]);
});

test('nobody gives more than they hold there themselves', async () => {
  const { id, client } = await keeper('Mo Much');
  for (const [wish, status] of [
    [{ role: 'keeper_reader' }, 403],
    [{ role: 'administrator' }, 403],
    [{ role: 'nothing_known' }, 403],
    [{ organisation: southmere }, 404],
    [{ organisation: 'x' }, 422],
  ] as const)
    assert.equal(
      (await ask(client, { email: 'much@northmoor.test', ...wish })).status,
      status,
      JSON.stringify(wish),
    );
  // More for another organisation is none here.
  await give(id, 'keeper_reader', southmere);
  assert.equal((await ask(client, { email: 'm@n.test', role: 'keeper_reader' })).status, 403);
  const there = { email: 'm@n.test', role: 'keeper_reader', organisation: southmere };
  assert.equal((await ask(client, there)).status, 200);
});

test('one that is taken back, too old, or whose inviter lost the role opens nothing', async () => {
  const { id, client } = await keeper('Olga Over');
  const other = await keeper('Otto Other', southmere);
  const taken = await link(client, { email: 'taken@northmoor.test' });
  const action = (await client.get('/colleagues'))
    .elements('form')
    .map((form) => form.attribs['action'] ?? '')
    .find((one) => one.endsWith('/revoke'))!;
  assert.equal((await live.post(other.client, action)).status, 409, 'not another’s');
  assert.equal((await live.site.visitor().request('GET', taken)).status, 200);
  assert.equal((await live.post(client, action)).status, 303);
  assert.equal((await entries('invitation.revoked', action.split('/')[3]!))[0]?.actorId, id);
  const late = await link(client, { email: 'late@northmoor.test' });
  live.wait(DAY_MS);
  const fresh = await live.byLink(id);
  const orphan = await link(fresh, { email: 'orphan@northmoor.test' });
  const locked = await keeper('Lea Locked');
  const fromLocked = await link(locked.client, { email: 'fromlocked@northmoor.test' });
  const by = { now: live.now() };
  await live.clone.web.withActor(system('test'), async (tx) => {
    await tx.run(sql`update identity.role_grant set ended_at = ${live.now()}, ended_by = 'test'
      where person_id = ${id}`);
    await setActive(tx, { personId: locked.id, active: false }, by);
  });
  for (const dead of [taken, late, orphan, fromLocked, `/invitation/${'A'.repeat(43)}`]) {
    const visitor = live.site.visitor();
    const page = await visitor.get(dead, { status: 409 });
    assert.equal(page.heading, 'This invitation does not work any more');
    assert.equal((await visitor.request('POST', dead)).status, 409);
    assert.equal(visitor.cookie(COOKIE), undefined);
  }
});

test('an invitation never lets its maker into an account that is there', async () => {
  const { client } = await keeper('Eve Climber');
  const [admin, , adminId] = await live.administrator('Ada Admin');
  const path = await link(client, { email: 'ada.admin@centre.test' });
  for (const visitor of [live.site.visitor(), client]) {
    assert.match((await visitor.get(path)).text, /You have an account already/);
    assert.equal((await visitor.request('POST', path)).status, 409);
  }
  assert.equal((await client.get('/account')).text.includes('Eve Climber'), true);
  assert.match((await admin.get(path)).text, /Accept as Ada Admin/);
  assert.equal((await admin.request('POST', path)).headers.get('location'), '/colleagues');
  assert.match((await client.get('/colleagues')).text, /Ada Admin/);
  assert.equal((await entries('role.given', adminId)).length, 2);
});

test('whoever made no passkey is let in again by their inviter alone, and only while that is all', async () => {
  const { client } = await keeper('Ivo Again');
  const email = 'guest@northmoor.test';
  const first = live.site.visitor();
  await first.request('POST', await link(client, { email }));
  const second = live.site.visitor();
  const answer = await second.request('POST', await link(client, { email }));
  assert.equal(answer.status, 303);
  const other = await keeper('Ona Other', southmere);
  const foreign = await link(other.client, { email, organisation: southmere });
  assert.equal((await live.site.visitor().request('POST', foreign)).status, 409, 'another inviter');
  assert.equal((await live.make(second, new Authenticator())).status, 303);
  const third = await link(client, { email });
  assert.equal((await live.site.visitor().request('POST', third)).status, 409, 'has a passkey now');
});

test('a colleague who left loses the role with the next click; nobody ends their own or another’s', async () => {
  const boss = await keeper('Bo Boss', northmoor, 'keeper_reader');
  const leaver = await keeper('Lu Leaver');
  const other = await keeper('Os Other', southmere);
  const end = (client: PageClient, id: string, fields = {}) =>
    live.post(client, `/colleagues/${id}/end`, {
      organisation: northmoor,
      role: 'keeper',
      ...fields,
    });
  assert.equal((await end(other.client, leaver.id)).status, 404);
  assert.equal((await end(leaver.client, leaver.id)).status, 403);
  const more = { role: 'keeper_reader' };
  assert.equal((await end(leaver.client, boss.id, more)).status, 403, 'more than they hold');
  assert.equal((await end(boss.client, leaver.id)).status, 303);
  assert.equal((await leaver.client.request('GET', '/colleagues')).status, 403);
  assert.equal((await end(boss.client, leaver.id)).status, 409);
  assert.equal((await end(boss.client, leaver.id, { organisation: 'x' })).status, 404);
});

test('posted twice by one form, only the link shown last opens', async () => {
  const { client } = await keeper('Dot Double');
  const wish = { email: 'double@northmoor.test', formId: newId() };
  const [first, second] = [await link(client, wish), await link(client, wish)];
  assert.equal((await live.site.visitor().request('GET', first)).status, 409);
  assert.equal((await live.site.visitor().request('GET', second)).status, 200);
  assert.equal((await ask(client, { ...wish, name: 'Somebody Else' })).status, 409);
});

test('the database shows invitations to their organisation only', async () => {
  const { client } = await keeper('Rolf Row');
  await link(client, { email: 'row@northmoor.test' });
  const count = async (organisationIds: string[]) =>
    await live.clone.web.withActor(
      {
        kind: 'person',
        id: newId(),
        name: 'x',
        permissions: new Set(['directory.own']),
        organisationIds,
      },
      async (tx) => (await tx.rows(sql`select id from identity.invitation`)).length,
    );
  assert.ok((await count([northmoor])) > 0);
  assert.equal(await count([newId()]), 0);
});
