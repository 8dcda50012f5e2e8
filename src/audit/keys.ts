/**
 * The keys that sign checkpoints: a file in the data folder, outside of the database. The first one
 * is made when the log begins, and whoever checks the log writes its public half down elsewhere.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeAtomically } from '#db/data-folder.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { rawPublicKey } from './note.ts';

export const KEYS_FILE = 'audit-keys.json';

export type LogKey = {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /** Absent once another key took its place: what it signed can still be checked. */
  readonly privateKey?: KeyObject;
};

const PKCS8 = { type: 'pkcs8', format: 'der' } as const;

/** All keys that ever signed, oldest first; none where there is no file yet. */
export function readKeys(file: string): Outcome<LogKey[]> {
  if (!existsSync(file)) return ok([]);
  try {
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: StoredKey[] };
    return ok(keys.map(fromStored));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return refused('unavailable', `This user may not read ${file}.`);
    return refused('invalid', `${file} is damaged. Bring it back from your backup.`);
  }
}

type StoredKey = { readonly publicKey: string; readonly privateKey?: string };

function fromStored({ publicKey, privateKey }: StoredKey): LogKey {
  const raw = Buffer.from(publicKey, 'hex');
  if (privateKey === undefined) return { publicKey: raw };
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), ...PKCS8 });
  if (!rawPublicKey(key).equals(raw)) throw new Error('the halves do not fit');
  return { publicKey: raw, privateKey: key };
}

function write(file: string, keys: readonly LogKey[], { replace = true } = {}): void {
  const stored: StoredKey[] = keys.map(({ publicKey, privateKey }) => ({
    publicKey: publicKey.toString('hex'),
    ...(privateKey && { privateKey: privateKey.export(PKCS8).toString('base64') }),
  }));
  writeAtomically(file, `${JSON.stringify({ keys: stored }, null, 2)}\n`, 0o600, { replace });
}

function newKey(): LogKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: rawPublicKey(privateKey), privateKey };
}

/** Makes the file with the first key; a file that another process made meanwhile stays. */
export function makeFirstKey(file: string): Outcome<LogKey[]> {
  write(file, [newKey()], { replace: false });
  return readKeys(file);
}

/** A further key at the end; it signs when the log says so. */
export function addKey(file: string, keys: readonly LogKey[]): LogKey {
  const key = newKey();
  write(file, [...keys, key]);
  return key;
}

/** Forgets the private halves of all keys before this one: nobody signs with them any more. */
export function retireBefore(file: string, keys: readonly LogKey[], publicKey: Buffer): void {
  const at = keys.findIndex((key) => key.publicKey.equals(publicKey));
  if (!keys.slice(0, at).some(({ privateKey }) => privateKey !== undefined)) return;
  write(
    file,
    keys.map((key, i) => (i < at ? { publicKey: key.publicKey } : key)),
  );
}
