/** Files that people take away: refused rows to be mended, and what an import would change. */
import { csvCell } from '#web/index.ts';
import { REFUSED_COLUMN } from './columns.ts';
import type { PlannedRow, RefusedRow } from '../model.ts';
import type { RefusedLine } from './import-options.ts';
import { isOdsRow, odsColumns, odsType } from './parse-organisation.ts';
import { columnName } from './row.ts';
import { readLines } from './sheet.ts';

/**
 * The refused rows of a file as a file: the same columns, then what was wrong. Mended in place it
 * can be imported as it is. Holds what the file held, numbers too: it belongs to whoever made it.
 */
export function refusedFile(bytes: Uint8Array, refusedRows: readonly RefusedRow[]): string {
  if (refusedRows.length === 0) return '';
  const byLine = Map.groupBy(refusedRows, ({ line }) => line);
  const { first, cells } = readLines(bytes, new Set(byLine.keys()));
  const lines = Array.from(byLine, ([line, reasons]) =>
    refusedLine(first, { line, cells: cells.get(line) ?? [], reasons }),
  );
  return [refusedHead(first), ...lines].join('');
}

/** The line of names: those of the file, or what the columns of ODS would be called. */
export function refusedHead(first: readonly string[]): string {
  const isOds = isOdsRow(first);
  const names = isOds ? odsColumns : ownCells(first, first);
  return toCsv([[...names, 'refused_line', 'refused_reason', ...(isOds ? ['type'] : [])]]);
}

/** Without what an earlier file of refused rows added: mended in part, it is refused in part again. */
function ownCells(first: readonly string[], cells: readonly string[]): readonly string[] {
  return cells.filter((_, i) => !REFUSED_COLUMN.test(columnName(first[i] ?? '')));
}

export function refusedLine(
  first: readonly string[],
  { line, cells, reasons }: RefusedLine,
): string {
  const said = reasons.map(({ field, reason }) => `${field} ${reason}`.trim()).join('; ');
  const own = ownCells(first, cells);
  const width = isOdsRow(first) ? odsColumns.length : ownCells(first, first).length;
  const missing = Array.from({ length: Math.max(width - own.length, 0) }, () => '');
  // ODS tells no type, and with names of columns it is our own file, which must.
  const type = isOdsRow(first) ? [first[12] === '' ? 'trust' : odsType(cells[25] ?? '')] : [];
  return toCsv([[...own, ...missing, String(line), said, ...type]]);
}

export const changesHead = toCsv([['line', 'outcome', 'what', 'field', 'from', 'to']]);

/** A line for each field that becomes different; numbers and addresses masked. */
export function changesLines({ line, outcome, label, changes }: PlannedRow): string {
  const what = [String(line), outcome, label];
  if (changes.length === 0) return toCsv([[...what, '', '', '']]);
  return toCsv(changes.map(({ field, from, to }) => [...what, field, from, to]));
}

/** With the mark Excel reads it as UTF-8. */
export const CSV_MARK = '\uFEFF';

export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

export function changesFile(rows: readonly PlannedRow[]): string {
  const lines = rows.toSorted((a, b) => a.line - b.line).map(changesLines);
  return CSV_MARK + [changesHead, ...lines].join('');
}
