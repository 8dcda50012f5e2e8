/**
 * The keys of a process, opened. They are read at its start and again whenever one comes, is
 * exchanged or goes (follow.ts); whoever seals or opens asks here each time, so nobody holds on to
 * a key that was exchanged.
 */
import type { FileKey } from '#db/data-folder.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { drawBytes } from '#kernel/random-bytes.ts';
import {
  open,
  seal,
  UnsealError,
  type SealedPurpose,
  type SealingKey,
  type SealingKeys,
} from '#kernel/sealed.ts';
import { sealedPurposes, type KeyPurpose } from './model.ts';
import type { KeyRow } from './store.ts';

/** What the parts of the product seal and open with. */
export type Keys = {
  readonly keysOf: (purpose: SealedPurpose) => SealingKeys;
  /** 32 bytes. */
  readonly blindIndexKey: Buffer;
};

export class Keyring implements Keys {
  readonly #opened = new Map<number, Buffer>();
  #ofPurpose: ReadonlyMap<KeyPurpose, SealingKeys> = new Map();

  keysOf = (purpose: SealedPurpose): SealingKeys => this.#get(purpose);

  get blindIndexKey(): Buffer {
    return this.#get('blind_index').current.key;
  }

  /** The ids of all keys that it opens. */
  get opens(): number[] {
    return [...this.#opened.keys()];
  }

  /**
   * Takes over what is in the database. Where a key of the file is missing, what could be opened is
   * used all the same: a process that runs goes on. Throws where a wrapped key is damaged.
   */
  learn(rows: readonly KeyRow[], fileKeys: readonly FileKey[]): Outcome<void> {
    const closed = rows.filter((row) => !this.#opens(row, fileKeys));
    const there = new Set(rows.map(({ id }) => id));
    for (const id of this.#opened.keys()) if (!there.has(id)) this.#opened.delete(id);
    const opened = rows.filter(({ id }) => this.#opened.has(id));
    this.#ofPurpose = new Map(
      [...sealedPurposes, 'blind_index' as const].flatMap((purpose) => {
        const keys = this.#keysAmong(opened.filter((row) => row.purpose === purpose));
        return keys === undefined ? [] : [[purpose, keys] as const];
      }),
    );
    const [first] = closed;
    return first === undefined ? ok(undefined) : refused('not_found', explainMissing(first));
  }

  #opens(row: KeyRow, fileKeys: readonly FileKey[]): boolean {
    if (this.#opened.has(row.id)) return true;
    const key = unwrap(row, fileKeys);
    if (key !== undefined) this.#opened.set(row.id, key);
    return key !== undefined;
  }

  #keysAmong(rows: readonly KeyRow[]): SealingKeys | undefined {
    const keyOf = ({ id }: KeyRow): SealingKey => ({ id, key: this.#opened.get(id)! });
    // A process that could not open the newest goes on with the one it has.
    const current = rows.find(({ state }) => state === 'current') ?? rows.at(0);
    if (current === undefined) return undefined;
    // First the one that most values are sealed by: `open` looks from the front.
    const others = rows.filter(({ id }) => id !== current.id);
    return { current: keyOf(current), all: [current, ...others].map(keyOf) };
  }

  #get(purpose: KeyPurpose): SealingKeys {
    const keys = this.#ofPurpose.get(purpose);
    if (keys === undefined) throw new Error(`no key for ${purpose} was read yet`);
    return keys;
  }
}

function explainMissing({ wrappedBy }: KeyRow): string {
  return (
    `The keys in the database are wrapped by key ${wrappedBy} of secrets.json, which is not in ` +
    'the secrets.json of this data folder. Bring the file back from your backup, or from another ' +
    'machine of this installation.'
  );
}

/** A key that is not known anywhere yet, wrapped for the database. */
export function wrapNewKey(id: number, purpose: KeyPurpose, fileKey: FileKey): Buffer {
  return wrap({ id, purpose }, drawBytes(32), fileKey);
}

/** The same key wrapped by another one of the file; undefined where the file lacks the first. */
export function rewrap(
  row: KeyRow,
  fileKeys: readonly FileKey[],
  next: FileKey,
): Buffer | undefined {
  const key = unwrap(row, fileKeys);
  return key === undefined ? undefined : wrap(row, key, next);
}

type Named = Pick<KeyRow, 'id' | 'purpose'>;

/** Bound to its id and purpose: a wrapped key copied to another row does not open there. */
function contextOf({ id, purpose }: Named): string {
  return `sealing_key|${purpose}|${id}`;
}

function wrap(row: Named, key: Buffer, fileKey: FileKey): Buffer {
  return seal(asSealingKey(fileKey), contextOf(row), key.toString('base64'));
}

function unwrap(row: KeyRow, fileKeys: readonly FileKey[]): Buffer | undefined {
  try {
    const opened = open(fileKeys.map(asSealingKey), contextOf(row), row.wrapped);
    return Buffer.from(opened, 'base64');
  } catch (error) {
    // Another file with a key of the same number is a missing key too.
    if (error instanceof UnsealError && error.reason !== 'format') return undefined;
    throw error;
  }
}

function asSealingKey({ id, key }: FileKey): SealingKey {
  return { id, key: Buffer.from(key, 'base64') };
}
