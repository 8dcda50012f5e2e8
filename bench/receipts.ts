/** How many receipts a second the callback door takes, and how fast it answers. */
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { formatReference } from '#dispatch/model.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, median, quantile, rounded, type Measurement } from './figure.ts';
import type { LoadAnswer, LoadRequest } from './load-player.ts';
import { loadOpenly } from './player.ts';
import { makeDispatch, openBucket, release, untilDelivered, untilSettled } from './scene.ts';
import { SINGLE_ROWS, tellSingleRows, timeSingleRows, type SingleRows } from './single-rows.ts';
import type { Stage } from './stage.ts';

const RECEIPTS_PER_SECOND = 2_000;
/** Processes that have just begun run every line for the first time: what a day later is not so. */
const WARMING = 2 * RECEIPTS_PER_SECOND;
const RECEIPTS = WARMING + 10 * RECEIPTS_PER_SECOND;
const RECEIPT_TARGET_MS = 50;
const RUNS = 3;
const TIMEOUT_MS = 120_000;

/** A receipt for each of 24,000 texts that were accepted, all applied in the end. */
export async function measureReceipts(stage: Stage): Promise<Measurement> {
  const runs: number[] = [];
  const cold: number[] = [];
  const applied: number[] = [];
  const singleRows: SingleRows[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const one = await receiptsOnce(stage);
    runs.push(quantile(one.answerMs.slice(WARMING), 0.99));
    cold.push(quantile(one.answerMs.slice(0, WARMING), 0.99));
    applied.push(one.appliedAfterMs);
    singleRows.push(one.singleRows);
  }
  return judge({
    id: 'receipts',
    title: `p99 of the answer to a receipt, ${RECEIPTS_PER_SECOND} a second for 10 s`,
    unit: 'ms',
    value: median(runs),
    limit: median(singleRows.map(({ p99Ms }) => p99Ms)),
    limitIs: SINGLE_ROWS,
    target: RECEIPT_TARGET_MS,
    better: 'less',
    runs,
    notes: [
      `in the first two seconds of the processes ${cold.map(rounded).join(', ')} ms, not counted`,
      `all applied ${applied.map(rounded).join(', ')} ms after the last answer`,
      tellSingleRows(singleRows),
    ],
  });
}

type Taken = LoadAnswer & { readonly appliedAfterMs: number; readonly singleRows: SingleRows };

async function receiptsOnce(stage: Stage): Promise<Taken> {
  return await inTheatre(
    stage,
    {
      bucket: openBucket,
      // The simulator keeps its receipts to itself: ours come instead.
      simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS],
      callsBack: true,
    },
    async ({ database, door, startEngine }) => {
      const engine = await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, RECEIPTS);
      await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const requests = await receiptsOf(stage, database.owner, id);
      const { token, url } = door!;
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answer = await loadOpenly({
        url: `${url}/receipts`,
        headers,
        perSecond: RECEIPTS_PER_SECOND,
        requests,
      });
      if (answer.refused > 0) throw new Error(`${answer.refused} were refused`);
      const answeredAt = performance.now();
      await untilDelivered(database.owner, id, TIMEOUT_MS);
      const appliedAfterMs = performance.now() - answeredAt;
      await engine.stop();
      const singleRows = await timeSingleRows(database, RECEIPTS_PER_SECOND);
      return { ...answer, appliedAfterMs, singleRows };
    },
  );
}

async function receiptsOf(
  { installation }: Stage,
  owner: Database,
  dispatchId: string,
): Promise<LoadRequest[]> {
  const rows = await owner.withActor(system('bench'), (tx) =>
    tx.rows<{ messageId: string; providerId: string }>(sql`
      select id as message_id, provider_id from dispatch.message
      where dispatch_id = ${dispatchId}`),
  );
  return rows.map((row) => ({ body: receiptBody(installation, row) }));
}

/** As Notify posts it: the first attempt of a message arrived. */
export function receiptBody(
  installation: string,
  { messageId, providerId }: { messageId: string; providerId: string },
): string {
  return JSON.stringify({
    id: providerId,
    reference: formatReference({ installation, messageId, epoch: 1, attempt: 1 }),
    to: '07700900001',
    status: 'delivered',
    created_at: '2026-11-26T03:00:00.000000Z',
    completed_at: '2026-11-26T03:00:01.000000Z',
    sent_at: '2026-11-26T03:00:00.500000Z',
    notification_type: 'sms',
    template_id: newId(),
    template_version: 1,
  });
}
