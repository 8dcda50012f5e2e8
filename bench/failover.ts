/** How soon texts of a gateway that says nothing any more leave by another one. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { judgeLedgers } from '../chaos/play.ts';
import { untilNoDoubt } from './certainty.ts';
import { inTheatre } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import { makeDispatch, openBucket, release, seedGateway } from './scene.ts';
import { addFault, type Stage } from './stage.ts';

const TEXTS = 1_000;
const RUNS = 3;
/** Of the engine: a request without an answer is late after this (src/dispatch/watch.ts). */
const LATE_S = 8;
const TARGET_S = 15;
const TIMEOUT_MS = 60_000;
/** Nobody is called back. What was handed over at once is adopted by its first look-up. */
const SIMULATOR = ['--no-limiter', '--receipt-delay-ms=0,0'];

export async function measureFailover(stage: Stage): Promise<Measurement> {
  const runs: Failover[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const one = await failOver(stage);
    stage.say(
      `  run ${run}: first after ${rounded(one.seconds)} s, ${one.doubtful} not certain then`,
    );
    runs.push(one);
  }
  const seconds = runs.map((run) => run.seconds);
  return judge({
    id: 'failover',
    title: `first text by the other gateway, from the release of ${TEXTS} to one that accepts and says nothing`,
    unit: 's',
    value: median(seconds),
    limit: LATE_S,
    limitIs: 'the time after which a request without an answer counts as late',
    target: TARGET_S,
    better: 'less',
    runs: seconds,
    alsoNeeds: runs.every((run) => run.doubtful > 0 && run.twice + run.wrong === 0),
    notes: [
      `all that had not left went by the other after ${runs.map((run) => rounded(run.allSeconds)).join(', ')} s`,
      `${runs.map((run) => run.doubtful).join(', ')} were accepted without an answer, certain after ${runs.map((run) => rounded(run.certainSeconds)).join(', ')} s`,
      `${runs.map((run) => run.twice).join(', ')} went twice by both ledgers, ${runs.map((run) => run.wrong).join(', ')} lost, unknown or misstated`,
    ],
  });
}

type Failover = {
  readonly seconds: number;
  readonly allSeconds: number;
  /** On the wire to the silent one: looked up, never sent again on a guess. */
  readonly doubtful: number;
  readonly certainSeconds: number;
  readonly twice: number;
  /** Lost, unknown at the end, or believed never sent. */
  readonly wrong: number;
};

async function failOver(stage: Stage): Promise<Failover> {
  const options = { bucket: openBucket, simulator: SIMULATOR };
  return await inTheatre(stage, options, async ({ database, simulator: silent, startEngine }) => {
    const { owner, web } = database;
    await seedGateway(owner, openBucket, null, 'other');
    const other = await stage.startSimulator(SIMULATOR);
    try {
      await startEngine({ notify: silent.notifyUrl, other: other.notifyUrl });
      // It has every text that it says nothing of: a second one would be a copy.
      await addFault(silent, { fault: 'answer_after', delayMs: 3_600_000 });
      const id = await makeDispatch(owner, stage.sealingKey, TEXTS);
      const startedAt = performance.now();
      await release(web, id);
      const secondsUntil = async (holds: (seen: Seen) => boolean) => {
        const seen = await until(() => look(owner, id), holds);
        return { seen, seconds: (performance.now() - startedAt) / 1_000 };
      };
      const first = await secondsUntil(({ failedOver }) => failedOver > 0);
      const all = await secondsUntil(({ ready }) => ready === 0);
      await untilNoDoubt(owner, id);
      const certainSeconds = (performance.now() - startedAt) / 1_000;
      const judged = await judgeLedgers(owner, [silent.controlUrl, other.controlUrl]);
      return {
        seconds: first.seconds,
        allSeconds: all.seconds,
        doubtful: all.seen.doubtful,
        certainSeconds,
        twice: judged.acceptedTwice.length,
        wrong: judged.lost.length + judged.unknown.length + judged.misstated.length,
      };
    } finally {
      await other.stop();
    }
  });
}

type Seen = { failedOver: number; ready: number; doubtful: number };

async function look(owner: Database, dispatchId: string): Promise<Seen> {
  return await owner.withActor(system('bench'), (tx) =>
    tx.one<Seen>(sql`
      select count(*) filter (where accepted_at is not null and gateway_id = 'other'
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
