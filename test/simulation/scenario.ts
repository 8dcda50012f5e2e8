/** What happens in one run, drawn from its seed: who is to get what, who acts, what breaks. */
import type { Habits } from './provider.ts';
import { Random } from './random.ts';
import type { PlannedMessage } from './twin/rows.ts';
import type { StepFault } from './world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

export type PlannedDispatch = {
  readonly id: string;
  readonly lane: number;
  readonly exercise: boolean;
  readonly expiresAfterMs: number;
  readonly rounds: readonly { readonly round: number; readonly opensAfterMs: number }[];
  readonly messages: readonly PlannedMessage[];
  readonly credits: ReadonlyMap<string, readonly string[]>;
  readonly releaseAtMs: number;
  /** Somebody adds a message between approval and release: it must be refused. */
  readonly isEditedLate: boolean;
};

export type OfficerAct = {
  readonly atMs: number;
  readonly kind: 'pause' | 'resume' | 'cancel';
  readonly dispatchId: string;
};

/** What breaks at a time, whatever step that is. `worker`: which of them, by its place. */
export type TimedFault =
  | { readonly atMs: number; readonly kind: 'kill'; readonly worker: number }
  | { readonly atMs: number; readonly kind: 'stop'; readonly worker: number }
  | { readonly atMs: number; readonly kind: 'freeze'; readonly worker: number; readonly ms: number }
  | {
      readonly atMs: number;
      readonly kind: 'wall_jumps';
      readonly worker: number;
      readonly ms: number;
    }
  | { readonly atMs: number; readonly kind: 'database_jumps'; readonly ms: number }
  | {
      readonly atMs: number;
      readonly kind: 'database_down' | 'provider_down' | 'first_provider_down';
      readonly ms: number;
    }
  /** The database is away, and comes back as it was `lostMs` before. */
  | {
      readonly atMs: number;
      readonly kind: 'replica_promoted' | 'disk_turned_back';
      readonly ms: number;
      readonly lostMs: number;
    };

export type Scenario = {
  readonly seed: number;
  readonly workers: number;
  readonly bucket: { readonly ratePerSecond: number; readonly burst: number };
  readonly habits: Habits;
  readonly hasMail: boolean;
  /** A second gateway for texts: what waits for one that fails goes by the other. */
  readonly hasSecond: boolean;
  readonly dispatches: readonly PlannedDispatch[];
  readonly acts: readonly OfficerAct[];
  readonly faults: readonly TimedFault[];
  readonly stepFaults: ReadonlyMap<number, StepFault>;
  /** Share of delivered texts that somebody answers. */
  readonly answers: number;
};

const calm: Habits = { mishap: 0, lostReceipt: 0, lookupFails: 0, lookupLagMs: 0, slow: 0 };

/** A run of everything at once: mishaps of the provider, steering, crashes, up to three at steps. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed ^ 0x5ca1ab1e);
  const hasMail = random.chance(0.3);
  const dispatches = Array.from({ length: random.pick([1, 1, 2, 3]) }, () =>
    drawDispatch(random, hasMail),
  );
  const isCalm = random.chance(0.15);
  return {
    seed,
    workers: random.pick([1, 2, 2, 3]),
    bucket: { ratePerSecond: random.pick([0.5, 1, 5, 50]), burst: random.between(1, 12) },
    habits: isCalm ? calm : drawHabits(random),
    hasMail,
    hasSecond: random.chance(0.4),
    dispatches,
    acts: random.chance(0.4) ? drawActs(random, dispatches) : [],
    faults: [
      ...drawFaults(random),
      ...drawLongFreeze(random, dispatches),
      ...drawLoss(new Random(seed ^ 0x1057), dispatches),
    ],
    stepFaults: drawStepFaults(random),
    answers: random.pick([0, 0.2, 0.9]),
  };
}

/** The same people and texts, and nothing that breaks: where single faults are put in. */
export function drawCalmScenario(seed: number, habits: Partial<Habits> = {}): Scenario {
  const scenario = drawScenario(seed);
  return { ...scenario, habits: { ...calm, ...habits }, faults: [], stepFaults: new Map() };
}

function drawHabits(random: Random): Habits {
  return {
    mishap: random.pick([0.05, 0.2, 0.6]),
    lostReceipt: random.pick([0, 0.2, 1]),
    lookupFails: random.pick([0, 0.1, 0.4]),
    lookupLagMs: random.pick([0, 5, 15]) * SECOND_MS,
    slow: random.pick([0.05, 0.1, 0.3]),
  };
}

