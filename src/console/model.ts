/**
 * What a board says of an organisation, and of an alert as a whole. The words are kept apart on
 * purpose (P4): accepted by the provider is not delivered, delivered is not acknowledged.
 */
import type { Because } from '#operating-model/index.ts';

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
  gone: 'sent',
  not_gone: 'nothing has left',
  reached: 'reached',
  no_receipt: 'no receipt yet',
  unanswered: 'reached, no answer',
  said: 'said whether affected',
  not_said: 'have not said whether affected',
} as const;

export type Listing = keyof typeof listings;

/** Those that a list offers beside itself; the others are steps of the funnel. */
export const headListings = [
  'must_answer',
  'delivered',
  'acknowledged',
  'affected',
  'help',
  'waiting',
  'silent',
  'unreachable',
  'uncertain',
  'to_ring',
] as const satisfies readonly Listing[];

/** Messages of one channel, by what became of them. */
export type ChannelTally = {
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

/** Those of one gateway; null where none is chosen yet. */
export type PathTally = ChannelTally & { readonly gatewayId: string | null };

/** The lists behind the numbers of a path. */
export const messageListings = {
  planned: 'all',
  gone: 'gone',
  delivered: 'delivered',
  under_way: 'being handed over',
  failed: 'failed',
  unknown: 'uncertain',
  cancelled: 'not needed',
} as const;

export type MessageListing = keyof typeof messageListings;

/** The parts of what a dispatch that was paused or stopped left behind. */
export const ledgerParts = {
  gone: 'gone',
  unknown: 'unknown',
  waiting: 'waiting',
  never_sent: 'never sent',
} as const;

export type LedgerPart = keyof typeof ledgerParts;

/** One thing that happened, or is to happen. */
export type Explained = {
  readonly what: string;
  /** When it happened, or will; null where nobody knows, or it is no moment. */
  readonly at: Date | null;
  /** Undefined: the rules that it obeys have no such step, so that nothing is planned by it. */
  readonly because: Because | undefined;
  /** Sentences without their full stop. */
  readonly facts: readonly string[];
};
