/**
 * How many messages a second the engine sends when nothing holds it up, beside what the same
 * machine does with the two halves of the work alone: bare POSTs, and the statements.
 */
import { openNotifyGateway } from '#dispatch/index.ts';
import { DEFAULT_API_KEYS, DEFAULT_TEMPLATES } from '#simulator/index.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { HttpOrder, Rate, SqlOrder } from './limit-player.ts';
import { startPlayer } from './player.ts';
import {
  checkAllAccepted,
  makeDispatch,
  openBucket,
  readBatches,
  release,
  untilSettled,
  type Batches,
} from './scene.ts';
import type { Stage } from './stage.ts';

const TEXTS = 20_000;
const TIMEOUT_MS = 60_000;
const TARGET_RATIO = 0.5;

type Ledger = 'on' | 'off';
type Run = {
  readonly engine: number;
  readonly http: number;
  readonly sql: number;
  readonly batches: Batches;
  readonly cpuSeconds: number;
};

export async function measureSendCeiling(
  stage: Stage,
  ledger: Ledger,
  runs: number,
): Promise<Measurement> {
  const measured: Run[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const one = await runOnce(stage, ledger);
    const [engine, http, sql] = [one.engine, one.http, one.sql].map(rounded);
    stage.say(`  run ${run}: engine ${engine}/s, POSTs ${http}/s, statements ${sql}/s`);
    measured.push(one);
  }
  // Each run is judged by its own limit: what else the machine does changes from run to run.
  const ratios = measured.map((run) => run.engine / limitOf(run));
  const value = median(measured.map((run) => run.engine));
  const limit = value / median(ratios);
  const { claim, settle } = measured.at(-1)!.batches;
  return judge({
    id: ledger === 'off' ? 'send_ceiling' : 'send_ceiling_ledger',
    title: `${TEXTS} texts at no latency and without limiter, the simulator's ledger ${ledger}`,
    unit: 'messages/s',
    value,
    limit,
    limitIs: '1/(1/bare POSTs + 1/statements), per run; the ratio is the median of the runs',
    target: TARGET_RATIO * limit,
    better: 'more',
    runs: measured.map((run) => run.engine),
    notes: [
      `ratios of the runs: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
      `bare POSTs ${rounded(median(measured.map((run) => run.http)))}/s, ` +
        `statements ${rounded(median(measured.map((run) => run.sql)))}/s`,
      `rows a claim ${claim}, a settlement ${settle}; engine's own cpu ` +
        `${rounded((median(measured.map((run) => run.cpuSeconds)) * 1e6) / TEXTS)} µs a message`,
    ],
  });
}

function limitOf({ http, sql }: Run): number {
  return 1 / (1 / http + 1 / sql);
}

async function runOnce(stage: Stage, ledger: Ledger): Promise<Run> {
  const simulator = ['--no-limiter', NO_RECEIPTS, ...(ledger === 'off' ? ['--no-ledger'] : [])];
  const engine = await inTheatre(
    stage,
    { bucket: openBucket, simulator },
    async ({ database, startEngine }) => {
      const process = await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      const before = await process.usage();
      const startedAt = await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const seconds = (Date.now() - startedAt) / 1000;
      const cpuSeconds = (await process.usage()).cpuSeconds - before.cpuSeconds;
      await checkAllAccepted(database.owner, id);
      return { perSecond: TEXTS / seconds, cpuSeconds, batches: await readBatches(database.owner) };
    },
  );
  const { perSecond, cpuSeconds, batches } = engine;
  const { http, sql } = await runLimits(stage, simulator, batches);
  return { engine: perSecond, http, sql, batches, cpuSeconds };
}

async function runLimits(stage: Stage, options: readonly string[], batches: Batches) {
  return await inTheatre(
    stage,
    { bucket: openBucket, simulator: options },
    async ({ database, simulator }) => {
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      await release(database.web, id);
      const player = startPlayer<Rate>('limit-player.ts');
      const { live: apiKey } = DEFAULT_API_KEYS;
      const { notifyUrl } = simulator;
      const gateway = openNotifyGateway('notify', { baseUrl: notifyUrl, apiKey });
      const { window } = gateway;
      await gateway.close();
      const posts: HttpOrder = {
        kind: 'http',
        notifyUrl,
        apiKey,
        templateId: DEFAULT_TEMPLATES[0].id,
        installation: stage.installation,
        texts: TEXTS,
        window,
      };
      const statements: SqlOrder = {
        kind: 'sql',
        database: database.workerConfig,
        texts: TEXTS,
        batches,
      };
      try {
        const http = (await player.ask(posts)).perSecond;
        return { http, sql: (await player.ask(statements)).perSecond };
      } finally {
        await player.stop();
      }
    },
  );
}
