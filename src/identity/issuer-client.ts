/**
 * Talking to an issuer (OpenID Connect Core 1.0, authorization code flow with PKCE). Each question
 * ends in a bounded time, reads a bounded answer and goes to addresses of the issuer only, because
 * what is down or hostile at the moment may be the issuer.
 */
import { createRemoteJWKSet, customFetch, type RemoteJWKSet } from 'jose';
import * as openid from 'openid-client';
import { Agent, EnvHttpProxyAgent, fetch, type Dispatcher } from 'undici';
import { isTrustworthy } from '#web/index.ts';
import {
  isNamed,
  isOwnAddress,
  type Issuer,
  type IssuerSettings,
  type Proven,
} from './issuer-model.ts';
import { readLogoutToken, type LogoutToken } from './logout-token.ts';

/** The way out of this network, as gateways take it. */
export type Network = {
  readonly httpsProxy?: string | undefined;
  readonly httpProxy?: string | undefined;
  readonly noProxy?: string | undefined;
};

export type Waits = {
  /** Of one question. */
  readonly questionMs: number;
  /** Of all that one step of a sign-in asks. */
  readonly stepMs: number;
};

const WAITS: Waits = { questionMs: 4_000, stepMs: 6_000 };

/** A document of an issuer has some kilobytes. */
const ANSWER_BYTES_MAX = 256 * 1024;

/** So long its documents are kept; a key that is not among them is asked for at once. */
const KNOWN_FOR_MS = 10 * 60_000;

/** `failure` is a word of ours for whoever set the issuer up; nothing that the issuer wrote. */
export type Told<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: string; readonly isDown: boolean };

/** What binds an answer to the browser that was sent. */
export type Bound = {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
};

/** As both libraries ask it. */
type Question = Pick<openid.CustomFetchOptions, 'method' | 'headers' | 'redirect'> & {
  readonly body?: string | URLSearchParams | null | undefined;
};

type Known = { readonly configuration: Promise<openid.Configuration>; readonly atMs: number };

export class IssuerClient {
  readonly #waits: Waits;
  readonly #dispatcher: Dispatcher;
  readonly #known = new Map<string, Known>();
  /** Kept as long as the documents that name them. */
  readonly #keys = new WeakMap<openid.Configuration, RemoteJWKSet>();

  constructor({
    network = {},
    waits = WAITS,
  }: { network?: Network | undefined; waits?: Waits } = {}) {
    this.#waits = waits;
    const { httpsProxy, httpProxy, noProxy = '' } = network;
    const settings = { connect: { timeout: waits.questionMs } };
    const proxies = { httpsProxy: httpsProxy ?? '', httpProxy: httpProxy ?? '' };
    this.#dispatcher =
      httpsProxy === undefined && httpProxy === undefined
        ? new Agent(settings)
        : new EnvHttpProxyAgent({ ...settings, ...proxies, noProxy: `${noProxy},${HERE}` });
  }

