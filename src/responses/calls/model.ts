/** Whom to ring next, and at which number. Pure. */

/** What came of a number that was rung. */
export const callOutcomes = ['reached', 'left_word', 'no_answer', 'wrong_number'] as const;

export type CallOutcome = (typeof callOutcomes)[number];

/**
 * How a name of the call list leaves whoever had it: they reached somebody, or left word; gave it
 * back; said nothing for too long; or the organisation answered by itself.
 */
export type CallEnd = 'reached' | 'left_word' | 'given_back' | 'lapsed' | 'answered';

/** Why an organisation is to be rung; `withdrawn`: told of it by phone alone, and it does not hold. */
export const ringReasons = ['withdrawn', 'unreachable', 'uncertain', 'silent'] as const;

export type RingReason = (typeof ringReasons)[number];

/** How far the messages of an organisation that must answer, and has not, have come. */
export type Told = {
  /** One of them was taken by a provider. */
  readonly isReached: boolean;
  /** Nobody can say of one whether it left. */
  readonly isUncertain: boolean;
  /** One may still leave. */
  readonly moreToCome: boolean;
};

/** Why it is to be rung, as `responses.v_to_ring` has it; undefined while its chain goes on (P7). */
export function ringReason({ isReached, isUncertain, moreToCome }: Told): RingReason | undefined {
  if (moreToCome) return undefined;
  if (isReached) return 'silent';
  return isUncertain ? 'uncertain' : 'unreachable';
}

/** A number of the organisation; null: its switchboard. */
export type Way = { readonly contactPointId: string | null };

export type Tried = {
  readonly contactPointId: string | null;
  readonly outcome: CallOutcome;
};

/**
 * The next number to ring: the first in the order of the chain that was not tried, the switchboard
 * the last; when all were, the one that was tried longest ago. Never one that was found wrong.
 * @param tried oldest first
 */
export function nextWay<W extends Way>(ways: readonly W[], tried: readonly Tried[]): W | undefined {
  const last = (way: Way) =>
    tried.findLastIndex(({ contactPointId }) => contactPointId === way.contactPointId);
  const usable = ways.filter((way) => tried[last(way)]?.outcome !== 'wrong_number');
  // Stable: of those never tried the first of the chain.
  return usable.toSorted((a, b) => last(a) - last(b))[0];
}
