/** What breaks in one run, drawn from its seed. */
import type { Random } from './random.ts';
import type { StepFault } from './world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

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
  | { readonly atMs: number; readonly kind: Outage; readonly ms: number }
  /** The database is away, and comes back as it was `lostMs` before. */
  | {
      readonly atMs: number;
      readonly kind: 'replica_promoted' | 'disk_turned_back' | 'backup_restored';
      readonly ms: number;
      readonly lostMs: number;
    };

/** What does not work for a while; the keys are those that open numbers. */
export type Outage =
  | 'database_down'
  | 'disk_full'
  | 'keys_away'
  | 'provider_down'
  | 'first_provider_down'
  | 'provider_storms'
  | 'provider_mute';

/** What is asked of a dispatch to draw faults beside it. */
type Released = { readonly releaseAtMs: number; readonly isEditedLate: boolean };

export function drawFaults(random: Random): TimedFault[] {
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
export function drawLongFreeze(random: Random, dispatches: readonly Released[]): TimedFault[] {
  if (!random.chance(0.25)) return [];
  const atMs = random.pick(dispatches).releaseAtMs + random.between(5, 400);
  const ms = random.between(115, 240) * SECOND_MS;
  return [{ atMs, kind: 'freeze', worker: random.below(3), ms }];
}

/**
 * Now and then the database loses its last moments. A disk takes minutes to be turned back: by then
 * no request of the lost time is under way any more, as the wait of a hold ensures elsewhere.
 */
export function drawLoss(random: Random, dispatches: readonly Released[]): TimedFault[] {
  if (!random.chance(0.15) || dispatches.some(({ isEditedLate }) => isEditedLate)) return [];
  const atMs =
    random.pick(dispatches).releaseAtMs + random.between(200, random.pick([3_000, 40_000]));
  const lostMs = Math.min(atMs, random.between(50, random.pick([1_000, 15_000])));
  return random.chance(0.6)
    ? [{ atMs, lostMs, kind: 'replica_promoted', ms: random.between(1, 60) * SECOND_MS }]
    : [{ atMs, lostMs, kind: 'disk_turned_back', ms: random.between(120, 240) * SECOND_MS }];
}

/**
 * Seldom the database comes back from a backup of before, as after the loss of a day: all that was
 * done since is gone, and most of what waits is too old by then.
 */
export function drawRestore(random: Random, dispatches: readonly Released[]): TimedFault[] {
  if (!random.chance(0.05) || dispatches.some(({ isEditedLate }) => isEditedLate)) return [];
  const atMs = random.pick(dispatches).releaseAtMs + random.between(1, 180) * SECOND_MS;
  const lostMs = random.below(atMs);
  return [{ atMs, lostMs, kind: 'backup_restored', ms: random.between(2, 20) * MINUTE_MS }];
}

/** Now and then writing fails, numbers cannot be opened, or a provider is overrun or mute. */
export function drawOutages(random: Random): TimedFault[] {
  if (!random.chance(0.25)) return [];
  const kinds = random.shuffle([
    'disk_full',
    'keys_away',
    'provider_storms',
    'provider_mute',
  ] as const);
  return kinds.slice(0, random.pick([1, 1, 2])).map((kind) => {
    const ms = random.pick([random.between(1, 10), random.between(30, 150)]) * SECOND_MS;
    return { atMs: random.below(60 * SECOND_MS), kind, ms };
  });
}

/** Up to three faults at steps; most steps of a run lie among its first thousand. */
export function drawStepFaults(random: Random): Map<number, StepFault> {
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
