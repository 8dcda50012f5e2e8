/**
 * A replica that lacks the last seconds takes the place of its server: the texts of those seconds
 * look as if they had not been sent. Real processes, with the waits of production.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { oldestInDoubt } from '../chaos/certainty.ts';
import { letItGoOn } from '../chaos/person.ts';
import { judgeRun } from '../chaos/play.ts';
import { onStage as onChaosStage, type Stage as ChaosStage } from '../chaos/stage.ts';
import { productionWaits } from '../chaos/task.ts';
import { CERTAIN_WITHIN_S, LEASE_S, QUIET_S, untilNoDoubt } from './certainty.ts';
import { judge, rounded, type Measurement } from './figure.ts';
import { makeDispatch, release } from './scene.ts';
import type { Stage } from './stage.ts';

/** Seconds of commits that are lost. */
const LAGS_S = [1, 10, 60];
const BUCKET = { ratePerSecond: 100, burst: 200 };
/** A replica is made while texts leave; and there must be some left to send when it serves. */
const SPARE_S = 30;
const LOOK_MS = 200;

type Promotion = {
  readonly lagS: number;
  /** Texts that had left and that the promoted database did not know of. */
  readonly found: number;
  readonly copies: number;
  readonly lost: number;
  readonly unknown: number;
  /** Believed never sent, and at the provider. */
  readonly misstated: number;
  /** From the moment in which the replica serves until each of them is certain. */
  readonly seconds: number;
};

export async function measurePromotion(bench: Stage): Promise<Measurement[]> {
  const runs: Promotion[] = [];
  for (const lagS of LAGS_S) {
    const one = await onChaosStage(
      { defect: null, waits: productionWaits, bucket: BUCKET },
      (stage) => promote(stage, lagS),
    );
    bench.say(
      `  ${lagS} s lost: ${one.found} found again after ${rounded(one.seconds)} s, ${one.copies} went twice`,
    );
    runs.push(one);
  }
  const sum = (of: (run: Promotion) => number) => runs.reduce((all, run) => all + of(run), 0);
  const isSound = runs.every(
    ({ found, lost, unknown, misstated }) => found > 0 && lost + unknown + misstated === 0,
  );
  return [
    judge({
      id: 'promotion_copies',
      title: `texts that went twice where ${LAGS_S.join(', ')} s of commits were lost`,
      unit: 'texts',
      value: sum(({ copies }) => copies),
      limit: sum(({ found }) => found),
      limitIs: 'what had left in the lost seconds; without the reading all of it went twice',
      target: 0,
      better: 'less',
      runs: runs.map(({ copies }) => copies),
      alsoNeeds: isSound,
      notes: runs.map(
        ({ lagS, found, lost, unknown, misstated }) =>
          `${lagS} s: ${found} texts found again, ${lost} lost, ${unknown} unknown, ${misstated} misstated at the end`,
      ),
    }),
    judge({
      id: 'promotion_certain',
      title: 'from the promotion until every text is certain, the slowest of them',
      unit: 's',
      value: Math.max(...runs.map(({ seconds }) => seconds)),
      limit: LEASE_S + QUIET_S,
      limitIs: `lease ${LEASE_S} s and quiet ${QUIET_S} s of whoever claimed before`,
      target: CERTAIN_WITHIN_S,
      better: 'less',
      runs: runs.map(({ seconds }) => seconds),
      alsoNeeds: isSound,
    }),
  ];
}

async function promote(stage: ChaosStage, lagS: number): Promise<Promotion> {
  const { owner, person, postgres, sealingKey } = stage;
  const texts = BUCKET.burst + BUCKET.ratePerSecond * (lagS + SPARE_S);
  const id = await makeDispatch(owner, sealingKey, texts);
  await release(owner, id);
  await postgres.promoteReplica({ forMs: lagS * 1_000, before: () => Promise.resolve() });
  const [servesAt, startedAt] = [Date.now(), performance.now()];
  const found = await letItGoOn(person);
  while ((await oldestInDoubt(owner)) <= servesAt) await delay(LOOK_MS);
  const seconds = (performance.now() - startedAt) / 1_000;
  await untilNoDoubt(owner, id);
  const { acceptedTwice, lost, unknown, misstated } = await judgeRun(stage);
  return {
    lagS,
    found,
    copies: acceptedTwice.length,
    lost: lost.length,
    unknown: unknown.length,
    misstated: misstated.length,
    seconds,
  };
}
