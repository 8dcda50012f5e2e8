/**
 * A real OpenID provider (`oidc-provider`) on loopback, with a page on which anybody says who they
 * are and how they proved it; and one that lies, hangs or talks rubbish when a test asks.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import OidcProvider, { type Context, type Provider } from 'oidc-provider';

export const CLIENT = { id: 'tocsin', secret: 'a secret of the tests, of some length' };

/** How somebody proved there who they are. */
export type Login = {
  readonly sub: string;
  readonly acr?: string;
  readonly amr?: readonly string[];
  /** How long ago, in seconds. */
  readonly ageSeconds?: number;
};

export type Claims = Record<string, unknown>;

/** What it does wrong at the moment. */
export type Trouble = {
  /** Changes what its ID token says; signed by its own key as ever. */
  claims?: (claims: Claims) => Claims;
  /** Makes another token of header and claims, such as one nobody signed. */
  token?: (claims: Claims) => string;
  /** Answers to these paths instead. */
  answers?: Readonly<Record<string, string>>;
};

export class TestIssuer {
  /** Switched by a test, and back by `behave`. */
  trouble: Trouble = {};
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Tokens by which it told that somebody signed out, and what each was answered. */
  readonly told: { readonly token: string; readonly status: number }[] = [];
  /** Carries what it posts to the address of a site that has no such name here. */
  carry: (address: URL, form: URLSearchParams) => Promise<Response> = (address, body) =>
    fetch(address, { method: 'POST', body });
  readonly #close: () => Promise<void>;
  readonly privateKey: KeyObject;

  constructor(url: string, privateKey: KeyObject, close: () => Promise<void>) {
    this.url = url;
    this.privateKey = privateKey;
    this.#close = close;
  }

  behave(): void {
    this.trouble = {};
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

/** Where its client comes back to, and where it tells that somebody signed out (back-channel). */
export type Registered = { readonly returns: readonly string[]; readonly logout?: string };

/** Listens, with a client that is registered so. */
export async function startIssuer(registered: Registered): Promise<TestIssuer> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const issuer = new TestIssuer(url, privateKey, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const provider = openProvider(issuer, port, registered);
  const answer = provider.callback();
  handle = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', url);
    issuer.asked.push(pathname);
    const instead = issuer.trouble.answers?.[pathname];
    if (instead !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(instead);
      return;
    }
    if (pathname.startsWith('/login/')) void logIn(provider, request, response);
    else answer(request, response);
  };
  return issuer;
}

function openProvider(issuer: TestIssuer, port: number, registered: Registered): Provider {
  const key = {
    ...issuer.privateKey.export({ format: 'jwk' }),
    kid: 'one',
    use: 'sig',
    alg: 'RS256',
  };
  const provider = new OidcProvider(issuer.url, {
    clients: [clientOf(registered)],
    jwks: { keys: [key] },
    acrValues: ['low', 'high'],
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
    pkce: { required: () => true },
    // Cookies know no ports: two of them on one machine must not read each other's.
    cookies: {
      keys: ['tests'],
      names: { session: `s${port}`, interaction: `i${port}`, resume: `r${port}` },
    },
    ...signOutsOf(issuer),
    interactions: { url: (_: Context, { uid }: { uid: string }) => `/login/${uid}` },
    findAccount: (_: Context, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    async loadExistingGrant({ oidc }: Context) {
      const { clientId } = oidc.client;
      const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      IdToken: 60,
      Interaction: 60,
      Session: 60,
      Grant: 60,
    },
  });
  provider.use(async (context, next) => {
    await next();
    const body = context.body as { id_token?: string } | undefined;
    if (context.path !== '/token' || body?.id_token === undefined) return;
    const { claims, token } = issuer.trouble;
    const said = JSON.parse(
      Buffer.from(body.id_token.split('.')[1]!, 'base64url').toString(),
    ) as Claims;
    if (claims !== undefined) body.id_token = signed(claims(said), issuer.privateKey);
    if (token !== undefined) body.id_token = token(said);
  });
  return provider;
}

function clientOf({ returns, logout }: Registered): object {
  return {
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    redirect_uris: [...returns],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    ...(logout !== undefined && {
      backchannel_logout_uri: logout,
      backchannel_logout_session_required: true,
    }),
  };
}

/** Its page to sign out, and how it tells of it. */
function signOutsOf(issuer: TestIssuer): object {
  return {
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        logoutSource: (context: Context, form: string) => void (context.body = form),
        postLogoutSuccessSource: (context: Context) => void (context.body = 'Signed out'),
      },
    },
    fetch: async (address: string, { body }: { body: URLSearchParams }) => {
      const answer = await issuer.carry(new URL(address), body);
      issuer.told.push({ token: body.get('logout_token')!, status: answer.status });
      return answer;
    },
  };
}

