/**
 * A year of alerts over one audience: what the rules cost, how often they wake whom, and what
 * breaks, month by month. Pure. Chance decides the day, the hour and the severity; by night people
 * answer as at night.
 */
import { ZONE } from '#kernel/day.ts';
import type { Pence } from '#kernel/money.ts';
import { priceOfTexts } from '#kernel/money.ts';
import type { Lines } from '#alerts/index.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';
import { answerAfterMs, presets, uniform, type Behaviour } from './behaviour.ts';
import { chains, type Break } from './breaks.ts';
import type { Planned } from './model.ts';
import { planMessages, type Directory, type Words } from './scene.ts';
import { simulate } from './simulate.ts';
import { summarise, type Summary } from './summary.ts';

const MONTHS = 12;

export type YearPlan = {
  readonly beginsAtMs: number;
  readonly alertsAMonth: number;
  readonly seed: number;
  /** In hours from 8 to 20, and in the others. */
  readonly byDay: Behaviour;
  readonly byNight: Behaviour;
  /** What the texts of one alert may cost; undefined: as the rules have it. */
  readonly spendCapPence: Pence | undefined;
};

export const usualYear = {
  alertsAMonth: 15,
  byDay: presets['working_day']!.behaviour,
  byNight: presets['night']!.behaviour,
} as const;

export type YearOfSeverity = {
  readonly severity: string;
  readonly label: string;
  readonly alerts: number;
  readonly texts: number;
  readonly mails: number;
  readonly costPence: Pence;
  /** Of all that had to answer. */
  readonly answeredInTime: number;
  readonly hadToAnswer: number;
  /** Names that came on the call list. */
  readonly listed: number;
  readonly suppressed: number;
};

/** Counts of all alerts of a month together. */
export type YearOfMonth = {
  readonly beginsAtMs: number;
  readonly alerts: number;
  readonly texts: number;
  readonly mails: number;
  readonly costPence: Pence;
  /** Organisations, each once for each alert. */
  readonly organisations: number;
  readonly hadToAnswer: number;
  /** Within 15 and 60 minutes (`REACHED_MINUTES`). */
  readonly told: readonly number[];
  readonly answered: readonly number[];
  readonly unreachable: number;
  readonly suppressed: number;
  readonly expired: number;
  readonly noGateway: number;
  /** Alerts whose texts cost more than they may. */
  readonly overCap: number;
};

export type Year = {
  readonly alerts: number;
  readonly texts: number;
  readonly mails: number;
  readonly costPence: Pence;
  readonly severities: readonly YearOfSeverity[];
  readonly months: readonly YearOfMonth[];
  /** What breaks in each alert alike: chains of the directory, under each severity. */
  readonly breaks: readonly Break[];
  /** Texts to the number that had most, and to the one in the middle of those that had any. */
  readonly textsToOne: { readonly most: number; readonly median: number };
};

/** One alert in so many is of a severity: the less urgent the more there are. */
function pickSeverity(severities: readonly Severity[], chance: number): Severity {
  const weights = severities.map((_, i) => i + 1);
  const total = weights.reduce((sum, one) => sum + one, 0);
  let left = chance * total;
  return severities.find((_, i) => (left -= weights[i]!) < 0) ?? severities.at(-1)!;
}

/** How far a year has come. */
export type Progress = { readonly done: number; readonly of: number };

/** Stops after each alert, so that whoever runs it can let others work and say how far it is. */
export function* simulateYear(
  directory: Directory,
  words: Words,
  {
    model,
    linesOf,
    plan,
  }: {
    readonly model: OperatingModel;
    readonly linesOf: ReadonlyMap<string, Lines>;
    readonly plan: YearPlan;
  },
): Generator<Progress, Year> {
  const months = monthsOf(plan.beginsAtMs);
  const moments = momentsOf(plan, months, model);
  const planned = plannedBySeverity(directory, words, model);
  const textsTo = new Map<string, number[]>();
  const tallies = new Map(model.severities.map(({ id, label }) => [id, emptyTally(id, label)]));
  const byMonth = months.slice(0, -1).map(emptyMonth);
  for (const [i, { atMs, month, severity, seed }] of moments.entries()) {
    const behaviour = isDay(atMs) ? plan.byDay : plan.byNight;
    const run = simulate({
      severity,
      releasedAtMs: atMs,
      organisations: directory.organisations,
      messages: planned(severity),
      lines: linesOf.get(severity.id)!,
      perNumber: model.textsPerNumber,
      answerAfterMs: (message) => answerAfterMs(behaviour, seed, message),
      textsTo,
    });
    const summary = summarise(run, { severity, model });
    addToSeverity(tallies.get(severity.id)!, summary);
    addToMonth(byMonth[month]!, summary, plan.spendCapPence ?? severity.spendCapPence);
    yield { done: i + 1, of: moments.length };
  }
  const breaks = breaksOfChains(directory, { model, planned });
  return { ...added([...tallies.values()], textsTo, model), months: byMonth, breaks };
}

