/** 5,000 texts under Notify's own limiter: as fast as it lets through, and never refused. */
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, type Measurement } from './figure.ts';
import { checkAllAccepted, makeDispatch, release, untilSettled } from './scene.ts';
import { readState, type Stage } from './stage.ts';

const TEXTS = 5_000;
/** Notify's bucket: 50 a second, and 999 at once (reference notification-peers, section 7.2). */
const LIMIT_SECONDS = (TEXTS - 999) / 50;
const TARGET_RATIO = 1.05;
const TIMEOUT_MS = 120_000;

/** As src/running.ts seeds it. */
const PRODUCTION_BUCKET = { ratePerSecond: 49.5, burst: 980 };

export async function measureNotifyPace(stage: Stage): Promise<Measurement> {
  const { seconds, refused } = await inTheatre(
    stage,
    { bucket: PRODUCTION_BUCKET, simulator: ['--no-ledger', NO_RECEIPTS] },
    async ({ database, simulator, startEngine }) => {
      await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      const startedAt = await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const endedAt = Date.now();
      await checkAllAccepted(database.owner, id);
      return { seconds: (endedAt - startedAt) / 1000, ...(await readState(simulator)) };
    },
  );
  return judge({
    id: 'notify_pace',
    title: `release to the last of ${TEXTS} texts settled, limiter of the simulator on`,
    unit: 's',
    value: seconds,
    limit: LIMIT_SECONDS,
    limitIs: `(${TEXTS} - 999) / 50 a second`,
    target: TARGET_RATIO * LIMIT_SECONDS,
    better: 'less',
    runs: [seconds],
    alsoNeeds: refused === 0,
    notes: [`requests refused by the simulator (429 or other): ${refused}; target 0`],
  });
}
