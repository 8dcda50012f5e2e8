/**
 * Retention: messages and inboxes that are old enough are deleted, a batch at a time with a pause
 * after each, so that a send beside it is not slowed. Counts, the ledger and the audit stay (P9).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { callOffFrozen } from './store-frozen.ts';
import { forgetInbox, forgetMessages } from './store-retention.ts';

export type Retention = {
  /** Messages of a dispatch, with their attempts, so long after its end; never released: frozen. */
  readonly messagesMs: number;
  /** Receipts, replies and automatic answers, so long after they came. */
  readonly inboxMs: number;
};

const BATCH = 2_000;
/** As long as a batch takes, or longer: at most half of one connection's time. */
const PAUSE_MS = 250;

/** Deletes all that is due; says how many rows of messages and inboxes went. */
export async function forgetOld(
  database: Database,
  { messagesMs, inboxMs }: Retention,
  { batch = BATCH, pauseMs = PAUSE_MS }: { batch?: number; pauseMs?: number } = {},
): Promise<{ messages: number; inbox: number }> {
  const act = <T>(work: (tx: Tx) => Promise<T>) => database.withActor(system('retention'), work);
  const gone = { messages: 0, inbox: 0 };
  await act(async (tx) => {
    for (const id of await callOffFrozen(tx, { olderThanMs: messagesMs }))
      await record(tx, { action: 'dispatch.cancelled', subject: { kind: 'dispatch', id } });
  });
  for (;;) {
    const deleted = await act((tx) => forgetBatch(tx, { olderThanMs: messagesMs, most: batch }));
    if (deleted === undefined) break;
    gone.messages += deleted;
    await delay(pauseMs);
  }
  for (;;) {
    const deleted = await act(async (tx) => {
      const rows = await forgetInbox(tx, { olderThanMs: inboxMs, most: batch });
      const subject = { kind: 'database', id: 'retention' };
      if (rows > 0) await record(tx, { action: 'inbox.forgotten', subject, detail: { rows } });
      return rows;
    });
    if (deleted === 0) return gone;
    gone.inbox += deleted;
    await delay(pauseMs);
  }
}

/** One batch; undefined where nothing is due. The end of each dispatch is in the audit. */
async function forgetBatch(
  tx: Tx,
  request: { readonly olderThanMs: number; readonly most: number },
): Promise<number | undefined> {
  const { dispatchId, deleted, isOver } = await forgetMessages(tx, request);
  if (dispatchId === null) return undefined;
  if (isOver === true)
    await record(tx, {
      action: 'dispatch.forgotten',
      subject: { kind: 'dispatch', id: dispatchId },
    });
  return deleted ?? 0;
}
