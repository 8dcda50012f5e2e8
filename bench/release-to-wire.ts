/** From the commit of a release to the arrival of its first request, by the simulator's ledger. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { readAccepted, type BenchDatabase, type Stage } from './stage.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, quantile, rounded, type Measurement } from './figure.ts';
import { makeDispatch, openBucket, release, untilSettled } from './scene.ts';

const RELEASES = 120;
const MESSAGES = 250;
const ROUND_TRIPS = 300;
const TARGET_MS = 250;
const TIMEOUT_MS = 30_000;
/** Not in step with any timer of the engine. */
const PAUSE_MAX_MS = 120;

export async function measureReleaseToWire(stage: Stage): Promise<Measurement> {
  const { waits, trips } = await inTheatre(
    stage,
    { bucket: openBucket, simulator: ['--no-limiter', NO_RECEIPTS] },
    async ({ database, simulator, startEngine }) => {
      const ids: string[] = [];
      for (let i = 0; i < RELEASES; i += 1)
        ids.push(await makeDispatch(database.owner, stage.sealingKey, MESSAGES));
      await startEngine();
      await warmUp(stage, database);
      const trips = await timeRoundTrips(database);
      let { next } = await readAccepted(simulator, 0);
      const waits: number[] = [];
      for (const id of ids) {
        await delay(Math.random() * PAUSE_MAX_MS);
        const committedAt = await release(database.web, id);
        await untilSettled(database.owner, id, TIMEOUT_MS);
        const page = await readAccepted(simulator, next);
        next = page.next;
        if (page.times.length !== MESSAGES) throw new Error(`${page.times.length} arrived`);
        waits.push(Math.max(0, page.times[0]! - committedAt));
      }
      return { waits, trips };
    },
  );
  const [middle, worst] = [quantile(waits, 0.5), Math.max(...waits)];
  return judge({
    id: 'release_to_wire',
    title: `commit of a release to its first request arriving, p99 of ${RELEASES} releases of ${MESSAGES} texts`,
    unit: 'ms',
    value: quantile(waits, 0.99),
    limit: quantile(trips, 0.99),
    limitIs: `p99 of ${ROUND_TRIPS} round trips of LISTEN/NOTIFY`,
    target: TARGET_MS,
    better: 'less',
    runs: waits,
    notes: [
      `median ${rounded(middle)} ms, worst ${rounded(worst)} ms`,
      `round trip: median ${rounded(quantile(trips, 0.5))} ms`,
    ],
  });
}

/** The first send of a process opens connections and asks for the template: not a release. */
async function warmUp(stage: Stage, database: BenchDatabase): Promise<void> {
  const id = await makeDispatch(database.owner, stage.sealingKey, MESSAGES);
  await release(database.web, id);
  await untilSettled(database.owner, id, TIMEOUT_MS);
}

/** A notification committed on one connection until another one has it. */
async function timeRoundTrips(database: BenchDatabase): Promise<number[]> {
  const [ear, mouth] = [new Client(database.workerConfig), new Client(database.workerConfig)];
  await Promise.all([ear.connect(), mouth.connect()]);
  await ear.query('listen bench_echo');
  const trips: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i += 1) {
    const heard = Promise.withResolvers<void>();
    ear.once('notification', () => heard.resolve());
    const startedAt = performance.now();
    await Promise.all([mouth.query('notify bench_echo'), heard.promise]);
    trips.push(performance.now() - startedAt);
  }
  await Promise.all([ear.end(), mouth.end()]);
  return trips;
}
