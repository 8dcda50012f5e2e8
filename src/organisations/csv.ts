import type { RefusedRow } from './model.ts';
import { isOdsRow, odsColumns } from './parse-organisation.ts';
import { readSheet } from './sheet.ts';

/**
 * The refused rows of a file as a file: the same columns, then what was wrong. Mended in place it
 * can be imported as it is. Holds what the file held, numbers too: it belongs to whoever made it.
 */
export function refusedFile(bytes: Uint8Array, refusedRows: readonly RefusedRow[]): string {
  const sheet = readSheet(bytes);
  if (!sheet.ok || refusedRows.length === 0) return '';
  const [first] = sheet.value.rows;
  const isOds = isOdsRow(first!.cells);
  const columns = isOds ? odsColumns : first!.cells;
  // etr.csv tells no type, and with names of columns it is our own file, which must.
  const type = (cell: string) => (isOds ? [cell] : []);
  const byLine = Map.groupBy(refusedRows, ({ line }) => line);
  const rows = sheet.value.rows.flatMap(({ line, cells }) => {
    const refused = byLine.get(line) ?? [];
    if (refused.length === 0) return [];
    const reasons = refused.map(({ field, reason }) => `${field} ${reason}`.trim()).join('; ');
    const width = Math.max(columns.length - cells.length, 0);
    return [
      [
        ...cells,
        ...Array.from({ length: width }, () => ''),
        String(line),
        reasons,
        ...type('trust'),
      ],
    ];
  });
  return toCsv([[...columns, 'refused_line', 'refused_reason', ...type('type')], ...rows]);
}

export function toCsv(rows: readonly (readonly string[])[]): string {
  const quoted = (cell: string) =>
    /[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return rows.map((row) => `${row.map(quoted).join(',')}\n`).join('');
}
