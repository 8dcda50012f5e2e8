/** What happens in one run, drawn from its seed: who is to get what, who acts, what breaks. */
import type { LookupPace } from '#dispatch/on-pages.ts';
import { drawCorrection, type Correction } from './corrections.ts';
import { drawDispatch, drawQuietHours, type PlannedDispatch } from './dispatches.ts';
import * as faults from './faults.ts';
import type { Habits } from './provider.ts';
import { Random } from './random.ts';
import type { StepFault } from './world.ts';

const SECOND_MS = 1_000;

export type OfficerAct = {
  readonly atMs: number;
  readonly kind: 'pause' | 'resume' | 'cancel';
  readonly dispatchId: string;
};

export type Scenario = {
  readonly seed: number;
  readonly workers: number;
  /** As while machines are updated one after the other. */
  readonly hasTwoVersions: boolean;
  readonly bucket: { readonly ratePerSecond: number; readonly burst: number };
  readonly habits: Habits;
  readonly lookupPace: LookupPace;
  /** Whether gateways prove themselves by a handset of ours, every half minute. */
  readonly hasProbes: boolean;
  /** Nothing can call us: whatever has a list is asked for statuses. */
  readonly hasPolls: boolean;
  readonly hasMail: boolean;
  /** A second gateway for texts: what waits for one that fails goes by the other. */
  readonly hasSecond: boolean;
  readonly secondCanBeAsked: boolean;
  readonly dispatches: readonly PlannedDispatch[];
  readonly acts: readonly OfficerAct[];
  readonly correction: Correction | undefined;
  /** Whether somebody risks second copies of what stays uncertain. */
  readonly takesRisks: boolean;
  /** Share of requests of which somebody tells the doors of gateways what is not so. */
  readonly forgeries: number;
  readonly faults: readonly faults.TimedFault[];
  readonly stepFaults: ReadonlyMap<number, StepFault>;
  /** Share of delivered texts that somebody answers. */
  readonly answers: number;
};

const calm: Habits = {
  mishap: 0,
  lostReceipt: 0,
  lookupFails: 0,
  lookupLagMs: 0,
  slow: 0,
  pageSize: 5,
  pageFails: 0,
  clockMs: 0,
  foreignEveryMs: Infinity,
};

/** A run of everything at once: mishaps of the provider, steering, crashes, up to three at steps. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed ^ 0x5ca1ab1e);
  // What was added later draws from seeds of its own: the rest of a run stays as it was.
  const people = new Random(seed ^ 0x9e0b1e);
  const nights = new Random(seed ^ 0x9e1e7);
  const hasMail = random.chance(0.3);
  const uncertainAfterMs = people.pick([30, 120, 300]) * SECOND_MS;
  const dispatches = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => ({
    ...drawDispatch(random, hasMail),
    uncertainAfterMs,
    quietHours: drawQuietHours(nights),
  }));
  const isCalm = random.chance(0.15);
  const losses = drawLosses(seed, dispatches);
  const correction = losses.length > 0 ? undefined : drawCorrection(people, dispatches);
  const forgeries = people.pick([0, 0, 0, 0.5]);
  const takesRisks = losses.length === 0 && people.chance(0.3);
  return {
    seed,
    workers: random.pick([1, 2, 2, 3]),
    hasTwoVersions: new Random(seed ^ 0x7e5).chance(0.3),
    bucket: { ratePerSecond: random.pick([0.5, 1, 5, 50]), burst: random.between(1, 12) },
    habits: isCalm ? calm : { ...drawHabits(random), ...drawList(new Random(seed ^ 0x9a6e5)) },
    hasPolls: new Random(seed ^ 0xb0115).chance(0.25),
    hasProbes: new Random(seed ^ 0x9e0be).chance(0.4),
    lookupPace: drawLookupPace(new Random(seed ^ 0xba9e5)),
    hasMail,
    hasSecond: random.chance(0.6),
    // What it alone lost with a disk that is turned back nothing could notice.
    secondCanBeAsked:
      losses.some(({ kind }) => kind === 'disk_turned_back') ||
      new Random(seed ^ 0xb11d).chance(0.6),
    dispatches: [...dispatches, ...(correction?.dispatches ?? [])],
    acts: random.chance(0.4) ? drawActs(random, dispatches) : [],
    correction,
    takesRisks,
    forgeries,
    faults: [
      ...faults.drawFaults(random),
      ...faults.drawLongFreeze(random, dispatches),
      ...losses,
      ...faults.drawOutages(new Random(seed ^ 0x0a7a6e)),
    ],
    stepFaults: faults.drawStepFaults(random),
    answers: random.pick([0, 0.2, 0.9]),
  };
}

function drawLosses(seed: number, dispatches: readonly PlannedDispatch[]): faults.TimedFault[] {
  const moments = faults.drawLoss(new Random(seed ^ 0x1057), dispatches);
  return moments.length > 0 ? moments : faults.drawRestore(new Random(seed ^ 0xda7), dispatches);
}

/** The same people and texts, and nothing that breaks: where single faults are put in. */
export function drawCalmScenario(seed: number, habits: Partial<Habits> = {}): Scenario {
  const scenario = drawScenario(seed);
  return { ...scenario, habits: { ...calm, ...habits }, faults: [], stepFaults: new Map() };
}

/** So few messages as there are here are sought on pages too, and pages are short. */
function drawLookupPace(random: Random): LookupPace {
  return {
    listedFrom: random.pick([1, 2, 2, Infinity]),
    pagesAlone: random.pick([0, 2, 9]),
    atOnce: random.pick([1, 1, 8]),
    leftMin: random.pick([1, 50]),
  };
}

type ListHabits = Pick<Habits, 'pageSize' | 'pageFails' | 'clockMs' | 'foreignEveryMs'>;

function drawList(random: Random): ListHabits {
  return {
    pageSize: random.pick([2, 3, 5]),
    pageFails: random.pick([0, 0.3, 0.9]),
    clockMs: random.pick([0, 0, random.between(-60, 60) * SECOND_MS]),
    foreignEveryMs: random.pick([Infinity, 7_000]),
  };
}

function drawHabits(random: Random): Omit<Habits, keyof ListHabits> {
  return {
    mishap: random.pick([0.05, 0.2, 0.6]),
    lostReceipt: random.pick([0, 0.2, 1]),
    lookupFails: random.pick([0, 0.1, 0.4]),
    lookupLagMs: random.pick([0, 5, 15, 15]) * SECOND_MS,
    slow: random.pick([0.05, 0.1, 0.3]),
  };
}

function drawActs(random: Random, dispatches: readonly PlannedDispatch[]): OfficerAct[] {
  const { id: dispatchId } = random.pick(dispatches);
  const atMs = random.below(90 * SECOND_MS);
  if (random.chance(0.5)) return [{ atMs, kind: 'cancel', dispatchId }];
  const resumeAt = atMs + random.below(60 * SECOND_MS);
  const resumed: OfficerAct[] = [
    { atMs, kind: 'pause', dispatchId },
    { atMs: resumeAt, kind: 'resume', dispatchId },
  ];
  if (random.chance(0.3))
    resumed.push({ atMs: resumeAt + random.below(30 * SECOND_MS), kind: 'cancel', dispatchId });
  return resumed;
}
