/** A live installation whose people also come by issuers, as tests walk it. */
import assert from 'node:assert/strict';
import type { Sql } from '#db/sql.ts';
import { saveIssuer, type IssuerWish } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { Authenticator } from './authenticator.ts';
import { issuerSeals } from './identity-seals.ts';
import {
  CLIENT,
  logInThere,
  startIssuer,
  type Cookies,
  type Login,
  type TestIssuer,
} from './issuer.ts';
import { COOKIE, openLiveSite, ORIGIN, type LiveSite } from './live-site.ts';
import type { PageClient } from './page-client.ts';

/** A second proof, used just now: what these issuers are trusted for. */
export const HIGH = { acr: 'high', amr: ['pwd', 'mfa'] } as const;

export type IssuerSite = Awaited<ReturnType<typeof openIssuerSite>>;

/** Two issuers, `northmoor` and `vale`, of the centre unless saved anew. */
export async function openIssuerSite() {
  const live = await openLiveSite('centre.example');
  // What issuers sign carries the time of this machine.
  live.wait(Date.now() - live.now().getTime());
  const start = async (id: string) => {
    const issuer = await startIssuer({
      returns: [`${ORIGIN}/sign-in/with/${id}/return`],
      logout: `${ORIGIN}/callbacks/issuers/${id}/logout`,
    });
    issuer.carry = async ({ pathname }, body) =>
      await fetch(live.site.address + pathname, { method: 'POST', body });
    return issuer;
  };
  const [northmoor, vale] = await Promise.all([start('northmoor'), start('vale')]);
  const issuers = { northmoor, vale };
  const save = async (id: keyof typeof issuers, wish: Partial<IssuerWish> = {}) =>
    await saveAt(live, id, { url: issuers[id].url, ...wish });
  for (const id of ['northmoor', 'vale'] as const) assert.ok((await save(id)).ok);
  return {
    ...live,
    issuers,
    save,
    saveAt: (id: string, wish: Partial<IssuerWish>) => saveAt(live, id, wish),
    ...walksOf(live),
    async close() {
      await live.close();
      await Promise.all([northmoor.close(), vale.close()]);
    },
  };
}

async function saveAt({ clone, now }: LiveSite, id: string, wish: Partial<IssuerWish>) {
  const issuer: IssuerWish = {
    id,
    url: '',
    label: `Sign-in of ${id}`,
    organisationId: null,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    sendsSecretBy: 'basic',
    origins: [],
    acr: ['high'],
    amr: [],
    authAgeMaxMs: 3_600_000,
    ...wish,
  };
  return await clone.web.attempt(system('test'), (tx) =>
    saveIssuer(tx, issuer, { seals: issuerSeals, now: now() }),
  );
}

function walksOf(live: LiveSite) {
  /** From the button to where the issuer sends the browser back. */
  const goThere = async (
    client: PageClient,
    id: string,
    login: Login | 'cancel',
    cookies?: Cookies,
  ) => {
    const sent = await live.post(client, `/sign-in/with/${id}`, { to: '/account' });
    assert.equal(sent.status, 200, sent.body);
    return await logInThere(wayOf(sent.body), login, cookies);
  };
  /** Comes back by this address; where that leads, and whether it signed in. */
  const comeBack = async (client: PageClient, back: URL) => {
    const answer = await client.request('GET', back.pathname + back.search);
    const location = answer.headers.get('location') ?? '';
    const isIn = client.cookie(COOKIE) !== undefined;
    return { status: answer.status, body: answer.body, location, isIn };
  };
  const signInBy = async (id: string, login: Login, client = live.site.visitor()) => {
    const cookies: Cookies = new Map();
    const back = await goThere(client, id, login, cookies);
    return { client, back, cookies, ...(await comeBack(client, back)) };
  };
  /** Somebody with this role and a passkey, linked to who they are there. */
  const linked = async (name: string, roles: string[], links: Record<string, Login>) => {
    const personId = await live.invite(name, roles);
    const client = await live.byLink(personId);
    const device = new Authenticator();
    assert.equal((await live.make(client, device)).status, 303);
    for (const [id, login] of Object.entries(links)) {
      const answer = await link(client, id, login);
      assert.equal(answer.location, '/account', answer.body);
    }
    return { personId, client, device };
  };
  const link = async (client: PageClient, id: string, login: Login) => {
    const sent = await live.post(client, `/account/issuers/${id}/link`);
    assert.equal(sent.status, 200, sent.body);
    return await comeBack(client, await logInThere(wayOf(sent.body), login));
  };
  /** Posts it to where issuers tell that somebody signed out. */
  const tell = async (id: string, form: string | Record<string, string>) => {
    const body = new URLSearchParams(form);
    const address = `${live.site.address}/callbacks/issuers/${id}/logout`;
    const answer = await fetch(address, { method: 'POST', body });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  };
  const isStillIn = async (client: PageClient) =>
    (await client.request('GET', '/account')).status === 200;
  const own = async <T extends object>(statement: Sql) =>
    await live.clone.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));
  return { goThere, comeBack, signInBy, linked, link, tell, isStillIn, own };
}

/** Where the page sends a browser without script. */
export function wayOf(body: string): string {
  const [, href] = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(body) ?? [];
  assert.ok(href !== undefined, body);
  return href.replaceAll('&amp;', '&');
}

export type { TestIssuer };
