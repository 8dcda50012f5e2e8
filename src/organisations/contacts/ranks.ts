/**
 * The order in which the contacts of an organisation are told. Ranks are 1 to 9; contacts of one
 * rank are told together. Pure.
 */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { RANK_MAX } from '../imports/parse-contact.ts';

export type Ranked = { readonly id: string; readonly rank: number };

/** `earlier`: told before those it was told with or after. */
export const directions = ['earlier', 'later'] as const;

export type Direction = (typeof directions)[number];

const FULL = `There are ranks 1 to ${RANK_MAX} only. Let two be told together first.`;

/**
 * One step. Whoever shares a rank gets one of its own before (or after) the others; whoever has its
 * own changes places with the next rank. Gives those whose rank changes.
 */
export function moveRank(
  contacts: readonly Ranked[],
  id: string,
  direction: Direction,
): Outcome<Ranked[]> {
  const moved = contacts.find((one) => one.id === id);
  if (moved === undefined) return refused('conflict', 'This contact is not told any more.');
  const others = contacts.filter((one) => one.id !== id);
  if (others.some(({ rank }) => rank === moved.rank)) return separated(others, moved, direction);
  const isBeyond = (rank: number) =>
    direction === 'earlier' ? rank < moved.rank : rank > moved.rank;
  const beyond = others.map(({ rank }) => rank).filter(isBeyond);
  if (beyond.length === 0) return refused('conflict', `Nobody is told ${direction}.`);
  const next = direction === 'earlier' ? Math.max(...beyond) : Math.min(...beyond);
  return ok([
    { id, rank: next },
    ...others.filter(({ rank }) => rank === next).map((one) => ({ ...one, rank: moved.rank })),
  ]);
}

/** A rank of its own: a free one beside, else whoever stands there moves on to the next gap. */
function separated(
  others: readonly Ranked[],
  moved: Ranked,
  direction: Direction,
): Outcome<Ranked[]> {
  const taken = new Set(others.map(({ rank }) => rank));
  const isFreeBefore = moved.rank > 1 && !taken.has(moved.rank - 1);
  if (direction === 'earlier' && isFreeBefore) return ok([{ ...moved, rank: moved.rank - 1 }]);
  const from = direction === 'earlier' ? moved.rank : moved.rank + 1;
  let gap = from;
  while (taken.has(gap)) gap += 1;
  if (gap > RANK_MAX) return refused('conflict', FULL);
  return ok([
    ...(direction === 'later' ? [{ ...moved, rank: from }] : []),
    ...others
      .filter(({ rank }) => rank >= from && rank < gap)
      .map((one) => ({ ...one, rank: one.rank + 1 })),
  ]);
}

/** After somebody left `rank`: where nobody is left in it, the later ones move up. */
export function closeGap(contacts: readonly Ranked[], rank: number): Ranked[] {
  if (contacts.some((one) => one.rank === rank)) return [];
  return contacts.filter((one) => one.rank > rank).map((one) => ({ ...one, rank: one.rank - 1 }));
}
