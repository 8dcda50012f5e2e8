/** A draft as if it were released now: who is told, what it costs, how long it takes. */
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { SmsText } from '#kernel/sms-text.ts';
import type { Tx } from '#db/database.ts';
import { roundTimes, stepsOf, type OperatingModel, type Severity } from '#operating-model/index.ts';
import {
  listOffDuty,
  resolveQuestion,
  type AudienceQuestion,
  type OffDuty,
} from '#organisations/index.ts';
import { forecastRounds, type Capacity } from './forecast.ts';
import { countRounds, rendered, type CountedRound } from './counted-rounds.ts';
import { overCap, type OverCap } from './over-cap.ts';
import { renderingFor, type AlertContext } from './rendering.ts';
import {
  countAhead,
  listGaps,
  listBuckets,
  type BucketNow,
  type Gap,
  type GapCounts,
  type GapSearch,
  type Reach,
} from './store-dry-run.ts';
import type { VersionRow } from './store.ts';
import type { Channel, RoundTemplate } from './texts.ts';

export type DryRound = CountedRound & {
  /** When quiet hours that hold it end; null where none do. */
  readonly heldUntil: Date | null;
};

export type LongestText = {
  readonly round: number;
  /** The reader kind with words of its own, and what it is called; null: the general ones. */
  readonly reader: string | null;
  readonly readerLabel: string | null;
  readonly organisationId: string;
  /** As it stands in the text. */
  readonly name: string;
  readonly text: SmsText;
};

export type Forecast = {
  /** Until each organisation that a text reaches has one, in ms after the release. */
  readonly everyOrganisationMs: number | null;
  /** Organisations that no text reaches, in any round. */
  readonly withoutText: number;
  /** Until the last text of the first round, and of the last round if nobody answers. */
  readonly firstRoundMs: number | null;
  readonly lastTextMs: number | null;
  readonly capacity: Capacity;
};

export type DryRun = {
  readonly organisations: number;
  readonly mustAnswer: number;
  readonly rounds: readonly DryRound[];
  /** Organisations that are reached only by numbers and addresses that failed. */
  readonly failedOnly: number;
  /** Contacts whose hours or absence it meets just now, and what comes of it. */
  readonly offDuty: OffDuty;
  readonly gapCounts: GapCounts;
  readonly gaps: readonly Gap[];
  /** The longest general text, and of each reader kind with words of its own that it would reach. */
  readonly longest: readonly LongestText[];
  readonly firstRoundCost: string;
  readonly costAtMost: string;
  /** What the rules let it cost, where it may cost more. */
  readonly overCap: OverCap | undefined;
  /** Null where no gateway takes texts, or nothing is sent by text. */
  readonly forecast: Forecast | null;
};

/** So many are named; all are counted. */
const OFF_DUTY_MOST = 20;

/** Counts everything anew. Refused where the draft cannot be rendered or its audience not be asked. */
export async function dryRun(
  tx: Tx,
  context: AlertContext,
  { version, page, now }: { version: VersionRow; page: GapSearch; now: Date },
): Promise<Outcome<DryRun>> {
  const rendering = renderingFor(version, context);
  if (rendering === undefined)
    return refused('conflict', 'The operating model has no such severity any more.');
  const question = await resolveQuestion(tx, version.audience as AudienceQuestion);
  if (!question.ok) return question;
  const { severity, model } = rendering;
  const counted = await countRounds(tx, rendering, { version, question: question.value });
  const { reach, templates, fragments } = counted;
  const { counts, gaps } = await listGaps(tx, counted.asked, page);
  const times = roundTimes(severity, now.getTime());
  const rounds = counted.rounds.map((one) => ({
    ...one,
    heldUntil: heldUntil(severity, one.round, times[one.round - 1]!, now),
  }));
  return ok({
    organisations: reach.organisations,
    mustAnswer: reach.mustAnswer,
    rounds,
    failedOnly: reach.failedOnly,
    offDuty: await listOffDuty(tx, question.value, OFF_DUTY_MOST),
    gapCounts: counts,
    gaps,
    longest: longestTexts(templates, reach, model),
    firstRoundCost: formatMoney(priceOfTexts(fragments(1), model.textPrice)),
    costAtMost: counted.costAtMost,
    overCap: overCap(model, severity, fragments()),
    forecast: await forecast(tx, { severity, model, reach, rounds, times, now }),
  });
}

/** What a round waits for beyond what its severity says, where that is quiet hours. */
function heldUntil(severity: Severity, round: number, at: number, now: Date): Date | null {
  const planned = now.getTime() + severity.recallWindowMs + stepsOf(severity)[round - 1]!.afterMs;
  return at > planned ? new Date(at) : null;
}

