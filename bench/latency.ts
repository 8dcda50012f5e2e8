/** How much of its window the engine uses when the provider takes its time. */
import { inTheatre, NO_RECEIPTS, readWindow } from './engine.ts';
import { judge, median, type Measurement } from './figure.ts';
import { checkAllAccepted, makeDispatch, openBucket, release, untilSettled } from './scene.ts';
import { addFault, type Stage } from './stage.ts';

export const LATENCIES_MS = [50, 100, 200, 500] as const;
const SECONDS = 6;
const TARGET_RATIO = 0.9;
const TIMEOUT_MS = 60_000;

export async function measureLatency(
  stage: Stage,
  delayMs: number,
  runs: number,
): Promise<Measurement> {
  const window = await readWindow();
  const limit = (window * 1_000) / delayMs;
  const texts = Math.round(limit * SECONDS);
  const rates: number[] = [];
  for (let run = 0; run < runs; run += 1) rates.push(await rateOf(stage, delayMs, texts));
  return judge({
    id: `latency_${delayMs}`,
    title: `${texts} texts to a provider that answers after ${delayMs} ms, from release to the last`,
    unit: 'messages/s',
    value: median(rates),
    limit,
    limitIs: `${window} requests at once, each ${delayMs} ms`,
    target: TARGET_RATIO * limit,
    better: 'more',
    runs: rates,
  });
}

async function rateOf(stage: Stage, delayMs: number, texts: number): Promise<number> {
  return await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS] },
    async ({ database, simulator, startEngine }) => {
      await addFault(simulator, { fault: 'slow', delayMs, on: 'send' });
      await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, texts);
      const startedAt = await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const seconds = (Date.now() - startedAt) / 1000;
      await checkAllAccepted(database.owner, id);
      return texts / seconds;
    },
  );
}
