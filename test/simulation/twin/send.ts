/** Twins of `src/dispatch/store-send.ts`. */
import { stateAfter } from '#dispatch/model.ts';
import type { Claimed, ClaimRequest, Settlement } from '#dispatch/store-send.ts';
import { isSettled } from './plan.ts';
import { keyOf, type Base, type BucketRow, type MessageRow } from './rows.ts';

const MINUTE_MS = 60_000;

function bucketOf(base: Base, gatewayId: string): BucketRow | undefined {
  const gateway = base.tables.gateway.get(gatewayId);
  return gateway && base.tables.bucket.get(gateway.bucketId);
}

/** Due messages of the channel with this home, in the order in which they leave. */
function listClaimable(base: Base, line: { dispatchId: string; channel: string; home: string }) {
  return base
    .messagesOf(line.dispatchId)
    .filter(
      (m) =>
        m.state === 'ready' &&
        m.channel === line.channel &&
        m.homeGatewayId === line.home &&
        m.dueAt! <= base.now &&
        m.expiresAt! > base.now,
    )
    .toSorted(byDeparture);
}

function byDeparture(a: MessageRow, b: MessageRow): number {
  return a.rank - b.rank || a.dueAt! - b.dueAt! || byId(a, b);
}

/** The dispatch and the home to take from, with what is due there. */
function chooseLine(base: Base, { gatewayId, channel }: ClaimRequest) {
  const homes = [...base.tables.gateway.values()].filter(
    (gateway) => gateway.channel === channel && (gateway.id === gatewayId || !gateway.enabled),
  );
  return [...base.tables.dispatch.values()]
    .filter((dispatch) => dispatch.state === 'sending')
    .flatMap((dispatch) =>
      homes.flatMap(({ id: home }) => {
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

/** The tokens that a bucket has now; undefined while it is paused. */
function allowanceOf(base: Base, bucket: BucketRow | undefined): number | undefined {
  if (bucket === undefined) return undefined;
  if (bucket.pausedUntil !== null && bucket.pausedUntil > base.now) return undefined;
  const elapsedMs = Math.max(0, base.now - bucket.refilledAt);
  return Math.min(bucket.burst, bucket.tokens + (bucket.ratePerSecond * elapsedMs) / 1000);
}

export function claimMessages(base: Base, request: ClaimRequest): Claimed[] {
  if (base.tables.gateway.get(request.gatewayId)?.enabled !== true) return [];
  const bucket = bucketOf(base, request.gatewayId);
  const tokens = allowanceOf(base, bucket);
  if (bucket === undefined || tokens === undefined) return [];
  const line = chooseLine(base, request);
  const chosen = line?.dispatch;
  const picked = (line?.due ?? []).slice(
    0,
    Math.max(0, Math.min(request.most, Math.floor(tokens))),
  );
  Object.assign(bucket, {
    refilledAt: base.now,
    pausedUntil: null,
    pauseReason: null,
    tokens: tokens - picked.length,
  });
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

export function waitForTokenMs(base: Base, gatewayId: string): number {
  const bucket = bucketOf(base, gatewayId)!;
  const paused = (bucket.pausedUntil ?? base.now) - base.now;
  const refill =
    (1000 * (1 - bucket.tokens)) / bucket.ratePerSecond - (base.now - bucket.refilledAt);
  return Math.ceil(Math.max(0, paused, refill));
}

/** Twin of the fragment of the same name. */
export function isUnneeded(base: Base, message: MessageRow): boolean {
  const { state } = base.dispatchOf(message);
  return (
    (state !== 'sending' && state !== 'paused') || (message.round > 1 && isSettled(base, message))
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
  const unneeded = result.class === 'not_sent' && isUnneeded(base, message);
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

export function pauseBucket(
  base: Base,
  pause: { gatewayId: string; forMs: number; reason: string },
): void {
  const bucket = bucketOf(base, pause.gatewayId);
  if (bucket === undefined) return;
  const until = Math.max(bucket.pausedUntil ?? -Infinity, base.now + pause.forMs);
  base.writes += 1;
  Object.assign(bucket, {
    tokens: 0,
    pauseReason: pause.reason,
    pausedUntil: until,
    refilledAt: until,
  });
}

/** Changes every message that fits, `most` of them; says how many. */
function updateWhere(
  base: Base,
  fits: (message: MessageRow) => boolean,
  change: (message: MessageRow) => Partial<MessageRow>,
  most = Infinity,
): number {
  const found = [...base.tables.message.values()].filter(fits).slice(0, most);
  for (const message of found) base.update(message, change(message));
  return found.length;
}

export function expireLeases(base: Base, quietMs: number): number {
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

export function expireMessages(base: Base): number {
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
  return updateWhere(
    base,
    (m) => {
      const dispatch = base.dispatchOf(m);
      return dispatch.state === 'cancelled' && !dispatch.cleared && isUnsent(m);
    },
    () => ({ state: 'cancelled', finalAt: base.now }),
    most,
  );
}

export function markCleared(base: Base): number {
  const cleared = [...base.tables.dispatch.values()].filter(
    (dispatch) =>
      dispatch.state === 'cancelled' &&
      !dispatch.cleared &&
      dispatch.endedAt! < base.now - MINUTE_MS &&
      !base.messagesOf(dispatch.id).some(isUnsent),
  );
  for (const dispatch of cleared) {
    base.writes += 1;
    dispatch.cleared = true;
  }
  return cleared.length;
}

export function endDispatches(base: Base): number {
  let ended = 0;
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
    ended += 1;
  }
  return ended;
}
