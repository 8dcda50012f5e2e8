/** A round opens the same way at release and by its timer (`src/dispatch/actions.ts`). */
import type { Twin } from './twin/index.ts';
import type { Base } from './twin/rows.ts';

/** Each person gets a sender where there is a choice, then the messages of the round may go. */
export function openRound(
  twin: Twin,
  base: Base,
  round: { dispatchId: string; round: number; clock: string },
): number {
  const channels = twin.listSharedChannels(base);
  if (channels.length > 0) twin.rememberSenders(base, { ...round, channels });
  const ready = twin.readyRound(base, round);
  twin.spaceRound(base, round);
  return ready;
}
