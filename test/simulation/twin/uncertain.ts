/** Twins of `src/dispatch/store-uncertain.ts` and of the view `v_uncertain`. */
import type { UncertainRow, WaitingDeputies } from '#dispatch/store-uncertain.ts';
import type { MessageState } from '#dispatch/model.ts';
import { historyIsWhole } from './continuity.ts';
import { compare, keyOf, type AttemptRow, type Base, type MessageRow } from './rows.ts';
import { isUnneeded } from './send.ts';

/** The request whose end is not known, where that was asked of the gateway the message names. */
function requestOf(base: Base, message: MessageRow): AttemptRow | undefined {
  const attempt = base.attemptOf(message);
  return attempt?.gatewayId === message.gatewayId ? attempt : undefined;
}

/** Whether it was past its deadline at a time. */
function isUncertainAt(base: Base, message: MessageRow, at: number): boolean {
  const request = requestOf(base, message);
  if (message.state !== 'unknown' || request === undefined) return false;
  return request.claimedAt + base.dispatchOf(message).uncertainAfter <= at;
}

function listMessages(base: Base, dispatchId: string): MessageRow[] {
  return base.messagesOf(dispatchId).filter((message) => {
    const { state } = base.dispatchOf(message);
    const isRunning = state === 'sending' || state === 'paused';
    return isRunning && isUncertainAt(base, message, base.now);
  });
}

function otherGateway(base: Base, { channel, gatewayId }: MessageRow): string | null {
  const [other] = [...base.tables.gateway.values()]
    .filter((g) => g.channel === channel && g.id !== gatewayId && g.enabled && !g.removedAt)
    .toSorted((a, b) => b.weight - a.weight || compare(a.id, b.id));
  return other?.id ?? null;
}

export function listUncertain(base: Base, dispatchId: string): UncertainRow[] {
  const rows = new Map<string, UncertainRow>();
  for (const message of listMessages(base, dispatchId)) {
    const key = keyOf(message.channel, message.gatewayId!);
    const requestedAt = new Date(requestOf(base, message)!.claimedAt);
    const row = rows.get(key);
    rows.set(key, {
      channel: message.channel,
      gatewayId: message.gatewayId!,
      messages: (row?.messages ?? 0) + 1,
      requestedAt:
        row !== undefined && row.requestedAt < requestedAt ? row.requestedAt : requestedAt,
      otherGatewayId: otherGateway(base, message),
    });
  }
  return [...rows.values()].toSorted(
    (a, b) => compare(b.channel, a.channel) || compare(a.gatewayId, b.gatewayId),
  );
}

export function insertRiskDecision(
  base: Base,
  decision: { dispatchId: string; decidedBy: string; reason: string },
): void {
  base.writes += 1;
  const id = base.newId();
  base.tables.riskDecision.set(id, { id, ...decision, decidedAt: base.now, appliedAt: null });
}

export function applyRiskDecisions(base: Base): { dispatchId: string; messages: number }[] {
  if (!historyIsWhole(base)) return [];
  const decided = [...base.tables.riskDecision.values()].filter((d) => d.appliedAt === null);
  return decided.map((decision) => {
    const { dispatchId, decidedAt } = decision;
    const risked = base
      .messagesOf(dispatchId)
      .filter((message) => isUncertainAt(base, message, decidedAt) && !isUnneeded(base, message));
    for (const message of risked) {
      const { id: messageId, attempt } = message;
      const taken = { messageId, attempt, decisionId: decision.id, takenAt: base.now };
      base.tables.riskTaken.set(keyOf(messageId, attempt), taken);
      base.update(message, {
        state: 'ready',
        dueAt: base.now,
        checkAt: null,
        absences: 0,
        failureCode: 'risk_taken',
        absentGatewayId: null,
        homeGatewayId: otherGateway(base, message) ?? message.homeGatewayId,
      });
    }
    base.writes += 1;
    decision.appliedAt = base.now;
    return { dispatchId, messages: risked.length };
  });
}

export function listWaitingDeputies(base: Base): WaitingDeputies[] {
  return [...base.tables.dispatch.values()]
    .filter(({ id, state, lane }) => {
      const waits = [...base.tables.round.values()].some(
        (round) => round.dispatchId === id && round.openedAt === null,
      );
      return state === 'sending' && lane > 0 && waits && listMessages(base, id).length > 0;
    })
    .map(({ id, releasedAt, quietFromMinute, quietUntilMinute }) => ({
      dispatchId: id,
      releasedAt: new Date(releasedAt!),
      now: new Date(base.now),
      fromMinute: quietFromMinute,
      untilMinute: quietUntilMinute,
    }));
}

/** States in which somebody of an organisation has the text, or is about to. */
const HAS_SOMETHING: readonly MessageState[] = ['ready', 'claimed', 'accepted', 'delivered'];

export function readyDeputies(base: Base, dispatchId: string): number {
  const messages = base.messagesOf(dispatchId);
  const dispatch = base.tables.dispatch.get(dispatchId);
  const doubtful = new Set(
    listMessages(base, dispatchId).flatMap(({ organisationId: id }) => {
      const ofIt = messages.filter((message) => message.organisationId === id);
      const isReached = ofIt.some(({ state }) => HAS_SOMETHING.includes(state));
      const isSettled = id !== null && base.tables.settled.has(keyOf(dispatchId, id));
      return isReached || isSettled || id === null ? [] : [id];
    }),
  );
  const held = messages.filter((message) => message.state === 'held');
  const next = held.filter(({ organisationId: id, round }) => {
    const rounds = held.filter((m) => m.organisationId === id).map((m) => m.round);
    return id !== null && doubtful.has(id) && round === Math.min(...rounds);
  });
  const ready = next.flatMap((message) => {
    const round = base.tables.round.get(keyOf(dispatchId, message.round));
    return round === undefined ? [] : [{ message, putOff: round.putOff }];
  });
  for (const { message, putOff } of ready) {
    base.update(message, {
      state: 'ready',
      dueAt: base.now,
      expiresAt: dispatch!.releasedAt! + putOff + dispatch!.expiresAfter,
    });
  }
  return ready.length;
}
