/**
 * 5,000 texts under Notify's own limiter: as fast as it lets through, and never refused; and when
 * every organisation had its first one.
 */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, type Measurement } from './figure.ts';
import { checkAllAccepted, makeDispatch, release, untilSettled } from './scene.ts';
import { readState, type Stage } from './stage.ts';

const TEXTS = 5_000;
/** Notify's bucket: 50 a second, and 999 at once (reference notification-peers, section 7.2). */
const limitSeconds = (texts: number) => (texts - 999) / 50;
const TARGET_RATIO = 1.05;
/** Two texts for each organisation, the first ones of all before any second. */
const RANKS = 2;
const ORGANISATIONS = TEXTS / RANKS;
const BREADTH_TARGET_RATIO = 1.1;
const TIMEOUT_MS = 120_000;

/** As src/running.ts seeds it. */
const PRODUCTION_BUCKET = { ratePerSecond: 49.5, burst: 980 };

export async function measureNotifyPace(stage: Stage): Promise<Measurement[]> {
  const { seconds, breadth, refused } = await inTheatre(
    stage,
    { bucket: PRODUCTION_BUCKET, simulator: ['--no-ledger', NO_RECEIPTS] },
    async ({ database, simulator, startEngine }) => {
      await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS, { ranks: RANKS });
      const startedAt = await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const seconds = (Date.now() - startedAt) / 1000;
      await checkAllAccepted(database.owner, id);
      const breadth = await secondsUntilFirstRank(database.owner, id);
      return { seconds, breadth, ...(await readState(simulator)) };
    },
  );
  return [
    judge({
      id: 'notify_pace',
      title: `release to the last of ${TEXTS} texts settled, limiter of the simulator on`,
      unit: 's',
      value: seconds,
      limit: limitSeconds(TEXTS),
      limitIs: `(${TEXTS} - 999) / 50 a second`,
      target: TARGET_RATIO * limitSeconds(TEXTS),
      better: 'less',
      runs: [seconds],
      alsoNeeds: refused === 0,
      notes: [`requests refused by the simulator (429 or other): ${refused}; target 0`],
    }),
    judge({
      id: 'breadth_first',
      title: `release until each of ${ORGANISATIONS} organisations had its first text of ${RANKS}`,
      unit: 's',
      value: breadth,
      limit: limitSeconds(ORGANISATIONS),
      limitIs: `(${ORGANISATIONS} - 999) / 50 a second`,
      target: BREADTH_TARGET_RATIO * limitSeconds(ORGANISATIONS),
      better: 'less',
      runs: [breadth],
    }),
  ];
}

async function secondsUntilFirstRank(owner: Database, dispatchId: string): Promise<number> {
  const { seconds } = await owner.withActor(system('bench'), (tx) =>
    tx.one<{ seconds: number }>(sql`
      select extract(epoch from max(message.accepted_at) - max(dispatch.released_at))::float8
        as seconds
      from dispatch.message message join dispatch.dispatch dispatch
        on dispatch.id = message.dispatch_id
      where dispatch.id = ${dispatchId} and message.rank = 1`),
  );
  return seconds;
}