/** When each month begins, and the one after the last, on the calendar of the centre. */
function monthsOf(beginsAtMs: number): number[] {
  const first = Temporal.Instant.fromEpochMilliseconds(beginsAtMs).toZonedDateTimeISO(ZONE);
  return Array.from({ length: MONTHS + 1 }, (_, months) => first.add({ months }).epochMilliseconds);
}

/** When which alert is released, the first first. */
function momentsOf(
  { alertsAMonth, seed }: YearPlan,
  months: readonly number[],
  { severities }: OperatingModel,
) {
  return Array.from({ length: MONTHS * alertsAMonth }, (_, i) => {
    const month = Math.floor(i / alertsAMonth);
    const [from, until] = [months[month]!, months[month + 1]!];
    return {
      month,
      atMs: from + Math.floor(uniform(seed, 3 * i + 1) * (until - from)),
      severity: pickSeverity(severities, uniform(seed, 3 * i + 2)),
      seed: Math.floor(uniform(seed, 3 * i + 3) * 0x1_0000_0000) | 0,
    };
  }).toSorted((a, b) => a.atMs - b.atMs);
}

function isDay(atMs: number): boolean {
  const { hour } = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(ZONE);
  return hour >= 8 && hour < 20;
}

/** Each once, whatever the severity. */
function breaksOfChains(
  directory: Directory,
  {
    model,
    planned,
  }: { readonly model: OperatingModel; readonly planned: (severity: Severity) => Planned[] },
): Break[] {
  const found = new Map<string, Break>();
  for (const severity of model.severities)
    for (const one of chains({ directory, severity, messages: planned(severity) }))
      found.set(`${one.says} ${one.names.join()}`, one);
  return [...found.values()];
}

function addToSeverity(tally: Tally, summary: Summary): void {
  tally.alerts += 1;
  tally.texts += summary.texts;
  tally.mails += summary.mails;
  tally.fragments += summary.fragments;
  tally.answeredInTime += summary.answeredInTime;
  tally.hadToAnswer += summary.mustAnswer;
  tally.listed += summary.list.ever;
  tally.suppressed += summary.notSent.suppressed;
}

type MonthTally = { -readonly [K in keyof YearOfMonth]: YearOfMonth[K] } & {
  told: number[];
  answered: number[];
};

function emptyMonth(beginsAtMs: number): MonthTally {
  return {
    beginsAtMs,
    alerts: 0,
    texts: 0,
    mails: 0,
    costPence: 0,
    organisations: 0,
    hadToAnswer: 0,
    told: [0, 0],
    answered: [0, 0],
    unreachable: 0,
    suppressed: 0,
    expired: 0,
    noGateway: 0,
    overCap: 0,
  };
}

function addToMonth(month: MonthTally, summary: Summary, cap: Pence | undefined): void {
  const { notSent, costPence, reached } = summary;
  month.alerts += 1;
  month.texts += summary.texts;
  month.mails += summary.mails;
  month.costPence += costPence;
  month.organisations += summary.organisations;
  month.hadToAnswer += summary.mustAnswer;
  for (const [i, { told, answered }] of reached.entries()) {
    month.told[i]! += told;
    month.answered[i]! += answered;
  }
  month.unreachable += summary.list.unreachable;
  month.suppressed += notSent.suppressed;
  month.expired += notSent.expired;
  month.noGateway += notSent.no_gateway;
  if (cap !== undefined && costPence > cap) month.overCap += 1;
}

/** The directory stays as it is for the year, so each severity is composed once. */
function plannedBySeverity(directory: Directory, words: Words, model: OperatingModel) {
  const known = new Map<string, Planned[]>();
  return (severity: Severity): Planned[] => {
    const before = known.get(severity.id);
    if (before !== undefined) return before;
    const messages = planMessages(directory, words, { model, severity });
    known.set(severity.id, messages);
    return messages;
  };
}

type Tally = { -readonly [K in keyof Omit<YearOfSeverity, 'costPence'>]: YearOfSeverity[K] } & {
  fragments: number;
};

function emptyTally(severity: string, label: string): Tally {
  return {
    severity,
    label,
    alerts: 0,
    texts: 0,
    mails: 0,
    fragments: 0,
    answeredInTime: 0,
    hadToAnswer: 0,
    listed: 0,
    suppressed: 0,
  };
}

function added(
  tallies: readonly Tally[],
  textsTo: ReadonlyMap<string, readonly number[]>,
  { textPrice }: OperatingModel,
): Omit<Year, 'months' | 'breaks'> {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((all, one) => all + of(one), 0);
  const counts = Array.from(textsTo.values(), (times) => times.length).toSorted((a, b) => a - b);
  return {
    alerts: sum((one) => one.alerts),
    texts: sum((one) => one.texts),
    mails: sum((one) => one.mails),
    costPence: priceOfTexts(
      sum((one) => one.fragments),
      textPrice,
    ),
    severities: tallies.map(({ fragments, ...tally }) => ({
      ...tally,
      costPence: priceOfTexts(fragments, textPrice),
    })),
    textsToOne: { most: counts.at(-1) ?? 0, median: counts[counts.length >> 1] ?? 0 },
  };
}
