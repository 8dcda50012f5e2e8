/** Twins of `src/dispatch/store-send.ts`. */
import { stateAfter } from '#dispatch/model.ts';
import type { Claimed, ClaimRequest, Settlement } from '#dispatch/store-send.ts';
import type { Moved } from '#dispatch/store-told.ts';
import {
  allowanceOf,
  bucketOf,
  laneOfWaitingTexts,
  pausedUntil,
  spend,
  type Allowance,
} from './bucket.ts';
import { historyIsWhole } from './continuity.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';
import { isSettled } from './settled.ts';
import { isStopped } from './stopped.ts';

const MINUTE_MS = 60_000;

/** A bucket paused for longer lets others take what waits for it. */
const LONG_PAUSE_MS = 10_000;

type Home = { readonly id: string; readonly givesAll: boolean };

/** The gateways whose messages this one may claim: its own, and those that cannot take theirs. */
function homesFor(base: Base, request: ClaimRequest, { breaker }: Allowance): Home[] {
  const own = { id: request.gatewayId, givesAll: true };
  if (breaker.state !== 'closed') return [own];
  const others = [...base.tables.gateway.values()].filter((gateway) => {
    if (gateway.channel !== request.channel || gateway.id === request.gatewayId) return false;
    const paused = pausedUntil(bucketOf(base, gateway.id)!, base.now) ?? -Infinity;
    const isClosed = base.tables.breaker.get(gateway.id)!.state === 'closed';
    return !gateway.enabled || !isClosed || paused > base.now + LONG_PAUSE_MS;
  });
  return [own, ...others.map(({ id, enabled }) => ({ id, givesAll: !enabled }))];
}

/** Due messages of the channel with this home, in the order in which they leave. */
function listClaimable(base: Base, line: { dispatchId: string; channel: string; home: Home }) {
  return base
    .messagesOf(line.dispatchId)
    .filter(
      (m) =>
        m.channel === line.channel &&
        m.homeGatewayId === line.home.id &&
        (line.home.givesAll || m.absentGatewayId === null) &&
        base.mayBeClaimed(m),
    )
    .toSorted(byDeparture);
}

function byDeparture(a: MessageRow, b: MessageRow): number {
  return a.rank - b.rank || a.dueAt! - b.dueAt! || byId(a, b);
}

/** The dispatch and the home to take from, with what is due there. */
function chooseLine(base: Base, request: ClaimRequest, allowance: Allowance) {
  const { channel } = request;
  const below = laneOfWaitingTexts(base, allowance.bucket.id, channel);
  const homes = homesFor(base, request, allowance);
  return [...base.tables.dispatch.values()]
    .filter(({ id, state }) => state === 'sending' && request.notOf?.includes(id) !== true)
    .filter(({ lane }) => lane < below)
    .flatMap((dispatch) =>
      homes.flatMap((home) => {
        const due = listClaimable(base, { dispatchId: dispatch.id, channel, home });
        return due.length === 0 ? [] : [{ dispatch, due }];
      }),
    )
    .toSorted(
      (a, b) =>
        a.dispatch.lane - b.dispatch.lane ||
        (a.dispatch.lastClaimedAt ?? -Infinity) - (b.dispatch.lastClaimedAt ?? -Infinity) ||
        byDeparture(a.due[0]!, b.due[0]!),
    )[0];
}

export function claimMessages(base: Base, request: ClaimRequest): Claimed[] {
  const allowance = allowanceOf(base, request.gatewayId);
  if (allowance === undefined) return [];
  const line = chooseLine(base, request, allowance);
  const chosen = line?.dispatch;
  const kept = (chosen?.lane ?? 0) >= 3 ? allowance.reserve : 0;
  const most = Math.min(
    request.most,
    allowance.breaker.rowsLeft ?? Infinity,
    Math.floor(allowance.tokens - kept),
  );
  const picked = (line?.due ?? []).slice(0, Math.max(0, most));
  const { turn } = allowance.breaker;
  spend(base, allowance, picked.length);
  if (chosen !== undefined && picked.length > 0) chosen.lastClaimedAt = base.now;
  for (const message of picked) take(base, message, { ...request, epoch: chosen!.epoch });
  return picked
    .toSorted((a, b) => a.rank - b.rank || byId(a, b))
    .map((m) => ({
      id: m.id,
      dispatchId: m.dispatchId,
      contactPointId: m.contactPointId,
      epoch: chosen!.epoch,
      attempt: m.attempt,
      subject: m.subject,
      body: m.body,
      addressSealed: m.addressSealed,
      goodForMs: m.expiresAt! - base.now,
      turn,
      receiptAskMs: chosen!.receiptAsksMs[0]!,
      lane: chosen!.lane,
      releasedAt: new Date(chosen!.releasedAt!),
    }));
}

function take(base: Base, message: MessageRow, by: ClaimRequest & { epoch: number }): void {
  const number = message.attempt + 1;
  base.update(message, {
    state: 'claimed',
    attempt: number,
    gatewayId: by.gatewayId,
    leaseOwner: by.owner,
    leaseUntil: base.now + by.leaseMs,
  });
  base.addAttempt({
    messageId: message.id,
    epoch: by.epoch,
    number,
    gatewayId: by.gatewayId,
    owner: by.owner,
    claimedAt: base.now,
  });
}

