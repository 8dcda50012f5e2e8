/** The end of every import: counts, the log, the entry of the audit. */
import { createHash } from 'node:crypto';
import { actorId } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { ImportFile, ImportOptions, RefusedLine } from './import-options.ts';
import type {
  ImportCounts,
  ImportKind,
  ImportResult,
  PlannedRow,
  RefusedRow,
  RowOutcome,
} from '../model.ts';
import { readLines } from './sheet.ts';
import { insertImport } from './store-import.ts';
import { forgetImages } from './store-image.ts';

export type Tally = Record<RowOutcome, number>;

export function newTally(refusedRows: readonly RefusedRow[]): Tally {
  const refused = new Set(refusedRows.map(({ line }) => line)).size;
  return { added: 0, changed: 0, closed: 0, moved: 0, unchanged: 0, refused };
}

export function countRows(tally: Tally, rows: readonly PlannedRow[]): void {
  for (const { outcome } of rows) tally[outcome] += 1;
}

/** How many organisations or contacts become different. */
export function changesIn({ added, changed, closed, moved }: ImportCounts): number {
  return added + changed + closed + moved;
}

/** Hands over the refused rows as they stood in the file, which is read once more for them. */
export async function tellRefused(
  { bytes }: ImportFile,
  { onRefused }: ImportOptions,
  refusedRows: readonly RefusedRow[],
): Promise<void> {
  if (onRefused === undefined || refusedRows.length === 0) return;
  const { first, cells } = readLines(bytes, new Set(refusedRows.map(({ line }) => line)));
  const byLine = Map.groupBy(refusedRows, ({ line }) => line);
  const lines: RefusedLine[] = Array.from(byLine, ([line, reasons]) => ({
    line,
    cells: cells.get(line) ?? [],
    reasons: reasons.map(({ field, reason }) => ({ field, reason })),
  }));
  await onRefused(lines, first);
}

export type Finished = {
  readonly importId: string;
  readonly kind: ImportKind;
  readonly counts: ImportCounts;
  readonly refusedRows: readonly RefusedRow[];
  readonly notes: readonly string[];
  readonly source: 'csv' | 'ods';
  readonly isWriting: boolean;
  /** Regions and systems written beside the rows. */
  readonly renamed: number;
};

/** Log and audit entry where something changed; the same file again leaves no trace. */
export async function finishImport(
  tx: Tx,
  file: ImportFile,
  options: ImportOptions,
  finished: Finished,
): Promise<ImportResult> {
  const { importId: id, kind, counts, refusedRows, notes, source, isWriting, renamed } = finished;
  const dryRun = options.dryRun ?? false;
  const result = { kind, counts, refusedRows, notes, dryRun, withheld: !isWriting && !dryRun };
  if (!isWriting) return result;
  const isChanged = changesIn(counts) > 0 || renamed > 0;
  // An undo is of the last import that changed something.
  await forgetImages(tx, isChanged ? { allBut: id } : { of: id });
  if (!isChanged) return result;
  const { approvalId = null } = options;
  const sha256 = createHash('sha256').update(file.bytes).digest('hex');
  await insertImport(tx, {
    id,
    kind,
    fileName: file.name,
    sha256,
    startedAt: options.startedAt,
    counts,
    actor: actorId(tx.actor),
    approvalId,
  });
  // The name of the file stays out: people put numbers into names of files (P12).
  await record(tx, {
    action: `${kind}.imported`,
    subject: { kind: 'import', id },
    detail: { sha256, source, ...counts, ...(approvalId !== null && { approvalId }) },
  });
  return { ...result, importId: id };
}
