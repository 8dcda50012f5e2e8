/**
 * Contact points and secrets at rest: sealed with AES-256-GCM, found again by a keyed hash. The
 * keys are kept wrapped by others that live outside the database (`src/sealing`), so a stolen copy
 * of it holds no number and no address (P12).
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { drawBytes } from './random-bytes.ts';

export type SealingKey = {
  /** 1–65,535, written into the envelope so that keys can be changed one row at a time. */
  readonly id: number;
  /** 32 bytes. */
  readonly key: Buffer;
};

/** What a key is for: a key that was lost opens nothing of another purpose. */
export type SealedPurpose = 'personal' | 'credential';

/** The keys of one purpose. In a process that runs, both change when a key is exchanged. */
export type SealingKeys = {
  /** What new values are sealed by. */
  readonly current: SealingKey;
  /** What values may be sealed by, `current` among them. */
  readonly all: readonly SealingKey[];
};

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Version and key id; `kernel.sealed_by` in SQL reads the id from there too. */
const NAME_BYTES = 3;
const TAG_AT = NAME_BYTES + NONCE_BYTES;
const HEADER_BYTES = TAG_AT + TAG_BYTES;
const ID_MAX = 65_535;
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
 * `contact_point|<uuid>`; it is authenticated with version and key id, so bytes copied to another
 * row do not open there, and a key id that was written over opens nothing.
 */
export function seal(key: SealingKey, context: string, plaintext: string): Buffer {
  if (!Number.isInteger(key.id) || key.id < 1 || key.id > ID_MAX) {
    throw new RangeError('a sealing key has an id from 1 to 65535');
  }
  const name = Buffer.of(VERSION, key.id >> 8, key.id & 0xff);
  const nonce = drawBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.key, nonce).setAAD(authenticated(name, context));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([name, nonce, cipher.getAuthTag(), ciphertext]);
}

/** The plaintext, or an `UnsealError`. `keys` are all keys still in use; the envelope picks one. */
export function open(keys: readonly SealingKey[], context: string, sealed: Buffer): string {
  if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION) throw new UnsealError('format');
  const id = sealedBy(sealed);
  const key = keys.find((candidate) => candidate.id === id);
  if (key === undefined) throw new UnsealError('key');
  const nonce = sealed.subarray(NAME_BYTES, TAG_AT);
  const decipher = createDecipheriv(CIPHER, key.key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(authenticated(sealed.subarray(0, NAME_BYTES), context))
    .setAuthTag(sealed.subarray(TAG_AT, HEADER_BYTES));
  const plaintext = decipher.update(sealed.subarray(HEADER_BYTES));
  try {
    return Buffer.concat([plaintext, decipher.final()]).toString('utf8');
  } catch {
    throw new UnsealError('authentication');
  }
}

/** The id of the key that sealed it; of bytes that `seal` made. */
export function sealedBy(sealed: Buffer): number {
  return sealed.readUInt16BE(1);
}

function authenticated(name: Buffer, context: string): Buffer {
  return Buffer.concat([name, Buffer.from(context)]);
}

/** HMAC-SHA-256: equal values of one kind meet in a unique index without being readable there. */
export function blindIndex(key: Buffer, kind: string, normalised: string): Buffer {
  return createHmac('sha256', key).update(`${kind}|${normalised}`).digest();
}
