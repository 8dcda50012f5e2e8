/** Twins of `src/dispatch/store-plan.ts`. */
import { createHash } from 'node:crypto';
import type { DispatchPlan } from '#dispatch/model.ts';
import type { MessageCounts, SteeredState } from '#dispatch/store-plan.ts';
import { historyIsWhole } from './continuity.ts';
import { roundsOf } from './rounds.ts';
import { keyOf, type Base, type DispatchRow } from './rows.ts';

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
    quietFromMinute: plan.quietHours?.fromMinute ?? null,
    quietUntilMinute: plan.quietHours?.untilMinute ?? null,
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
      partAt: null,
      putOff: 0,
      reminds: false,
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
  const quiet = [dispatch?.quietFromMinute, dispatch?.quietUntilMinute];
  const head = [lane, exercise, expiresAfter, recallFor, numberMost, numberWithin, quiet];
  const content = JSON.stringify([alsoCovers, head, rounds, parts]);
  return { hash: createHash('sha256').update(content).digest('hex'), messages: parts.length };
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

export function setWaits(
  base: Base,
  waits: {
    dispatchId: string;
    quietHours: DispatchPlan['quietHours'];
    uncertainAfterMs: number;
  },
): boolean {
  const { dispatchId, quietHours, uncertainAfterMs: uncertainAfter } = waits;
  const quietFromMinute = quietHours?.fromMinute ?? null;
  const quietUntilMinute = quietHours?.untilMinute ?? null;
  const columns = { quietFromMinute, quietUntilMinute, uncertainAfter };
  return moveWhere(base, dispatchId, ['sending', 'paused'], () => columns);
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
  for (const [, { dispatchId: id, channel, state, messages }] of base.tables.keptCount)
    if (id === dispatchId) counts.set(keyOf(channel, state), { channel, state, messages });
  const isKept = base.tables.keptLedger.has(dispatchId);
  for (const { channel, state } of isKept ? [] : base.messagesOf(dispatchId)) {
    const key = keyOf(channel, state);
    const count = counts.get(key) ?? { channel, state, messages: 0 };
    counts.set(key, { ...count, messages: count.messages + 1 });
  }
  return [...counts.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}
