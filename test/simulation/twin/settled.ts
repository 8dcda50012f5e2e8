/** Twins of `src/dispatch/store-settled.ts`. */
import { historyIsWhole } from './continuity.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';

/** Twin of the fragment of the same name. */
export function isSettled(base: Base, message: MessageRow): boolean {
  const isDone = (id: string) => base.tables.settled.has(keyOf(message.dispatchId, id));
  return message.organisationId !== null && base.creditedTo(message).every(isDone);
}

type Answered = { dispatchId: string; organisationIds: readonly string[] };

export function lockLaterRounds(_base: Base, _settled: Answered): void {}

export function markSettled(base: Base, { dispatchId, organisationIds }: Answered): void {
  for (const organisationId of organisationIds) {
    const key = keyOf(dispatchId, organisationId);
    if (base.tables.settled.has(key)) continue;
    base.writes += 1;
    base.tables.settled.set(key, { dispatchId, organisationId, settledAt: base.now });
  }
}

export function cancelSettled(base: Base, { dispatchId, organisationIds }: Answered): number {
  return cancelAnswered(base, { dispatchId, organisationIds }, 2);
}

/** Calls off what answered organisations do not need any more, from `firstRound` on. */
export function cancelAnswered(base: Base, answered: Answered, firstRound: number): number {
  if (!historyIsWhole(base)) return 0;
  const found = base
    .messagesOf(answered.dispatchId)
    .filter(
      (m) =>
        m.round >= firstRound &&
        (m.state === 'held' || m.state === 'ready') &&
        base.creditedTo(m).some((id) => answered.organisationIds.includes(id)) &&
        isSettled(base, m),
    );
  for (const message of found) base.update(message, { state: 'cancelled', finalAt: base.now });
  return found.length;
}

export function cancelAllSettled(base: Base): number {
  if (!historyIsWhole(base)) return 0;
  const found = [...base.tables.message.values()].filter((m) => {
    const isRunning = ['held', 'sending', 'paused'].includes(base.dispatchOf(m).state);
    const isUnsent = m.state === 'held' || m.state === 'ready';
    return isRunning && isUnsent && m.round > 1 && isSettled(base, m);
  });
  for (const message of found) base.update(message, { state: 'cancelled', finalAt: base.now });
  return found.length;
}
