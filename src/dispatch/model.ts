/**
 * The states of a message, as one table: it feeds the type, the tests and the README's diagram, and
 * `moves.test.ts` compares what statements and triggers make with it. Promises P1-P6 of
 * docs/architecture.md.
 */
import type { QuietHours } from '#kernel/quiet-hours.ts';

/** What each state means, in one sentence. */
export const states = {
  held: 'planned; waits for release or for its round to open',
  ready: 'may be claimed once it is due',
  claimed: 'a worker owns it until its lease ends; a request may have been made',
  unknown: 'we cannot tell whether the provider accepted it',
  accepted: 'the provider took it, or was found to have taken it',
  delivered: 'the final receipt says the handset or mailbox has it',
  undelivered: 'the final receipt says it did not arrive',
  rejected: 'the provider refused it for good',
  cancelled: 'never requested: called off, or nobody needs it any more',
  expired: 'never requested: too old to be useful',
  suppressed: 'never requested: a rule held it back',
  uncertain_closed: 'nobody could say in time; treated as possibly sent',
} as const;

export type MessageState = keyof typeof states;

/** How a message ends that may be out: its receipt came, or nobody can say. */
const outEnds = ['delivered', 'undelivered', 'uncertain_closed'] as const;

/** Every legal move. A state with no moves is final; nothing moves backwards (P6). */
export const moves = {
  // Accepted or closed while held or ready: the database was restored, and the provider has what
  // was sent in the lost time, or nobody can say (P10).
  held: ['ready', 'cancelled', 'suppressed', 'accepted', 'uncertain_closed'],
  // Delivered while ready: asked for, believed absent, put back; then the receipt came (P2).
  // Unknown while ready: of the lost time the provider has it as `created`, and may delete it.
  ready: ['claimed', 'cancelled', 'expired', 'suppressed', 'accepted', 'unknown', ...outEnds],
  // Closed while claimed: refused for good, and a copy had been risked of an earlier attempt; or
  // the database was restored, and a lost attempt may have been sent.
  claimed: ['accepted', 'rejected', 'ready', 'unknown', 'cancelled', ...outEnds],
  unknown: ['accepted', 'ready', 'cancelled', ...outEnds],
  accepted: ['delivered', 'undelivered'],
  // A provider may first give up and then report that the text arrived after all.
  undelivered: ['delivered'],
  uncertain_closed: ['delivered', 'undelivered'],
  delivered: [],
  rejected: [],
  cancelled: [],
  expired: [],
  suppressed: [],
} as const satisfies Record<MessageState, readonly MessageState[]>;

/** The states from which a message may move to `to`; most statements make fewer of the moves. */
export function statesBefore(to: MessageState): MessageState[] {
  return (Object.keys(moves) as MessageState[]).filter((from) =>
    (moves[from] as readonly MessageState[]).includes(to),
  );
}

/** How a request to a provider ended (the class of an attempt). */
export type AttemptClass = 'accepted' | 'rejected' | 'not_sent' | 'unknown';

/** Where a message goes when its request has ended. */
export const stateAfter: Record<AttemptClass, MessageState> = {
  accepted: 'accepted',
  rejected: 'rejected',
  not_sent: 'ready',
  unknown: 'unknown',
};

/**
 * What a receipt can mean, whatever words the provider uses. `retained` says only that the provider
 * still has it; it moves nothing.
 */
export type ReceiptMeaning = 'delivered' | 'undelivered' | 'retained';

const REFERENCE =
  /^tocsin-([0-9a-f]{8})-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-(\d{1,9})-(\d{1,4})$/;

export type Reference = {
  readonly installation: string;
  readonly messageId: string;
  readonly epoch: number;
  readonly attempt: number;
};

/**
 * The reference a provider keeps for one attempt. It is derived, never drawn (P10): after a restore
 * the same message asks for the same reference, and the look-up finds what was sent before.
 */
export function formatReference(reference: Reference): string {
  const { installation, messageId, epoch, attempt } = reference;
  return `tocsin-${installation.slice(0, 8)}-${messageId}-${epoch}-${attempt}`;
}

/** The parts of a reference of ours; undefined for anybody else's. */
export function parseReference(text: string): Reference | undefined {
  const parts = REFERENCE.exec(text);
  if (parts === null) return undefined;
  const [, installation, messageId, epoch, attempt] = parts;
  return {
    installation: installation!,
    messageId: messageId!,
    epoch: Number(epoch),
    attempt: Number(attempt),
  };
}

/** How long to wait before a request that surely did not leave is tried again, in ms. */
export function backoffMs(attempt: number): number {
  return Math.min(1000 * 2 ** Math.min(attempt, 6), 60_000);
}

/**
 * How long to wait before an unknown is looked up, in ms: the provider's own cap on one request
 * (30 s at Notify) and 5 s of margin, counted from the moment our request began.
 */
export const quietMs = 35_000;

/** Time between two look-ups of one unknown; absent twice so far apart is proof of absence. */
export const lookupGapMs = 15_000;

/** From then on an operator is told of a text that the provider has and does not send, in ms. */
export const stuckAfterMs = 600_000;