function drawDispatch(random: Random, hasMail: boolean): PlannedDispatch {
  const id = random.uuid();
  const lane = random.pick([1, 1, 2, 3, 4]);
  const rounds = Array.from({ length: random.between(1, 3) }, (_, i) => ({
    round: i + 1,
    opensAfterMs: i * random.between(20, 90) * SECOND_MS,
  }));
  const organisations = Array.from({ length: random.between(1, 3) }, () => random.uuid());
  const credits = new Map<string, readonly string[]>();
  const messages: PlannedMessage[] = [];
  for (let point = random.between(1, 7); point > 0; point--) {
    const contactPointId = random.uuid();
    const [organisationId, ...others] = random
      .shuffle(organisations)
      .slice(0, random.chance(0.3) ? random.between(1, organisations.length) : 1);
    const rank = random.between(1, 3);
    for (const { round } of rounds) {
      const message: PlannedMessage = {
        id: random.uuid(),
        dispatchId: id,
        contactPointId,
        organisationId: organisationId!,
        channel: hasMail && random.chance(0.3) ? 'mail' : 'text',
        round,
        rank,
        code: String(random.between(1000, 9999)),
        subject: null,
        body: `${lane === 4 ? 'EXERCISE ' : ''}Isolate now.${round > 1 ? ' Unanswered since {since}' : ''}`,
        addressSealed: Buffer.from(contactPointId),
      };
      messages.push(message);
      if (others.length > 0) credits.set(message.id, others);
    }
  }
  return {
    id,
    lane,
    exercise: lane === 4,
    expiresAfterMs: random.between(4, 15) * MINUTE_MS,
    rounds,
    messages,
    credits,
    releaseAtMs: random.below(20 * SECOND_MS),
    isEditedLate: random.chance(0.03),
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

function drawFaults(random: Random): TimedFault[] {
  const worker = () => random.below(3);
  const draw = (): TimedFault => {
    const atMs = random.below(random.pick([25, 120]) * SECOND_MS);
    switch (random.below(7)) {
      case 0:
        return { atMs, kind: 'kill', worker: worker() };
      case 1:
        return { atMs, kind: 'stop', worker: worker() };
      case 2:
        return {
          atMs,
          kind: 'freeze',
          worker: worker(),
          ms: random.pick([random.below(60), random.between(120, 240)]) * SECOND_MS,
        };
      case 3: {
        // An hour forward or back: summer time, or a clock that was set.
        const ms = random.pick([-1, 1]) * random.pick([1_000, 30_000, 3_600_000]);
        return { atMs, kind: 'wall_jumps', worker: worker(), ms };
      }
      case 4:
        return { atMs, kind: 'database_down', ms: random.between(1, 60) * SECOND_MS };
      case 5:
        return {
          atMs,
          kind: random.pick(['provider_down', 'first_provider_down'] as const),
          ms: random.between(1, 120) * SECOND_MS,
        };
      default:
        return { atMs, kind: 'database_jumps', ms: random.between(-5, 5) * SECOND_MS };
    }
  };
  return Array.from({ length: random.pick([0, 0, 1, 2, 3]) }, draw);
}

/** Now and then a worker stands still just after it claimed, for longer than its lease. */
function drawLongFreeze(random: Random, dispatches: readonly PlannedDispatch[]): TimedFault[] {
  if (!random.chance(0.25)) return [];
  const atMs = random.pick(dispatches).releaseAtMs + random.between(5, 400);
  const ms = random.between(115, 240) * SECOND_MS;
  return [{ atMs, kind: 'freeze', worker: random.below(3), ms }];
}

/**
 * Now and then the database loses its last moments. A disk takes minutes to be turned back: by then
 * no request of the lost time is under way any more, as the wait of a hold ensures elsewhere.
 */
function drawLoss(random: Random, dispatches: readonly PlannedDispatch[]): TimedFault[] {
  if (!random.chance(0.15) || dispatches.some(({ isEditedLate }) => isEditedLate)) return [];
  const atMs =
    random.pick(dispatches).releaseAtMs + random.between(200, random.pick([3_000, 40_000]));
  const lostMs = Math.min(atMs, random.between(50, random.pick([1_000, 15_000])));
  return random.chance(0.6)
    ? [{ atMs, lostMs, kind: 'replica_promoted', ms: random.between(1, 60) * SECOND_MS }]
    : [{ atMs, lostMs, kind: 'disk_turned_back', ms: random.between(120, 240) * SECOND_MS }];
}

/** Up to three faults at steps; most steps of a run lie among its first thousand. */
function drawStepFaults(random: Random): Map<number, StepFault> {
  const faults = new Map<number, StepFault>();
  for (let i = random.pick([0, 1, 2, 3]); i > 0; i--) {
    const step = random.between(1, random.pick([60, 400, 1_500]));
    faults.set(step, drawStepFault(random));
  }
  return faults;
}

function drawStepFault(random: Random): StepFault {
  const ms = random.pick([2_000, 70_000, 150_000, 240_000]);
  return random.pick<StepFault>([
    { kind: 'crash_before' },
    { kind: 'crash_after' },
    { kind: 'lost_before' },
    { kind: 'lost_after' },
    { kind: 'freeze_before', ms },
    { kind: 'freeze_after', ms },
  ]);
}
