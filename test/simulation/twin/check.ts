/** Twins of `src/dispatch/store-check.ts`. */
import type { CheckRequest, ToCheck } from '#dispatch/store-check.ts';
import type { Base, MessageRow } from './rows.ts';
import { isUnneeded } from './send.ts';

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
        dispatchId: message.dispatchId,
        gatewayId: message.gatewayId!,
        epoch: attempt.epoch,
        attempt: message.attempt,
        state: message.state as ToCheck['state'],
        checks: message.checks,
        absences: message.absences,
      },
    ];
  });
}

export function recordLookup(
  base: Base,
  lookup: { messageId: string; reference: string; answer: string; status: string | null },
): void {
  base.addLookup({ ...lookup, at: base.now });
}

/** The message where it is unknown after this very attempt. */
function findUnknown(base: Base, asked: { id: string; attempt: number }): MessageRow | undefined {
  const message = base.tables.message.get(asked.id);
  return message?.state === 'unknown' && message.attempt === asked.attempt ? message : undefined;
}

export function adoptMessage(
  base: Base,
  adopted: { id: string; attempt: number; providerId: string; receiptWaitMs: number },
): boolean {
  const message = findUnknown(base, adopted);
  if (message === undefined) return false;
  base.update(message, {
    state: 'accepted',
    providerId: adopted.providerId,
    acceptedAt: base.now,
    checkAt: base.now + adopted.receiptWaitMs,
    checks: 0,
    absences: 0,
  });
  return true;
}

export function requeueMessage(base: Base, asked: { id: string; attempt: number }): boolean {
  const message = findUnknown(base, asked);
  if (message === undefined) return false;
  const unneeded = isUnneeded(base, message);
  base.update(message, {
    state: unneeded ? 'cancelled' : 'ready',
    finalAt: unneeded ? base.now : null,
    dueAt: base.now,
    checkAt: null,
    absences: 0,
    failureCode: 'absent_at_provider',
  });
  return true;
}

export function setNextCheck(
  base: Base,
  next: { id: string; attempt: number; inMs: number | null; absences: number },
): void {
  const message = base.tables.message.get(next.id);
  if (message === undefined || message.attempt !== next.attempt) return;
  if (message.state !== 'unknown' && message.state !== 'accepted') return;
  if (message.state === 'unknown' && next.inMs === null) return;
  const checkAt = next.inMs === null ? null : base.now + next.inMs;
  base.update(message, { absences: next.absences, checkAt });
}
