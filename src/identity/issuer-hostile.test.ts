/** What a hostile, broken or absent issuer, and a thief on the way back, get: nobody's session. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { HIGH, openIssuerSite, type IssuerSite } from '../../test/support/issuer-site.ts';
import {
  logoutClaims,
  signed,
  unsigned,
  type Claims,
  type Trouble,
} from '../../test/support/issuer.ts';
import { COOKIE } from '../../test/support/live-site.ts';
import { isAssured, isOwnAddress } from './issuer-model.ts';

let site: IssuerSite;
const ADA = { sub: 'ada', ...HIGH };

before(async () => {
  site = await openIssuerSite();
  await site.linked('Ada Okafor', ['reader'], { northmoor: ADA, vale: { sub: 'eve', ...HIGH } });
});
after(() => site.close());
afterEach(() => site.issuers.northmoor.behave());

async function failureOf(id: string): Promise<string | null> {
  const [row] = await site.own<{ lastFailure: string | null }>(sql`
    select last_failure from identity.issuer where id = ${id}`);
  return row!.lastFailure;
}

const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const wrongHs = (said: object) =>
  `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${Buffer.from(JSON.stringify(said)).toString('base64url')}.AAAA`;

const without = (name: string) => (said: Claims) =>
  Object.fromEntries(Object.entries(said).filter(([claim]) => claim !== name));

const lies: Readonly<Record<string, Trouble>> = {
  'another nonce': { claims: (said) => ({ ...said, nonce: 'another' }) },
  'no nonce': { claims: without('nonce') },
  'a signature by another key': { token: (said) => signed(said, stranger) },
  'a signature of nothing': {
    token: (said) => signed(said, stranger).replace(/\.[^.]+$/, '.AAAA'),
  },
  'alg none': { token: unsigned },
  'a symmetric algorithm': { token: wrongHs },
  'another audience': { claims: (said) => ({ ...said, aud: 'somebody-else' }) },
  'a second audience, and not us as its party': {
    claims: (said) => ({ ...said, aud: ['tocsin', 'else'], azp: 'else' }),
  },
  'an expired token': { claims: (said) => ({ ...said, exp: Math.floor(Date.now() / 1000) - 300 }) },
  'another issuer in the token': {
    claims: (said) => ({ ...said, iss: 'https://elsewhere.example' }),
  },
  'no subject': { claims: without('sub') },
  'a subject that no database keeps': { claims: (said) => ({ ...said, sub: 'ada\0' }) },
  'no token at all': { answers: { '/token': '{"access_token":"x","token_type":"bearer"}' } },
  'rubbish for a token': { answers: { '/token': '<html>502 Bad Gateway' } },
  'an answer without end': { answers: { '/token': `"${'x'.repeat(300_000)}"` } },
};

for (const [name, trouble] of Object.entries(lies))
  test(`${name}: nobody comes in`, async () => {
    site.issuers.northmoor.trouble = trouble;
    const came = await site.signInBy('northmoor', ADA);
    assert.ok(!came.isIn);
    assert.equal(came.status, 403, came.body);
    assert.match(came.body, /was not accepted. Come in another way/);
    assert.ok((await failureOf('northmoor')) !== null);
  });

test('what makes these lies lies is the lie: the same without it comes in', async () => {
  site.issuers.northmoor.trouble = { claims: (said) => said };
  assert.ok((await site.signInBy('northmoor', ADA)).isIn);
});

const now = () => Math.floor(Date.now() / 1000);
const other = (claims: Claims) => (said: Claims) => ({ ...said, ...claims });
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** Signed by the issuer: the claim that is wrong is for whoever set it up. */
const wrongLogouts: readonly (readonly [string, (said: Claims) => Claims])[] = [
  ['aud', other({ aud: 'somebody-else' })],
  ['aud', other({ aud: ['tocsin', 'else'] })],
  ['aud', without('aud')],
  ['iss', other({ iss: 'https://elsewhere.example' })],
  ['iss', without('iss')],
  ['exp', other({ exp: now() - 300 })],
  ['exp', without('exp')],
  ['iat', other({ iat: now() - 3600, exp: now() + 3600 })],
  ['iat', other({ iat: now() + 3600, exp: now() + 7200 })],
  ['iat', without('iat')],
  ['nonce', other({ nonce: 'of an ID token' })],
  ['nonce', other({ nonce: null })],
  ['events', without('events')],
  ['events', other({ events: {} })],
  ['events', other({ events: { [EVENT]: 'yes' } })],
  ['events', other({ events: [EVENT] })],
  ['jti', without('jti')],
  ['jti', other({ jti: 7 })],
  ['sub', without('sub')],
  ['sub', other({ sub: 'ada\0' })],
  ['sub', other({ sub: 'a'.repeat(256) })],
  ['sid', other({ sid: ['ada'] })],
];

