/** A correction of one dispatch: two more, frozen and approved together, let go in one moment. */
import type { Random } from './random.ts';
import type { PlannedDispatch } from './dispatches.ts';
import type { PlannedMessage } from './twin/rows.ts';

const SECOND_MS = 1_000;

export type Correction = {
  readonly atMs: number;
  readonly earlierId: string;
  readonly correctionId: string;
  readonly firstId: string;
  /** The correction, in one round, and the first alert with its rounds. */
  readonly dispatches: readonly PlannedDispatch[];
};

export function drawCorrection(
  random: Random,
  dispatches: readonly PlannedDispatch[],
): Correction | undefined {
  const earlier = random.pick(dispatches);
  if (!random.chance(0.2) || earlier.isEditedLate) return undefined;
  const first = rewrite(random, earlier, { says: 'New version.', rounds: earlier.rounds });
  const [once] = earlier.rounds;
  const correction = rewrite(random, earlier, { says: 'Correction.', rounds: [once!] });
  return {
    atMs: earlier.releaseAtMs + random.pick([5, 120]) * random.below(SECOND_MS),
    earlierId: earlier.id,
    correctionId: correction.id,
    firstId: first.id,
    dispatches: [correction, first],
  };
}

/** The same readers in other words. */
function rewrite(
  random: Random,
  earlier: PlannedDispatch,
  { says, rounds }: { says: string; rounds: PlannedDispatch['rounds'] },
): PlannedDispatch {
  const id = random.uuid();
  const credits = new Map<string, readonly string[]>();
  const messages = earlier.messages
    .filter(({ round }) => rounds.some((kept) => kept.round === round))
    .map((message): PlannedMessage => {
      const messageId = random.uuid();
      const others = earlier.credits.get(message.id);
      if (others !== undefined) credits.set(messageId, others);
      const body = message.body.replace('Isolate now.', says);
      return { ...message, id: messageId, dispatchId: id, body };
    });
  return { ...earlier, id, rounds, messages, credits, releaseAtMs: Infinity, isEditedLate: false };
}
