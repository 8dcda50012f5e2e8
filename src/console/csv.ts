/** Lists as CSV (RFC 4180) that a spreadsheet opens without running anything. */
import type { StandingRow } from './store.ts';

const columns: readonly (readonly [string, (row: StandingRow) => string])[] = [
  ['code_texted_back', (row) => row.code],
  ['organisation', (row) => row.name],
  ['region', (row) => row.regionCode ?? ''],
  ['messages', (row) => row.reach],
  ['acknowledged_at', (row) => row.acknowledgedAt?.toISOString() ?? ''],
  ['evidence', (row) => row.evidence ?? ''],
  ['affected', (row) => row.affected ?? ''],
  ['help_asked_at', (row) => row.helpAskedAt?.toISOString() ?? ''],
];

export function csvOf(rows: readonly StandingRow[]): string {
  const lines = [
    columns.map(([name]) => name),
    ...rows.map((row) => columns.map(([, of]) => of(row))),
  ];
  return lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

/** A cell that begins like a formula gets an apostrophe (OWASP, CSV injection). */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
