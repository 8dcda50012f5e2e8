/**
 * A year of alerts over one audience: what the rules cost, and how often they wake whom. Pure.
 * Chance decides the day, the hour and the severity; by night people answer as at night.
 */
import type { Pence } from '#kernel/money.ts';
import { priceOfTexts } from '#kernel/money.ts';
import type { Lines } from '#alerts/index.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';
import { answerAfterMs, presets, uniform, type Behaviour } from './behaviour.ts';
import type { Planned } from './model.ts';
import { planMessages, type Directory, type Words } from './scene.ts';
import { simulate } from './simulate.ts';
import { summarise } from './summary.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS = 365;

export type YearPlan = {
  readonly beginsAtMs: number;
  readonly alertsAMonth: number;
  readonly seed: number;
  /** In hours from 8 to 20, and in the others. */
  readonly byDay: Behaviour;
  readonly byNight: Behaviour;
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

export type Year = {
  readonly alerts: number;
  readonly texts: number;
  readonly mails: number;
  readonly costPence: Pence;
  readonly severities: readonly YearOfSeverity[];
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

export function simulateYear(
  directory: Directory,
  words: Words,
  {
    model,
    linesOf,
    plan,
    onMonth,
  }: {
    readonly model: OperatingModel;
    readonly linesOf: ReadonlyMap<string, Lines>;
    readonly plan: YearPlan;
    /** Hears that so many of the alerts are through. */
    readonly onMonth?: (done: number, of: number) => void;
  },
): Year {
  const alerts = 12 * plan.alertsAMonth;
  const moments = Array.from({ length: alerts }, (_, i) => ({
    atMs: plan.beginsAtMs + Math.floor(uniform(plan.seed, 3 * i + 1) * DAYS * DAY_MS),
    severity: pickSeverity(model.severities, uniform(plan.seed, 3 * i + 2)),
    seed: Math.floor(uniform(plan.seed, 3 * i + 3) * 0x1_0000_0000) | 0,
  })).toSorted((a, b) => a.atMs - b.atMs);
  const planned = plannedBySeverity(directory, words, model);
  const textsTo = new Map<string, number[]>();
  const tallies = new Map(model.severities.map(({ id, label }) => [id, emptyTally(id, label)]));
  for (const [i, { atMs, severity, seed }] of moments.entries()) {
    const hour = Math.floor((atMs % DAY_MS) / HOUR_MS);
    const behaviour = hour >= 8 && hour < 20 ? plan.byDay : plan.byNight;
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
    const tally = tallies.get(severity.id)!;
    tally.alerts += 1;
    tally.texts += summary.texts;
    tally.mails += summary.mails;
    tally.fragments += summary.fragments;
    tally.answeredInTime += summary.answeredInTime;
    tally.hadToAnswer += summary.mustAnswer;
    tally.listed += summary.list.ever;
    tally.suppressed += summary.notSent.suppressed;
    if ((i + 1) % plan.alertsAMonth === 0) onMonth?.(i + 1, alerts);
  }
  return added([...tallies.values()], textsTo, model);
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
): Year {
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