/** What a lookup at the provider by reference said. `doubles`: more texts under one reference. */
export type Found =
  | { readonly answer: 'absent' }
  | { readonly answer: 'cannot_tell' }
  | {
      readonly answer: 'found';
      readonly providerId: string;
      readonly status: string;
      readonly doubles?: readonly string[];
    };

export type LookupStep =
  | { readonly kind: 'adopt'; readonly providerId: string }
  | { readonly kind: 'requeue' }
  | { readonly kind: 'ask_again'; readonly absences: number; readonly inMs: number };

/**
 * What to do with an unknown after a look-up. Found in `created` is not adopted yet: Notify may
 * still delete the row or queue it again an hour later; each half a minute is often enough. Absent
 * counts only twice in a row.
 */
export function afterLookup(
  found: Found,
  before: { readonly absences: number; readonly gapMs: number },
): LookupStep {
  const { absences, gapMs } = before;
  if (found.answer === 'found') {
    if (found.status !== 'created') return { kind: 'adopt', providerId: found.providerId };
    return { kind: 'ask_again', absences: 0, inMs: 2 * gapMs };
  }
  if (found.answer === 'cannot_tell') return { kind: 'ask_again', absences: 0, inMs: gapMs };
  if (absences >= 1) return { kind: 'requeue' };
  return { kind: 'ask_again', absences: absences + 1, inMs: gapMs };
}

/** A provider's own frame around each message; ours must be nothing but a blank. */
export type Template = {
  readonly id: string;
  readonly version: number;
  readonly subject: string | null;
  readonly body: string;
};

/** What reading the provider's templates gave; `missing`: none passes a message through as it is. */
export type TemplateReading =
  | { readonly answer: 'pinned'; readonly template: Template }
  | { readonly answer: 'missing' }
  | { readonly answer: 'cannot_tell' };
/** True where the provider has had the text for so long without sending it that people must look. */
export function isStuck(found: Found, ageMs: number): boolean {
  return found.answer === 'found' && found.status === 'created' && ageMs >= stuckAfterMs;
}

/** What is told to an operator about one message, and counted. */
export const alarms = {
  accepted_twice: 'the provider has a second text of this message',
  stuck_at_provider: 'the provider has the text and does not send it',
  missing_at_provider: 'the provider took it and does not have it any more',
  sent_unrecorded: 'the provider sent it, though it counts as never sent',
} as const;

export type AlarmKind = keyof typeof alarms;

/** One message as a gateway gets it: opened, and good for this one attempt. */
export type Outgoing = {
  readonly reference: string;
  /** A number in international form without plus, or an e-mail address. */
  readonly address: string;
  readonly subject: string | null;
  readonly body: string;
  /** After it the message is worth nothing; told to a provider that can stop trying then. */
  readonly expiresAt?: Date;
};

/**
 * What became of one request. `pauseMs`: the provider asks everybody to stop for so long;
 * `tooFast`: because of our pace, not because something is wrong.
 * `contentDiffers`: it took the message, but says that it sends other words than we asked for.
 */
export type SendResult =
  | {
      readonly class: 'accepted';
      readonly providerId: string | null;
      readonly contentDiffers?: true;
    }
  | { readonly class: 'rejected'; readonly code: string }
  | {
      readonly class: 'not_sent';
      readonly code: string;
      readonly pauseMs?: number;
      readonly tooFast?: boolean;
    }
  | { readonly class: 'unknown'; readonly code: string };

/**
 * A code as it may be kept: providers write part of it. A character that the database refuses would
 * stop the settlement of the whole batch, and a number or text does not belong there (P12).
 */
export function plainCode(code: string): string {
  return code
    .replaceAll(/[^A-Za-z0-9 _.:-]/g, '?')
    .replaceAll(/\d{5,}/g, '?')
    .slice(0, 80);
}

/** When a message whose request ended so is looked at again, in ms; 0 where never. */
export function againInMs(
  result: SendResult,
  attempt: number,
  waits: { readonly quietMs: number; readonly receiptAskMs: number },
): number {
  if (result.class === 'not_sent') return Math.max(result.pauseMs ?? 0, backoffMs(attempt));
  if (result.class === 'unknown') return waits.quietMs;
  return result.class === 'accepted' ? waits.receiptAskMs : 0;
}

/** The rounds of a dispatch, as values from the operating model. */
export type RoundPlan = {
  readonly round: number;
  readonly opensAfterMs: number;
  /** To those of an earlier round once more; absent: no. */
  readonly reminds?: boolean;
};

export type DispatchPlan = {
  readonly id: string;
  readonly label: string;
  readonly lane: number;
  readonly exercise: boolean;
  readonly expiresAfterMs: number;
  /** After the release nothing leaves for so long, and it can be recalled; absent: it leaves at once. */
  readonly recallForMs?: number;
  /** At most so many texts to one number within so long; absent: no limit. */
  readonly perNumber?: NumberLimit;
  /** No round opens in these hours; absent: at any. */
  readonly quietHours?: QuietHours | undefined;
  /** When an accepted message without a receipt is asked for, in ms since it was accepted. */
  readonly receiptAsksMs: readonly number[];
  /** From its request until an unknown is put before the officer. */
  readonly uncertainAfterMs: number;
  readonly rounds: readonly RoundPlan[];
};

export type NumberLimit = { readonly most: number; readonly withinMs: number };
