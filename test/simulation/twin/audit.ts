/**
 * Twins of `src/dispatch/store-audit.ts`, written against the tables alone, like their statements:
 * nothing of the engine and nothing of its twins is used here, or mistakes of those could hide. Of
 * receipts the statements read the newest 50,000; no history has as many.
 */
import type { Breaches } from '#dispatch/store-audit.ts';
import type { Base, DispatchRow, GatewayRow, MessageRow, ReceiptRow } from './rows.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

function breachesOf(names: readonly string[]): Breaches {
  return { breaches: names.length, sample: names.toSorted()[0] ?? null };
}

function messagesIn(base: Base, isBroken: (message: MessageRow) => boolean): Breaches {
  return breachesOf([...base.tables.message.values()].filter(isBroken).map(({ id }) => id));
}

/** As PostgreSQL compares: nothing is before or after a time that is not there. */
const isBefore = (time: number | null, other: number) => time !== null && time < other;
const isAfter = (time: number | null, other: number) => time !== null && time > other;

export function countMiscounted(base: Base): Breaches {
  const { dispatch, message } = base.tables;
  const isWatched = ({ lane, releasedAt, endedAt }: DispatchRow) =>
    lane > 0 && releasedAt !== null && (endedAt === null || endedAt > base.now - HOUR_MS);
  const broken = [...dispatch.values()].filter((one) => {
    const own = [...message.values()].filter(({ dispatchId }) => dispatchId === one.id);
    return isWatched(one) && one.plannedMessages !== own.length;
  });
  return breachesOf(broken.map(({ id }) => id));
}

export function countOverheld(base: Base): Breaches {
  return messagesIn(
    base,
    ({ state, leaseUntil }) =>
      state === 'claimed' && isBefore(leaseUntil, base.now - 5 * SECOND_MS),
  );
}

export function countUnresolved(base: Base): Breaches {
  return messagesIn(base, ({ state, gatewayId, expiresAt, checkAt }) => {
    const canBeAsked = base.tables.gateway.get(gatewayId ?? '')?.canBeAsked === true;
    const isLate = isBefore(expiresAt, base.now - 5 * SECOND_MS);
    const isForgotten = canBeAsked && isBefore(checkAt, base.now - 2 * MINUTE_MS);
    return state === 'unknown' && (isLate || isForgotten);
  });
}

export function countUnopened(base: Base): Breaches {
  const late = [...base.tables.round.values()].filter((round) => {
    const isStuck = isBefore(round.partAt, base.now - MINUTE_MS);
    const isDue = round.opensAt === null || round.opensAt < base.now - 5 * SECOND_MS;
    const isSending = base.tables.dispatch.get(round.dispatchId)?.state === 'sending';
    return isSending && (isStuck || (round.openedAt === null && isDue));
  });
  return breachesOf(late.map(({ dispatchId }) => dispatchId));
}

export function countAcceptedTwice(base: Base): Breaches {
  const { alarm, riskTaken } = base.tables;
  const alarmed = [...alarm.values()]
    .filter(({ kind, raisedAt }) => kind === 'accepted_twice' && raisedAt > base.now - DAY_MS)
    .map(({ messageId }) => messageId);
  const twice = new Set([...acceptedAgain(base), ...toldOfAnother(base), ...alarmed]);
  for (const { messageId } of riskTaken.values()) twice.delete(messageId);
  return breachesOf([...twice]);
}

