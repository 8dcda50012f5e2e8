/** How many receipts and answers a second the callback doors take, and how fast they answer. */
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { formatReference } from '#dispatch/model.ts';
import { inTheatre, NO_RECEIPTS, type CallbackDoor } from './engine.ts';
import { judge, median, quantile, rounded, type Measurement } from './figure.ts';
import type { LoadAnswer } from './load-player.ts';
import { loadOpenly } from './player.ts';
import {
  makeDispatch,
  numberOf,
  openBucket,
  release,
  untilDelivered,
  untilSettled,
} from './scene.ts';
import type { Stage } from './stage.ts';

const RECEIPTS_PER_SECOND = 2_000;
/** Processes that have just begun run every line for the first time: what a day later is not so. */
const WARMING = 2 * RECEIPTS_PER_SECOND;
const RECEIPTS = WARMING + 10 * RECEIPTS_PER_SECOND;
const RECEIPT_TARGET_MS = 50;
const ANSWERS_PER_SECOND = 500;
const ANSWERS = 10 * ANSWERS_PER_SECOND;
const ANSWER_TARGET_MS = 200;
const RUNS = 3;
const TIMEOUT_MS = 120_000;
/** The limiter of Notify, so that sending goes on as long as answers come. */
const NOTIFY_BUCKET = { ratePerSecond: 49.5, burst: 980 };

/** A receipt for each of 24,000 texts that were accepted, all applied in the end. */
export async function measureReceipts(stage: Stage): Promise<Measurement> {
  const runs: number[] = [];
  const cold: number[] = [];
  const applied: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const one = await receiptsOnce(stage);
    runs.push(quantile(one.answerMs.slice(WARMING), 0.99));
    cold.push(quantile(one.answerMs.slice(0, WARMING), 0.99));
    applied.push(one.appliedAfterMs);
  }
  return judge({
    id: 'receipts',
    title: `p99 of the answer to a receipt, ${RECEIPTS_PER_SECOND} a second for 10 s`,
    unit: 'ms',
    value: median(runs),
    limit: RECEIPT_TARGET_MS,
    limitIs: 'the promise; there is no physical one',
    target: RECEIPT_TARGET_MS,
    better: 'less',
    runs,
    notes: [
      `in the first two seconds of the processes ${cold.map(rounded).join(', ')} ms, not counted`,
      `all applied ${applied.map(rounded).join(', ')} ms after the last answer`,
    ],
  });
}

async function receiptsOnce(stage: Stage): Promise<LoadAnswer & { appliedAfterMs: number }> {
  return await inTheatre(
    stage,
    {
      bucket: openBucket,
      // The simulator keeps its receipts to itself: ours come instead.
      simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS],
      callsBack: true,
    },
    async ({ database, door, startEngine }) => {
      await startEngine();
      const id = await makeDispatch(database.owner, stage.sealingKey, RECEIPTS);
      await release(database.web, id);
      await untilSettled(database.owner, id, TIMEOUT_MS);
      const bodies = await receiptBodies(stage, database.owner, id);
      const answer = await load(door!, '/receipts', RECEIPTS_PER_SECOND, bodies);
      const answeredAt = performance.now();
      await untilDelivered(database.owner, id, TIMEOUT_MS);
      return { ...answer, appliedAfterMs: performance.now() - answeredAt };
    },
  );
}

async function receiptBodies(stage: Stage, owner: Database, dispatchId: string) {
  const rows = await owner.withActor(system('bench'), (tx) =>
    tx.rows<{ id: string; providerId: string }>(sql`
      select id, provider_id from dispatch.message where dispatch_id = ${dispatchId}`),
  );
  const { installation } = stage;
  return rows.map(({ id: messageId, providerId }) =>
    JSON.stringify({
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
    }),
  );
}

/** People text back while the engine sends: kept, sealed, and the task of each written. */
export async function measureAcknowledgements(stage: Stage): Promise<Measurement> {
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run += 1)
    runs.push(quantile((await acknowledgementsOnce(stage)).answerMs, 0.99));
  return judge({
    id: 'acknowledgements',
    title: `p99 of the answer to a received text, ${ANSWERS_PER_SECOND} a second for 10 s while sending`,
    unit: 'ms',
    value: median(runs),
    limit: ANSWER_TARGET_MS,
    limitIs: 'the promise; there is no physical one',
    target: ANSWER_TARGET_MS,
    better: 'less',
    runs,
  });
}

async function acknowledgementsOnce(stage: Stage): Promise<LoadAnswer> {
  return await inTheatre(
    stage,
    { bucket: NOTIFY_BUCKET, simulator: ['--no-ledger', NO_RECEIPTS], callsBack: true },
    async ({ database, door, startEngine }) => {
      await startEngine();
      await release(database.web, await makeDispatch(database.owner, stage.sealingKey, ANSWERS));
      const bodies = Array.from({ length: ANSWERS }, (_, i) =>
        JSON.stringify({
          id: newId(),
          source_number: numberOf(i),
          destination_number: '07700900998',
          message: '4821',
          date_received: new Date().toISOString(),
        }),
      );
      return await load(door!, '/texts', ANSWERS_PER_SECOND, bodies);
    },
  );
}

async function load(
  door: CallbackDoor,
  path: string,
  perSecond: number,
  bodies: readonly string[],
): Promise<LoadAnswer> {
  const headers = { authorization: `Bearer ${door.token}`, 'content-type': 'application/json' };
  const requests = bodies.map((body) => ({ body }));
  const answer = await loadOpenly({ url: door.url + path, headers, perSecond, requests });
  if (answer.refused > 0) throw new Error(`${answer.refused} were refused`);
  return answer;
}