test('a logout token that is forged, or not as the standard has it, signs nobody out', async () => {
  const { northmoor, vale } = site.issuers;
  await site.own(sql`update identity.issuer set last_failure = null, last_failed_at = null`);
  const { client } = await site.signInBy('northmoor', ADA);
  const typ = { typ: 'logout+jwt' };
  const ada = () => logoutClaims(northmoor, { sub: 'ada' });
  const idToken = { ...without('events')(ada()), nonce: 'n', auth_time: now() };
  const right = signed(ada(), northmoor.privateKey, typ);
  const answers = new Set<string>();
  const refusedAt = async (id: string, form: string | Record<string, string>, why: string) => {
    const { status, headers, body } = await site.tell(id, form);
    assert.equal(status, 400, why);
    assert.equal(headers.get('cache-control'), 'no-store', why);
    answers.add(body);
  };
  for (const [why, token] of [
    ['by another key', signed(ada(), stranger, typ)],
    ['by the key of another issuer', signed(ada(), vale.privateKey, typ)],
    ['by a key that is not known', signed(ada(), northmoor.privateKey, { ...typ, kid: 'two' })],
    ['a signature of nothing', right.replace(/\.[^.]+$/, '.AAAA')],
    ['alg none', unsigned(ada())],
    ['alg none, with a signature', `${unsigned(ada())}AAAA`],
    ['a symmetric algorithm', wrongHs(ada())],
    ['no token', 'what?'],
    ['no JSON', 'e30.e30.e30'],
    ['nothing', ''],
    ['without end', `${right}${'A'.repeat(20_000)}`],
  ] as const)
    await refusedAt('northmoor', { logout_token: token }, why);
  assert.equal(await failureOf('northmoor'), null, 'what strangers send is no failure of it');
  for (const [claim, wrong] of wrongLogouts) {
    const token = signed(wrong(ada()), northmoor.privateKey, typ);
    await refusedAt('northmoor', { logout_token: token }, claim);
    assert.equal(await failureOf('northmoor'), `logout_${claim}`);
  }
  const access = signed(ada(), northmoor.privateKey, { typ: 'at+jwt' });
  await refusedAt('northmoor', { logout_token: access }, 'an access token');
  await refusedAt('northmoor', { logout_token: signed(idToken, northmoor.privateKey) }, 'ID token');
  const theirs = signed(logoutClaims(vale, { sub: 'ada' }), vale.privateKey, typ);
  await refusedAt('northmoor', { logout_token: theirs }, 'of another issuer');
  await refusedAt('vale', { logout_token: right }, 'at the door of another');
  await refusedAt('none', { logout_token: right }, 'of no issuer');
  await refusedAt('northmoor', `logout_token=${right}&logout_token=${right}`, 'two');
  await refusedAt('northmoor', { token: right }, 'by another name');
  assert.equal(answers.size, 1, 'one answer, whatever is wrong');
  assert.ok(await site.isStillIn(client));
  const entries = await site.own(sql`
    select id from audit.entry where action = 'issuer.logged_out'`);
  assert.equal(entries.length, 0);
  // Without a lie it counts; of two at the same moment one.
  const both = await Promise.all([1, 2].map(() => site.tell('northmoor', { logout_token: right })));
  const statuses = both.map(({ status }) => String(status));
  assert.deepEqual(statuses.toSorted(), ['200', '400']);
  assert.ok(!(await site.isStillIn(client)));
});

test('a logout token of an issuer of before the standard was final, and one for us among others', async () => {
  const { northmoor } = site.issuers;
  for (const [claims, header] of [
    [{ sub: 'ada' }, { typ: undefined }],
    [{ sub: 'ada' }, { typ: 'JWT' }],
    [{ sub: 'ada' }, { typ: 'application/logout+jwt' }],
    [{ sub: 'ada', aud: ['tocsin'] }, {}],
    [{ sub: 'ada', aud: ['else', 'tocsin'], azp: 'tocsin' }, {}],
  ]) {
    const { client } = await site.signInBy('northmoor', ADA);
    const token = signed(logoutClaims(northmoor, claims!), northmoor.privateKey, header);
    const { status } = await site.tell('northmoor', { logout_token: token });
    assert.equal(status, 200, JSON.stringify([claims, header]));
    assert.ok(!(await site.isStillIn(client)));
  }
});

