/** Resident memory of the engine's process while it sends 100,000 texts. */
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, rounded, type Measurement } from './figure.ts';
import { checkAllAccepted, makeDispatch, openBucket, release, untilSettled } from './scene.ts';
import type { Stage } from './stage.ts';

const TEXTS = 100_000;
const TARGET_MEGABYTES = 300;
const TIMEOUT_MS = 120_000;

export async function measureResident(stage: Stage): Promise<Measurement> {
  const { idle, sending, seconds } = await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS] },
    async ({ database, startEngine }) => {
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      const engine = await startEngine();
      const idle = await engine.usage();
      const startedAt = await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const seconds = (Date.now() - startedAt) / 1000;
      const sending = await engine.usage();
      await checkAllAccepted(database.owner, id);
      return { idle, sending, seconds };
    },
  );
  return judge({
    id: 'rss',
    title: `largest resident memory of the engine's process while it sends ${TEXTS} texts`,
    unit: 'MB',
    value: sending.residentMaxMegabytes,
    limit: idle.residentMaxMegabytes,
    limitIs: 'the same process before the first text',
    target: TARGET_MEGABYTES,
    better: 'less',
    runs: [sending.residentMaxMegabytes],
    notes: [
      `${TEXTS} texts in ${rounded(seconds)} s, ${rounded(TEXTS / seconds)} a second`,
      `cpu of the engine's process ${rounded(sending.cpuSeconds - idle.cpuSeconds)} s`,
    ],
  });
}
