/** Twins of `src/dispatch/store-recall.ts`. */
import { historyIsWhole } from './continuity.ts';
import { roundsOf } from './rounds.ts';
import type { Base } from './rows.ts';

export function stopRounds(base: Base, dispatchId: string): void {
  for (const round of roundsOf(base, dispatchId)) {
    if (round.openedAt !== null) continue;
    base.writes += 1;
    round.opensAt = null;
  }
}

export function markRecalled(base: Base, dispatchId: string): boolean {
  const dispatch = base.tables.dispatch.get(dispatchId);
  if (dispatch?.state !== 'sending' && dispatch?.state !== 'paused') return false;
  if (roundsOf(base, dispatchId).some((round) => round.openedAt !== null)) return false;
  if (!historyIsWhole(base)) return false;
  base.writes += 1;
  Object.assign(dispatch, {
    state: 'cancelled',
    epoch: dispatch.epoch + 1,
    pauseReason: null,
    pausedAt: null,
    cleared: false,
    endedAt: base.now,
  });
  return true;
}

export function hurryRounds(base: Base, dispatchId: string): boolean {
  const rounds = roundsOf(base, dispatchId);
  const first = rounds.find((r) => r.round === 1 && r.openedAt === null);
  const stillMs = (first?.opensAt ?? 0) - base.now;
  if (stillMs <= 0 || base.tables.dispatch.get(dispatchId)?.state !== 'sending') return false;
  const { putOff } = first!;
  for (const round of rounds) {
    base.writes += 1;
    if (round.opensAt !== null) round.opensAt -= stillMs;
    round.putOff = Math.max(0, round.putOff - putOff);
  }
  return true;
}
