/** Twins of `src/dispatch/store-rounds.ts`. */
import type { DueRound, QuietTime, Resting } from '#dispatch/store-rounds.ts';
import { homeOf } from './home.ts';
import { compare, keyOf, type Base } from './rows.ts';

const DUE_ROUNDS_MAX = 100;

export function roundsOf(base: Base, dispatchId: string) {
  return [...base.tables.round.values()]
    .filter((r) => r.dispatchId === dispatchId)
    .toSorted((a, b) => a.round - b.round);
}

export function startRounds(base: Base, dispatchId: string): void {
  const dispatch = base.tables.dispatch.get(dispatchId);
  if (dispatch === undefined) return;
  for (const round of roundsOf(base, dispatchId)) {
    base.writes += 1;
    round.opensAt ??= base.now + dispatch.recallFor + round.opensAfter;
  }
}

export function postponeRounds(base: Base, dispatchId: string): void {
  const dispatch = base.tables.dispatch.get(dispatchId);
  if (dispatch?.state !== 'paused') return;
  const byMs = base.now - dispatch.pausedAt!;
  postpone(base, { dispatchId, after: 0, byMs });
  for (const round of roundsOf(base, dispatchId)) {
    if (round.partAt === null) continue;
    base.writes += 1;
    round.partAt += byMs;
  }
}

export function shiftRound(
  base: Base,
  { dispatchId, round, byMs }: { dispatchId: string; round: number; byMs: number },
): void {
  const row = base.tables.round.get(keyOf(dispatchId, round));
  if (row === undefined || row.openedAt !== null || row.opensAt === null) return;
  base.writes += 1;
  const open = roundsOf(base, dispatchId).findLast(({ openedAt }) => openedAt !== null);
  const putOff = open?.putOff ?? 0;
  row.opensAt = Math.max(base.now, row.opensAt - row.putOff + putOff + byMs);
  row.putOff = putOff;
}

export function listQuietTimes(base: Base, dispatchId: string): QuietTime[] {
  const fromMinute = base.tables.dispatch.get(dispatchId)?.quietFromMinute ?? null;
  const untilMinute = base.tables.dispatch.get(dispatchId)?.quietUntilMinute ?? null;
  if (fromMinute === null || untilMinute === null) return [];
  return roundsOf(base, dispatchId).flatMap(({ round, opensAt, openedAt }) =>
    opensAt === null || openedAt !== null
      ? []
      : [
          {
            round,
            opensAt: new Date(Math.max(opensAt, base.now)),
            fromMinute,
            untilMinute,
          },
        ],
  );
}

export function setRoundTime(
  base: Base,
  { dispatchId, round, opensAt }: { dispatchId: string; round: number; opensAt: Date },
): void {
  const row = base.tables.round.get(keyOf(dispatchId, round));
  if (row === undefined || row.openedAt !== null) return;
  base.writes += 1;
  row.putOff += opensAt.getTime() - Math.max(row.opensAt ?? base.now, base.now);
  row.opensAt = opensAt.getTime();
}

/** Puts off the rounds of a dispatch after this one that are not open yet. */
function postpone(base: Base, by: { dispatchId: string; after: number; byMs: number }): void {
  for (const round of roundsOf(base, by.dispatchId)) {
    if (round.round <= by.after || round.openedAt !== null || round.opensAt === null) continue;
    base.writes += 1;
    round.opensAt += by.byMs;
  }
}

export function markRoundOpened(base: Base, dispatchId: string, round: number): boolean {
  const row = base.tables.round.get(keyOf(dispatchId, round));
  const isDue = row !== undefined && row.opensAt !== null && row.opensAt <= base.now;
  if (!isDue || row.openedAt !== null) return false;
  if (base.tables.dispatch.get(dispatchId)?.state !== 'sending') return false;
  base.writes += 1;
  row.openedAt = base.now;
  row.partAt = base.now;
  postpone(base, { dispatchId, after: round, byMs: base.now - row.opensAt! });
  return true;
}

export function lockOpeningRound(base: Base, dispatchId: string, round: number): boolean {
  if (base.tables.dispatch.get(dispatchId)?.state !== 'sending') return false;
  return (base.tables.round.get(keyOf(dispatchId, round))?.partAt ?? null) !== null;
}

export function markPartReady(
  base: Base,
  part: { dispatchId: string; round: number; isLast: boolean },
): void {
  const row = base.tables.round.get(keyOf(part.dispatchId, part.round));
  if (row === undefined) return;
  base.writes += 1;
  row.partAt = part.isLast ? null : base.now;
}

export function lockNextPart(
  base: Base,
  { dispatchId, round, most }: { dispatchId: string; round: number; most: number },
): string[] {
  return base
    .messagesOf(dispatchId)
    .filter((m) => m.round === round && m.state === 'held')
    .toSorted((a, b) => a.rank - b.rank || compare(a.id, b.id))
    .slice(0, most)
    .map(({ id }) => id);
}

export function readyMessages(base: Base, ids: readonly string[]): number {
  const held = ids.flatMap((id) => base.tables.message.get(id) ?? []);
  const ready = held.filter(
    ({ state, dispatchId, round }) =>
      state === 'held' && base.tables.round.has(keyOf(dispatchId, round)),
  );
  for (const message of ready) {
    const { releasedAt, expiresAfter } = base.dispatchOf(message);
    const { putOff } = base.tables.round.get(keyOf(message.dispatchId, message.round))!;
    base.update(message, {
      state: 'ready',
      dueAt: base.now,
      expiresAt: releasedAt === null ? null : releasedAt + putOff + expiresAfter,
      homeGatewayId: homeOf(base, message),
    });
  }
  return ready.length;
}

export function listDueRounds(base: Base): DueRound[] {
  const due = [...base.tables.round.values()]
    .filter(
      (r) =>
        (r.openedAt === null || r.partAt !== null) &&
        r.opensAt !== null &&
        r.opensAt <= base.now &&
        base.tables.dispatch.get(r.dispatchId)?.state === 'sending',
    )
    .toSorted((a, b) => compare(a.dispatchId, b.dispatchId) || a.round - b.round);
  return due
    .filter((r, i) => r.dispatchId !== due[i - 1]?.dispatchId)
    .slice(0, DUE_ROUNDS_MAX)
    .map(({ dispatchId, round, openedAt }) => ({
      dispatchId,
      round,
      isOpen: openedAt !== null,
      releasedAt: new Date(base.tables.dispatch.get(dispatchId)!.releasedAt!),
    }));
}

export function listExercisesSending(base: Base): Resting[] {
  return [...base.tables.dispatch.values()]
    .filter(({ exercise, state }) => exercise && state === 'sending')
    .toSorted((a, b) => compare(a.id, b.id))
    .flatMap(({ id, quietFromMinute: fromMinute, quietUntilMinute: untilMinute }) =>
      fromMinute === null || untilMinute === null
        ? []
        : [{ dispatchId: id, now: new Date(base.now), fromMinute, untilMinute }],
    );
}

export function restReady(
  base: Base,
  { dispatchId, until }: { dispatchId: string; until: Date },
): number {
  const untilMs = until.getTime();
  const ready = base
    .messagesOf(dispatchId)
    .filter(({ state, dueAt }) => state === 'ready' && dueAt! < untilMs);
  for (const message of ready) {
    const { dueAt, expiresAt } = message;
    const restMs = untilMs - Math.max(dueAt!, base.now);
    base.update(message, {
      dueAt: untilMs,
      expiresAt: expiresAt === null ? null : expiresAt + restMs,
    });
  }
  return ready.length;
}
