/**
 * Checkpoints as others read them: a signed note (c2sp.org/signed-note) whose three lines are the
 * name of the log, the number of its entries and the root over them (c2sp.org/tlog-checkpoint).
 */
import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { sha256 } from './tree.ts';

export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
};

export type SignedNote = Checkpoint & {
  /** What is signed: the three lines. */
  readonly text: string;
  readonly signatures: readonly { readonly keyId: string; readonly bytes: Buffer }[];
};

/** The number of Ed25519 among the kinds of signatures. */
const ED25519 = Buffer.from([1]);
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** What stands before a raw Ed25519 key in SubjectPublicKeyInfo (RFC 8410, section 4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** The name of the log of an installation: it stays when addresses and keys change. */
export function originOf(installationId: string): string {
  return `tocsin-audit/${installationId}`;
}

/** Eight hexadecimal digits: which key made a signature. */
export function keyIdOf(origin: string, publicKey: Uint8Array): string {
  return sha256(Buffer.from(`${origin}\n`), ED25519, publicKey)
    .subarray(0, 4)
    .toString('hex');
}

/** The form in which verifiers of others take a key. */
export function verifierKey(origin: string, publicKey: Uint8Array): string {
  const bytes = Buffer.concat([ED25519, publicKey]).toString('base64');
  return `${origin}+${keyIdOf(origin, publicKey)}+${bytes}`;
}

/** The raw key of such a form for this log; undefined for anything else. */
export function parseVerifierKey(text: string, origin: string): Buffer | undefined {
  const [name, , ...rest] = text.split('+');
  const bytes = Buffer.from(rest.join('+'), 'base64');
  const key = bytes.subarray(1);
  if (bytes[0] !== ED25519[0] || key.length !== KEY_BYTES) return undefined;
  return name === origin && verifierKey(origin, key) === text ? Buffer.from(key) : undefined;
}

export function rawPublicKey(key: KeyObject): Buffer {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return spki.subarray(SPKI_HEAD.length);
}

/** The note over a checkpoint, signed by each key. */
export function signNote({ origin, size, root }: Checkpoint, keys: readonly KeyObject[]): string {
  const text = `${origin}\n${size}\n${root.toString('base64')}\n`;
  const lines = keys.map((key) => {
    const id = Buffer.from(keyIdOf(origin, rawPublicKey(key)), 'hex');
    const bytes = Buffer.concat([id, sign(null, Buffer.from(text), key)]);
    return `— ${origin} ${bytes.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** The parts of a note, without signatures of others; undefined where it has not the form. */
export function parseNote(note: string): SignedNote | undefined {
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin = '', size = '', root = '', ...more] = text.split('\n');
  const hash = Buffer.from(root, 'base64');
  if (end < 0 || origin === '' || !/^(?:0|[1-9]\d{0,15})$/.test(size)) return undefined;
  if (more.length !== 1 || hash.length !== 32 || hash.toString('base64') !== root) return undefined;
  const signatures = note
    .slice(end + 2)
    .split('\n')
    .flatMap((line) => {
      const [dash, name, base64 = ''] = line.split(' ');
      const bytes = Buffer.from(base64, 'base64');
      if (dash !== '—' || name !== origin || bytes.length !== 4 + SIGNATURE_BYTES) return [];
      return [{ keyId: bytes.subarray(0, 4).toString('hex'), bytes: bytes.subarray(4) }];
    });
  return { origin, size: Number(size), root: hash, text, signatures };
}

/** Whether the key of these raw bytes signed the note. */
export function isSignedBy(note: SignedNote, publicKey: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false;
  const id = keyIdOf(note.origin, publicKey);
  const der = Buffer.concat([SPKI_HEAD, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return note.signatures.some(
    ({ keyId, bytes }) => keyId === id && verify(null, Buffer.from(note.text), key, bytes),
  );
}
