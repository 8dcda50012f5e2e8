/** Twins of `src/dispatch/store-continuity.ts` and `store-resume.ts`, and of `history_is_whole()`. */
import type { MessageState } from '#dispatch/model.ts';
import type { Continuity, FoundSent, SightedText } from '#dispatch/store-continuity.ts';
import type { HoldRow } from '#dispatch/store-resume.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';
import type { ContinuityRow } from './server.ts';

function rowOf(base: Base): ContinuityRow {
  return base.tables.continuity.get('history')!;
}

function change(base: Base, columns: Partial<ContinuityRow>): void {
  base.writes += 1;
  Object.assign(rowOf(base), columns);
}

/** Twin of the function of the database: part of every claim, and of calling off. */
export function historyIsWhole(base: Base): boolean {
  const { heldSince, provenStart, timeline } = rowOf(base);
  const { server } = base;
  if (heldSince !== null || !isSameDatabase(base)) return false;
  return provenStart === server.startedAt && timeline === server.timeline;
}

function isSameDatabase(base: Base): boolean {
  return rowOf(base).databaseId === base.server.databaseId;
}

function isSameServer(base: Base): boolean {
  const { timeline, systemIdentifier } = rowOf(base);
  const { server } = base;
  const isServer = timeline === server.timeline && systemIdentifier === server.systemIdentifier;
  return isServer && isSameDatabase(base);
}

export function readContinuity(base: Base): Continuity {
  const { heldSince, heldStart, heldReason, provenStart, readFrom, lookedAt } = rowOf(base);
  const claims = [...base.tables.dispatch.values()].flatMap((d) => d.lastClaimedAt ?? []);
  const from = heldSince === null ? (claims.length === 0 ? null : Math.max(...claims)) : readFrom;
  return {
    isSameServer: isSameServer(base),
    isProven: provenStart === base.server.startedAt,
    start: timeAsText(base.server.startedAt),
    heldReason,
    heldForMs: heldSince === null ? null : base.now - heldSince,
    isHeldHere: heldStart === base.server.startedAt && isSameDatabase(base),
    heldSince: heldSince === null ? null : timeAsText(heldSince),
    readFrom: from === null ? null : new Date(from),
    isLookedAt: lookedAt !== null,
  };
}

export function markProven(base: Base, start: string): boolean {
  if (rowOf(base).heldSince !== null || !isSameServer(base)) return false;
  if (timeAsText(base.server.startedAt) !== start) return false;
  change(base, { provenStart: base.server.startedAt });
  return true;
}

export function markHeld(base: Base, hold: { reason: string; readFrom: Date | null }): boolean {
  if (rowOf(base).heldSince !== null) return false;
  const readFrom = hold.readFrom?.getTime() ?? null;
  const { startedAt: heldStart, databaseId } = base.server;
  change(base, { heldSince: base.now, heldStart, heldReason: hold.reason, readFrom, databaseId });
  return true;
}

export function markHeldAnew(base: Base): boolean {
  const { heldStart } = rowOf(base);
  const { startedAt, databaseId } = base.server;
  if (heldStart === null || (heldStart === startedAt && isSameDatabase(base))) return false;
  const held = { heldSince: base.now, heldStart: startedAt, databaseId };
  change(base, { ...held, lookedAt: null, readGateways: [] });
  return true;
}

/** As PostgreSQL writes a time in UTC. */
export function timeAsText(ms: number): string {
  const text = new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
  return `${text.replace(/\.?0+$/, '')}+00`;
}

export function findUnknownReferences(base: Base, sighted: readonly SightedText[]): string[] {
  return sighted
    .filter(({ messageId, epoch, attempt, reference }) => {
      const isKnown = base.tables.attempt.has(keyOf(messageId, epoch, attempt));
      return !isKnown && !base.tables.lostText.has(reference);
    })
    .map(({ reference }) => reference);
}

/** Whoever made the attempts that were lost: that record is lost with them. */
const LOST_OWNER = '00000000-0000-4000-8000-000000000000';

const firstOf = (texts: readonly string[]): string => texts.toSorted()[0]!;

export function restoreAttempts(
  base: Base,
  gatewayId: string,
  sighted: readonly SightedText[],
): FoundSent[] {
  const restored = new Set<string>();
  for (const { messageId, epoch, attempt: number, reference } of sighted) {
    const same = sighted.filter((text) => text.reference === reference);
    const createdAt = Math.min(...same.map((text) => text.createdAt.getTime()));
    const key = keyOf(messageId, epoch, number);
    if (base.tables.message.has(messageId)) {
      if (base.tables.attempt.has(key)) continue;
      const by = { gatewayId, owner: LOST_OWNER, claimedAt: createdAt };
      base.restoreAttempt({ messageId, epoch, number, ...by });
      restored.add(key);
    } else if (!base.tables.lostText.has(reference)) {
      base.writes += 1;
      base.tables.lostText.set(reference, {
        reference,
        gatewayId,
        providerId: firstOf(same.map((text) => text.providerId)),
        status: firstOf(same.map((text) => text.status)),
        createdAt,
        foundAt: base.now,
      });
    }
  }
  return sighted
    .filter((text) => restored.has(keyOf(text.messageId, text.epoch, text.attempt)))
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime())
    .map(({ messageId, attempt, providerId, status }) => ({
      messageId,
      attempt,
      providerId,
      status,
    }));
}

const ADOPTED: readonly MessageState[] = ['held', 'ready', 'claimed', 'unknown'];