/** The page of the provider: a form, and what came of it. */
async function logIn(provider: Provider, request: IncomingMessage, response: ServerResponse) {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html' }).end(FORM);
    return;
  }
  let text = '';
  for await (const part of request) text += String(part);
  const form = new URLSearchParams(text);
  const age = Number(form.get('age') ?? 0);
  const acr = form.get('acr') ?? '';
  const login = {
    accountId: form.get('sub'),
    ...(acr !== '' && { acr }),
    amr: (form.get('amr') ?? '').split(' ').filter((way) => way !== ''),
    ts: Math.floor(Date.now() / 1000) - age,
    remember: false,
  };
  const refuses = form.has('cancel');
  await provider.interactionFinished(
    request,
    response,
    refuses ? { error: 'access_denied' } : { login },
  );
}

const FORM = `<!doctype html><html lang="en"><title>Northmoor sign-in</title>
<h1>Northmoor sign-in</h1>
<form method="post"><label>User <input name="sub"></label>
<label>Level <input name="acr"></label><label>Ways <input name="amr"></label>
<button>Sign in</button></form></html>`;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token over these claims by this key. */
export function signed(claims: Claims, key: KeyObject, header: object = {}): string {
  const text = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT', ...header })}.${part(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

/** What its logout token says, of somebody or of one session of theirs; with or without a claim. */
export function logoutClaims(issuer: TestIssuer, said: Claims): Claims {
  const now = Math.floor(Date.now() / 1000);
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const times = { iat: now, exp: now + 120, jti: randomUUID() };
  return { iss: issuer.url, aud: CLIENT.id, events, ...times, ...said };
}

/** A token that nobody signed. */
export function unsigned(claims: Claims): string {
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
}

/** Cookies of somebody's browser at the provider. */
export type Cookies = Map<string, string>;

async function askThere(cookies: Cookies, address: URL, body?: URLSearchParams): Promise<Response> {
  const answer = await fetch(address, {
    redirect: 'manual',
    headers: { cookie: Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ') },
    ...(body && { method: 'POST', body }),
  });
  for (const line of answer.headers.getSetCookie()) {
    const [name = '', value = ''] = line.split(';')[0]!.split('=');
    cookies.set(name, value);
  }
  return answer;
}

/** Somebody's browser at the provider, from where it was sent to where it is sent back. */
export async function logInThere(
  way: string,
  login: Login | 'cancel',
  cookies: Cookies = new Map(),
): Promise<URL> {
  let [address, form] = [new URL(way), undefined as URLSearchParams | undefined];
  for (let hop = 0; hop < 8; hop++) {
    const answer = await askThere(cookies, address, form);
    const location = answer.headers.get('location');
    if (location === null) {
      const said = `${answer.status} at ${address.pathname}: ${await answer.text()}`;
      assert.ok(form === undefined && address.pathname.startsWith('/login/'), said);
      form = formOf(login);
      continue;
    }
    form = undefined;
    address = new URL(location, address);
    if (address.origin !== new URL(way).origin) return address;
  }
  throw new Error('the provider sends us in circles');
}

/** The same browser signs out there, by the page of the provider. */
export async function signOutThere({ url }: TestIssuer, cookies: Cookies): Promise<void> {
  const asked = await askThere(cookies, new URL('/session/end', url));
  const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(await asked.text()) ?? [];
  assert.ok(xsrf !== undefined, 'nobody is signed in there');
  const form = new URLSearchParams({ xsrf, logout: 'yes' });
  const done = await askThere(cookies, new URL('/session/end/confirm', url), form);
  assert.equal(done.status, 303);
}

function formOf(login: Login | 'cancel'): URLSearchParams {
  if (login === 'cancel') return new URLSearchParams({ cancel: 'yes' });
  const { sub, acr = '', amr = [], ageSeconds = 0 } = login;
  return new URLSearchParams({ sub, acr, amr: amr.join(' '), age: String(ageSeconds) });
}
