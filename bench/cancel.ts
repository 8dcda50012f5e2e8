/** What still leaves after a cancellation, and how soon every message has a true state. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { cancelDispatch } from '#dispatch/index.ts';
import { inTheatre, NO_RECEIPTS, readWindow } from './engine.ts';
import { judge, median, type Measurement } from './figure.ts';
import { makeDispatch, openBucket, readStates, release } from './scene.ts';
import { addFault, readAccepted, type Stage } from './stage.ts';

const TEXTS = 5_000;
const DELAY_MS = 200;
const RUNS = 5;
const SENDING_MS = 2_000;
const TRUE_WITHIN_S = 1;
const TIMEOUT_MS = 60_000;

export async function measureCancel(stage: Stage): Promise<Measurement[]> {
  const window = await readWindow();
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await cancelOnce(stage));
  const left = runs.map((run) => run.left);
  const seconds = runs.map((run) => run.seconds);
  return [
    judge({
      id: 'cancel_leaving',
      title: `texts that reach the provider after a cancellation, of ${TEXTS} at ${DELAY_MS} ms`,
      unit: 'messages',
      value: Math.max(...left),
      limit: window,
      limitIs: 'requests on the wire at once; the value is the worst run',
      target: window,
      better: 'less',
      runs: left,
    }),
    judge({
      id: 'cancel_ledger',
      title: 'from the commit of a cancellation until nothing of it is ready, claimed or unknown',
      unit: 's',
      value: median(seconds),
      limit: DELAY_MS / 1_000,
      limitIs: 'the answer to the last request on the wire',
      target: TRUE_WITHIN_S,
      better: 'less',
      runs: seconds,
    }),
  ];
}

async function cancelOnce(stage: Stage): Promise<{ left: number; seconds: number }> {
  return await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', NO_RECEIPTS] },
    async ({ database, simulator, startEngine }) => {
      await addFault(simulator, { fault: 'slow', delayMs: DELAY_MS, on: 'send' });
      await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      await release(database.web, id);
      await delay(SENDING_MS + Math.random() * DELAY_MS);
      const cancelled = await database.web.attempt(system('bench'), (tx) =>
        cancelDispatch(tx, { dispatchId: id, reason: 'bench' }),
      );
      if (!cancelled.ok) throw new Error(cancelled.message);
      const committedAt = Date.now();
      const deadline = committedAt + TIMEOUT_MS;
      for (;;) {
        const states = await readStates(database.owner, id);
        const open = ['held', 'ready', 'claimed', 'unknown'].some((state) => state in states);
        if (!open) break;
        if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(states)}`);
        await delay(20);
      }
      const seconds = (Date.now() - committedAt) / 1_000;
      const { times } = await readAccepted(simulator, 0);
      const states = await readStates(database.owner, id);
      if (times.length !== states['accepted'])
        throw new Error(`${times.length} left, the database says ${JSON.stringify(states)}`);
      return { left: times.filter((at) => at > committedAt).length, seconds };
    },
  );
}
