/** What is rehearsed, and what came of it. Pure. */
import type { Lines } from '#alerts/index.ts';
import type { NumberLimit } from '#dispatch/index.ts';
import type { Channel, Severity } from '#operating-model/index.ts';
import type { RingReason } from '#responses/index.ts';

/** A message as the freeze would hold it. */
export type Planned = {
  readonly contactPointId: string;
  readonly channel: Channel;
  readonly round: number;
  readonly rank: number;
  /** The role of whoever it names first. */
  readonly role: string;
  /** The first gave it its code. */
  readonly organisationIds: readonly string[];
  /** Billed parts; 0 for a mail. */
  readonly fragments: number;
};

export type AskedFor = {
  readonly organisationId: string;
  readonly mustAnswer: boolean;
  readonly regionCode: string | null;
};

/** One release. */
export type Scene = {
  readonly severity: Severity;
  readonly releasedAtMs: number;
  readonly organisations: readonly AskedFor[];
  readonly messages: readonly Planned[];
  readonly lines: Lines;
  readonly perNumber: NumberLimit;
  /** In ms after it left; null: nobody ever answers it. */
  readonly answerAfterMs: (message: Planned) => number | null;
  /** When earlier texts to a number were due; those of this release are added. */
  readonly textsTo?: Map<string, number[]>;
};

/** How a message ended. */
export type Ending = 'sent' | 'called_off' | 'expired' | 'suppressed' | 'no_gateway';

export type Ended = {
  readonly message: Planned;
  readonly ending: Ending;
  /** In ms since the epoch: when it left, or when it was clear that it would not. */
  readonly atMs: number;
};

/** How it went for one organisation; times in ms since the epoch. */
export type Fate = AskedFor & {
  /** When the first message for it left. */
  readonly toldAtMs: number | null;
  readonly answeredAtMs: number | null;
  /** When it came on the call list, and why; null: it must not answer, or had answered by then. */
  readonly listedAtMs: number | null;
  readonly why: RingReason | null;
};

export type OpenedRound = {
  readonly round: number;
  readonly atMs: number;
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
};

export type Run = {
  readonly releasedAtMs: number;
  readonly rounds: readonly OpenedRound[];
  /** In the order in which it happened. */
  readonly ended: readonly Ended[];
  readonly fates: readonly Fate[];
  /** Automatic answers to those who answer by text. */
  readonly replies: number;
  /** When the regions are told, and of how many silent organisations in each; undefined: never. */
  readonly regions:
    | { readonly atMs: number; readonly silent: Readonly<Record<string, number>> }
    | undefined;
};
