/** Twins of `src/dispatch/store-breaker.ts`. */
import type { BreakerStep } from '#dispatch/breaker.ts';
import type { KnownBreaker, RefusalRule, TallyRow } from '#dispatch/store-breaker.ts';
import type { Base, TallyRow as Row } from './rows.ts';

const RECENT_MS = 10_000;
const HOUR_MS = 3_600_000;

export function insertTally(base: Base, gatewayId: string, rows: readonly TallyRow[]): void {
  base.writes += rows.length;
  for (const row of rows)
    base.tables.tally.push({ ...row, gatewayId, at: base.now, receipts: 0, slowReceipts: 0 });
}

export function deleteOldTallies(base: Base): number {
  const before = base.tables.tally.length;
  base.tables.tally = base.tables.tally.filter((row) => row.at >= base.now - HOUR_MS);
  return before - base.tables.tally.length;
}

function sum(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

export function readBreaker(base: Base, gatewayId: string): KnownBreaker | undefined {
  const breaker = base.tables.breaker.get(gatewayId);
  if (breaker === undefined) return undefined;
  const { state, rung, reason, openings, turn, tries, changedAt, retryAt, triedAt } = breaker;
  const since = state === 'closed' ? base.now - RECENT_MS : changedAt;
  const counted = base.tables.tally.filter((t) => t.gatewayId === gatewayId && t.at > since);
  const now = counted.filter((row) => row.turn === turn);
  const earlier = counted.filter((row) => row.turn < turn);
  return {
    state,
    rung,
    reason,
    openings,
    turn,
    tries,
    answered: sum(now, (row) => row.accepted + row.rejected),
    failed: sum(now, (row) => row.failed),
    acceptedLate: sum(earlier, (row) => row.accepted),
    ageMs: base.now - changedAt,
    retryInMs: retryAt === null ? null : retryAt - base.now,
    triedMs: triedAt === null ? null : base.now - triedAt,
  };
}

export function moveBreaker(
  base: Base,
  { gatewayId, turn, step }: { gatewayId: string; turn: number; step: BreakerStep },
): boolean {
  const breaker = base.tables.breaker.get(gatewayId);
  if (breaker?.turn !== turn) return false;
  base.writes += 1;
  Object.assign(breaker, {
    state: step.state,
    rung: step.rung,
    turn: turn + 1,
    changedAt: base.now,
    reason: step.reason,
    openings: step.openings,
    retryAt: step.retryInMs === null ? null : base.now + step.retryInMs,
    rowsLeft: step.rowsLeft,
    tries: 0,
    triedAt: null,
  });
  return true;
}

export function pauseRefused(
  base: Base,
  { dispatchId, rule, code }: { dispatchId: string; rule: RefusalRule; code: string },
): string | undefined {
  const dispatch = base.tables.dispatch.get(dispatchId);
  if (dispatch?.state !== 'sending' || dispatch.lane === 0) return undefined;
  const counted = base.tables.tally.filter(
    (row) => row.dispatchId === dispatchId && row.at > (dispatch.refusalsFrom ?? -Infinity),
  );
  const rejected = sum(counted, (row) => row.rejected);
  const ended = sum(counted, (row) => row.accepted + row.rejected);
  if (counted.length === 0 || ended < rule.atLeast || rejected < ended * rule.share)
    return undefined;
  base.writes += 1;
  dispatch.state = 'paused';
  dispatch.pausedAt = base.now;
  dispatch.pauseReason = `${rejected} of ${ended} were refused for good (${code})`;
  return dispatch.pauseReason;
}