  /** Where to send the browser. */
  async findWay(
    issuer: Issuer,
    settings: IssuerSettings,
    { state, nonce, verifier, returnTo }: Bound & { readonly returnTo: string },
  ): Promise<Told<string>> {
    return await this.#inTime(async () => {
      const configuration = await this.#configure(issuer, settings);
      const way = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: returnTo,
        scope: 'openid',
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        max_age: String(Math.floor(issuer.authAgeMaxMs / 1000)),
        ...(issuer.acr.length > 0 && { acr_values: issuer.acr.join(' ') }),
      });
      checkAddress(issuer, way.href);
      return way.href;
    });
  }

  /** Exchanges the code of the address that the browser came back to, and checks all it brings. */
  async bringBack(
    issuer: Issuer,
    settings: IssuerSettings,
    { address, state, nonce, verifier }: Bound & { readonly address: URL },
  ): Promise<Told<Proven>> {
    return await this.#inTime(async () => {
      const configuration = await this.#configure(issuer, settings);
      const tokens = await openid.authorizationCodeGrant(configuration, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      return provenBy(tokens.claims());
    });
  }

  /** Reads a token by which it says that somebody signed out there; whether it is its own and whole. */
  async readLogout(
    issuer: Issuer,
    settings: IssuerSettings,
    token: string,
  ): Promise<Told<LogoutToken>> {
    return await this.#inTime(async () => {
      const configuration = await this.#configure(issuer, settings);
      const metadata = configuration.serverMetadata();
      const read = await readLogoutToken(token, {
        keys: this.#keysOf(issuer, configuration),
        issuer: metadata.issuer,
        clientId: issuer.clientId,
        algorithms: metadata.id_token_signing_alg_values_supported,
      });
      if (!read.ok) throw new Failure(read.failure);
      return read.value;
    });
  }

  /** Asked for again where a token names one that is not among them, twice a minute at most. */
  #keysOf(issuer: Issuer, configuration: openid.Configuration): RemoteJWKSet {
    const known = this.#keys.get(configuration);
    if (known !== undefined) return known;
    const { jwks_uri: address } = configuration.serverMetadata();
    if (address === undefined) throw new Failure('no_keys');
    const keys = createRemoteJWKSet(new URL(address), {
      timeoutDuration: this.#waits.questionMs,
      cacheMaxAge: KNOWN_FOR_MS,
      [customFetch]: async (url, { method, headers, redirect }) =>
        await this.#ask(issuer, url, { method, headers: Object.fromEntries(headers), redirect }),
    });
    this.#keys.set(configuration, keys);
    return keys;
  }

  async #configure(issuer: Issuer, settings: IssuerSettings): Promise<openid.Configuration> {
    const key = `${issuer.id} ${issuer.savedAt.getTime()}`;
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() - known.atMs < KNOWN_FOR_MS)
      return await known.configuration;
    // Asked once for all who wait: an issuer that hangs is not asked by every stranger's click.
    const configuration = this.#discover(issuer, settings);
    this.#known.set(key, { configuration, atMs: performance.now() });
    try {
      return await configuration;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }

  async #discover(issuer: Issuer, settings: IssuerSettings): Promise<openid.Configuration> {
    const { clientSecret, sendsSecretBy } = settings;
    const authentication =
      clientSecret === undefined
        ? openid.None()
        : sendsSecretBy === 'post'
          ? openid.ClientSecretPost(clientSecret)
          : openid.ClientSecretBasic(clientSecret);
    // Signatures are checked although TLS protects the way: a proxy of ours may end it (6.8.2).
    const execute = [openid.enableNonRepudiationChecks];
    // Of this machine only: `isTrustworthy` refuses it anywhere else.
    if (issuer.url.startsWith('http:')) execute.push(openid.allowInsecureRequests);
    return await openid.discovery(new URL(issuer.url), issuer.clientId, undefined, authentication, {
      execute,
      timeout: this.#waits.questionMs / 1000,
      [openid.customFetch]: (address, options) => this.#ask(issuer, address, options as Question),
    });
  }

  async #ask(
    issuer: Issuer,
    address: string,
    { method, headers, body = null, redirect }: Question,
  ): Promise<Response> {
    checkAddress(issuer, address);
    try {
      const answer = await fetch(address, {
        method,
        headers,
        body,
        redirect,
        dispatcher: this.#dispatcher,
        signal: AbortSignal.timeout(this.#waits.questionMs),
      });
      const type = answer.headers.get('content-type') ?? '';
      const read = answer.body === null ? null : await readAtMost(answer.body, ANSWER_BYTES_MAX);
      return new Response(read, { status: answer.status, headers: { 'content-type': type } });
    } catch (error) {
      throw error instanceof Failure ? error : new Failure('unreachable');
    }
  }

  async #inTime<T>(act: () => Promise<T>): Promise<Told<T>> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Failure('unreachable')), this.#waits.stepMs);
    try {
      return { ok: true, value: await Promise.race([act(), late.promise]) };
    } catch (error) {
      const failure = wordFor(error);
      return { ok: false, failure, isDown: failure === 'unreachable' };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** No proxy stands between us and this machine. */
const HERE = 'localhost,127.0.0.1,[::1]';

class Failure extends Error {}

function checkAddress(issuer: Issuer, address: string): void {
  if (!isOwnAddress(issuer, address) || !isTrustworthy(new URL(address).origin))
    throw new Failure('address_not_listed');
}

async function readAtMost(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Failure('answer_too_long');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The library wraps what it catches; our own word, where there is one, is inside. */
function wordFor(error: unknown): string {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; depth++) {
    if (inner instanceof Failure) return inner.message;
    if (inner instanceof openid.AuthorizationResponseError) return 'refused_there';
    if (inner instanceof openid.ResponseBodyError) return 'code_refused';
    inner = inner.cause;
  }
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[A-Z_]{1,60}$/.test(code) ? code : 'not_understood';
}

function provenBy(claims: openid.IDToken | undefined): Proven {
  if (claims === undefined) throw new Failure('no_id_token');
  const { sub, acr, amr, auth_time: authTime, sid } = claims;
  if (!isNamed(sub)) throw new Failure('no_subject');
  return {
    subject: sub,
    acr: typeof acr === 'string' ? acr : undefined,
    amr: Array.isArray(amr) ? amr.filter((way) => typeof way === 'string') : [],
    authAt: typeof authTime === 'number' ? new Date(authTime * 1000) : undefined,
    issuerSession: typeof sid === 'string' && isNamed(sid) ? sid : null,
  };
}
