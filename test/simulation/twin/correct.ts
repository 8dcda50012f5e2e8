/** Twins of `src/dispatch/store-correct.ts`. */
import { neverSent } from '../states.ts';
import type { Chosen } from '#dispatch/store-correct.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';
import { roundsOf } from './rounds.ts';
import { markSettled } from './settled.ts';

export function callOffAll(base: Base, dispatchIds: readonly string[]): number {
  const unsent = dispatchIds
    .flatMap((id) => base.messagesOf(id))
    .filter((m) => m.state === 'held' || m.state === 'ready');
  return callOff(base, unsent);
}

function callOff(base: Base, messages: readonly MessageRow[]): number {
  for (const message of messages) base.update(message, { state: 'cancelled', finalAt: base.now });
  return messages.length;
}

/** Contact points with a message that did not surely stay. */
function toldBy(base: Base, earlierIds: readonly string[]): Set<string> {
  return new Set(
    earlierIds
      .flatMap((id) => base.messagesOf(id))
      .filter((m) => m.state !== 'rejected' && !neverSent.includes(m.state))
      .map((m) => m.contactPointId),
  );
}

export function chooseWordings(
  base: Base,
  choice: { earlierIds: readonly string[]; correctionId: string; firstId: string | null },
): Chosen {
  const told = toldBy(base, choice.earlierIds);
  const held = (id: string | null) =>
    id === null ? [] : base.messagesOf(id).filter((m) => m.state === 'held');
  const dropped = held(choice.correctionId).filter((m) => !told.has(m.contactPointId));
  const alreadyTold = held(choice.firstId).filter(
    (m) => m.round === 1 && told.has(m.contactPointId),
  );
  return {
    dropped: callOff(base, dropped),
    alreadyTold: callOff(base, alreadyTold),
  };
}

type Chase = { fromId: string; toId: string };

export function keepRoundTimes(base: Base, { fromId, toId }: Chase): void {
  const dispatch = base.tables.dispatch.get(fromId);
  for (const round of roundsOf(base, toId)) {
    const earlier = base.tables.round.get(keyOf(fromId, round.round));
    const { opensAt = null, openedAt, putOff = 0 } = earlier ?? {};
    if (round.round === 1 || round.openedAt !== null || opensAt === null) continue;
    const isPaused = dispatch?.state === 'paused' && openedAt === null;
    const stoodMs = isPaused ? base.now - dispatch.pausedAt! : 0;
    base.writes += 1;
    round.putOff = putOff;
    round.opensAt = Math.max(base.now, opensAt + stoodMs);
  }
}

export function carryAnswers(base: Base, { fromId, toId }: Chase): number {
  const answered = [...base.tables.settled.values()].filter((s) => s.dispatchId === fromId);
  const before = base.tables.settled.size;
  markSettled(base, {
    dispatchId: toId,
    organisationIds: answered.map(({ organisationId }) => organisationId),
  });
  return base.tables.settled.size - before;
}

export function skipTold(
  base: Base,
  { earlierIds, firstId }: { earlierIds: readonly string[]; firstId: string },
): number {
  const told = toldBy(base, earlierIds);
  const later = base
    .messagesOf(firstId)
    .filter((m) => m.state === 'held' && m.round > 1 && told.has(m.contactPointId));
  return callOff(base, later);
}
