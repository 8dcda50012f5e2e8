/** What waits at the duty desk, and who may deal with it. Pure. */

export const deskItemKinds = [
  'help',
  'not_understood',
  // A code that no text of ours brought to this number.
  'wrong_code',
  // Asks whether a text is genuine that we did not send.
  'not_ours',
  'stop',
  'unknown_sender',
  // From the number that somebody of the centre is woken on.
  'colleague',
  'guessing',
] as const;

export type DeskItemKind = (typeof deskItemKinds)[number];

/**
 * `claimed` to `claimed`: handed over, or taken from somebody who said nothing for too long.
 */
export const deskMoves = {
  open: ['claimed'],
  claimed: ['claimed', 'open', 'closed'],
  closed: [],
} as const;

export type DeskItemState = keyof typeof deskMoves;

export function deskStatesBefore(to: DeskItemState): DeskItemState[] {
  const froms = Object.keys(deskMoves) as DeskItemState[];
  return froms.filter((from) => (deskMoves[from] as readonly DeskItemState[]).includes(to));
}

/** One of the items that belong together, as far as decisions ask. */
type Item = {
  readonly id: string;
  readonly state: DeskItemState;
  readonly claimedBy: string | null;
  readonly claimedByName: string | null;
  readonly isLapsed: boolean;
};

/** Whoever else has one of them now: an organisation has one owner at a time. */
export function otherHolder<T extends Item>(items: readonly T[], me: string): T | undefined {
  return items.find((one) => one.state === 'claimed' && one.claimedBy !== me && !one.isLapsed);
}

/** Those that this person has, also where they said nothing for long and nobody took it since. */
export function heldBy<T extends Item>(items: readonly T[], me: string): T[] {
  return items.filter((one) => one.state === 'claimed' && one.claimedBy === me);
}

/** In how many minutes a call may be promised anew. */
export const callBackMinutes = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240] as const;