/** The general one first, then those of the reader kinds with words of their own. */
function longestTexts(
  templates: readonly RoundTemplate[],
  reach: Reach,
  { readerKinds }: OperatingModel,
): LongestText[] {
  const texts = templates
    .filter(({ channel }) => channel === 'text')
    .flatMap((template) =>
      reach.names
        .filter((one) => one.round === template.round)
        .map((one) => ({
          round: one.round,
          reader: one.reader,
          readerLabel: one.reader === null ? null : (readerKinds[one.reader]?.label ?? one.reader),
          organisationId: one.organisationId,
          name: one.name,
          text: rendered(template, one),
        })),
    );
  return [null, ...Object.keys(readerKinds)].flatMap((reader) => {
    const [longest] = texts
      .filter((one) => one.reader === reader)
      .toSorted(
        (a, b) =>
          b.text.fragments - a.text.fragments ||
          b.text.characters - a.text.characters ||
          a.round - b.round,
      );
    return longest === undefined ? [] : [longest];
  });
}

type Load = {
  readonly severity: Severity;
  readonly model: OperatingModel;
  readonly reach: Reach;
  readonly rounds: readonly DryRound[];
  /** When each round opens, in ms since the epoch. */
  readonly times: readonly number[];
  readonly now: Date;
};

/** Lanes below these keep off the share of each bucket that is for what is urgent. */
const ROUTINE_LANE = 3;

async function forecast(
  tx: Tx,
  { severity, model, reach, rounds, times, now }: Load,
): Promise<Forecast | null> {
  const texts = rounds.filter(({ channel }) => channel === 'text');
  const capacity = texts.length === 0 ? undefined : await capacityFor(tx, severity, model);
  if (capacity === undefined) return null;
  const loads = texts.map(({ round, messages }) => ({
    opensAfterMs: times[round - 1]! - now.getTime(),
    texts: messages,
  }));
  const until = texts.findIndex(({ round }) => round === reach.firstTextRound);
  const firsts = [
    ...loads.slice(0, until),
    ...loads.slice(until, until + 1).map((load) => ({ ...load, texts: reach.firstTexts })),
  ];
  // A round that tells nobody by text ends with the one before.
  const ends = forecastRounds(capacity, loads).filter((_, i) => loads[i]!.texts > 0);
  return {
    everyOrganisationMs: until < 0 ? null : (forecastRounds(capacity, firsts).at(-1) ?? null),
    withoutText: reach.organisations - reach.texted,
    firstRoundMs: loads[0]!.texts > 0 ? (ends[0] ?? null) : null,
    lastTextMs: ends.at(-1) ?? null,
    capacity,
  };
}

/** What texts of this severity find now; undefined where no gateway takes any. */
export async function capacityFor(
  tx: Tx,
  { lane }: Severity,
  { sending }: OperatingModel,
): Promise<Capacity | undefined> {
  return await capacityOf(tx, 'text', { lane, urgentReserveShare: sending.urgentReserveShare });
}

async function capacityOf(
  tx: Tx,
  channel: Channel,
  { lane, urgentReserveShare }: { readonly lane: number; readonly urgentReserveShare: number },
): Promise<Capacity | undefined> {
  const buckets = await listBuckets(tx, channel);
  if (buckets.length === 0) return undefined;
  const reserve = lane >= ROUTINE_LANE ? urgentReserveShare : 0;
  return addedUp(buckets, { reserve, ahead: await countAhead(tx, { channel, lane }) });
}

/** What messages of a severity find now by each channel; undefined where no gateway takes them. */
export type Lines = {
  readonly text: Capacity | undefined;
  readonly mail: Capacity | undefined;
  /** Both draw on the same buckets: mail waits for texts. */
  readonly isShared: boolean;
};

export async function linesFor(
  tx: Tx,
  { lane }: Severity,
  { sending: { urgentReserveShare } }: OperatingModel,
): Promise<Lines> {
  const rules = { lane, urgentReserveShare };
  const ids = (buckets: readonly BucketNow[]) => buckets.map(({ bucketId }) => bucketId).toSorted();
  const texts = ids(await listBuckets(tx, 'text'));
  const mails = ids(await listBuckets(tx, 'mail'));
  return {
    text: await capacityOf(tx, 'text', rules),
    mail: await capacityOf(tx, 'mail', rules),
    isShared: mails.length > 0 && texts.join() === mails.join(),
  };
}

/** Those that are paused count only where all of them are: the others take the texts meanwhile. */
function addedUp(
  buckets: readonly BucketNow[],
  { reserve, ahead }: { reserve: number; ahead: number },
): Capacity {
  const open = buckets.filter(({ pausedForMs }) => pausedForMs <= 0);
  const used = open.length > 0 ? open : buckets;
  const sum = (of: (bucket: BucketNow) => number) => used.reduce((all, one) => all + of(one), 0);
  // As `dispatch.reserve_of` has it: one token is for everybody.
  const kept = ({ burst }: BucketNow) => Math.min(burst * reserve, burst - 1);
  return {
    ratePerSecond: sum((one) => one.ratePerSecond),
    burst: sum((one) => one.burst - kept(one)),
    tokens: sum((one) => one.tokens - kept(one)),
    pausedForMs: Math.max(0, Math.min(...used.map(({ pausedForMs }) => pausedForMs))),
    ahead,
  };
}