test('a code comes back once, and only in the browser that was sent, with its state', async () => {
  const { client, back, isIn } = await site.signInBy('northmoor', ADA);
  assert.ok(isIn);
  client.forgetCookies();
  assert.equal((await site.comeBack(client, back)).status, 409, 'without the ticket');
  const mine = site.site.visitor();
  const mineBack = await site.goThere(mine, 'northmoor', ADA);
  const victim = site.site.visitor();
  assert.equal(
    (await site.comeBack(victim, mineBack)).status,
    409,
    'planted in a victim’s browser',
  );
  await site.goThere(victim, 'northmoor', ADA);
  assert.equal(
    (await site.comeBack(victim, mineBack)).status,
    409,
    'who has a ticket of their own',
  );
  const otherState = new URL(mineBack);
  const state = mineBack.searchParams.get('state')!;
  otherState.searchParams.set('state', `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`);
  assert.equal((await site.comeBack(mine, otherState)).status, 409, 'another state');
  assert.ok((await site.comeBack(mine, mineBack)).isIn, 'none of these used it up');
  const ticketed = mine.cookie(`${COOKIE}-ticket`);
  assert.ok(ticketed);
  assert.equal((await site.comeBack(mine, mineBack)).status, 409, 'once only');
});

test('a code that was used, or of somebody else’s visit, is refused by the issuer', async () => {
  const { back } = await site.signInBy('northmoor', ADA);
  const client = site.site.visitor();
  const fresh = await site.goThere(client, 'northmoor', ADA);
  fresh.searchParams.set('code', back.searchParams.get('code')!);
  assert.ok(!(await site.comeBack(client, fresh)).isIn);
  assert.equal(await failureOf('northmoor'), 'code_refused');
  // PKCE: a code of another visit of the same person does not fit this one's verifier.
  const [one, two] = [site.site.visitor(), site.site.visitor()];
  const oneBack = await site.goThere(one, 'northmoor', ADA);
  const twoBack = await site.goThere(two, 'northmoor', ADA);
  twoBack.searchParams.set('code', oneBack.searchParams.get('code')!);
  assert.ok(!(await site.comeBack(two, twoBack)).isIn);
});

test('an issuer cannot answer for another one: not in its place, not under its name', async () => {
  const client = site.site.visitor();
  const back = await site.goThere(client, 'vale', { sub: 'eve', ...HIGH });
  const swapped = new URL(back);
  swapped.pathname = '/sign-in/with/northmoor/return';
  assert.equal((await site.comeBack(client, swapped)).status, 409);
  for (const iss of [site.issuers.northmoor.url, 'https://elsewhere.example', null]) {
    const other = site.site.visitor();
    const mixed = await site.goThere(other, 'vale', { sub: 'eve', ...HIGH });
    if (iss === null) mixed.searchParams.delete('iss');
    else mixed.searchParams.set('iss', iss);
    assert.ok(!(await site.comeBack(other, mixed)).isIn, `iss ${iss}`);
  }
  assert.ok((await site.comeBack(client, back)).isIn);
});

test('who cancels there is told so, and the issuer counts as whole', async () => {
  await site.own(sql`update identity.issuer set last_failure = null, last_failed_at = null`);
  const client = site.site.visitor();
  const back = await site.goThere(client, 'northmoor', 'cancel');
  const came = await site.comeBack(client, back);
  assert.equal(came.status, 403);
  assert.match(came.body, /Sign-in of northmoor did not sign you in/);
  assert.equal(await failureOf('northmoor'), null);
});

/** Something at an address that is no issuer; what it was asked. */
async function elsewhere(answer: string | undefined) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (answer !== undefined)
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, close: () => (server.closeAllConnections(), server.close()) };
}

