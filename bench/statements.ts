/** Claiming and settling beside the plainest writes of the same rows; and after a million dead. */
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { LimitOrder, Rate } from './limit-player.ts';
import { startPlayer } from './player.ts';
import { makeDispatch, openBucket, release } from './scene.ts';
import type { BenchDatabase, Stage } from './stage.ts';

const TEXTS = 20_000;
const BATCHES = { claim: 500, settle: 500 };
const RUNS = 5;
const TARGET_RATIO = 0.8;
const BLOATED_TARGET_RATIO = 0.5;
const DEAD_ROWS = 1_000_000;

export async function measureStatements(stage: Stage): Promise<Measurement[]> {
  const { raw, plain, bloated } = await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-ledger', NO_RECEIPTS] },
    async ({ database }) => {
      const raw: number[] = [];
      const plain: number[] = [];
      for (let run = 1; run <= RUNS; run += 1) {
        raw.push(await rateOf(stage, database, 'raw'));
        plain.push(await rateOf(stage, database, 'sql'));
        stage.say(
          `  run ${run}: plain writes ${rounded(raw.at(-1)!)}/s, ours ${rounded(plain.at(-1)!)}/s`,
        );
      }
      const bloated = await rateOf(stage, database, 'sql', DEAD_ROWS / TEXTS);
      return { raw, plain, bloated };
    },
  );
  const ratio = median(plain.map((rate, i) => rate / raw[i]!));
  const limit = median(plain) / ratio;
  const shared = {
    unit: 'rows/s',
    limit,
    limitIs: `update by unnest and insert of the same rows, batches of ${BATCHES.settle}`,
    better: 'more',
  } as const;
  return [
    judge({
      ...shared,
      id: 'claim_settle',
      title: `claiming and settling ${TEXTS} texts by the engine's own statements, one connection`,
      value: median(plain),
      target: TARGET_RATIO * limit,
      runs: plain,
      notes: [`plain writes: ${raw.map(rounded).join(', ')} a second`],
    }),
    judge({
      ...shared,
      id: 'claim_settle_bloated',
      title: `the same after ${DEAD_ROWS} dead versions of the same rows, never vacuumed`,
      value: bloated,
      target: BLOATED_TARGET_RATIO * limit,
      runs: [bloated],
    }),
  ];
}

/** The rate over a fresh dispatch, each of its rows updated so many times before. */
async function rateOf(
  stage: Stage,
  { owner, web, workerConfig }: BenchDatabase,
  kind: 'raw' | 'sql',
  updates = 0,
): Promise<number> {
  const id = await makeDispatch(owner, stage.sealingKey, TEXTS);
  await release(web, id);
  if (updates > 0) await bloat(owner, id, updates);
  const player = startPlayer<Rate>('limit-player.ts');
  try {
    const order: LimitOrder = { kind, database: workerConfig, texts: TEXTS, batches: BATCHES };
    return (await player.ask(order)).perSecond;
  } finally {
    await player.stop();
  }
}

async function bloat(owner: BenchDatabase['owner'], id: string, updates: number): Promise<void> {
  const actor = system('bench');
  await owner.withActor(actor, (tx) =>
    tx.run(sql`alter table dispatch.message set (autovacuum_enabled = false)`),
  );
  for (let update = 0; update < updates; update += 1)
    await owner.withActor(actor, (tx) =>
      tx.run(sql`
        update dispatch.message set due_at = due_at + interval '1 microsecond'
        where dispatch_id = ${id}`),
    );
}
