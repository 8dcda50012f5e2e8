/** Twins of `src/dispatch/store-plan.ts`. */
import { createHash } from 'node:crypto';
import type { DispatchPlan } from '#dispatch/model.ts';
import type { DueRound, MessageCounts, SteeredState } from '#dispatch/store-plan.ts';
import { historyIsWhole } from './continuity.ts';
import { homeOf } from './home.ts';
import { compare, keyOf, type Base, type DispatchRow } from './rows.ts';

const DUE_ROUNDS_MAX = 100;

export function insertDispatch(base: Base, plan: DispatchPlan): void {
  base.writes += 1;
  base.tables.dispatch.set(plan.id, {
    id: plan.id,
    label: plan.label,
    lane: plan.lane,
    exercise: plan.exercise,
    state: 'held',
    epoch: 1,
    contentHash: null,
    plannedMessages: null,
    expiresAfter: plan.expiresAfterMs,
    recallFor: plan.recallForMs ?? 0,
    receiptAsksMs: plan.receiptAsksMs,
    uncertainAfter: plan.uncertainAfterMs,
    cleared: true,
    createdAt: base.now,
    releasedAt: null,
    endedAt: null,
    forgottenAt: null,
    pauseReason: null,
    pausedAt: null,
    numberMost: plan.perNumber?.most ?? null,
    numberWithin: plan.perNumber?.withinMs ?? null,
    refusalsFrom: null,
    lastClaimedAt: null,
  });
  for (const { round, opensAfterMs } of plan.rounds) {
    base.tables.round.set(keyOf(plan.id, round), {
      dispatchId: plan.id,
      round,
      opensAfter: opensAfterMs,
      opensAt: null,
      openedAt: null,
    });
  }
}

/** Transactions come one after the other here: there is nothing to lock. */
export function lockDispatch(_base: Base, _id: string): void {}

type Content = { hash: string; messages: number };

/** Another hash than PostgreSQL's, over the same content: equal where theirs is equal. */
export function hashContent(base: Base, dispatchId: string, alsoCovers: string): Content {
  const dispatch = base.tables.dispatch.get(dispatchId);
  const rounds = roundsOf(base, dispatchId).map((r) => [r.round, r.opensAfter]);
  const parts = base
    .messagesOf(dispatchId)
    .map((m) => [
      m.contactPointId,
      m.channel,
      m.round,
      m.rank,
      m.code,
      m.subject,
      m.body,
      m.addressSealed.toString('hex'),
    ])
    .map((part) => JSON.stringify(part))
    .sort();
  const { lane, exercise, expiresAfter, recallFor, numberMost, numberWithin } = dispatch ?? {};
  const head = [lane, exercise, expiresAfter, recallFor, numberMost, numberWithin];
  const content = JSON.stringify([alsoCovers, head, rounds, parts]);
  return { hash: createHash('sha256').update(content).digest('hex'), messages: parts.length };
}

export function roundsOf(base: Base, dispatchId: string) {
  return [...base.tables.round.values()]
    .filter((r) => r.dispatchId === dispatchId)
    .toSorted((a, b) => a.round - b.round);
}

/** Changes the dispatch where it is in one of the states; false where it is not. */
function moveWhere(
  base: Base,
  id: string,
  from: readonly string[],
  change: (dispatch: DispatchRow) => Partial<DispatchRow>,
): boolean {
  const dispatch = base.tables.dispatch.get(id);
  if (dispatch === undefined || !from.includes(dispatch.state)) return false;
  base.writes += 1;
  Object.assign(dispatch, change(dispatch));
  return true;
}

export function markReleased(base: Base, id: string, contentHash: string): boolean {
  if (base.tables.dispatch.get(id)?.contentHash !== contentHash) return false;
  return moveWhere(base, id, ['held'], () => ({ state: 'sending', releasedAt: base.now }));
}

export function setContent(base: Base, id: string, content: Content): void {
  const columns = { contentHash: content.hash, plannedMessages: content.messages };
  moveWhere(base, id, ['held'], () => columns);
}

