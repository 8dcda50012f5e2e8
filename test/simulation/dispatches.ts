/** Who is to get what, drawn from the seed of a run. */
import type { QuietHours } from '#kernel/quiet-hours.ts';
import type { Random } from './random.ts';
import type { PlannedMessage } from './twin/rows.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

export type PlannedDispatch = {
  readonly id: string;
  readonly lane: number;
  readonly exercise: boolean;
  readonly expiresAfterMs: number;
  readonly rounds: readonly { readonly round: number; readonly opensAfterMs: number }[];
  readonly messages: readonly PlannedMessage[];
  readonly credits: ReadonlyMap<string, readonly string[]>;
  /** Infinite: a correction lets it go. */
  readonly releaseAtMs: number;
  /** From its request on, until an unknown counts as uncertain. */
  readonly uncertainAfterMs: number;
  /** Minutes of the day of the run in which no round opens. */
  readonly quietHours?: QuietHours | undefined;
  /** Somebody adds a message between approval and release: it must be refused. */
  readonly isEditedLate: boolean;
};

/** The clock of London at the beginning of a run, which is that of 1970: 01:00. */
const START_MINUTE = 60;

/** A few minutes soon after the beginning: runs are short. */
export function drawQuietHours(random: Random): QuietHours | undefined {
  if (!random.chance(0.3)) return undefined;
  const fromMinute = START_MINUTE + random.below(4);
  return { fromMinute, untilMinute: fromMinute + random.between(1, 4) };
}

export function drawDispatch(
  random: Random,
  hasMail: boolean,
): Omit<PlannedDispatch, 'uncertainAfterMs'> {
  const id = random.uuid();
  const lane = random.pick([1, 1, 2, 3, 4]);
  const rounds = Array.from({ length: random.between(1, 3) }, (_, i) => ({
    round: i + 1,
    opensAfterMs: i * random.between(20, 90) * SECOND_MS,
  }));
  const organisations = Array.from({ length: random.between(1, 3) }, () => random.uuid());
  const credits = new Map<string, readonly string[]>();
  const messages: PlannedMessage[] = [];
  for (let point = random.between(1, 7); point > 0; point--) {
    const contactPointId = random.uuid();
    const [organisationId, ...others] = random
      .shuffle(organisations)
      .slice(0, random.chance(0.3) ? random.between(1, organisations.length) : 1);
    const rank = random.between(1, 3);
    for (const { round } of rounds) {
      const message: PlannedMessage = {
        id: random.uuid(),
        dispatchId: id,
        contactPointId,
        organisationId: organisationId!,
        channel: hasMail && random.chance(0.3) ? 'mail' : 'text',
        round,
        rank,
        code: String(random.between(1000, 9999)),
        subject: null,
        body: `${lane === 4 ? 'EXERCISE ' : ''}Isolate now.${round > 1 ? ' Unanswered since {since}' : ''}`,
        addressSealed: Buffer.from(contactPointId),
      };
      messages.push(message);
      if (others.length > 0) credits.set(message.id, others);
    }
  }
  return {
    id,
    lane,
    exercise: lane === 4,
    expiresAfterMs: random.between(4, 15) * MINUTE_MS,
    rounds,
    messages,
    credits,
    releaseAtMs: random.below(20 * SECOND_MS),
    isEditedLate: random.chance(0.03),
  };
}
