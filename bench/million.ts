/** A million texts in one dispatch: what grows with them, and what must not. */
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { countMessages } from '#dispatch/index.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, rounded, type Measurement } from './figure.ts';
import { startPlayer } from './player.ts';
import { checkAllAccepted, makeDispatch, openBucket, release, untilSettled } from './scene.ts';
import type { Stage } from './stage.ts';
import type { StubAnswer } from './stub-player.ts';

const TEXTS = 1_000_000;
const SLICE = 100_000;
const MEMORY_TARGET_MEGABYTES = 300;
const LAST_BY_FIRST_LEAST = 0.85;
const BOARD_TARGET_MS = 1_000;
const BOARD_READS = 20;
const TIMEOUT_MS = 3_600_000;

export async function measureMillion(stage: Stage): Promise<Measurement[]> {
  const stub = startPlayer<StubAnswer>('stub-player.ts');
  try {
    const { url } = await stub.ask({});
    return await sendMillion(stage, url);
  } finally {
    await stub.stop();
  }
}

async function sendMillion(stage: Stage, url: string): Promise<Measurement[]> {
  const run = await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-ledger', NO_RECEIPTS] },
    async ({ database, startEngine }) => {
      const { owner, web } = database;
      const id = await makeDispatch(owner, stage.sealingKey, TEXTS);
      stage.say('  planned');
      const engine = await startEngine({ notify: url });
      const idle = await engine.usage();
      const askedAt = Date.now();
      const startedAt = await release(web, id);
      stage.say(`  sealed and released in ${rounded((Date.now() - askedAt) / 1_000)} s`);
      await untilSettled(owner, id, TIMEOUT_MS);
      const seconds = (Date.now() - startedAt) / 1_000;
      await checkAllAccepted(owner, id);
      return {
        seconds,
        idle: idle.residentMaxMegabytes,
        sending: (await engine.usage()).residentMaxMegabytes,
        slices: await secondsOfSlices(owner, id),
        board: await boardMs(owner, id),
      };
    },
  );
  const { slices } = run;
  const [first, last] = [slices[0]!, slices.at(-1)!].map((seconds) => SLICE / seconds);
  return [
    judge({
      id: 'million_rate',
      title: `texts a second of the last ${SLICE} of ${TEXTS} in one dispatch`,
      unit: 'messages/s',
      value: last!,
      limit: first!,
      limitIs: `the first ${SLICE} of the same run`,
      target: LAST_BY_FIRST_LEAST * first!,
      better: 'more',
      runs: slices.map((seconds) => SLICE / seconds),
      notes: [`${rounded(run.seconds)} s in all, ${rounded(TEXTS / run.seconds)} a second`],
    }),
    judge({
      id: 'million_memory',
      title: `largest resident memory of the engine's process over the same texts`,
      unit: 'MB',
      value: run.sending,
      limit: run.idle,
      limitIs: 'the same process before the first text',
      target: MEMORY_TARGET_MEGABYTES,
      better: 'less',
      runs: [run.sending],
    }),
    judge({
      id: 'million_board',
      title: `counting the million by channel and state, slowest of ${BOARD_READS}`,
      unit: 'ms',
      value: Math.max(...run.board),
      limit: Math.min(...run.board),
      limitIs: 'the fastest of the same readings',
      target: BOARD_TARGET_MS,
      better: 'less',
      runs: run.board,
    }),
  ];
}

/** How long each hundred thousand took, in the order in which they were accepted. */
async function secondsOfSlices(owner: Database, dispatchId: string): Promise<number[]> {
  const rows = await owner.withActor(system('bench'), (tx) =>
    tx.rows<{ at: Date }>(sql`
      select accepted_at as at from (
        select accepted_at, row_number() over (order by accepted_at) as n
        from dispatch.message where dispatch_id = ${dispatchId}) numbered
      where n % ${SLICE} = 0 or n = 1 order by n`),
  );
  return rows.slice(1).map(({ at }, i) => (at.getTime() - rows[i]!.at.getTime()) / 1_000);
}

async function boardMs(owner: Database, dispatchId: string): Promise<number[]> {
  const reads: number[] = [];
  for (let read = 0; read < BOARD_READS; read += 1) {
    const startedAt = performance.now();
    await owner.withActor(system('bench'), (tx) => countMessages(tx, dispatchId));
    reads.push(performance.now() - startedAt);
  }
  return reads;
}