test('down, hanging or rubbish: told within seconds, and every other way goes on', async () => {
  const hanging = await elsewhere(undefined);
  const rubbish = await elsewhere('{"issuer":"https://elsewhere.example"}');
  const closed = await elsewhere('');
  closed.close();
  const saved = [
    ['hanging', hanging.url, 503],
    ['rubbish', rubbish.url, 403],
    ['down', closed.url, 503],
  ] as const;
  for (const [id, url] of saved) await site.saveAt(id, { url, label: `The ${id} one` });
  const begun = performance.now();
  await Promise.all(
    saved.map(async ([id, , status]) => {
      const visitor = site.site.visitor();
      const [answer, told] = await Promise.all([
        site.post(visitor, `/sign-in/with/${id}`, { to: '/account' }),
        site.tell(id, { logout_token: signed({}, stranger) }),
      ]);
      assert.equal(answer.status, status, answer.body);
      assert.match(answer.body, new RegExp(`The ${id} one`));
      assert.match(answer.body, /With your passkey/, 'the other ways stand on the same page');
      assert.equal(told.status, 400, 'a sign-out there cannot be believed');
    }),
  );
  assert.ok(performance.now() - begun < 8_000, `${performance.now() - begun} ms`);
  const crowd = Array.from({ length: 10 }, () =>
    site.post(site.site.visitor(), '/sign-in/with/hanging', {}),
  );
  const [, device] = await site.administrator('Bo Lindqvist');
  assert.ok((await site.signIn(device)).isIn, 'while ten wait for the hanging one');
  await Promise.all(crowd);
  assert.ok(hanging.asked.length <= 2, 'those who wait at once are one question to it');
  hanging.close();
  rubbish.close();
});

test('its documents send nobody, and no question, to an address that is not listed', async () => {
  const inside = await elsewhere('{}');
  const liar = await elsewhere(undefined);
  liar.close();
  const { northmoor } = site.issuers;
  const document = (await (
    await fetch(`${northmoor.url}/.well-known/openid-configuration`)
  ).json()) as object;
  for (const changed of [
    { token_endpoint: `${inside.url}/token` },
    { authorization_endpoint: `${inside.url}/auth` },
    { authorization_endpoint: 'http://elsewhere.example/auth' },
    { jwks_uri: `${inside.url}/jwks` },
  ]) {
    const said = JSON.stringify({ ...document, ...changed });
    northmoor.trouble = { answers: { '/.well-known/openid-configuration': said } };
    // Saved anew, so that its documents are asked for anew.
    site.wait(1_000);
    await site.save('northmoor');
    if ('authorization_endpoint' in changed) {
      const sent = await site.post(site.site.visitor(), '/sign-in/with/northmoor', {});
      assert.equal(sent.status, 403, sent.body);
    } else {
      assert.ok(!(await site.signInBy('northmoor', ADA)).isIn);
      const token = signed(logoutClaims(northmoor, { sub: 'ada' }), northmoor.privateKey);
      const isAsked = 'jwks_uri' in changed;
      const told = await site.tell('northmoor', { logout_token: token });
      assert.equal(told.status, isAsked ? 400 : 200);
    }
    assert.equal(await failureOf('northmoor'), 'address_not_listed', JSON.stringify(changed));
  }
  assert.deepEqual(inside.asked, []);
  northmoor.behave();
  site.wait(1_000);
  await site.save('northmoor', { origins: [inside.url] });
  assert.ok((await site.signInBy('northmoor', ADA)).isIn);
  inside.close();
});

test('assurance is what was agreed on, said now; silence is none', () => {
  const rules = { acr: ['high'], amr: ['mfa'], authAgeMaxMs: 60_000 };
  const now = new Date('2026-11-27T12:00:00Z');
  const said = { subject: 'x', acr: 'high', amr: [], authAt: now, issuerSession: null };
  const at = (ms: number) => new Date(now.getTime() + ms);
  assert.ok(isAssured(rules, said, now));
  assert.ok(isAssured(rules, { ...said, acr: undefined, amr: ['pwd', 'mfa'] }, now));
  assert.ok(!isAssured(rules, { ...said, acr: 'low', amr: ['pwd'] }, now));
  assert.ok(!isAssured(rules, { ...said, acr: undefined }, now));
  assert.ok(!isAssured(rules, { ...said, authAt: undefined }, now));
  assert.ok(!isAssured(rules, { ...said, authAt: at(-60_000) }, now));
  assert.ok(!isAssured(rules, { ...said, authAt: at(61_000) }, now), 'from the future');
  assert.ok(!isAssured({ ...rules, acr: [], amr: [] }, said, now), 'nothing agreed on');
});

test('an address of an issuer is at its origin or a listed one, with nobody’s name in it', () => {
  const issuer = { url: 'https://login.example/tenant', origins: ['https://keys.example'] };
  assert.ok(isOwnAddress(issuer, 'https://login.example/elsewhere'));
  assert.ok(isOwnAddress(issuer, 'https://keys.example/jwks'));
  for (const address of [
    'https://login.example.evil.example/',
    'http://login.example/',
    'https://login.example:8443/',
    'https://login.example@evil.example/',
    'https://user@login.example/',
    'data:text/plain,x',
    'login.example',
  ])
    assert.ok(!isOwnAddress(issuer, address), address);
});
