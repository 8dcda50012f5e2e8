/**
 * A worker that is stopped in the middle of a batch for longer than its lease, and wakes: what it
 * still holds must not leave a second time. Real processes, with the waits of production.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { judgeRun } from '../chaos/play.ts';
import { onStage as onChaosStage, type Stage as ChaosStage } from '../chaos/stage.ts';
import { productionWaits } from '../chaos/task.ts';
import { CERTAIN_WITHIN_S, GAP_S, LEASE_S, QUIET_S, untilNoDoubt } from './certainty.ts';
import { judge, rounded, type Measurement } from './figure.ts';
import { makeDispatch, readStates, release } from './scene.ts';
import { addFault, type Stage } from './stage.ts';

const TEXTS = 6_000;
const FROZEN_S = 90;
/** Slow enough that every worker has a batch in its hands. */
const PROVIDER_MS = 400;
/** From the release until the workers are in the middle of it. */
const BEFORE_MS = 2_000;
/** The others have sent all the rest by then, so what is still claimed is with the frozen one. */
const REST_SENT_S = 50;

type Awakening = {
  /** Texts that it had claimed when it was frozen. */
  readonly held: number;
  readonly copies: number;
  readonly lost: number;
  readonly unknown: number;
  /** Believed never sent, and at the provider. */
  readonly misstated: number;
  /** From the freeze until each of them was certain. */
  readonly seconds: number;
};

export async function measureZombie(bench: Stage): Promise<Measurement[]> {
  const { held, copies, lost, unknown, misstated, seconds } = await onChaosStage(
    { defect: null, waits: productionWaits },
    (stage) => freezeAndWake(stage, (sentence) => bench.say(sentence)),
  );
  const isSound = held > 0 && lost + unknown + misstated === 0;
  const notes = [
    `${held} in its hands; ${lost} lost, ${unknown} unknown, ${misstated} misstated at the end`,
  ];
  return [
    judge({
      id: 'zombie_copies',
      title: `texts that went twice where a worker was stopped for ${FROZEN_S} s in a batch`,
      unit: 'texts',
      value: copies,
      limit: held,
      limitIs: 'what it held; without the check of the lease the rest of its batch went twice',
      target: 0,
      better: 'less',
      runs: [copies],
      alsoNeeds: isSound,
      notes,
    }),
    judge({
      id: 'zombie_certain',
      title: 'from that stop until every text that it held is certain',
      unit: 's',
      value: seconds,
      limit: LEASE_S + QUIET_S + GAP_S,
      limitIs: `lease ${LEASE_S} s, quiet ${QUIET_S} s, second look-up ${GAP_S} s`,
      target: CERTAIN_WITHIN_S,
      better: 'less',
      runs: [seconds],
      alsoNeeds: isSound,
    }),
  ];
}

async function freezeAndWake(
  stage: ChaosStage,
  say: (sentence: string) => void,
): Promise<Awakening> {
  const { owner, sealingKey, workers, postgres } = stage;
  await addFault(stage, { fault: 'slow', delayMs: PROVIDER_MS, on: 'send' });
  const id = await makeDispatch(owner, sealingKey, TEXTS);
  await release(owner, id);
  await delay(BEFORE_MS);
  const [victim] = workers;
  let held = 0;
  let frozenAt = 0;
  await victim!.freeze(
    async () => {
      frozenAt = performance.now();
      await delay(REST_SENT_S * 1_000);
      held = (await readStates(owner, id))['claimed'] ?? 0;
      say(`  ${held} in the hands of the frozen worker`);
      await delay((FROZEN_S - REST_SENT_S) * 1_000);
    },
    // Between two transactions: inside one it would hold up the others, which is another matter.
    () => postgres.isIdle(victim!.name),
  );
  await untilNoDoubt(owner, id);
  const seconds = (performance.now() - frozenAt) / 1_000;
  const { acceptedTwice, lost, unknown, misstated } = await judgeRun(stage);
  say(`  certain after ${rounded(seconds)} s, ${acceptedTwice.length} went twice`);
  return {
    held,
    copies: acceptedTwice.length,
    lost: lost.length,
    unknown: unknown.length,
    misstated: misstated.length,
    seconds,
  };
}
