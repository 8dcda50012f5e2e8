/** Sponsors in a live installation: one vouches, another lets in, and neither does it alone. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { CODES, openLiveSite, type LiveSite } from '../../test/support/live-site.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { giveRole, ofOrganisation, setActive } from './index.ts';

let live: LiveSite;
const northmoor = newId();
const southmere = newId();

before(async () => {
  live = await openLiveSite('centre.example');
  CODES.set('ZZ-0001', northmoor).set('ZZ-0002', southmere);
});
after(() => live.close());
beforeEach(() => live.wait(25 * 3_600_000));

async function keeper(name: string, organisationId: string, role = 'keeper') {
  const id = await live.invite(name, []);
  const given = { personId: id, role, ...ofOrganisation(organisationId) };
  await live.clone.web.withActor(system('test'), (tx) =>
    giveRole(tx, given, { model: live.model, now: live.now() }),
  );
  return { id, client: await live.byLink(id) };
}

const person = { name: 'Nell New', email: 'nell@southmere.test', because: 'We shared a desk.' };

async function vouch(client: PageClient, wish: Record<string, string> = {}): Promise<number> {
  const fields = { ...person, code: 'ZZ-0002', role: 'keeper', formId: newId(), ...wish };
  return (await live.post(client, '/colleagues/vouch', fields)).status;
}

/** Where whoever may decide would press; undefined where it is not shown. */
async function decision(client: PageClient, which: string, on = '/colleagues') {
  const forms = (await client.get(on)).elements('form');
  return forms.map((form) => form.attribs['action'] ?? '').find((one) => one.endsWith(which));
}

async function confirm(client: PageClient, at: string | undefined): Promise<string> {
  const { status, body } = await live.post(client, at!);
  assert.equal(status, 200, body);
  return /\/invitation\/[\w-]{43}/.exec(body)![0];
}

async function entries(email: string): Promise<string[]> {
  const rows = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.rows<{ said: string }>(sql`
      select action || ' ' || coalesce(person.name, 'newcomer') as said from audit.v_entry entry
      join identity.invitation on invitation.id::text = entry.subject_id
      left join identity.person on person.id::text = entry.actor_id
      where invitation.email = ${email} order by entry.at`),
  );
  return rows.map(({ said }) => said);
}

test('one of another organisation vouches, one of theirs lets them in, both are on record', async () => {
  const spons = await keeper('Sam Sponsor', northmoor);
  const { client: south } = await keeper('Kim Keeper', southmere);
  assert.equal(await vouch(spons.client), 303);
  assert.match((await spons.client.get('/colleagues/vouch')).text, /Nell New.*Take back/s);
  assert.equal(await decision(spons.client, '/confirm'), undefined, 'not by the sponsor');
  const page = await south.get('/colleagues');
  assert.match(page.text, /Sam Sponsor vouches for Nell New, nell@southmere\.test/);
  assert.match(page.text, /We shared a desk/);
  const link = await confirm(south, await decision(south, '/confirm'));
  const nell = live.site.visitor();
  const offer = await nell.get(link);
  assert.match(offer.text, /Kim Keeper invites you to be Keeper of contacts.*Sam Sponsor vouches/s);
  assert.equal((await nell.request('POST', link)).status, 303);
  assert.equal((await live.make(nell, new Authenticator())).status, 303);
  assert.match((await nell.get('/colleagues')).text, /Nell New You/);
  const { vouchedBy } = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ vouchedBy: string[] }>(sql`
      select passkey.vouched_by from identity.passkey
      join identity.person on person.id = passkey.person_id where email = ${person.email}`),
  );
  assert.equal(vouchedBy.length, 2, 'both count as hands in what she approves');
  assert.ok(vouchedBy.includes(spons.id));
  assert.equal((await live.site.visitor().request('POST', link)).status, 409, 'once');
  assert.deepEqual(await entries(person.email), [
    'invitation.vouched Sam Sponsor',
    'invitation.confirmed Kim Keeper',
    'invitation.accepted newcomer',
  ]);
});

test('the centre lets in too, or declines, and the sponsor takes it back', async () => {
  const { client: sponsor } = await keeper('Sue Sponsor', northmoor);
  const [centre] = await live.administrator('Ada Administrator');
  assert.equal(await vouch(sponsor, { email: 'a@southmere.test' }), 303);
  const link = await confirm(centre, await decision(centre, '/confirm', '/people'));
  assert.equal((await live.site.visitor().request('POST', link)).status, 303);
  assert.equal(await vouch(sponsor, { email: 'b@southmere.test' }), 303);
  const declined = await decision(centre, '/revoke', '/people');
  const answer = await live.post(centre, declined!);
  assert.equal(answer.headers.get('location'), '/people');
  assert.equal((await live.post(centre, declined!.replace('revoke', 'confirm'))).status, 409);
  assert.equal(await vouch(sponsor, { email: 'c@southmere.test' }), 303);
  const mine = await decision(sponsor, '/revoke', '/colleagues/vouch');
  assert.equal((await live.post(sponsor, mine!)).status, 303);
  assert.equal(await decision(centre, '/confirm', '/people'), undefined);
});

