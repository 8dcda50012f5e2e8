/**
 * Issuers (OpenID Connect): somebody else's sign-in that people of ours may come by. Types and
 * decisions. What an issuer says is evidence of who somebody is; what they may do is ours alone.
 */
import { createHash } from 'node:crypto';

export type Issuer = {
  readonly id: string;
  /** The issuer identifier, exactly as its ID tokens carry it. */
  readonly url: string;
  /** What the button says. */
  readonly label: string;
  /** Whose it is; null: of the centre. */
  readonly organisationId: string | null;
  readonly clientId: string;
  /** Where its documents may point to beside its own origin. */
  readonly origins: readonly string[];
  /** Levels (`acr`) and ways (`amr`, RFC 8176) of signing in there that are enough here. */
  readonly acr: readonly string[];
  readonly amr: readonly string[];
  /** How long ago somebody may have signed in there. */
  readonly authAgeMaxMs: number;
  readonly savedAt: Date;
  readonly offAt: Date | null;
};

/** What of it is sealed. */
export type IssuerSettings = {
  /** Absent: a public client, which PKCE alone protects. */
  readonly clientSecret?: string | undefined;
  /** How the token endpoint wants it. */
  readonly sendsSecretBy: 'basic' | 'post';
};

export type IssuerSeals = {
  readonly sealSettings: (issuerId: string, settings: IssuerSettings) => Buffer;
  readonly openSettings: (issuerId: string, sealed: Buffer) => IssuerSettings;
};

/** What an ID token said whose signature, issuer, audience, nonce and times are right. */
export type Proven = {
  readonly subject: string;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  /** When somebody signed in there. */
  readonly authAt: Date | undefined;
  /** What the issuer calls its session (`sid`). */
  readonly issuerSession: string | null;
};

/** True of what an issuer may call a person or a session: PostgreSQL keeps no NUL in a text. */
export function isNamed(text: string): boolean {
  return text.length > 0 && text.length <= 255 && !text.includes('\0');
}

/** A clock there that runs before ours. */
const AHEAD_MAX_MS = 60_000;

/**
 * True where the issuer said in a way that we agreed on that somebody proved enough, and did so
 * lately (OWASP ASVS 5.0, 6.8.4). One that says nothing proved too little.
 */
export function isAssured(
  { acr, amr, authAgeMaxMs }: Pick<Issuer, 'acr' | 'amr' | 'authAgeMaxMs'>,
  proven: Proven,
  now: Date,
): boolean {
  const isEnough =
    (proven.acr !== undefined && acr.includes(proven.acr)) ||
    proven.amr.some((way) => amr.includes(way));
  if (!isEnough || proven.authAt === undefined) return false;
  const ageMs = now.getTime() - proven.authAt.getTime();
  return ageMs < authAgeMaxMs && ageMs > -AHEAD_MAX_MS;
}

/** True of an address that this issuer may send us, or a browser, to. */
export function isOwnAddress({ url, origins }: Pick<Issuer, 'url' | 'origins'>, address: string) {
  if (!URL.canParse(address)) return false;
  const { origin, username, password } = new URL(address);
  if (username !== '' || password !== '') return false;
  return origin === new URL(url).origin || origins.includes(origin);
}

/** Where the browser comes back to: another address for each, so that none answers for another. */
export function returnPath(issuerId: string): string {
  return `/sign-in/with/${issuerId}/return`;
}

/** Where it tells that somebody signed out there. */
export function logoutPath(issuerId: string): string {
  return `/callbacks/issuers/${issuerId}/logout`;
}

/**
 * What binds the answer to this visit and this browser, made of the ticket that only the browser
 * has: whoever reads the database can complete no visit.
 */
export function boundBy(id: string, ticket: string) {
  const derive = (word: string) =>
    createHash('sha256').update(`${word}|${id}|${ticket}`).digest('base64url');
  return {
    state: `${id}.${derive('state')}`,
    nonce: derive('nonce'),
    verifier: derive('verifier'),
  };
}