/** Two attempts of one message that were accepted, by their ends or by what look-ups found. */
function acceptedAgain(base: Base): string[] {
  const { attempt, attemptEnd, lookup } = base.tables;
  const again = new Set(
    [...attempt.values()]
      .filter(({ number, claimedAt }) => number > 1 && claimedAt > base.now - HOUR_MS)
      .map(({ messageId }) => messageId),
  );
  const ended = [...attemptEnd.values()]
    .filter((end) => end.class === 'accepted')
    .map(({ messageId, epoch, number }) => ({ messageId, attempt: `${epoch}-${number}` }));
  const found = lookup
    .filter(({ answer, status }) => answer === 'found' && status !== null && status !== 'created')
    .map(({ messageId, reference }) => ({
      messageId,
      attempt: `${fromEnd(reference, 2)}-${fromEnd(reference, 1)}`,
    }));
  return [...again].filter((id) => {
    const own = [...ended, ...found].filter(({ messageId }) => messageId === id);
    return new Set(own.map((one) => one.attempt)).size > 1;
  });
}

/** Receipts for another attempt than the one that counts, or for two texts of the same one. */
function toldOfAnother(base: Base): string[] {
  const receipts = newReceipts(base);
  return receipts.flatMap(({ gatewayId, providerId, messageId, epoch, number }) => {
    if (messageId === null) return [];
    const isDoubled = receipts.some(
      (other) =>
        other.messageId === messageId &&
        other.epoch === epoch &&
        other.number === number &&
        other.gatewayId === gatewayId &&
        other.providerId !== providerId,
    );
    const message = base.tables.message.get(messageId);
    if (message === undefined) return isDoubled ? [messageId] : [];
    const isOwn = String(message.attempt) === number;
    const isTaken = ['accepted', 'delivered', 'undelivered'].includes(message.state);
    const known = [...base.tables.attemptEnd.values()]
      .filter((end) => end.messageId === messageId)
      .filter((end) => String(end.epoch) === epoch && String(end.number) === number)
      .map((end) => end.providerId);
    const isOther = [message.providerId, ...known].some((id) => id !== null && id !== providerId);
    const isSecond = isOwn ? message.gatewayId === gatewayId && isOther : isTaken;
    return isDoubled || isSecond ? [messageId] : [];
  });
}

export function countUntimed(base: Base): Breaches {
  return messagesIn(
    base,
    ({ state, checkAt, acceptedAt }) =>
      state === 'accepted' && checkAt === null && isAfter(acceptedAt, base.now - 7 * DAY_MS),
  );
}

export function countUnfinished(base: Base): Breaches {
  return messagesIn(base, ({ state, dispatchId }) => {
    const dispatch = base.tables.dispatch.get(dispatchId)!;
    if (dispatch.state !== 'done') return false;
    const hasJustEnded = isAfter(dispatch.endedAt, base.now - 2 * MINUTE_MS);
    return ['ready', 'claimed', 'unknown'].includes(state) || (state === 'held' && hasJustEnded);
  });
}

export function countMovedBack(base: Base): Breaches {
  const ends = newReceipts(base)
    .filter(({ status }) => status === 'delivered' || status === 'DELIVRD')
    .filter(({ outcome }) => outcome === 'applied')
    .map(({ messageId }) => base.tables.message.get(messageId ?? ''));
  return breachesOf(
    ends.flatMap((message) =>
      message === undefined || message.state === 'delivered' ? [] : [message.id],
    ),
  );
}

export function countMislaned(base: Base): Breaches {
  const broken = [...base.tables.dispatch.values()].filter(
    ({ exercise, lane }) => exercise !== (lane === 4),
  );
  return breachesOf(broken.map(({ id }) => id));
}

export function countOverspent(base: Base): Breaches {
  const broken = [...base.tables.bucket.values()].filter(({ tokens }) => tokens < -0.001);
  return breachesOf(broken.map(({ id }) => id));
}

export function countUnheard(base: Base): Breaches {
  const waiting = [...base.tables.receipt.values(), ...base.tables.reply.values()].filter(
    ({ handledAt, receivedAt }) => handledAt === null && receivedAt < base.now - MINUTE_MS,
  );
  return breachesOf(waiting.map(({ gatewayId }) => gatewayId));
}