export function startRounds(base: Base, dispatchId: string): void {
  const dispatch = base.tables.dispatch.get(dispatchId);
  if (dispatch === undefined) return;
  for (const round of roundsOf(base, dispatchId)) {
    base.writes += 1;
    round.opensAt = base.now + dispatch.recallFor + round.opensAfter;
  }
}

export function postponeRounds(base: Base, dispatchId: string): void {
  const dispatch = base.tables.dispatch.get(dispatchId);
  if (dispatch?.state !== 'paused') return;
  postpone(base, { dispatchId, after: 0, byMs: base.now - dispatch.pausedAt! });
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
  postpone(base, { dispatchId, after: round, byMs: base.now - row.opensAt! });
  return true;
}

export function readyRound(
  base: Base,
  { dispatchId, round, clock }: { dispatchId: string; round: number; clock: string },
): number {
  const dispatch = base.tables.dispatch.get(dispatchId);
  const held = base
    .messagesOf(dispatchId)
    .filter((m) => m.round === round && m.state === 'held' && dispatch !== undefined);
  for (const message of held) {
    const { releasedAt, expiresAfter } = dispatch!;
    base.update(message, {
      state: 'ready',
      dueAt: base.now,
      body: message.body.replaceAll('{since}', clock),
      expiresAt: releasedAt === null ? null : releasedAt + expiresAfter,
      homeGatewayId: homeOf(base, message),
    });
  }
  return held.length;
}

export function listDueRounds(base: Base): DueRound[] {
  const due = [...base.tables.round.values()]
    .filter(
      (r) =>
        r.openedAt === null &&
        r.opensAt !== null &&
        r.opensAt <= base.now &&
        base.tables.dispatch.get(r.dispatchId)?.state === 'sending',
    )
    .toSorted((a, b) => compare(a.dispatchId, b.dispatchId) || a.round - b.round);
  return due
    .filter((r, i) => r.dispatchId !== due[i - 1]?.dispatchId)
    .slice(0, DUE_ROUNDS_MAX)
    .map(({ dispatchId, round }) => ({
      dispatchId,
      round,
      releasedAt: new Date(base.tables.dispatch.get(dispatchId)!.releasedAt!),
    }));
}

export function listSending(base: Base, ids: readonly string[]): string[] {
  return [...base.tables.dispatch.values()]
    .filter((d) => ids.includes(d.id) && d.state === 'sending')
    .map((d) => d.id);
}

export function moveDispatch(
  base: Base,
  move: { id: string; from: readonly string[]; to: SteeredState; reason: string | null },
): boolean {
  if (base.tables.dispatch.get(move.id)?.lane === 0) return false;
  return moveWhere(base, move.id, move.from, (dispatch) => ({
    state: move.to,
    pauseReason: move.reason,
    pausedAt: move.to === 'paused' ? base.now : null,
    cleared: move.to !== 'cancelled',
    ...(move.to === 'sending' && { refusalsFrom: base.now }),
    epoch: dispatch.epoch + (move.to === 'cancelled' ? 1 : 0),
    endedAt: move.to === 'cancelled' ? base.now : null,
  }));
}

export function cancelUnsent(base: Base, dispatchId: string, most: number): number {
  if (!historyIsWhole(base)) return 0;
  const unsent = base
    .messagesOf(dispatchId)
    .filter((m) => m.state === 'held' || m.state === 'ready')
    .slice(0, most);
  for (const message of unsent) base.update(message, { state: 'cancelled', finalAt: base.now });
  return unsent.length;
}

export function notifyDispatch(base: Base, dispatchId: string): void {
  base.notify('tocsin_steer', dispatchId);
  base.notify('tocsin_dispatch', dispatchId);
}

export function notifyHalt(base: Base, dispatchId: string): void {
  base.notify('tocsin_steer', `${dispatchId} halt`);
  base.notify('tocsin_dispatch', dispatchId);
}

export function countMessages(base: Base, dispatchId: string): MessageCounts[] {
  const counts = new Map<string, MessageCounts>();
  for (const { channel, state } of base.messagesOf(dispatchId)) {
    const key = keyOf(channel, state);
    const count = counts.get(key) ?? { channel, state, messages: 0 };
    counts.set(key, { ...count, messages: count.messages + 1 });
  }
  return [...counts.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}
