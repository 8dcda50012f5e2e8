/** A million texts in one alert, by the product's own way: what grows with them, and what must not. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import type { AlertAnswer, AlertOrder } from './alert-player.ts';
import { fillDirectory, ORGANISATIONS, type Post } from './directory.ts';
import { inTheatre, type CallbackDoor, type Theatre } from './engine.ts';
import { judge, rounded, type Measurement } from './figure.ts';
import { startPlayer, type Player } from './player.ts';
import { openBucket, untilDelivered, untilSettled } from './scene.ts';
import type { Stage } from './stage.ts';
import type { StubAnswer, StubOrder } from './stub-player.ts';

/** All told at once: so many people of the first rank in each organisation. */
const POSTS = Array.from({ length: 50 }, (): Post => ({ rank: 1, channels: ['text'] }));
const TEXTS = ORGANISATIONS * POSTS.length;
const SLICE = 100_000;
const MEMORY_TARGET_MEGABYTES = 300;
const LAST_BY_FIRST_LEAST = 0.85;
const BOARD_TARGET_S = 1;
/** Between two readings of the board while texts leave. */
const BOARD_EVERY_MS = 5_000;
const TIMEOUT_MS = 3_600_000;

export async function measureMillion(stage: Stage): Promise<Measurement[]> {
  const stub = startPlayer<StubAnswer>('stub-player.ts');
  const officers = startPlayer<AlertAnswer>('alert-player.ts');
  try {
    const options = { bucket: openBucket, simulator: ['--no-ledger'], callsBack: true };
    const run = await inTheatre(stage, options, async (theatre) => {
      const { url } = await stub.ask(receiptsTo(theatre.door!));
      return await sendMillion(stage, theatre, { officers, url });
    });
    return figuresOf(run);
  } finally {
    await officers.stop();
    await stub.stop();
  }
}

function receiptsTo({ url, token }: CallbackDoor): StubOrder {
  return { receipts: { url: `${url}/receipts`, token } };
}

type Run = {
  readonly seconds: number;
  /** From the last text that was taken to the last receipt applied. */
  readonly receiptSeconds: number;
  readonly submitSeconds: number;
  readonly releaseSeconds: number;
  /** Of the engine before the first text, the largest of it, and the largest of the web side, in MB. */
  readonly memory: { readonly idle: number; readonly engine: number; readonly web: number };
  /** How long each hundred thousand took. */
  readonly slices: readonly number[];
  readonly boards: readonly AlertAnswer[];
};

async function sendMillion(
  stage: Stage,
  { database, startEngine }: Theatre,
  { officers, url }: { officers: Player<AlertAnswer>; url: string },
): Promise<Run> {
  const { owner, webConfig } = database;
  const ask = (order: AlertOrder) => officers.ask(order);
  await fillDirectory(owner, stage.sealingKey, POSTS);
  stage.say('  the directory is filled');
  const submitted = await ask({ kind: 'submit', database: webConfig });
  if (submitted.messages !== TEXTS) throw new Error(`${submitted.messages} messages`);
  stage.say(`  submitted in ${rounded(submitted.seconds)} s`);
  const engine = await startEngine({ notify: url });
  const idle = await engine.usage();
  const { dispatchId, seconds: releaseSeconds } = await ask({ kind: 'release' });
  const startedAt = performance.now();
  stage.say(`  released in ${rounded(releaseSeconds)} s`);
  const boards: AlertAnswer[] = [];
  const sending = untilSettled(owner, dispatchId, TIMEOUT_MS, 1_000).then(() => performance.now());
  // Where something else fails first, that is to be seen, and not that this was cut off.
  sending.catch(() => {});
  do boards.push(await ask({ kind: 'read board' }));
  while ((await Promise.race([sending, delay(BOARD_EVERY_MS)])) === undefined);
  const endedAt = await sending;
  boards.push(await ask({ kind: 'read board' }));
  await untilDelivered(owner, dispatchId, TIMEOUT_MS, BOARD_EVERY_MS);
  return {
    seconds: (endedAt - startedAt) / 1_000,
    receiptSeconds: (performance.now() - endedAt) / 1_000,
    submitSeconds: submitted.seconds,
    releaseSeconds,
    memory: {
      idle: idle.residentMaxMegabytes,
      engine: (await engine.usage()).residentMaxMegabytes,
      web: boards.at(-1)!.residentMaxMegabytes,
    },
    slices: await secondsOfSlices(owner, dispatchId),
    boards,
  };
}

function figuresOf(run: Run): Measurement[] {
  const { slices, memory, boards } = run;
  const [first, last] = [slices[0]!, slices.at(-1)!].map((seconds) => SLICE / seconds);
  const boardSeconds = boards.map(({ seconds }) => seconds);
  const tallySeconds = boards.map((board) => board.tallySeconds);
  return [
    judge({
      id: 'million_rate',
      title: `texts a second of the last ${SLICE} of ${TEXTS} in one alert, its board being read`,
      unit: 'messages/s',
      value: last!,
      limit: first!,
      limitIs: `the first ${SLICE} of the same run`,
      target: LAST_BY_FIRST_LEAST * first!,
      better: 'more',
      runs: slices.map((seconds) => SLICE / seconds),
      notes: [
        `submitted in ${rounded(run.submitSeconds)} s, released in ${rounded(run.releaseSeconds)} s`,
        `sent in ${rounded(run.seconds)} s, ${rounded(TEXTS / run.seconds)} a second`,
        `each was delivered, the last receipt applied ${rounded(run.receiptSeconds)} s after the last text`,
      ],
    }),
    judge({
      id: 'million_memory',
      title: 'largest resident memory of a process: the engine, and who submits and watches',
      unit: 'MB',
      value: Math.max(memory.engine, memory.web),
      limit: memory.idle,
      limitIs: "the engine's process before the first text",
      target: MEMORY_TARGET_MEGABYTES,
      better: 'less',
      runs: [memory.engine, memory.web],
    }),
    judge({
      id: 'million_board',
      title: `reading the whole board while the ${TEXTS} leave and after, the slowest`,
      unit: 's',
      value: Math.max(...boardSeconds),
      limit: Math.min(...boardSeconds),
      limitIs: 'the fastest of the same readings',
      target: BOARD_TARGET_S,
      better: 'less',
      runs: boardSeconds,
      notes: [
        `the figures at its head alone: ${rounded(Math.min(...tallySeconds))} to ${rounded(Math.max(...tallySeconds))} s`,
      ],
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
