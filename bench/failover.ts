/** How soon texts of a gateway that says nothing any more leave by another one. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import { makeDispatch, openBucket, release, seedGateway } from './scene.ts';
import { addFault, readState, type Stage } from './stage.ts';

const TEXTS = 1_000;
const RUNS = 3;
/** Of the engine: a request without an answer is late after this (src/dispatch/watch.ts). */
const LATE_S = 8;
const TARGET_S = 15;
const TIMEOUT_MS = 60_000;
const SIMULATOR = ['--no-limiter', '--no-ledger', NO_RECEIPTS];

export async function measureFailover(stage: Stage): Promise<Measurement> {
  const runs: Failover[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const one = await failOver(stage);
    stage.say(
      `  run ${run}: first after ${rounded(one.seconds)} s, ${one.doubtful} not certain yet`,
    );
    runs.push(one);
  }
  const seconds = runs.map((run) => run.seconds);
  return judge({
    id: 'failover',
    title: `first text by the other gateway, from the release of ${TEXTS} to one that says nothing`,
    unit: 's',
    value: median(seconds),
    limit: LATE_S,
    limitIs: 'the time after which a request without an answer counts as late',
    target: TARGET_S,
    better: 'less',
    runs: seconds,
    alsoNeeds: runs.every((run) => run.twice === 0),
    notes: [
      `all that had not left went by the other after ${runs.map((run) => rounded(run.allSeconds)).join(', ')} s`,
      `${runs.map((run) => run.twice).join(', ')} went twice`,
    ],
  });
}

type Failover = {
  readonly seconds: number;
  readonly allSeconds: number;
  /** On the wire when it fell silent: looked up, never sent again on a guess. */
  readonly doubtful: number;
  readonly twice: number;
};

async function failOver(stage: Stage): Promise<Failover> {
  const options = { bucket: openBucket, simulator: SIMULATOR };
  return await inTheatre(stage, options, async ({ database, simulator: silent, startEngine }) => {
    const { owner, web } = database;
    await seedGateway(owner, openBucket, null, 'other');
    const other = await stage.startSimulator(SIMULATOR);
    try {
      await startEngine({ notify: silent.notifyUrl, other: other.notifyUrl });
      await addFault(silent, { fault: 'slow', delayMs: 3_600_000, on: 'send' });
      const id = await makeDispatch(owner, stage.sealingKey, TEXTS);
      const startedAt = performance.now();
      await release(web, id);
      const secondsUntil = async (holds: (seen: Seen) => boolean) => {
        const seen = await until(() => look(owner, id), holds);
        return { seen, seconds: (performance.now() - startedAt) / 1_000 };
      };
      const first = await secondsUntil(({ failedOver }) => failedOver > 0);
      const all = await secondsUntil(({ ready }) => ready === 0);
      const { accepted } = await readState(other);
      return {
        seconds: first.seconds,
        allSeconds: all.seconds,
        doubtful: all.seen.doubtful,
        twice: accepted - all.seen.byOther,
      };
    } finally {
      await other.stop();
    }
  });
}

type Seen = { failedOver: number; ready: number; doubtful: number; byOther: number };

async function look(owner: Database, dispatchId: string): Promise<Seen> {
  return await owner.withActor(system('bench'), (tx) =>
    tx.one<Seen>(sql`
      select count(*) filter (where accepted_at is not null and gateway_id = 'other') as by_other,
        count(*) filter (where accepted_at is not null and gateway_id = 'other'
          and home_gateway_id = 'notify') as failed_over,
        count(*) filter (where state = 'ready' or state = 'claimed' and gateway_id = 'other')
          as ready,
        count(*) filter (where state in ('claimed', 'unknown') and gateway_id = 'notify')
          as doubtful
      from dispatch.message where dispatch_id = ${dispatchId}`),
  );
}

async function until(look: () => Promise<Seen>, holds: (seen: Seen) => boolean): Promise<Seen> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(seen)}`);
    await delay(20);
  }
}
