/**
 * Contact points at rest: sealed with AES-256-GCM, found again by a keyed hash. Both keys live
 * outside the database, so a stolen copy of it holds no number and no address (P12).
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { drawBytes } from './random-bytes.ts';

export type SealingKey = {
  /** 1–255, written into the envelope so that keys can be changed one row at a time. */
  readonly id: number;
  /** 32 bytes. */
  readonly key: Buffer;
};

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 2 + NONCE_BYTES + TAG_BYTES;
const CIPHER = 'aes-256-gcm';

/** Thrown where sealed bytes cannot be opened: damage, a wrong context or a missing key. */
export class UnsealError extends Error {
  readonly reason: 'format' | 'key' | 'authentication';

  constructor(reason: 'format' | 'key' | 'authentication') {
    super(`sealed value cannot be opened: ${reason}`);
    this.name = 'UnsealError';
    this.reason = reason;
  }
}

/**
 * `version | key id | nonce | tag | ciphertext`. The context names the owner of the value, such as
 * `contact_point|<uuid>`; it is authenticated, so bytes copied to another row do not open there.
 */
export function seal(key: SealingKey, context: string, plaintext: string): Buffer {
  if (!Number.isInteger(key.id) || key.id < 1 || key.id > 255) {
    throw new RangeError('a sealing key has an id from 1 to 255');
  }
  const nonce = drawBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.key, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION, key.id), nonce, cipher.getAuthTag(), ciphertext]);
}

/** The plaintext, or an `UnsealError`. `keys` are all keys still in use; the envelope picks one. */
export function open(keys: readonly SealingKey[], context: string, sealed: Buffer): string {
  if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION) throw new UnsealError('format');
  const key = keys.find((candidate) => candidate.id === sealed[1]);
  if (key === undefined) throw new UnsealError('key');
  const nonce = sealed.subarray(2, 2 + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key.key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(2 + NONCE_BYTES, HEADER_BYTES));
  const plaintext = decipher.update(sealed.subarray(HEADER_BYTES));
  try {
    return Buffer.concat([plaintext, decipher.final()]).toString('utf8');
  } catch {
    throw new UnsealError('authentication');
  }
}

/** HMAC-SHA-256: equal values of one kind meet in a unique index without being readable there. */
export function blindIndex(key: Buffer, kind: string, normalised: string): Buffer {
  return createHmac('sha256', key).update(`${kind}|${normalised}`).digest();
}
