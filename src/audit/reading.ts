/** What one pass over the log finds: wrong entries, and the roots that its leaves make. */
import type { LoggedEntry, LogRow } from './store-log.ts';
import { fold, nodeHash, sha256 } from './tree.ts';

export type Finding = {
  /** The first entry that is wrong, as far as can be said; null: it is about the file alone. */
  readonly position: number | null;
  /** In the file of checkpoints; null: it is about the entries alone. */
  readonly line: number | null;
  readonly what: string;
};

export type Reading = {
  readonly size: number;
  /** By number of entries, for the sizes that were asked for. */
  readonly roots: ReadonlyMap<number, Buffer>;
  readonly findings: readonly Finding[];
  readonly erased: number;
  /** Which keys the log names from which position on, in hex. */
  readonly keys: readonly { readonly position: number; readonly publicKey: string }[];
  readonly acceptances: readonly AcceptedLoss[];
};

export type AcceptedLoss = {
  readonly at: string;
  readonly kept: number;
  readonly exportedSize: number;
  readonly exportedRoot: string;
};

const LEAF = Buffer.from([0]);

/** The hash of a leaf as docs say it, apart from the statement that wrote it. */
export function leafHash(position: number, entry: LoggedEntry, detailHash: Buffer): Buffer {
  const parts = [
    'tocsin audit entry 1',
    String(position),
    entry.id,
    entry.at,
    entry.actorKind,
    entry.actorId,
    entry.action,
    entry.subjectKind,
    entry.subjectId,
    detailHash.toString('hex'),
  ];
  const text = parts.map((part) => `${Buffer.byteLength(part)}:${part},`).join('');
  return sha256(LEAF, Buffer.from(text));
}

export async function readLeaves(
  leaves: AsyncIterable<LogRow>,
  sizes: ReadonlySet<number>,
): Promise<Reading> {
  const findings: Finding[] = [];
  const special = new SpecialEntries();
  const range: { width: number; hash: Buffer }[] = [];
  const roots = new Map<number, Buffer>();
  const keepRoot = (size: number) => {
    if (sizes.has(size)) roots.set(size, fold(range.map(({ hash }) => hash)));
  };
  let size = 0;
  keepRoot(0);
  for await (const row of leaves) {
    if (row.position !== size)
      findings.push({ position: size, line: null, what: 'It is missing from the log.' });
    const what = complaintAbout(row);
    // What a forged entry says of the log itself is not believed.
    if (what === undefined) special.note(row);
    else findings.push({ position: row.position, line: null, what });
    let [width, hash] = [1, row.hash];
    for (let last = range.at(-1); last?.width === width; last = range.at(-1)) {
      range.pop();
      [width, hash] = [2 * width, nodeHash(last.hash, hash)];
    }
    range.push({ width, hash });
    size = row.position + 1;
    keepRoot(size);
  }
  const { keys, acceptances, erased } = special;
  const all = [...findings, ...special.erasedInSilence()];
  return { size, roots, findings: all, erased: erased.size, keys, acceptances };
}

/** Its own leaf stays what the tree is made of, so that one wrong entry does not hide the next. */
function complaintAbout({
  position,
  entryId,
  entry,
  detailHash,
  hash,
}: LogRow): string | undefined {
  if (entry === null) return `Entry ${entryId} was deleted.`;
  const isErased = entry.detail === null || entry.salt === null;
  if (!isErased && !sha256(entry.salt, Buffer.from(entry.detail)).equals(detailHash))
    return `The detail of entry ${entryId} was changed.`;
  if (leafHash(position, entry, detailHash).equals(hash)) return undefined;
  return `Entry ${entryId} was changed, or stood elsewhere.`;
}

/** Entries that say something about the log itself. */
class SpecialEntries {
  readonly keys: { position: number; publicKey: string }[] = [];
  readonly acceptances: AcceptedLoss[] = [];
  /** Positions by id. */
  readonly erased = new Map<string, number>();
  readonly #erasures = new Set<string>();

  note({ position, entry }: LogRow): void {
    if (entry === null) return;
    if (entry.detail === null) this.erased.set(entry.id, position);
    if (entry.action === 'audit.detail_erased') this.#erasures.add(entry.subjectId);
    if (entry.detail === null || !entry.action.startsWith('audit.')) return;
    const detail = JSON.parse(entry.detail) as Record<string, unknown>;
    if (entry.action === 'audit.key_made' || entry.action === 'audit.key_rotated')
      this.keys.push({ position, publicKey: String(detail['public_key']) });
    if (entry.action === 'audit.restore_accepted')
      this.acceptances.push({
        at: entry.at,
        kept: Number(detail['kept']),
        exportedSize: Number(detail['exported_size']),
        exportedRoot: String(detail['exported_root']),
      });
  }

  erasedInSilence(): Finding[] {
    return [...this.erased]
      .filter(([id]) => !this.#erasures.has(id))
      .map(([id, position]) => {
        const what = `The detail of entry ${id} is gone, and no entry says who erased it.`;
        return { position, line: null, what };
      });
  }
}