export function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Twin of the fragment of the same name. */
export function isUnneeded(base: Base, message: MessageRow): boolean {
  const { state } = base.dispatchOf(message);
  return (
    (state !== 'sending' && state !== 'paused') ||
    (message.round > 1 && isSettled(base, message)) ||
    isStopped(base, message)
  );
}

export function settleMessages(base: Base, owner: string, batch: readonly Settlement[]): string[] {
  const settled: MessageRow[] = [];
  for (const result of batch) {
    const message = base.tables.message.get(result.id);
    if (
      message?.state === 'claimed' &&
      message.leaseOwner === owner &&
      message.attempt === result.attempt
    ) {
      settleOne(base, message, result);
      settled.push(message);
    }
    endAttempt(base, result);
  }
  tell(base, settled);
  return settled.map((message) => message.id);
}

export function settleOne(base: Base, message: MessageRow, result: Settlement): void {
  const isOver = result.class === 'not_sent' && isUnneeded(base, message);
  const unneeded = isOver && historyIsWhole(base);
  const isAsked = result.class === 'unknown' || result.class === 'accepted';
  base.update(message, {
    state: unneeded ? 'cancelled' : stateAfter[result.class],
    leaseOwner: null,
    leaseUntil: null,
    providerId: result.providerId ?? message.providerId,
    failureCode: result.code,
    ...(result.class === 'not_sent' && { dueAt: base.now + result.againInMs }),
    checkAt: isAsked ? base.now + result.againInMs : null,
    checks: 0,
    absences: 0,
    acceptedAt: result.class === 'accepted' ? base.now : null,
    finalAt: result.class === 'rejected' || unneeded ? base.now : null,
  });
}

export function endAttempt(base: Base, result: Settlement): void {
  const { id: messageId, epoch, attempt: number } = result;
  const key = keyOf(messageId, epoch, number);
  if (!base.tables.attempt.has(key) || base.tables.attemptEnd.has(key)) return;
  base.writes += 1;
  base.tables.attemptEnd.set(key, {
    messageId,
    epoch,
    number,
    class: result.class,
    code: result.code,
    providerId: result.providerId,
    endedAt: base.now,
  });
}

/** Tells boards of the dispatches of these messages, each once. */
export function tell(base: Base, messages: readonly MessageRow[]): void {
  for (const id of new Set(messages.map((m) => m.dispatchId))) base.notify('tocsin_dispatch', id);
}

/** Changes every message that fits, `most` of them; says how many. */
function updateWhere(
  base: Base,
  fits: (message: MessageRow) => boolean,
  change: (message: MessageRow) => Partial<MessageRow>,
  most = Infinity,
): Moved[] {
  const found = [...base.tables.message.values()].filter(fits).slice(0, most);
  for (const message of found) base.update(message, change(message));
  return found.map(({ id, state }) => ({ id, state }));
}

export function expireLeases(base: Base, quietMs: number): Moved[] {
  return updateWhere(
    base,
    (m) => m.state === 'claimed' && m.leaseUntil! < base.now,
    (m) => ({
      state: 'unknown',
      leaseOwner: null,
      leaseUntil: null,
      checkAt: m.leaseUntil! + quietMs,
      checks: 0,
      absences: 0,
      failureCode: 'lease_ended',
    }),
  );
}

export function expireMessages(base: Base): Moved[] {
  if (!historyIsWhole(base)) return [];
  return updateWhere(
    base,
    (m) =>
      (m.state === 'ready' || m.state === 'unknown') &&
      m.expiresAt !== null &&
      m.expiresAt <= base.now,
    (m) => ({ finalAt: base.now, state: m.state === 'ready' ? 'expired' : 'uncertain_closed' }),
  );
}

function isUnsent({ state }: MessageRow): boolean {
  return state === 'held' || state === 'ready';
}

export function cancelLeftovers(base: Base, most: number): number {
  if (!historyIsWhole(base)) return 0;
  return updateWhere(
    base,
    (m) => {
      const dispatch = base.dispatchOf(m);
      return dispatch.state === 'cancelled' && !dispatch.cleared && isUnsent(m);
    },
    () => ({ state: 'cancelled', finalAt: base.now }),
    most,
  ).length;
}

export function markCleared(base: Base): number {
  const cleared = [...base.tables.dispatch.values()].filter(
    (dispatch) =>
      dispatch.state === 'cancelled' &&
      !dispatch.cleared &&
      dispatch.endedAt! < base.now - MINUTE_MS &&
      !base.messagesOf(dispatch.id).some((m) => isUnsent(m) || m.state === 'claimed'),
  );
  for (const dispatch of cleared) {
    base.writes += 1;
    dispatch.cleared = true;
  }
  return cleared.length;
}

export function endDispatches(base: Base): string[] {
  const ended: string[] = [];
  const unfinished = new Set(['held', 'ready', 'claimed', 'unknown']);
  for (const dispatch of base.tables.dispatch.values()) {
    if (dispatch.state !== 'sending' || dispatch.lane === 0) continue;
    const waits = [...base.tables.round.values()].some(
      (r) => r.dispatchId === dispatch.id && r.openedAt === null,
    );
    if (waits || base.messagesOf(dispatch.id).some((m) => unfinished.has(m.state))) continue;
    dispatch.state = 'done';
    dispatch.endedAt = base.now;
    base.writes += 1;
    ended.push(dispatch.id);
  }
  return ended;
}