export function adoptLost(base: Base, gatewayId: string, found: readonly FoundSent[]): string[] {
  const moved: string[] = [];
  for (const messageId of new Set(found.map((text) => text.messageId))) {
    const message = base.tables.message.get(messageId);
    if (message === undefined || !ADOPTED.includes(message.state)) continue;
    const texts = found.filter((text) => text.messageId === messageId);
    const sent = texts.find(({ status }) => status !== 'created');
    const { attempt, providerId } = sent ?? texts.at(-1)!;
    const isOpen = sent === undefined && message.state !== 'held';
    base.update(message, {
      state: isOpen ? 'unknown' : 'accepted',
      attempt,
      gatewayId,
      providerId: isOpen ? null : providerId,
      leaseOwner: null,
      leaseUntil: null,
      dueAt: message.dueAt ?? base.now,
      acceptedAt: isOpen ? null : base.now,
      checks: 0,
      absences: 0,
      checkAt: base.now + (isOpen ? 0 : base.dispatchOf(message).receiptAsksMs[0]!),
    });
    moved.push(messageId);
  }
  return moved;
}

const NEVER_SENT: readonly MessageState[] = ['rejected', 'cancelled', 'expired', 'suppressed'];

export function listNeverSent(base: Base, ids: readonly string[]): string[] {
  return [...new Set(ids)].filter((id) => {
    const message = base.tables.message.get(id);
    return message !== undefined && NEVER_SENT.includes(message.state);
  });
}

export function markLookedAt(
  base: Base,
  looked: {
    readonly heldSince: string;
    readonly gatewayIds: readonly string[];
    readonly adopted: number;
  },
): boolean {
  const { heldSince, lookedAt, adopted } = rowOf(base);
  if (heldSince === null || timeAsText(heldSince) !== looked.heldSince) return false;
  if (lookedAt !== null) return false;
  change(base, {
    lookedAt: base.now,
    readGateways: [...looked.gatewayIds],
    adopted: adopted + looked.adopted,
  });
  return true;
}

export function endHold(base: Base, unread: 'refuse' | 'accept'): boolean {
  const { heldSince, heldStart, lookedAt, provenStart } = rowOf(base);
  const { startedAt, ...where } = base.server;
  const isStopped = heldSince !== null || provenStart !== startedAt || !isSameDatabase(base);
  const isRead = lookedAt !== null && heldStart === startedAt && isSameDatabase(base);
  if (!isRead && !(unread === 'accept' && isStopped)) return false;
  const held = { heldSince: null, heldStart: null, heldReason: null };
  const whole = { ...held, lookedAt: null, readFrom: null };
  const server = { provenStart: startedAt, ...where };
  change(base, { ...whole, ...server, readGateways: [], adopted: 0 });
  return true;
}

export function raiseEpochs(base: Base): void {
  for (const dispatch of base.tables.dispatch.values()) {
    if (!['held', 'sending', 'paused'].includes(dispatch.state)) continue;
    base.writes += 1;
    dispatch.epoch += 1;
  }
}

/** Twin of the fragment of the same name. */
function mayBeToldEarly(base: Base, message: MessageRow): boolean {
  const { lane, releasedAt, uncertainAfter } = base.dispatchOf(message);
  if (lane === 0 || releasedAt === null || releasedAt + uncertainAfter > base.now) return false;
  return base
    .messagesOf(message.dispatchId)
    .some(
      (earlier) =>
        earlier.organisationId !== null &&
        earlier.organisationId === message.organisationId &&
        earlier.round < message.round &&
        ['ready', 'claimed', 'unknown'].includes(earlier.state),
    );
}

function isInDoubt(base: Base, message: MessageRow): boolean {
  const { readGateways } = rowOf(base);
  const { state, cleared } = base.dispatchOf(message);
  const round = base.tables.round.get(keyOf(message.dispatchId, message.round));
  const isDue =
    ['ready', 'claimed', 'unknown'].includes(message.state) ||
    (message.state === 'held' &&
      ((round !== undefined && (round.opensAt === null || round.opensAt <= base.now)) ||
        mayBeToldEarly(base, message)));
  const isUnread = [...base.tables.gateway.values()].some(
    ({ id, channel, removedAt }) =>
      channel === message.channel && removedAt === null && !readGateways.includes(id),
  );
  const isLeft = state === 'cancelled' && !cleared;
  return (state === 'sending' || state === 'paused' || isLeft) && isDue && isUnread;
}

export function closeInDoubt(base: Base, inDoubt: 'send_again' | 'treat_as_sent'): number {
  const doubtful = [...base.tables.message.values()].filter((m) => {
    const isWanted = inDoubt === 'treat_as_sent' || base.dispatchOf(m).state === 'cancelled';
    return isWanted && isInDoubt(base, m);
  });
  for (const message of doubtful) {
    base.update(message, {
      state: 'uncertain_closed',
      finalAt: base.now,
      dueAt: message.dueAt ?? base.now,
      failureCode: 'history_lost',
      leaseOwner: null,
      leaseUntil: null,
    });
  }
  return doubtful.length;
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

export function readHold(base: Base): HoldRow {
  const { heldSince, heldReason, lookedAt, adopted } = rowOf(base);
  const messages = [...base.tables.message.values()];
  const lost = [...base.tables.lostText.values()];
  const running = messages.filter((message) => {
    const { state } = base.dispatchOf(message);
    return state === 'sending' || state === 'paused';
  });
  return {
    heldSince: dateOf(heldSince),
    heldReason,
    lookedAt: dateOf(lookedAt),
    adopted,
    withoutMessage: heldSince === null ? 0 : lost.filter((t) => t.foundAt >= heldSince).length,
    inDoubt: messages.filter((message) => isInDoubt(base, message)).length,
    notSent: running.filter(
      (m) => (m.state === 'ready' || m.state === 'claimed') && !isInDoubt(base, m),
    ).length,
  };
}
