/**
 * How many messages a second the engine sends when nothing holds it up, beside what the same
 * machine does with the two halves of the work alone: bare POSTs, and the statements.
 */
import { newId } from '#kernel/ids.ts';
import { DEFAULT_API_KEYS, DEFAULT_TEMPLATES } from '#simulator/index.ts';
import { inTheatre, NO_RECEIPTS, readWindow } from './engine.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { BareAnswer } from './bare-player.ts';
import type { InboxOrder, IntakeAnswer } from './intake-player.ts';
import type { HttpOrder, LimitOrder, Rate } from './limit-player.ts';
import { askOnce, loadOpenly, startPlayer } from './player.ts';
import { receiptBody } from './receipts.ts';
import {
  checkAllAccepted,
  makeDispatch,
  openBucket,
  readBatches,
  readReceiptBatch,
  release,
  untilDelivered,
  untilSettled,
  type Batches,
} from './scene.ts';
import type { Stage } from './stage.ts';

const TEXTS = 20_000;
const TIMEOUT_MS = 60_000;
const TARGET_RATIO = 0.6;

/** What the simulator does beside answering: `receipts` calls back for each text, without ledger. */
export type Ceiling = 'bare' | 'ledger' | 'receipts';

const ids = {
  bare: 'send_ceiling',
  ledger: 'send_ceiling_ledger',
  receipts: 'send_ceiling_receipts',
} as const;

type Limits = { readonly http: number; readonly sql: number; readonly inbox?: Inbox };
/** Receipts posted to a bare server, and kept and applied by the statements alone. */
type Inbox = { readonly http: number; readonly sql: number };
/** What the engine did, and what it left behind for its limit. */
type Sent = {
  readonly engine: number;
  readonly batches: Batches;
  /** Receipts that shared a transaction at the door; none where none came. */
  readonly receiptBatch: number | undefined;
  readonly cpuSeconds: number;
};
type Run = Sent & { readonly limits: Limits };

export async function measureSendCeiling(
  stage: Stage,
  ceiling: Ceiling,
  runs: number,
): Promise<Measurement> {
  const measured: Run[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const one = await runOnce(stage, ceiling);
    stage.say(`  run ${run}: engine ${rounded(one.engine)}/s, ${tell(one.limits)}`);
    measured.push(one);
  }
  // Each run is judged by its own limit: what else the machine does changes from run to run.
  const ratios = measured.map((run) => run.engine / limitOf(run.limits));
  const value = median(measured.map((run) => run.engine));
  const limit = value / median(ratios);
  const { batches, receiptBatch, limits } = measured.at(-1)!;
  const { claim, settle } = batches;
  const inboxToo = ceiling === 'receipts' ? ' + 1/receipts by HTTP + 1/receipts applied' : '';
  return judge({
    id: ids[ceiling],
    title: `${TEXTS} texts at no latency and without limiter: ${ceiling}`,
    unit: 'messages/s',
    value,
    limit,
    limitIs: `1/(1/POSTs + 1/statements${inboxToo}), per run; the ratio is the runs' median`,
    target: TARGET_RATIO * limit,
    better: 'more',
    runs: measured.map((run) => run.engine),
    notes: [
      `ratios of the runs: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
      `the last run's halves: ${tell(limits)}`,
      `rows a claim ${claim}, a settlement ${settle}; engine's own cpu ` +
        `${rounded((median(measured.map((run) => run.cpuSeconds)) * 1e6) / TEXTS)} µs a message`,
      ...(receiptBatch === undefined ? [] : [`receipts in a transaction ${receiptBatch}`]),
    ],
  });
}

function limitOf({ http, sql, inbox }: Limits): number {
  const seconds = 1 / http + 1 / sql + (inbox ? 1 / inbox.http + 1 / inbox.sql : 0);
  return 1 / seconds;
}

