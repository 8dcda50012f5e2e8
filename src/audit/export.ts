/** The log as others take it along: every leaf a line, or some entries with their proofs. */
import type { Tx } from '#db/database.ts';
import { csvFile } from '#web/index.ts';
import type { Entry } from './model.ts';
import { proveInclusion } from './proofs.ts';
import { selectLastCheckpoint, selectLeavesOf, selectLog, type LogRow } from './store-log.ts';

const PAGE = 5_000;

/** Every leaf from the first on, some thousands in memory. */
export async function* readLog(tx: Tx): AsyncGenerator<LogRow> {
  for (let from = 0; ;) {
    const rows = await selectLog(tx, from, PAGE);
    yield* rows;
    if (rows.length < PAGE) return;
    from = rows.at(-1)!.position + 1;
  }
}

/** A leaf as scripts/verify-audit.mjs reads it. */
export function asLine({ position, hash, detailHash, entry }: LogRow) {
  return {
    position,
    leaf: hash.toString('hex'),
    detail_hash: detailHash.toString('hex'),
    ...(entry && {
      id: entry.id,
      at: entry.at,
      actor_kind: entry.actorKind,
      actor_id: entry.actorId,
      action: entry.action,
      subject_kind: entry.subjectKind,
      subject_id: entry.subjectId,
      detail: entry.detail,
      salt: entry.salt?.toString('hex') ?? null,
    }),
  };
}

export type ProvenEntries = {
  /** The signed note that the proofs lead to; null where nothing was signed yet. */
  readonly checkpoint: string | null;
  readonly entries: readonly (ReturnType<typeof asLine> & {
    /** Base64; null where the checkpoint does not reach so far. */
    readonly proof: readonly string[] | null;
  })[];
};

/** These entries with what proves each; those that are not in the log yet are left out. */
export async function proveEntries(tx: Tx, entries: readonly Entry[]): Promise<ProvenEntries> {
  const checkpoint = await selectLastCheckpoint(tx);
  const rows = await selectLeavesOf(
    tx,
    entries.map(({ id }) => id),
  );
  const size = checkpoint?.size ?? 0;
  const covered = rows.map(({ position }) => position).filter((position) => position < size);
  const proofs = await proveInclusion(tx, covered, size);
  const order = new Map(entries.map(({ id }, i) => [id, i]));
  return {
    checkpoint: checkpoint?.note ?? null,
    entries: rows
      .toSorted((a, b) => order.get(a.entryId)! - order.get(b.entryId)!)
      .map((row) => {
        const proof = proofs.get(row.position);
        return { ...asLine(row), proof: proof?.map((hash) => hash.toString('base64')) ?? null };
      }),
  };
}

const COLUMNS = [
  'at',
  'actor_kind',
  'actor_id',
  'actor_name',
  'action',
  'subject_kind',
  'subject_id',
  'detail',
  'id',
  'position',
  'detail_hash',
  'salt',
  'leaf',
  'checkpoint_size',
  'checkpoint_root',
  'proof',
] as const;

type Cells = {
  readonly [Column in (typeof COLUMNS)[number]]?: string | number | null | undefined;
};

/** The same for a spreadsheet; the hashes of a proof with spaces between. */
export function provenCsv(
  { checkpoint, entries }: ProvenEntries,
  nameOf: (actorId: string) => string | undefined,
): string {
  const [, size = '', root = ''] = checkpoint?.split('\n') ?? [];
  const rows = entries.map((entry) => {
    const isProven = entry.proof !== null;
    const cells: Cells = {
      ...entry,
      actor_name: nameOf(entry.actor_id ?? ''),
      checkpoint_size: isProven ? size : '',
      checkpoint_root: isProven ? root : '',
      proof: entry.proof?.join(' '),
    };
    return COLUMNS.map((column) => String(cells[column] ?? ''));
  });
  return csvFile([COLUMNS, ...rows]);
}
