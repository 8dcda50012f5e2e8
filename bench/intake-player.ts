/** What comes in, each part alone: what the doors of callbacks could reach at most. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type ClientConfig } from 'pg';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { openDatabase } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { openNotifyGateway } from '#dispatch/index.ts';
import { applyWaitingReceipts } from '#dispatch/inbox.ts';
import { formatReference } from '#dispatch/model.ts';
import { insertReceipts } from '#dispatch/store-inbox.ts';
import { DEFAULT_API_KEYS } from '#simulator/index.ts';
import { playOrders } from './player.ts';

/** Receipts of all that is accepted, kept and applied by the engine's own statements. */
export type InboxOrder = {
  readonly kind: 'inbox';
  readonly web: ClientConfig;
  readonly worker: ClientConfig;
  readonly installation: string;
  /** So many share a transaction, as they did at the door. */
  readonly batch: number;
};

/** Single rows at a steady rate, each by a statement and a commit of its own. */
export type RowsOrder = {
  readonly kind: 'rows';
  readonly owner: ClientConfig;
  readonly rows: number;
  readonly perSecond: number;
};

export type IntakeOrder = InboxOrder | RowsOrder;

/** `answerMs`: of each row, from when it was due; empty where no row was timed. */
export type IntakeAnswer = { readonly perSecond: number; readonly answerMs: readonly number[] };

playOrders<IntakeOrder>((order) =>
  order.kind === 'inbox' ? keepAndApplyAll(order) : insertRows(order),
);

/** As many connections as the web process has. */
const CONNECTIONS = 10;
/** As many transactions at once as the door makes (src/db/together.ts). */
const KEEPERS = 3;
const TICK_MS = 2;

/** A receipt for each accepted message: kept as the web process does, then applied. */
async function keepAndApplyAll(order: InboxOrder): Promise<IntakeAnswer> {
  const { web, worker, installation, batch } = order;
  const keeper = openDatabase(web);
  const applier = openDatabase(worker, { connectionsMax: 1 });
  const accepted = await applier.withActor(system('dispatch'), (tx) =>
    tx.rows<{ id: string; providerId: string }>(sql`
      select id, provider_id from dispatch.message where state = 'accepted'`),
  );
  const receipts = accepted.map(({ id: messageId, providerId }) => {
    const reference = formatReference({ installation, messageId, epoch: 1, attempt: 1 });
    return { providerId, reference, status: 'delivered' };
  });
  const gateway = openNotifyGateway('notify', {
    baseUrl: 'http://127.0.0.1:1',
    apiKey: DEFAULT_API_KEYS.live,
  });
  const startedAt = performance.now();
  let next = 0;
  const keep = async () => {
    while (next < receipts.length) {
      const together = receipts.slice(next, next + batch);
      next += batch;
      await keeper.withActor(system('callback:notify'), (tx) =>
        insertReceipts(tx, 'notify', together),
      );
    }
  };
  await Promise.all(Array.from({ length: KEEPERS }, keep));
  while ((await applyWaitingReceipts(applier, new Map([['notify', gateway]]))) > 0);
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all([keeper.end(), applier.end(), gateway.close()]);
  return { perSecond: receipts.length / seconds, answerMs: [] };
}

/**
 * Into a copy of the inbox with its indexes, by as many connections as the web process has; each
 * row is due at its own time, as the requests of load-player.ts are.
 */
async function insertRows({ owner, rows, perSecond }: RowsOrder): Promise<IntakeAnswer> {
  const pool = new Pool({ ...owner, max: CONNECTIONS });
  const table = 'public.bench_inbox';
  await pool.query(`create table ${table} (like dispatch.receipt_inbox including all)`);
  const statement = `insert into ${table} (gateway_id, provider_id, status, reference)
    values ('notify', $1, 'delivered', $2)`;
  const references = Array.from({ length: rows }, () =>
    formatReference({ installation: newId(), messageId: newId(), epoch: 1, attempt: 1 }),
  );
  const startedAt = performance.now() + 100;
  const insert = async (reference: string, dueAt: number) => {
    await pool.query(statement, [reference, reference]);
    return performance.now() - dueAt;
  };
  const underWay: Promise<number>[] = [];
  while (underWay.length < rows) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000);
    while (underWay.length < Math.min(due, rows)) {
      const index = underWay.length;
      underWay.push(insert(references[index]!, startedAt + (index * 1000) / perSecond));
    }
    await delay(TICK_MS);
  }
  const answerMs = await Promise.all(underWay);
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.query(`drop table ${table}`);
  await pool.end();
  return { perSecond: rows / seconds, answerMs };
}
