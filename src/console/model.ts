/**
 * What a board says of an organisation, and of an alert as a whole. The words are kept apart on
 * purpose (P4): accepted by the provider is not delivered, delivered is not acknowledged.
 */

/** How far our messages to an organisation came: the furthest of them counts. */
export const reaches = {
  delivered: 'a handset or mailbox has it',
  accepted: 'a provider took it; no receipt yet',
  uncertain: 'nobody can say yet whether it left',
  sending: 'waits to be sent',
  unreachable: 'nothing can reach them: ring',
} as const;

export type Reach = keyof typeof reaches;

/** The lists behind the numbers of a board; each number opens its list. */
export const listings = {
  must_answer: 'must answer',
  delivered: 'delivered',
  acknowledged: 'acknowledged',
  affected: 'affected',
  help: 'asked for help',
  silent: 'silent',
  unreachable: 'unreachable',
  uncertain: 'uncertain',
  waiting: 'not yet answered',
  to_ring: 'to ring',
} as const;

export type Listing = keyof typeof listings;

export type Tally = {
  readonly mustAnswer: number;
  readonly delivered: number;
  readonly deliveredLately: number;
  readonly acknowledged: number;
  readonly acknowledgedLately: number;
  readonly affected: number;
  readonly affectedLately: number;
  readonly help: number;
  readonly helpLately: number;
  readonly silent: number;
  readonly unreachable: number;
  readonly uncertain: number;
  readonly waiting: number;
};

/** Messages of one channel, by what became of them. */
export type PathTally = {
  readonly channel: 'text' | 'mail';
  readonly planned: number;
  readonly waiting: number;
  readonly underWay: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly failed: number;
  readonly unknown: number;
  readonly cancelled: number;
};

/**
 * When the last waiting message will leave, in ms from now: what the bucket holds goes at once,
 * the rest at its rate (design: breadth first, one bucket for each service).
 */
export function lastLeavesInMs(bucket: {
  waiting: number;
  tokens: number;
  ratePerSecond: number;
}): number {
  return (Math.max(0, bucket.waiting - Math.max(0, bucket.tokens)) / bucket.ratePerSecond) * 1000;
}

/** Answers so far, minute by minute from the release on: `counts[n]` after n minutes. */
export type Curve = { readonly minutes: readonly number[]; readonly counts: readonly number[] };
