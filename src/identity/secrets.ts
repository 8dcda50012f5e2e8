/** Tokens and keys: 256 random bits for the holder, their SHA-256 for us. */
import { createHash, randomBytes } from 'node:crypto';

/** 43 characters that fit in an address and a cookie. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * A plain hash is enough: with 256 random bits there is nothing to guess, so the slow hashes made
 * for passwords would only cost time at every request.
 */
export function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

export type NewApiKey = { readonly prefix: string; readonly secret: string };

/** `tocsin_<prefix>_<secret>`: scanners of code and logs can find a key that was left lying about. */
export function newApiKey(): NewApiKey {
  const prefix = randomBytes(4).toString('hex');
  return { prefix, secret: `tocsin_${prefix}_${newToken()}` };
}
