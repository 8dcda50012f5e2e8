/** Signing in by somebody else's sign-in, against a real OpenID provider. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { HIGH, openIssuerSite, wayOf, type IssuerSite } from '../../test/support/issuer-site.ts';
import {
  logInThere,
  logoutClaims,
  signed,
  signOutThere,
  type Claims,
} from '../../test/support/issuer.ts';
import { COOKIE } from '../../test/support/live-site.ts';
import { agreeTo, findAgreeing } from '../../test/support/second-person.ts';
import {
  giveRole,
  letIn,
  ofOrganisation,
  openSpace,
  sweepIdentity,
  switchOffFederation,
  switchOnIssuer,
} from './index.ts';
import { inviteColleague } from './invitations.ts';
import { numberAt, stepOf } from './totp.ts';
import { identitySeals } from '../../test/support/identity-seals.ts';

let site: IssuerSite;

before(async () => {
  site = await openIssuerSite();
});
after(() => site.close());

const giveKeeper = async (personId: string, organisationId: string) =>
  await site.clone.web.withActor(system('test'), (tx) =>
    giveRole(
      tx,
      { personId, role: 'keeper', ...ofOrganisation(organisationId) },
      { model: site.model, now: site.now() },
    ),
  );

test('somebody linked comes in, and may nothing that needs a passkey', async () => {
  await site.linked('Ada Okafor', ['administrator'], { northmoor: { sub: 'ada', ...HIGH } });
  const came = await site.signInBy('northmoor', { sub: 'ada', ...HIGH });
  assert.equal(came.location, '/passkey?to=%2Faccount');
  assert.ok(came.isIn);
  const account = await came.client.get('/account');
  assert.match(account.text, /by another sign-in/);
  const people = await came.client.request('GET', '/people');
  assert.equal(people.headers.get('location'), '/passkey?to=%2Fpeople');
  const begun = await site.own<{ begunBy: string; issuerId: string }>(sql`
    select begun_by, issuer_id from identity.session where issuer_id is not null`);
  assert.deepEqual(begun, [{ begunBy: 'issuer', issuerId: 'northmoor' }]);
});

test('such a session makes no first passkey and no app: it is no lasting way in', async () => {
  // Of an organisation only: so do most who come this way.
  const personId = await site.invite('Bo Marsh', []);
  await giveKeeper(personId, newId());
  await site.link(await site.byLink(personId), 'northmoor', { sub: 'bo', ...HIGH });
  const { client, location } = await site.signInBy('northmoor', { sub: 'bo', ...HIGH });
  assert.equal(location, '/account');
  for (const path of ['/account/passkeys/options', '/account/app', '/account/issuers/vale/link'])
    assert.equal((await site.post(client, path)).status, 403, path);
});

test('a low level, no level, and a sign-in of long ago ask for a proof of ours', async () => {
  const { device } = await site.linked('Cy Nakamura', ['approver'], {
    northmoor: { sub: 'cy', ...HIGH },
  });
  for (const login of [
    { sub: 'cy', acr: 'low', amr: ['pwd'] },
    { sub: 'cy' },
    { sub: 'cy', ...HIGH, ageSeconds: 2 * 3600 },
  ]) {
    const { location, isIn, client } = await site.signInBy('northmoor', login);
    assert.match(location, /^\/sign-in\/more\/[0-9a-f-]{36}\?to=%2Faccount$/);
    assert.ok(!isIn, JSON.stringify(login));
    const page = await client.get(location);
    assert.match(page.text, /One more proof/);
    // Needs a passkey by role: a number is none.
    const number = await site.post(client, location.split('?')[0]!, { number: '123456' });
    assert.equal(number.status, 422);
  }
  assert.ok((await site.signIn(device)).isIn, 'the passkey does, as anywhere');
  const entries = await site.own(sql`
    select id from audit.entry where action = 'issuer.proved_too_little'`);
  assert.equal(entries.length, 3);
});

/** Somebody whose role takes no passkey, with an app; its secret. */
async function withApp(name: string): Promise<{ personId: string; secret: string }> {
  const personId = await site.invite(name, ['reader']);
  const [id, secret] = [newId(), 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'];
  const sealed = identitySeals.codes.sealSecret(id, secret);
  await site.own(sql`
    insert into identity.authenticator_app (id, person_id, session_id, secret_sealed, vouched_by,
      made_at, confirmed_at)
    values (${id}, ${personId}, ${newId()}, ${sealed}, '{}', ${site.now()}, ${site.now()})`);
  return { personId, secret };
}

test('the number of an app makes up for a low level, once, in that browser, five tries', async () => {
  const { personId, secret } = await withApp('Di Ferreira');
  await site.link(await site.byLink(personId), 'northmoor', { sub: 'di', ...HIGH });
  const number = () => numberAt(secret, stepOf(site.now()));
  const ask = async () => {
    const { client, location } = await site.signInBy('northmoor', { sub: 'di', acr: 'low' });
    return { client, path: location.split('?')[0]! };
  };
  const one = await ask();
  const stranger = await site.post(site.site.visitor(), one.path, { number: number() });
  assert.equal(stranger.status, 409, 'the ticket is of another browser');
  const right = await site.post(one.client, one.path, { number: number() });
  assert.equal(right.headers.get('location'), '/account', right.body);
  assert.ok(one.client.cookie(COOKIE));
  assert.equal((await site.post(one.client, one.path, { number: number() })).status, 409);
  const two = await ask();
  const again = await site.post(two.client, two.path, { number: number() });
  assert.equal(again.status, 422, 'a number counts once');
  for (let i = 0; i < 4; i++) await site.post(two.client, two.path, { number: '000000' });
  site.wait(60_000);
  assert.equal((await site.post(two.client, two.path, { number: number() })).status, 409);
});

test('who begins visit after visit has no more tries in an hour than codes have', async () => {
  const { personId, secret } = await withApp('Dov Guessed');
  await site.link(await site.byLink(personId), 'northmoor', { sub: 'dov', ...HIGH });
  const come = async () => await site.signInBy('northmoor', { sub: 'dov', acr: 'low' });
  const right = () => numberAt(secret, stepOf(site.now()));
  const wrong = () => (right() === '000000' ? '000001' : '000000');
  const { person } = site.model.signingIn.codesPerHour;
  for (let visit = 0; visit < person; visit++) {
    const { client, location } = await come();
    for (let i = 0; i < 5; i++)
      await site.post(client, location.split('?')[0]!, { number: wrong() });
  }
  const late = await come();
  const refused = await site.post(late.client, late.location.split('?')[0]!, { number: right() });
  assert.equal(refused.status, 403, refused.body);
  assert.match(refused.body, /Too many wrong numbers/);
  await site.own(sql`
    update identity.issuer_visit set begun_at = begun_at - interval '1 hour' where link_id = (
      select id from identity.issuer_link where person_id = ${personId})`);
  const next = await come();
  const path = next.location.split('?')[0]!;
  assert.equal((await site.post(next.client, path, { number: right() })).status, 303);
});

test('a link that is taken away ends what came in by it', async () => {
  const { client: owner, device } = await site.linked('Ed Unlinks', ['reader'], {
    vale: { sub: 'ed', ...HIGH },
  });
  const { client: stranger, isIn } = await site.signInBy('vale', { sub: 'ed', ...HIGH });
  assert.ok(isIn && (await site.isStillIn(stranger)));
  const other = (await site.signIn(device)).client;
  const [{ id } = {}] = await site.own<{ id: string }>(sql`
    select id from identity.issuer_link where subject = 'ed' and ended_at is null`);
  await site.prove(owner, device);
  assert.equal((await site.post(owner, `/account/issuer-links/${id}/remove`)).status, 303);
  assert.ok(!(await site.isStillIn(stranger)));
  assert.ok(await site.isStillIn(other), 'what a passkey began is no concern of it');
});

test('nobody is linked by who they say they are: not by an address, not by a name', async () => {
  await site.invite('Eve Lindqvist', ['administrator']);
  site.issuers.northmoor.trouble = {
    claims: (said) => ({ ...said, email: 'eve.lindqvist@centre.test', email_verified: true }),
  };
  const { isIn, status, body } = await site.signInBy('northmoor', {
    sub: 'eve.lindqvist@centre.test',
    ...HIGH,
  });
  site.issuers.northmoor.behave();
  assert.ok(!isIn);
  assert.equal(status, 403);
  assert.match(body, /Nobody here is linked to who you are there/);
});

test('many who come by one issuer at the same moment all come in', async () => {
  const names = ['ab', 'cd', 'ef', 'gh'];
  for (const sub of names) await site.linked(`Many ${sub}`, ['reader'], { vale: { sub, ...HIGH } });
  const came = await Promise.all(names.map((sub) => site.signInBy('vale', { sub, ...HIGH })));
  assert.deepEqual(
    came.map(({ status }) => status),
    names.map(() => 303),
  );
});

test('the same subject at two issuers is two people', async () => {
  const a = await site.linked('Fay One', ['reader'], { northmoor: { sub: '17', ...HIGH } });
  const b = await site.linked('Fay Two', ['reader'], { vale: { sub: '17', ...HIGH } });
  for (const [id, { personId }] of [
    ['northmoor', a],
    ['vale', b],
  ] as const) {
    const { client, isIn } = await site.signInBy(id, { sub: '17', ...HIGH });
    assert.ok(isIn);
    const page = await client.get('/account');
    assert.match(page.text, personId === a.personId ? /Fay One/ : /Fay Two/);
  }
});

test('a subject is one person only, and a person is one subject there', async () => {
  const first = await site.linked('Gil Okonkwo', ['reader'], { vale: { sub: 'gil', ...HIGH } });
  const second = await site.byLink(await site.invite('Gus Okonkwo', ['reader']));
  assert.equal((await site.link(second, 'vale', { sub: 'gil', ...HIGH })).status, 409);
  assert.equal((await site.link(first.client, 'vale', { sub: 'other', ...HIGH })).status, 409);
  const [{ id } = {}] = await site.own<{ id: string }>(sql`
    select id from identity.issuer_link where subject = 'gil' and ended_at is null`);
  const removed = await site.post(first.client, `/account/issuer-links/${id}/remove`);
  assert.equal(removed.headers.get('location'), '/account', removed.body);
  assert.ok(!(await site.signInBy('vale', { sub: 'gil', ...HIGH })).isIn);
  assert.equal((await site.link(second, 'vale', { sub: 'gil', ...HIGH })).location, '/account');
});

test('a link is made in the session that asked, with a fresh proof, and in no other', async () => {
  const client = await site.byLink(await site.invite('Hal Castellanos', ['reader']));
  const sent = await site.post(client, '/account/issuers/northmoor/link');
  const back = await logInThere(wayOf(sent.body), { sub: 'hal', ...HIGH });
  await site.post(client, '/sign-out');
  assert.equal((await site.comeBack(client, back)).status, 409);
  const [{ personId } = {}] = await site.own<{ personId: string }>(sql`
    select id as person_id from identity.person where name = 'Hal Castellanos'`);
  const later = await site.byLink(personId!);
  site.wait(31 * 60_000);
  assert.equal((await site.post(later, '/account/issuers/northmoor/link')).status, 403);
  const links = await site.own(sql`select id from identity.issuer_link where subject = 'hal'`);
  assert.equal(links.length, 0);
});

test('an issuer of an organisation speaks for its people, and for what they do there', async () => {
  const [ours, theirs] = [newId(), newId()];
  await site.save('vale', { organisationId: ours });
  const { personId, device } = await site.linked('Ida Whitfield', ['reader'], {});
  const owner = (await site.signIn(device)).client;
  const offered = async () => (await owner.get('/account')).text.includes('Sign-in of vale');
  assert.ok(!(await offered()), 'of no concern to whoever is not of that organisation');
  await giveKeeper(personId, ours);
  await giveKeeper(personId, theirs);
  assert.ok(await offered());
  await site.prove(owner, device);
  assert.equal((await site.link(owner, 'vale', { sub: 'ida', ...HIGH })).location, '/account');
  const { client } = await site.signInBy('vale', { sub: 'ida', ...HIGH });
  const colleagues = (await client.get('/colleagues')).text;
  assert.match(colleagues, /Who can sign in for your organisation\b/, 'the one of the issuer');
  const until = new Date(Date.now() + 86_400_000);
  await site.clone.web.withActor(system('test'), async (tx) => {
    const space = { name: 'Remote access', purpose: 'Tests' };
    const opened = await openSpace(tx, space, { now: site.now() });
    assert.ok(opened.ok);
    const email = 'ida.whitfield@centre.test';
    assert.ok((await letIn(tx, { spaceId: opened.value, email, until })).ok);
  });
  assert.doesNotMatch((await client.get('/spaces')).text, /Remote access/, 'not by her name');
  await site.prove(client, device);
  assert.match((await client.get('/spaces')).text, /Remote access/);
  assert.ok((await client.get('/colleagues')).text.includes(`Organisation ${theirs.slice(-4)}`));
  await site.own(sql`update identity.role_grant set ended_at = ${site.now()}, ended_by = 'test'
    where person_id = ${personId} and organisation_id = ${ours}`);
  assert.ok(!(await site.signInBy('vale', { sub: 'ida', ...HIGH })).isIn, 'no longer of it');
  await site.save('vale');
});

test('switched off, an issuer lets nobody in and those it let in are out at once', async () => {
  const { client: owner } = await site.linked('Jo Featherstone', ['administrator'], {
    northmoor: { sub: 'jo', ...HIGH },
  });
  const came = await site.signInBy('northmoor', { sub: 'jo', ...HIGH });
  const onItsWay = site.site.visitor();
  const back = await site.goThere(onItsWay, 'northmoor', { sub: 'jo', ...HIGH });
  const off = await site.post(owner, '/issuers/northmoor/off');
  assert.equal(off.headers.get('location'), '/issuers', off.body);
  const out = await came.client.request('GET', '/account');
  assert.equal(out.headers.get('location'), '/sign-in?to=%2Faccount');
  assert.ok(!(await site.comeBack(onItsWay, back)).isIn);
  assert.equal(await told('northmoor', { sub: 'jo' }), 400, 'nor does it end anything');
  const button = await site.post(site.site.visitor(), '/sign-in/with/northmoor', {});
  assert.equal(button.status, 404);
  assert.ok(!(await site.site.visitor().get('/sign-in')).text.includes('Sign-in of northmoor'));
  assert.equal((await owner.request('GET', '/account')).status, 200, 'came by a passkey');
  const [{ detail } = {}] = await site.own<{ detail: { ended: number } }>(sql`
    select detail from audit.entry where action = 'issuer.switched_off'`);
  assert.ok(detail!.ended >= 1);
  await site.clone.web.attempt(system('test'), (tx) => switchOnIssuer(tx, 'northmoor'));
  assert.ok((await site.signInBy('northmoor', { sub: 'jo', ...HIGH })).isIn);
});

/** The entries of sign-outs that an issuer told of, the last first. */
const loggedOut = async (personId: string) =>
  await site.own<{ detail: object }>(sql`
    select detail from audit.entry
    where action = 'issuer.logged_out' and subject_id = ${personId} order by id desc`);

/** The worker sweeps so many days from now; how many ids of tokens are left. */
async function sweepAfter(days: number): Promise<number> {
  const now = new Date(site.now().getTime() + days * 86_400_000 + 1_000);
  const yearMs = 365 * 86_400_000;
  const kept = { sessionsMs: yearMs, invitationsMs: yearMs, now };
  await site.clone.worker.withActor(system('sweep'), (tx) => sweepIdentity(tx, kept));
  return (await site.own(sql`select from identity.issuer_logout`)).length;
}

const told = async (id: 'northmoor' | 'vale', claims: Claims) => {
  const issuer = site.issuers[id];
  const token = signed(logoutClaims(issuer, claims), issuer.privateKey, { typ: 'logout+jwt' });
  return (await site.tell(id, { logout_token: token })).status;
};

test('who signs out there is signed out here, of that session and once', async () => {
  const { northmoor } = site.issuers;
  const { personId, client: owner } = await site.linked('Jan Ellis', ['administrator'], {
    northmoor: { sub: 'jan', ...HIGH },
  });
  const [desk, phone] = [
    await site.signInBy('northmoor', { sub: 'jan', ...HIGH }),
    await site.signInBy('northmoor', { sub: 'jan', ...HIGH }),
  ];
  await signOutThere(northmoor, desk.cookies);
  const { token, status } = northmoor.told.at(-1)!;
  assert.equal(status, 200);
  assert.ok(!(await site.isStillIn(desk.client)));
  assert.ok(await site.isStillIn(phone.client), 'another session there');
  assert.ok(await site.isStillIn(owner), 'came by a passkey');
  const entry = { issuer: 'northmoor', sessions: 1, waiting: 0 };
  assert.deepEqual(await loggedOut(personId), [{ detail: entry }]);
  assert.equal((await site.tell('northmoor', { logout_token: token })).status, 400, 'again');
  const page = (await owner.get('/issuers')).text;
  assert.match(page, /https:\/\/tocsin\.centre\.example\/callbacks\/issuers\/northmoor\/logout/);
  assert.match(page, /Last sign-out(?!it told of none)/);
  assert.equal(await sweepAfter(0), 1);
  assert.equal(await sweepAfter(1), 0, 'no token of yesterday counts any more');
  // Nobody is in any more: told all the same, and that is no change.
  assert.equal(await told('northmoor', { sid: 'of nobody' }), 200);
  assert.equal((await loggedOut(personId)).length, 1);
});

test('a token of no session is about all of that person there, and of nobody else', async () => {
  const login = { sub: 'kai', ...HIGH };
  const kai = await site.linked('Kai North', ['reader'], { northmoor: login });
  await site.linked('Kai Vale', ['reader'], { vale: login });
  await site.linked('Kim North', ['reader'], { northmoor: { sub: 'kim', ...HIGH } });
  const come = async (id: string, sub: string) =>
    (await site.signInBy(id, { sub, ...HIGH })).client;
  const [one, two] = [await come('northmoor', 'kai'), await come('northmoor', 'kai')];
  const others = [await come('vale', 'kai'), await come('northmoor', 'kim')];
  const waiting = await site.signInBy('northmoor', { sub: 'kai', acr: 'low' });
  assert.equal(await told('northmoor', { sub: 'kai', sid: 'another' }), 200);
  assert.ok(await site.isStillIn(one), 'that session is not theirs here');
  assert.equal(await told('northmoor', { sub: 'kai' }), 200);
  for (const client of [one, two]) assert.ok(!(await site.isStillIn(client)));
  for (const client of others) assert.ok(await site.isStillIn(client));
  const entry = { issuer: 'northmoor', sessions: 2, waiting: 1 };
  assert.deepEqual(await loggedOut(kai.personId), [{ detail: entry }]);
  const path = waiting.location.split('?')[0]!;
  const number = await site.post(waiting.client, path, { number: '123456' });
  assert.equal(number.status, 409, 'waited for a number, and is over too');
});

test('an issuer that gives its sessions no name signs out by the person', async () => {
  await site.linked('Lea Brandt', ['reader'], { northmoor: { sub: 'lea', ...HIGH } });
  site.issuers.northmoor.trouble = { claims: (said) => ({ ...said, sid: undefined }) };
  const { client } = await site.signInBy('northmoor', { sub: 'lea', ...HIGH });
  site.issuers.northmoor.behave();
  assert.equal(await told('northmoor', { sid: 'a' }), 200);
  assert.ok(await site.isStillIn(client), 'nobody can say that it is this one');
  assert.equal(await told('northmoor', { sub: 'lea', sid: 'a' }), 200);
  assert.ok(!(await site.isStillIn(client)));
});

test('the federation of an organisation is switched off whole, and that of nobody else', async () => {
  const organisationId = newId();
  await site.save('vale', { organisationId });
  const off = await site.clone.web.withActor(system('test'), (tx) =>
    switchOffFederation(tx, organisationId, site.now()),
  );
  assert.deepEqual(off, ['vale']);
  const states = await site.own<{ id: string; isOn: boolean }>(sql`
    select id, off_at is null as is_on from identity.issuer order by id`);
  assert.deepEqual(states, [
    { id: 'northmoor', isOn: true },
    { id: 'vale', isOn: false },
  ]);
  await site.own(sql`update identity.issuer set off_at = null, off_by = null`);
  await site.save('vale');
});

test('an issuer keeps its address, and its secret stays in', async () => {
  const moved = await site.save('vale', { url: 'https://elsewhere.example' });
  assert.ok(!moved.ok && /keeps its address/.test(moved.message));
  const twin = await site.save('vale', { id: 'twin' });
  assert.ok(!twin.ok && /has this address already/.test(twin.message));
  const rows = await site.own<{ text: string }>(sql`
    select issuer::text || coalesce((select string_agg(entry::text, ' ') from audit.entry), '')
      as text from identity.issuer issuer`);
  assert.ok(rows.every(({ text }) => !text.includes('a secret of the tests')));
});

test('a newcomer accepts an invitation as who they are there', async () => {
  const organisationId = newId();
  const keeper = await site.linked('Kit Ayodele', [], {});
  await giveKeeper(keeper.personId, organisationId);
  const actor = {
    kind: 'person',
    id: keeper.personId,
    name: 'Kit Ayodele',
    organisationIds: [organisationId],
    permissions: new Set(['directory.own'] as const),
  } as const;
  const invite = async () => {
    const wish = { name: 'Lu Ming', email: 'lu@vale.test', role: 'keeper', organisationId };
    const by = { model: site.model, now: site.now() };
    const made = await site.clone.web.withActor(actor, (tx) =>
      inviteColleague(tx, { id: newId(), ...wish }, by),
    );
    return made.ok ? made.value.token : assert.fail(made.message);
  };
  const token = await invite();
  const client = site.site.visitor();
  assert.match(
    (await client.get(`/invitation/${token}`)).text,
    /Accept as who you are at Sign-in of vale/,
  );
  const sent = await site.post(client, `/invitation/${token}/with/vale`);
  const back = await logInThere(wayOf(sent.body), { sub: 'lu', acr: 'low' });
  const came = await site.comeBack(client, back);
  assert.equal(came.location, '/account/passkeys/new?to=/colleagues', came.body);
  assert.ok((await site.signInBy('vale', { sub: 'lu', ...HIGH })).isIn);
  const second = await site.post(site.site.visitor(), `/invitation/${token}/with/vale`);
  assert.equal(second.status, 409);
  const inviter = site.site.visitor();
  const again = await site.post(inviter, `/invitation/${await invite()}`);
  assert.equal(again.status, 409, 'whoever invited them is not let into what is theirs by now');
  assert.match(again.body, /This address has an account/);
});

test('who is recovered loses the links, who is locked out does not come in', async () => {
  const [first] = await site.administrator('Mo Adeyemi');
  const [second, device] = await site.administrator('Ng Adeyemi');
  const lost = await site.linked('Oz Brandt', ['approver'], { vale: { sub: 'oz', ...HIGH } });
  await site.post(first, `/people/${lost.personId}/lock`);
  assert.ok(!(await site.signInBy('vale', { sub: 'oz', ...HIGH })).isIn);
  await site.post(first, `/people/${lost.personId}/unlock`);
  assert.ok((await site.signInBy('vale', { sub: 'oz', ...HIGH })).isIn);
  await site.post(first, `/people/${lost.personId}/recovery`);
  const shown = (await findAgreeing(second, lost.personId))!;
  const agreed = await agreeTo(site, { client: second, device }, shown);
  assert.equal(agreed.status, 303, agreed.body);
  assert.ok(!(await site.signInBy('vale', { sub: 'oz', ...HIGH })).isIn);
});
