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
import { capacityFor } from './capacity.ts';
import { forecastRounds, type Capacity, type RoundLoad } from './forecast.ts';
import {
  countRounds,
  rendered,
  wordsOf,
  type CountedFollowing,
  type CountedRound,
} from './counted-rounds.ts';
import { overCap, type OverCap } from './over-cap.ts';
import { renderingFor, type AlertContext } from './rendering.ts';
import { listGaps, type Gap, type GapCounts, type GapSearch, type Reach } from './store-dry-run.ts';
import type { VersionRow } from './store.ts';
import type { RoundTemplate } from './texts.ts';

export type DryRound = CountedRound & {
  /** When quiet hours that hold it end; null where none do. */
  readonly heldUntil: Date | null;
};

export type DryFollowing = CountedFollowing & Pick<DryRound, 'heldUntil'>;

export type LongestText = {
  /** Null: the update or correction, to who is told by no round. */
  readonly round: number | null;
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
  /** Of a later version: what goes at once to who had one before and is told by no round of this. */
  readonly following: readonly DryFollowing[];
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
  const { reach, templates, fragments, only } = counted;
  const { counts, gaps } = await listGaps(tx, counted.asked, page);
  const times = roundTimes(severity, now.getTime());
  const rounds = counted.rounds.map((one) => ({
    ...one,
    heldUntil: heldUntil(severity, one.round, times[one.round - 1]!, now),
  }));
  const followsAtMs = followsAt(severity, version.kind, now);
  const following = counted.also.map((one) => ({
    ...one,
    heldUntil: followsAtMs > now.getTime() ? new Date(followsAtMs) : null,
  }));
  const alsoLongest =
    only === undefined
      ? []
      : only.names.map((one) => ({
          ...one,
          round: null,
          text: rendered(wordsOf(counted.following!), one),
        }));
  return ok({
    organisations: reach.organisations,
    mustAnswer: reach.mustAnswer,
    rounds,
    following,
    failedOnly: reach.failedOnly,
    offDuty: await listOffDuty(tx, question.value, OFF_DUTY_MOST),
    gapCounts: counts,
    gaps,
    longest: longestTexts([...namedTexts(templates, reach), ...alsoLongest], model),
    firstRoundCost: formatMoney(priceOfTexts(fragments(1), model.textPrice)),
    costAtMost: counted.costAtMost,
    overCap: overCap(model, severity, fragments()),
    forecast: await forecast(tx, {
      severity,
      model,
      times,
      now,
      rounds,
      reach: { ...reach, texted: only?.texted ?? reach.texted },
      following: {
        opensAfterMs: followsAtMs - now.getTime(),
        texts: following.find(({ channel }) => channel === 'text')?.messages ?? 0,
      },
    }),
  });
}

/** What a round waits for beyond what its severity says, where that is quiet hours. */
function heldUntil(severity: Severity, round: number, at: number, now: Date): Date | null {
  const planned = now.getTime() + severity.recallWindowMs + stepsOf(severity)[round - 1]!.afterMs;
  return at > planned ? new Date(at) : null;
}

/** When an update leaves, in ms since the epoch: after quiet hours; a correction leaves at once. */
function followsAt(severity: Severity, kind: VersionRow['kind'], now: Date): number {
  if (kind !== 'update') return now.getTime();
  return roundTimes({ ...severity, recallWindowMs: 0 }, now.getTime())[0] ?? now.getTime();
}

type NamedText = Omit<LongestText, 'readerLabel'>;

function namedTexts(templates: readonly RoundTemplate[], { names }: Reach): NamedText[] {
  return templates
    .filter(({ channel }) => channel === 'text')
    .flatMap((template) =>
      names
        .filter(({ round }) => round === template.round)
        .map(({ round, reader, organisationId, name }) => ({
          round,
          reader,
          organisationId,
          name,
          text: rendered(template, { reader, name }),
        })),
    );
}

/** The general one first, then those of the reader kinds with words of their own. */
function longestTexts(texts: readonly NamedText[], { readerKinds }: OperatingModel): LongestText[] {
  return [null, ...Object.keys(readerKinds)].flatMap((reader) => {
    const [longest] = texts
      .filter((one) => one.reader === reader)
      .toSorted(
        (a, b) =>
          b.text.fragments - a.text.fragments ||
          b.text.characters - a.text.characters ||
          (a.round ?? 0) - (b.round ?? 0),
      );
    if (longest === undefined) return [];
    const readerLabel = reader === null ? null : (readerKinds[reader]?.label ?? reader);
    return [{ ...longest, readerLabel }];
  });
}

type Load = {
  readonly severity: Severity;
  readonly model: OperatingModel;
  readonly reach: Reach;
  readonly rounds: readonly DryRound[];
  /** Texts of an update or correction to who is told by no round. */
  readonly following: RoundLoad;
  /** When each round opens, in ms since the epoch. */
  readonly times: readonly number[];
  readonly now: Date;
};

async function forecast(
  tx: Tx,
  { severity, model, reach, rounds, following, times, now }: Load,
): Promise<Forecast | null> {
  const texts = rounds.filter(({ channel }) => channel === 'text');
  const goesByText = texts.length > 0 || following.texts > 0;
  const capacity = goesByText ? await capacityFor(tx, severity, model) : undefined;
  if (capacity === undefined) return null;
  // What follows up leaves before the rounds; of a first version it is nothing.
  const also = following.texts > 0 ? [following] : [];
  const told = texts.map(({ round, messages }) => ({
    opensAfterMs: times[round - 1]! - now.getTime(),
    texts: messages,
  }));
  const until = texts.findIndex(({ round }) => round === reach.firstTextRound);
  const firsts = [
    ...also,
    ...told.slice(0, Math.max(0, until)),
    ...told.slice(until, until + 1).map((load) => ({ ...load, texts: reach.firstTexts })),
  ];
  const loads = [...also, ...told];
  const endOf = (index: number) =>
    loads[index] !== undefined && loads[index].texts > 0
      ? forecastRounds(capacity, loads)[index]!
      : null;
  // A round that tells nobody by text ends with the one before.
  const last = loads.findLastIndex((load) => load.texts > 0);
  return {
    everyOrganisationMs: forecastRounds(capacity, firsts).at(-1) ?? null,
    withoutText: reach.organisations - reach.texted,
    firstRoundMs: endOf(also.length) ?? (also.length > 0 ? endOf(0) : null),
    lastTextMs: last < 0 ? null : endOf(last),
    capacity,
  };
}
