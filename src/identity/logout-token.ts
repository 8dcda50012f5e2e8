/**
 * What an issuer sends when somebody signed out there (OpenID Connect Back-Channel Logout 1.0,
 * sections 2.4 and 2.6): a token that it signed, and that cannot be an ID token.
 */
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { isNamed } from './issuer-model.ts';

export type LogoutToken = {
  /** Of the token (`jti`): none counts twice. */
  readonly id: string;
  /** Who signed out: everywhere, where no session is named. */
  readonly subject: string | undefined;
  /** What the issuer calls the session that ended there (`sid`). */
  readonly issuerSession: string | undefined;
};

/** Whose token it has to be, and for whom. */
export type Expected = {
  /** The keys of the issuer. */
  readonly keys: JWTVerifyGetKey;
  readonly issuer: string;
  readonly clientId: string;
  /** What it says that it signs ID tokens with; absent: the one that all have to know. */
  readonly algorithms: readonly string[] | undefined;
};

/** `failure` is a word of ours. */
export type Read =
  | { readonly ok: true; readonly value: LogoutToken }
  | { readonly ok: false; readonly failure: string };

/** Anybody may have sent it: it says nothing of the issuer. */
export const NOT_SIGNED_THERE = 'not_signed_there';

/** With a pair of keys each. None, and what is signed with a shared secret, are never taken. */
const SIGNED_BY_PAIRS = /^(?:RS|PS|ES)(?:256|384|512)$|^(?:EdDSA|Ed25519)$/;

/** One that was kept longer is not taken; so long ids have to be known again. */
const AGE_MAX_SECONDS = 10 * 60;

/** Of its clock and ours. */
const APART_MAX_SECONDS = 60;

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

const name = z.string().refine(isNamed);

const claims = z
  .object({
    jti: name,
    sub: name.optional(),
    sid: name.optional(),
    events: z.object({ [EVENT]: z.looseObject({}) }),
    // So that no ID token is one.
    nonce: z.never().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined, { path: ['sub'] });

/** The claims of a token that this issuer signed for us, now. Throws what its keys throw. */
export async function readLogoutToken(
  token: string,
  { keys, issuer, clientId, algorithms = ['RS256'] }: Expected,
): Promise<Read> {
  let verified;
  try {
    verified = await jwtVerify(token, keys, {
      algorithms: algorithms.filter((one) => SIGNED_BY_PAIRS.test(one)),
      issuer,
      audience: clientId,
      requiredClaims: ['exp'],
      maxTokenAge: AGE_MAX_SECONDS,
      clockTolerance: APART_MAX_SECONDS,
    });
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
      return wrong(error.claim);
    if (error instanceof errors.JOSEError && FORGED.has(error.code))
      return { ok: false, failure: NOT_SIGNED_THERE };
    throw error;
  }
  const { payload, protectedHeader } = verified;
  const { typ = 'JWT' } = protectedHeader;
  // Issuers of before the standard was final say `JWT`; an access token says what it is.
  if (!/^(?:application\/)?(?:logout\+)?jwt$/i.test(typ)) return wrong('typ');
  const { aud, azp } = payload;
  // As for an ID token: for others as well only where we are the one it was made for.
  if (Array.isArray(aud) && aud.length > 1 && azp !== clientId) return wrong('aud');
  const parsed = claims.safeParse(payload);
  if (!parsed.success) return wrong(String(parsed.error.issues[0]?.path[0]));
  const { jti, sub, sid } = parsed.data;
  return { ok: true, value: { id: jti, subject: sub, issuerSession: sid } };
}

function wrong(claim: string): Read {
  return { ok: false, failure: `logout_${claim}` };
}

/** Found before, or because, no key of the issuer fits. */
const FORGED: ReadonlySet<string> = new Set([
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWKSMultipleMatchingKeys.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JWTInvalid.code,
]);