function tell({ http, sql, inbox }: Limits): string {
  const sending = `POSTs ${rounded(http)}/s, statements ${rounded(sql)}/s`;
  if (inbox === undefined) return sending;
  const { http: taken, sql: applied } = inbox;
  return `${sending}, receipts by HTTP ${rounded(taken)}/s, kept and applied ${rounded(applied)}/s`;
}

async function runOnce(stage: Stage, ceiling: Ceiling): Promise<Run> {
  const callsBack = ceiling === 'receipts';
  const simulator = [
    '--no-limiter',
    callsBack ? '--receipt-delay-ms=0,0' : NO_RECEIPTS,
    ...(ceiling === 'ledger' ? [] : ['--no-ledger']),
  ];
  const sent = await inTheatre(
    stage,
    { bucket: openBucket, simulator, callsBack },
    async ({ database, startEngine }): Promise<Sent> => {
      const process = await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      const before = await process.usage();
      const startedAt = await release(database.web, id);
      if (callsBack) await untilDelivered(database.owner, id, TIMEOUT_MS);
      else await untilSettled(database.owner, id, TIMEOUT_MS);
      const seconds = (Date.now() - startedAt) / 1000;
      const cpuSeconds = (await process.usage()).cpuSeconds - before.cpuSeconds;
      if (!callsBack) await checkAllAccepted(database.owner, id);
      const batches = await readBatches(database.owner);
      const receiptBatch = callsBack ? await readReceiptBatch(database.owner) : undefined;
      return { engine: TEXTS / seconds, cpuSeconds, batches, receiptBatch };
    },
  );
  return { ...sent, limits: await runLimits(stage, ceiling, sent) };
}

async function runLimits(
  stage: Stage,
  ceiling: Ceiling,
  { batches, receiptBatch }: Sent,
): Promise<Limits> {
  const ledger = ceiling === 'ledger' ? [] : ['--no-ledger'];
  const simulator = ['--no-limiter', NO_RECEIPTS, ...ledger];
  return await inTheatre(
    stage,
    { bucket: openBucket, simulator },
    async ({ database, simulator }) => {
      const id = await makeDispatch(database.owner, stage.sealingKey, TEXTS);
      await release(database.web, id);
      const player = startPlayer<Rate>('limit-player.ts');
      const ask = async (order: LimitOrder) => (await player.ask(order)).perSecond;
      const { installation } = stage;
      const { webConfig: web, workerConfig: worker } = database;
      try {
        const posts = await httpOrder(stage, simulator.notifyUrl);
        const http = await ask(posts);
        const sql = await ask({ kind: 'sql', database: worker, texts: TEXTS, batches });
        if (receiptBatch === undefined) return { http, sql };
        const order: InboxOrder = { kind: 'inbox', web, worker, installation, batch: receiptBatch };
        const kept = await askOnce<IntakeAnswer>('intake-player.ts', order);
        const taken = await postReceipts(installation);
        return { http, sql, inbox: { http: taken, sql: kept.perSecond } };
      } finally {
        await player.stop();
      }
    },
  );
}

/** How many a second a server takes that does nothing with them. */
async function postReceipts(installation: string): Promise<number> {
  const server = startPlayer<BareAnswer>('bare-player.ts');
  try {
    const { url } = await server.ask({});
    const requests = Array.from({ length: TEXTS }, () => ({
      body: receiptBody(installation, { messageId: newId(), providerId: newId() }),
    }));
    const headers = { authorization: 'Bearer bench', 'content-type': 'application/json' };
    // All due at once: as fast as they go.
    const { seconds } = await loadOpenly({ url, headers, perSecond: Infinity, requests });
    return TEXTS / seconds;
  } finally {
    await server.stop();
  }
}

async function httpOrder(stage: Stage, notifyUrl: string): Promise<HttpOrder> {
  return {
    kind: 'http',
    notifyUrl,
    apiKey: DEFAULT_API_KEYS.live,
    templateId: DEFAULT_TEMPLATES[0].id,
    installation: stage.installation,
    texts: TEXTS,
    window: await readWindow(),
  };
}
