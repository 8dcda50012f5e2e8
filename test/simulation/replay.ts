/** Plays one seed again and prints every step: for a person who wants to see how it failed. */
import { crashScenarios, faultKinds } from './crashes.ts';
import { runScenario, type Outcome } from './run.ts';
import { drawScenario } from './scenario.ts';

/** Prints the run; returns the exit code. With a step, the scene with each fault at that step. */
export function replay(seed: number, step: number | undefined): number {
  const outcome = step === undefined ? playSeed(seed) : playStep(seed, step);
  process.stdout.write(`${outcome.trace.join('\n')}\n\n`);
  const found = outcome.breaches.length === 0 ? ['every promise held'] : outcome.breaches;
  process.stdout.write(`${found.join('\n')}\n`);
  return outcome.breaches.length === 0 ? 0 : 1;
}

function playSeed(seed: number): Outcome {
  return runScenario(drawScenario(seed), { traces: true });
}

function playStep(seed: number, step: number): Outcome {
  const scenario = crashScenarios(seed)[seed - 1]!;
  const outcomes = faultKinds.map((fault) =>
    runScenario(scenario, { stepFaults: new Map([[step, fault]]), traces: true }),
  );
  return outcomes.find((outcome) => outcome.breaches.length > 0) ?? outcomes[0]!;
}
