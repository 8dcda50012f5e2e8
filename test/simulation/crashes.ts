/**
 * Every single fault: a scenario is played once to count its steps, and then once more for each
 * step that changed something and for each way in which that step can go wrong.
 */
import { runScenario, type Engine, type Outcome } from './run.ts';
import { drawCalmScenario, type Scenario } from './scenario.ts';
import type { StepFault } from './world.ts';

export const faultKinds: readonly StepFault[] = [
  { kind: 'crash_before' },
  { kind: 'crash_after' },
  { kind: 'lost_before' },
  { kind: 'lost_after' },
  { kind: 'freeze_before', ms: 150_000 },
  { kind: 'freeze_after', ms: 150_000 },
];

/** Scenes in which nothing breaks but the step: plain, with a slow provider, with a bad one. */
export function crashScenarios(count: number): Scenario[] {
  return Array.from({ length: count }, (_, i) =>
    drawCalmScenario(1 + i, [{}, { lookupLagMs: 15_000 }, { mishap: 0.3 }][i % 3]),
  );
}

export type CrashRuns = { readonly runs: number; readonly failed: readonly FailedCrash[] };
export type FailedCrash = {
  readonly step: number;
  readonly kind: string;
  readonly outcome: Outcome;
};

/** Plays all single faults of a scenario; `most` steps at the most, spread evenly. */
export function crashEverywhere(scenario: Scenario, most: number, engine?: Engine): CrashRuns {
  const options = engine === undefined ? {} : { engine };
  const { effective } = runScenario(scenario, options);
  const stride = Math.max(1, Math.ceil(effective.length / most));
  const steps = effective.filter((_, i) => i % stride === 0);
  const failed: FailedCrash[] = [];
  for (const step of steps) {
    for (const fault of faultKinds) {
      const stepFaults = new Map([[step, fault]]);
      const outcome = runScenario(scenario, { ...options, stepFaults });
      if (outcome.breaches.length > 0) failed.push({ step, kind: fault.kind, outcome });
    }
  }
  return { runs: steps.length * faultKinds.length, failed };
}