export function countStranded(base: Base): Breaches {
  const moving = movingChannels(base);
  const live = [...base.tables.dispatch.values()].filter(
    ({ state, lane, refusalsFrom }) =>
      state === 'sending' && lane <= 2 && (refusalsFrom ?? -Infinity) < base.now - MINUTE_MS,
  );
  const isWaiting = (message: MessageRow, dispatchId: string, channel: string) =>
    message.dispatchId === dispatchId &&
    message.channel === channel &&
    message.state === 'ready' &&
    isBefore(message.dueAt, base.now - MINUTE_MS);
  return breachesOf(
    live.flatMap(({ id }) =>
      ['text', 'mail']
        .filter((channel) => !moving.has(channel))
        .filter((channel) =>
          [...base.tables.message.values()].some((one) => isWaiting(one, id, channel)),
        )
        .map(() => id),
    ),
  );
}

/** Channels of which something leaves, or will: by a gateway that did, or that only waits. */
function movingChannels(base: Base): ReadonlySet<string> {
  const { breaker, bucket, gateway, tally } = base.tables;
  const hasMoved = ({ id, bucketId }: GatewayRow) => {
    const withinMs = Math.max(MINUTE_MS, (2 / bucket.get(bucketId)!.ratePerSecond) * SECOND_MS);
    return tally.some(
      (row) =>
        row.gatewayId === id &&
        row.dispatchId !== null &&
        row.accepted + row.rejected > 0 &&
        row.at > base.now - withinMs,
    );
  };
  const gateways = [...gateway.values()];
  const gone = gateways.filter(hasMoved);
  const goneBuckets = new Set(gone.map(({ bucketId }) => bucketId));
  const isAskedToWait = (bucketId: string) => {
    const { pausedAt, pausedUntil } = bucket.get(bucketId)!;
    return isAfter(pausedUntil, base.now - MINUTE_MS) && pausedUntil! - pausedAt! > 2 * MINUTE_MS;
  };
  const waiting = gateways.filter(
    ({ id, enabled, bucketId }) =>
      enabled &&
      breaker.get(id)!.state !== 'open' &&
      (goneBuckets.has(bucketId) || isAskedToWait(bucketId)),
  );
  return new Set([...gone, ...waiting].map(({ channel }) => channel));
}

export function countHeld(base: Base): Breaches {
  const held = [...base.tables.continuity.values()].filter(({ heldSince }) => heldSince !== null);
  return breachesOf(held.map(({ heldReason }) => heldReason!));
}

export function countAway(base: Base): Breaches {
  const since = [...base.tables.continuity.values()].flatMap(
    ({ replicaAwaySince }) => replicaAwaySince ?? [],
  );
  return breachesOf(since.map(timeAsText));
}

/** What a receipt says of itself, where its reference has the form of ours. */
type NewReceipt = Pick<ReceiptRow, 'gatewayId' | 'providerId' | 'status' | 'outcome'> & {
  readonly messageId: string | null;
  readonly epoch: string;
  readonly number: string;
};

const OURS =
  /^tocsin-[0-9a-f]{8}-(?<messageId>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-/;

function newReceipts(base: Base): NewReceipt[] {
  return [...base.tables.receipt.values()]
    .filter(({ receivedAt }) => receivedAt > base.now - 90 * SECOND_MS)
    .map(({ gatewayId, providerId, status, outcome, reference }) => ({
      gatewayId,
      providerId,
      status,
      outcome,
      messageId: OURS.exec(reference ?? '')?.groups!['messageId'] ?? null,
      epoch: fromEnd(reference ?? '', 2),
      number: fromEnd(reference ?? '', 1),
    }));
}

/** PostgreSQL's `split_part(text, '-', -place)`. */
function fromEnd(text: string, place: number): string {
  return text.split('-').at(-place) ?? '';
}

/** As PostgreSQL prints a time in UTC: without zeros at the end of the fraction. */
function timeAsText(ms: number): string {
  const [date, time] = new Date(ms).toISOString().slice(0, -1).split('T');
  return `${date} ${time!.replace(/\.?0+$/, '')}+00`;
}
