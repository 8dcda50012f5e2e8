/** A part of a round is readied the same way at release and by its timer (`src/dispatch/rounds.ts`). */
import { afterQuiet, outOfQuiet } from '#kernel/quiet-hours.ts';
import type { Twin } from './twin/index.ts';
import type { Base } from './twin/rows.ts';

/** Few, so that most rounds open in parts. */
const PART_MAX = 2;

export function readyPart(
  twin: Twin,
  base: Base,
  part: { dispatchId: string; round: number },
): number {
  const { dispatchId, round } = part;
  const ids = twin.lockNextPart(base, { dispatchId, round, most: PART_MAX });
  const channels = twin.listSharedChannels(base);
  if (channels.length > 0) twin.rememberSenders(base, { ids, channels });
  const ready = twin.readyMessages(base, ids);
  twin.spaceMessages(base, { dispatchId, ids });
  const isLast = ids.length < PART_MAX;
  twin.markPartReady(base, { dispatchId, round, isLast });
  return ready;
}

/** As `keepQuiet` of `src/dispatch/rounds.ts`. */
export function keepQuiet(twin: Twin, base: Base, dispatchId: string): void {
  const times = twin.listQuietTimes(base, dispatchId);
  const planned = times.map(({ opensAt }) => opensAt.getTime());
  outOfQuiet(planned, times[0]).forEach((at, i) => {
    const { round } = times[i]!;
    if (at !== planned[i]) twin.setRoundTime(base, { dispatchId, round, opensAt: new Date(at) });
  });
}

/** False where it is somebody else's to open, or called off. */
export function takeRound(
  twin: Twin,
  base: Base,
  { dispatchId, round, isOpen }: { dispatchId: string; round: number; isOpen: boolean },
): boolean {
  if (isOpen) return twin.lockOpeningRound(base, dispatchId, round);
  keepQuiet(twin, base, dispatchId);
  if (!twin.markRoundOpened(base, dispatchId, round)) return false;
  keepQuiet(twin, base, dispatchId);
  twin.notifyDispatch(base, dispatchId);
  return true;
}

/** As `restExercises` of `src/dispatch/rounds.ts`. */
export function restExercises(twin: Twin, base: Base): void {
  for (const { dispatchId, now, ...hours } of twin.listExercisesSending(base)) {
    const until = new Date(afterQuiet(now.getTime(), hours));
    if (until > now) twin.restReady(base, { dispatchId, until });
  }
}