test('nobody confirms alone: not the sponsor, nor whom the sponsor made, nor a third organisation', async () => {
  const sponsor = await keeper('Solo Sponsor', southmere);
  assert.equal(await vouch(sponsor.client, { email: 'solo@southmere.test' }), 303);
  const { id } = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`
      select id from identity.invitation where email = 'solo@southmere.test'`),
  );
  const at = `/colleagues/invitations/${id}/confirm`;
  assert.equal((await live.post(sponsor.client, at)).status, 409, 'the sponsor');
  const ghostLink = await live.post(sponsor.client, '/colleagues/invite', {
    name: 'Ghost',
    email: 'ghost@southmere.test',
    role: 'keeper',
    organisation: southmere,
    formId: newId(),
  });
  const ghost = live.site.visitor();
  await ghost.request('POST', /\/invitation\/[\w-]{43}/.exec(ghostLink.body)![0]);
  assert.equal((await live.post(ghost, at)).status, 409, 'whom the sponsor let in');
  const { client: third } = await keeper('Third Party', northmoor);
  assert.equal((await live.post(third, at)).status, 409, 'of another organisation');
  assert.equal((await live.post(third, at.replace('confirm', 'revoke'))).status, 409);
  const unmade = await live.clone.owner.withActor(system('test'), (tx) =>
    tx.maybe(sql`select from identity.person where email = 'solo@southmere.test'`),
  );
  assert.equal(unmade, undefined);
  const { client: other } = await keeper('Other Keeper', southmere);
  assert.ok(await confirm(other, at));
});

test('nobody vouches for more than they hold, for nowhere, or without a word why', async () => {
  const { client } = await keeper('Max Much', northmoor);
  for (const [wish, status] of [
    [{ role: 'keeper_reader' }, 403],
    [{ role: 'administrator' }, 403],
    [{ role: 'nothing_known' }, 403],
    [{ code: 'ZZ-9999' }, 422],
    [{ because: '   ' }, 422],
    [{ because: 'x'.repeat(501) }, 422],
    [{ email: 'nobody' }, 422],
  ] as [Record<string, string>, number][])
    assert.equal(await vouch(client, wish), status, JSON.stringify(wish));
});

test('it opens nothing once it is old, the sponsor is locked, or who confirmed lost the role', async () => {
  const sponsor = await keeper('Ole Sponsor', northmoor);
  const south = await keeper('Una Keeper', southmere);
  const open = async (email: string) => {
    assert.equal(await vouch(sponsor.client, { email }), 303);
    return await confirm(south.client, await decision(south.client, '/confirm'));
  };
  const [locked, lost] = [await open('locked@southmere.test'), await open('lost@southmere.test')];
  const setSponsor = async (active: boolean) =>
    await live.clone.web.withActor(system('test'), (tx) =>
      setActive(tx, { personId: sponsor.id, active }, { now: live.now() }),
    );
  await setSponsor(false);
  assert.equal((await live.site.visitor().request('POST', locked)).status, 409);
  await setSponsor(true);
  sponsor.client = await live.byLink(sponsor.id);
  await live.clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update identity.role_grant set ended_at = ${live.now()}, ended_by = 'test'
      where person_id = ${south.id}`),
  );
  assert.equal((await live.site.visitor().request('POST', lost)).status, 409);
  assert.equal(await vouch(sponsor.client, { email: 'late@southmere.test' }), 303);
  live.wait(24 * 3_600_000);
  const { client } = await keeper('Lena Late', southmere);
  assert.equal(await decision(client, '/confirm'), undefined);
});

test('the database keeps the rule of two, whatever the program does', async () => {
  const sponsor = await keeper('Dora Base', northmoor);
  assert.equal(await vouch(sponsor.client, { email: 'base@southmere.test' }), 303);
  const tries = [
    sql`confirmed_at = now(), confirmed_by = invited_by`,
    sql`accepted_at = now(), accepted_by = ${(await keeper('Ann', southmere)).id}`,
    sql`vouched_because = null`,
  ];
  for (const change of tries)
    await assert.rejects(
      live.clone.web.withActor(system('test'), (tx) =>
        tx.run(sql`update identity.invitation set ${change} where email = 'base@southmere.test'`),
      ),
      /invitation_by_two|invitation_after_two|permission denied/,
    );
});
