/** Twins of `src/dispatch/store-correct.ts`. */
import { neverSent } from '../states.ts';
import type { Chosen } from '#dispatch/store-correct.ts';
import type { Base, MessageRow } from './rows.ts';

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

export function chooseWordings(
  base: Base,
  choice: { earlierIds: readonly string[]; correctionId: string; firstId: string },
): Chosen {
  const told = new Set(
    choice.earlierIds
      .flatMap((id) => base.messagesOf(id))
      .filter((m) => m.state !== 'rejected' && !neverSent.includes(m.state))
      .map((m) => m.contactPointId),
  );
  const held = (id: string) => base.messagesOf(id).filter((m) => m.state === 'held');
  const dropped = held(choice.correctionId).filter((m) => !told.has(m.contactPointId));
  const alreadyTold = held(choice.firstId).filter(
    (m) => m.round === 1 && told.has(m.contactPointId),
  );
  return {
    dropped: callOff(base, dropped),
    alreadyTold: callOff(base, alreadyTold),
  };
}
