import { createHmac, timingSafeEqual } from 'node:crypto';
import { NotifyError } from './answers.ts';
import type { ApiKeyOption, KeyType } from './settings.ts';

export type Caller = { readonly keyType: KeyType; readonly keyName: string };

/** Seconds a token's clock may differ from ours; exactly this many still passes. */
const WINDOW_SECONDS = 30;
const MALFORMED =
  'Invalid token: make sure your API token matches the example at https://docs.notifications.service.gov.uk/rest-api.html#authorisation-header';
const CLOCK = 'Error: Your system clock must be accurate to within 30 seconds';
const CACHE_LIMIT = 1_000;

type Secret = { readonly bytes: Buffer; readonly caller: Caller; readonly revoked: boolean };
type Verified = { readonly caller: Caller; readonly issuedAt: number };
type Token = {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly signed: string;
  readonly signature: Buffer;
};

/** Checks bearer tokens in the order, and with the words, of the live service. */
export class Authenticator {
  readonly #serviceId: string;
  readonly #secrets: readonly Secret[];
  readonly #verified = new Map<string, Verified>();

  constructor(serviceId: string, apiKeys: readonly ApiKeyOption[]) {
    this.#serviceId = serviceId;
    this.#secrets = apiKeys.map(({ key, type, revoked }) => ({
      bytes: Buffer.from(key.slice(-36)),
      caller: { keyType: type, keyName: key.slice(0, -74) },
      revoked: revoked ?? false,
    }));
  }

  /** @throws NotifyError 401 or 403. */
  authenticate(authorization: string | undefined, nowMs: number): Caller {
    const now = Math.floor(nowMs / 1000);
    // A caller mints one token a second at most, so nearly every request hits this table.
    const known = authorization === undefined ? undefined : this.#verified.get(authorization);
    if (known !== undefined) {
      checkClock(known.issuedAt, now);
      return known.caller;
    }
    const verified = this.#verify(readBearer(authorization), now);
    if (this.#verified.size >= CACHE_LIMIT) this.#verified.clear();
    if (verified.issuedAt > 0) this.#verified.set(authorization!, verified);
    return verified.caller;
  }

  #verify(text: string, now: number): Verified {
    const token = decode(text);
    if (!('iss' in token.claims)) throw forbidden('Invalid token: iss field not provided');
    const issuer = token.claims['iss'];
    if (!isUuid(issuer)) throw forbidden('Invalid token: service id is not the right data type');
    if (issuer.toLowerCase() !== this.#serviceId) {
      throw forbidden('Invalid token: service not found');
    }
    if (this.#secrets.length === 0) throw forbidden('Invalid token: service has no API keys');
    if (token.header['alg'] !== 'HS256') {
      throw forbidden('Invalid token: algorithm used is not HS256');
    }
    const secret = this.#secrets.find((candidate) => matches(token, candidate));
    if (secret === undefined) throw forbidden('Invalid token: API key not found');
    const issuedAt = checkClaims(token.claims, now);
    if (secret.revoked) throw forbidden('Invalid token: API key revoked');
    return { caller: secret.caller, issuedAt };
  }
}

function readBearer(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw new NotifyError(401, 'AuthError', 'Unauthorized: authentication token must be provided');
  }
  if (authorization.slice(0, 7).toLowerCase() !== 'bearer ') {
    throw new NotifyError(
      401,
      'AuthError',
      'Unauthorized: authentication bearer scheme must be used',
    );
  }
  return authorization.slice(7);
}

function decode(text: string): Token {
  const parts = text.split('.');
  if (parts.length !== 3) throw forbidden(MALFORMED);
  const [header, claims, signature] = parts as [string, string, string];
  return {
    header: decodeObject(header),
    claims: decodeObject(claims),
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

function decodeObject(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Falls through to the one message for every malformed token.
  }
  throw forbidden(MALFORMED);
}

function matches(token: Token, secret: Secret): boolean {
  const expected = createHmac('sha256', secret.bytes).update(token.signed).digest();
  return expected.length === token.signature.length && timingSafeEqual(expected, token.signature);
}

/** A missing `iat` reads as "not this key" to the live service, which then runs out of keys. */
function checkClaims(claims: Record<string, unknown>, now: number): number {
  if ('exp' in claims && Number(claims['exp']) <= now - WINDOW_SECONDS) throw forbidden(MALFORMED);
  if (!('iat' in claims)) throw forbidden('Invalid token: API key not found');
  const issuedAt = Number(claims['iat']);
  if (!Number.isFinite(issuedAt)) throw forbidden(CLOCK);
  checkClock(issuedAt, now);
  return 'exp' in claims ? 0 : Math.floor(issuedAt);
}

function checkClock(issuedAt: number, now: number): void {
  if (now > Math.floor(issuedAt) + WINDOW_SECONDS || issuedAt > now + WINDOW_SECONDS) {
    throw forbidden(CLOCK);
  }
}

function forbidden(message: string): NotifyError {
  return new NotifyError(403, 'AuthError', message);
}

function isUuid(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value)
  );
}
