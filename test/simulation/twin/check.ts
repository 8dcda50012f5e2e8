/** Twins of `src/dispatch/store-check.ts`. */
import type {
  Adoption,
  Asked,
  CheckRequest,
  LookupRow,
  NewAlarm,
  NextCheck,
  ToCheck,
} from '#dispatch/store-check.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';
import { historyIsWhole } from './continuity.ts';
import { isUnneeded } from './send.ts';

const DAY_MS = 86_400_000;
const KEPT_MS = 7 * DAY_MS;

export function claimChecks(base: Base, request: CheckRequest): ToCheck[] {
  const due = [...base.tables.message.values()]
    .filter(
      (m) =>
        (m.state === 'unknown' || m.state === 'accepted') &&
        m.checkAt !== null &&
        m.checkAt <= base.now &&
        request.gatewayIds.includes(m.gatewayId!) &&
        base.tables.gateway.get(m.gatewayId!)?.canBeAsked === true,
    )
    .toSorted((a, b) => a.checkAt! - b.checkAt!)
    .slice(0, request.most);
  return due.flatMap((message) => {
    const attempt = base.attemptOf(message);
    if (attempt === undefined) return [];
    base.update(message, { checkAt: base.now + request.gapMs, checks: message.checks + 1 });
    return [
      {
        id: message.id,
        gatewayId: message.gatewayId!,
        epoch: attempt.epoch,
        attempt: message.attempt,
        state: message.state as ToCheck['state'],
        absences: message.absences,
        claimedAt: new Date(attempt.claimedAt),
        ageMs: base.now - attempt.claimedAt,
      },
    ];
  });
}

export function recordLookups(base: Base, lookups: readonly LookupRow[]): void {
  for (const lookup of lookups) base.addLookup({ ...lookup, at: base.now });
}

/** The message where it is unknown after this very attempt. */
function findUnknown(base: Base, asked: Asked): MessageRow | undefined {
  const message = base.tables.message.get(asked.id);
  return message?.state === 'unknown' && message.attempt === asked.attempt ? message : undefined;
}

export function adoptMessages(base: Base, adoptions: readonly Adoption[]): string[] {
  return adoptions.flatMap((adopted) => {
    const message = findUnknown(base, adopted);
    if (message === undefined) return [];
    base.update(message, {
      state: 'accepted',
      attempt: adopted.foundAttempt,
      providerId: adopted.providerId,
      acceptedAt: base.now,
      checkAt: base.now + base.dispatchOf(message).receiptAsksMs[0]!,
      checks: 0,
      absences: 0,
    });
    return [message.id];
  });
}

export function requeueMessages(base: Base, absent: readonly Asked[]): string[] {
  return absent.flatMap((asked) => {
    const message = findUnknown(base, asked);
    if (message === undefined || !historyIsWhole(base)) return [];
    const unneeded = isUnneeded(base, message);
    base.update(message, {
      state: unneeded ? 'cancelled' : 'ready',
      finalAt: unneeded ? base.now : null,
      dueAt: base.now,
      checkAt: null,
      absences: 0,
      failureCode: 'absent_at_provider',
      absentGatewayId: message.gatewayId,
      homeGatewayId: message.gatewayId,
    });
    return [message.id];
  });
}

export function setNextChecks(base: Base, next: readonly NextCheck[]): void {
  for (const asked of next) {
    const message = findUnknown(base, asked);
    if (message === undefined) continue;
    base.update(message, { absences: asked.absences, checkAt: base.now + asked.inMs });
  }
}

export function setNextReceiptAsks(base: Base, asked: readonly Asked[]): void {
  for (const { id, attempt } of asked) {
    const message = base.tables.message.get(id);
    if (message?.state !== 'accepted' || message.attempt !== attempt) continue;
    const acceptedAt = message.acceptedAt!;
    const later = base
      .dispatchOf(message)
      .receiptAsksMs.map((ms) => acceptedAt + ms)
      .filter((at) => at > base.now);
    const seldom = base.now + Math.min(base.now - acceptedAt, DAY_MS);
    const at = later.length > 0 ? Math.min(...later) : seldom;
    const lastAt = acceptedAt + KEPT_MS;
    base.update(message, { checkAt: base.now < lastAt ? Math.min(at, lastAt) : null });
  }
}

export function insertAlarms(base: Base, alarms: readonly NewAlarm[]): NewAlarm[] {
  return alarms.filter((alarm) => {
    const key = keyOf(alarm.messageId, alarm.kind, alarm.providerId);
    if (base.tables.alarm.has(key)) return false;
    base.writes += 1;
    base.tables.alarm.set(key, { ...alarm, raisedAt: base.now });
    return true;
  });
}
