/** Who stands where in an alert, as a file. */
import { csvFile } from '#web/index.ts';
import type { StandingRow } from './store-standings.ts';

const columns: readonly (readonly [string, (row: StandingRow) => string])[] = [
  ['code_texted_back', (row) => row.code],
  ['organisation', (row) => row.name],
  ['region', (row) => row.regionCode ?? ''],
  ['messages', (row) => row.reach],
  ['opened_at', (row) => row.openedAt?.toISOString() ?? ''],
  ['acknowledged_at', (row) => row.acknowledgedAt?.toISOString() ?? ''],
  ['evidence', (row) => row.evidence ?? ''],
  ['affected', (row) => row.affected ?? ''],
  ['help_asked_at', (row) => row.helpAskedAt?.toISOString() ?? ''],
];

export function csvOf(rows: readonly StandingRow[]): string {
  const names = columns.map(([name]) => name);
  return csvFile([names, ...rows.map((row) => columns.map(([, of]) => of(row)))]);
}
