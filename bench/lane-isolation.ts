/** A critical alert with and without 100,000 routine messages in the queue before it. */
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import { makeDispatch, release, untilSettled } from './scene.ts';
import type { Stage } from './stage.ts';

const CRITICAL = 5_000;
const ROUTINE = 100_000;
const ROUTINE_LANE = 3;
const TARGET_RATIO = 1.05;
const TIMEOUT_MS = 60_000;
/**
 * Notify's shape ten times as fast, so that a run takes seconds: what counts is how many tokens a
 * critical alert finds and who gets the next ones.
 */
const BUCKET = { ratePerSecond: 495, burst: 980 };
const ROUTINE_HEAD_START_MS = 5_000;

export async function measureLaneIsolation(stage: Stage, runs: number): Promise<Measurement> {
  const all = { alone: [] as number[], crowded: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    all.alone.push(await sendCritical(stage, 0));
    all.crowded.push(await sendCritical(stage, ROUTINE));
  }
  const [alone, crowded] = [median(all.alone), median(all.crowded)];
  return judge({
    id: 'lane_isolation',
    title: `${CRITICAL} critical texts, ${ROUTINE} routine ones being sent before them`,
    unit: 's',
    value: crowded,
    limit: alone,
    limitIs: 'the same without the routine ones',
    target: TARGET_RATIO * alone,
    better: 'less',
    runs: all.crowded,
    notes: [`alone ${rounded(alone)} s, ${BUCKET.ratePerSecond} a second, ${BUCKET.burst} at once`],
  });
}

async function sendCritical(stage: Stage, routine: number): Promise<number> {
  return await inTheatre(
    stage,
    { bucket: BUCKET, simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS] },
    async ({ database, startEngine }) => {
      const { owner, web } = database;
      const critical = await makeDispatch(owner, stage.sealingKey, CRITICAL);
      if (routine > 0)
        await release(
          web,
          await makeDispatch(owner, stage.sealingKey, routine, { lane: ROUTINE_LANE }),
        );
      await startEngine();
      await new Promise((resolve) => setTimeout(resolve, ROUTINE_HEAD_START_MS));
      const startedAt = await release(web, critical);
      await untilSettled(owner, critical, TIMEOUT_MS);
      return (Date.now() - startedAt) / 1_000;
    },
  );
}
