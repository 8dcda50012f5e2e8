/** Twins of `src/dispatch/store-breaker.ts`. */
import type { BreakerStep } from '#dispatch/breaker.ts';
import type { KnownBreaker, RefusalRule, TallyRow } from '#dispatch/store-breaker.ts';
import { bucketOf, pausedUntil, tokensAt } from './bucket.ts';
import type { Base, BreakerRow, TallyRow as Row } from './rows.ts';

const RECENT_MS = 10_000;
const MINUTE_MS = 60_000;
const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const SLOW_SHARE = 0.15;
const POINTS = 10;

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

function probeIsDue(base: Base, { state, rung, tries, probeAt }: BreakerRow): boolean {
  if (state === 'open') return false;
  const isFirstTrial = state === 'half_open' && rung === 0 && tries === 0;
  return probeAt <= base.now || probeAt > base.now + DAY_MS || isFirstTrial;
}

export function claimProbe(
  base: Base,
  { gatewayId, everyMs }: { gatewayId: string; everyMs: number },
): number | undefined {
  const breaker = base.tables.breaker.get(gatewayId);
  const bucket = bucketOf(base, gatewayId);
  if (breaker === undefined || bucket === undefined) return undefined;
  if (base.tables.gateway.get(gatewayId)?.enabled !== true || !probeIsDue(base, breaker))
    return undefined;
  const tokens = tokensAt(bucket, base.now);
  if (pausedUntil(bucket, base.now) !== undefined || tokens < 1) return undefined;
  base.writes += 1;
  const open = { pausedAt: null, pausedUntil: null, pauseReason: null };
  Object.assign(bucket, { ...open, refilledAt: base.now, tokens: tokens - 1 });
  breaker.probeAt = base.now + everyMs;
  if (breaker.state === 'half_open') breaker.tries += 1;
  breaker.triedAt = base.now;
  return breaker.turn;
}

/** A gateway whose receipts come late gives some of its people to others, and takes them back. */
export function shiftSlow(base: Base): number {
  const shifted = [...base.tables.breaker.values()].filter((breaker) => {
    const lately = base.tables.tally.filter(
      (row) => row.gatewayId === breaker.gatewayId && row.at > base.now - QUARTER_MS,
    );
    const slow = sum(lately, (row) => row.slowReceipts);
    const isSlow = slow > 0 && slow >= sum(lately, (row) => row.receipts) * SLOW_SHARE;
    const { shift, shiftedAt } = breaker;
    const may = isSlow
      ? shift < 100 && shiftedAt <= base.now - MINUTE_MS
      : shift > 0 && shiftedAt <= base.now - 5 * MINUTE_MS;
    if (!may) return false;
    breaker.shift = Math.max(0, Math.min(100, shift + (isSlow ? POINTS : -POINTS)));
    breaker.shiftedAt = base.now;
    base.writes += 1;
    return true;
  });
  return shifted.length;
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
    probeIsDue: probeIsDue(base, breaker),
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
