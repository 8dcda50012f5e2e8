/** The limit beside callbacks and answers: rows of the inbox, written one by one and nothing else. */
import { quantile, rounded } from './figure.ts';
import type { IntakeAnswer, RowsOrder } from './intake-player.ts';
import { askOnce } from './player.ts';
import type { BenchDatabase } from './stage.ts';

export const SINGLE_ROWS =
  'p99 of single-row inserts at the same rate, by as many connections as the web process has';

export type SingleRows = { readonly p99Ms: number; readonly perSecond: number };

/** For ten seconds, after two that are not counted. */
export async function timeSingleRows(
  { ownerConfig: owner }: BenchDatabase,
  perSecond: number,
): Promise<SingleRows> {
  const order: RowsOrder = { kind: 'rows', owner, rows: 12 * perSecond, perSecond };
  const answer = await askOnce<IntakeAnswer>('intake-player.ts', order);
  return {
    p99Ms: quantile(answer.answerMs.slice(2 * perSecond), 0.99),
    perSecond: answer.perSecond,
  };
}

export function tellSingleRows(runs: readonly SingleRows[]): string {
  const reached = runs.map(({ perSecond }) => rounded(perSecond)).join(', ');
  return `single rows: p99 ${runs.map(({ p99Ms }) => rounded(p99Ms)).join(', ')} ms, ${reached} a second`;
}
