/** The cookie of a session: another one at each proof, and what the one before is worth. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Authenticator } from '../../test/support/authenticator.ts';
import { COOKIE, openLiveSite, ORIGIN, type LiveSite } from '../../test/support/live-site.ts';
import type { PageClient } from '../../test/support/page-client.ts';

let live: LiveSite;

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());

/** Somebody else at another desk, with a cookie that they copied. */
function withCookie(token: string): PageClient {
  const client = live.site.visitor();
  client.setCookie(COOKIE, token);
  return client;
}

const opens = async (client: PageClient) => (await client.request('GET', '/people')).status === 200;

test('making a passkey and each proof give the cookie another token', async () => {
  const client = await live.byLink(await live.invite('Ada Okafor', ['administrator']));
  const device = new Authenticator();
  const tokens = [client.cookie(COOKIE)!];
  assert.equal((await live.make(client, device)).status, 303);
  tokens.push(client.cookie(COOKIE)!);
  assert.equal((await live.prove(client, device)).status, 200);
  tokens.push(client.cookie(COOKIE)!);
  const { told } = await live.post(client, '/passkey/options');
  const form = { passkey: device.use(told.get, ORIGIN), to: '/people' };
  assert.equal((await live.post(client, '/passkey', form)).status, 303);
  tokens.push(client.cookie(COOKIE)!);
  assert.equal(new Set(tokens).size, 4);
  assert.ok(await opens(client));
  const about = await live.post(client, '/account/sessions/end-others');
  assert.equal(about.status, 303);
  assert.ok(await opens(client), 'one session all along: it was not among the others');
});

test('the token before gives nothing of the proof, and nothing at all after seconds', async () => {
  const [client, device] = await live.administrator('Bo Lindqvist');
  const before = client.cookie(COOKIE)!;
  assert.ok(await opens(withCookie(before)));
  await live.prove(client, device);
  const planted = withCookie(before);
  assert.equal(
    (await planted.request('GET', '/people')).headers.get('location'),
    '/passkey?to=%2Fpeople',
  );
  assert.equal((await planted.request('GET', '/account')).status, 200, 'what was on its way');
  live.wait(11_000);
  const late = await planted.request('GET', '/account');
  assert.equal(late.headers.get('location'), '/sign-in?to=%2Faccount');
  assert.ok(await opens(client));
});

test('a refused proof leaves the cookie as it was', async () => {
  const [client] = await live.administrator('Cy Marsh');
  const before = client.cookie(COOKIE);
  const refused = await live.prove(client, new Authenticator());
  assert.notEqual(refused.status, 200);
  assert.equal(client.cookie(COOKIE), before);
  assert.ok(await opens(client));
});

test('a clock that is set back makes no proof young again', async () => {
  const [client, device] = await live.administrator('Di Okafor');
  const dangerous = async () => (await live.post(client, '/people/invite')).status;
  assert.equal(await dangerous(), 422, 'nothing but the fields is missing');
  live.wait(-3_600_000);
  assert.notEqual(await dangerous(), 422, 'a passkey is asked for');
  await live.prove(client, device);
  assert.equal(await dangerous(), 422);
});

test('whoever signs in anew leaves no session behind', async () => {
  const [client, device] = await live.administrator('Ed Novak');
  const before = client.cookie(COOKIE)!;
  const { told } = await live.post(client, '/sign-in/passkey/options');
  const fields = { passkey: device.use(told.get, ORIGIN), ticket: told.ticket };
  assert.equal((await live.post(client, '/sign-in/passkey', fields)).status, 303);
  assert.notEqual(client.cookie(COOKIE), before);
  const left = await withCookie(before).request('GET', '/account');
  assert.equal(left.headers.get('location'), '/sign-in?to=%2Faccount');
  assert.ok(await opens(client));
});
