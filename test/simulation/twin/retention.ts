/**
 * Twins of `src/dispatch/store-retention.ts` and of the functions that it calls. That these refuse
 * what is younger than thirty days is tested beside the statements.
 */
import type { Forgotten } from '#dispatch/store-retention.ts';
import { readLedger } from './ledger.ts';
import { countMessages } from './plan.ts';
import { keyOf, type Base, type DispatchRow } from './rows.ts';

type Request = { readonly olderThanMs: number; readonly most: number };

export function forgetMessages(base: Base, { olderThanMs, most }: Request): Forgotten {
  const { dispatch, keptLedger, settled } = base.tables;
  const [old] = [...dispatch.values()]
    .filter(({ lane, state }) => lane > 0 && (state === 'done' || state === 'cancelled'))
    .filter(({ endedAt }) => endedAt !== null && endedAt < base.now - olderThanMs)
    .filter(({ forgottenAt }) => forgottenAt === null)
    .toSorted((a, b) => a.endedAt! - b.endedAt!);
  if (old === undefined) return { dispatchId: null, deleted: null, isOver: null };
  if (!keptLedger.has(old.id)) keepLedger(base, old);
  const ids = base.messagesOf(old.id).map(({ id }) => id);
  const deleted = deleteMessages(base, ids.slice(0, most));
  const isOver = deleted < most;
  if (isOver) {
    for (const [key, { dispatchId }] of settled) if (dispatchId === old.id) settled.delete(key);
    old.forgottenAt = base.now;
  }
  return { dispatchId: old.id, deleted, isOver };
}

/** What is counted of a dispatch stays; what waits in it never left. */
function keepLedger(base: Base, { id: dispatchId }: DispatchRow): void {
  const { messages, organisations } = readLedger(base, dispatchId);
  for (const { channel, state, messages: count } of countMessages(base, dispatchId)) {
    const row = { dispatchId, channel, state, messages: count };
    base.tables.keptCount.set(keyOf(dispatchId, channel, state), row);
  }
  base.writes += 1;
  base.tables.keptLedger.set(dispatchId, {
    dispatchId,
    keptAt: base.now,
    messages: messages.total,
    messagesGone: messages.gone,
    messagesUnknown: messages.unknown,
    messagesNeverSent: messages.neverSent + messages.waiting,
    organisations: organisations.total,
    organisationsGone: organisations.gone,
    organisationsUnknown: organisations.unknown,
    organisationsNeverSent: organisations.neverSent + organisations.waiting,
  });
}

/** Messages with all that hangs on them. */
function deleteMessages(base: Base, ids: readonly string[]): number {
  const { alarm, attempt, attemptEnd, credit, message, riskTaken } = base.tables;
  const gone = new Set(ids);
  base.tables.lookup = base.tables.lookup.filter(({ messageId }) => !gone.has(messageId));
  for (const table of [alarm, attempt, attemptEnd, riskTaken] as const)
    for (const [key, { messageId }] of table) if (gone.has(messageId)) table.delete(key);
  for (const id of ids) {
    credit.delete(id);
    message.delete(id);
  }
  base.writes += ids.length;
  return ids.length;
}

export function forgetInbox(base: Base, { olderThanMs, most }: Request): number {
  const { message, part, receipt, reply } = base.tables;
  const before = base.now - olderThanMs;
  const oldest = <Row>(rows: ReadonlyMap<string, Row>, timeOf: (row: Row) => number | null) =>
    [...rows]
      .flatMap(([key, row]) => {
        const time = timeOf(row);
        return time === null || time >= before ? [] : [{ key, time }];
      })
      .toSorted((a, b) => a.time - b.time)
      .slice(0, most)
      .map(({ key }) => key);
  const receipts = oldest(receipt, (row) => (row.handledAt === null ? null : row.receivedAt));
  const parts = oldest(part, ({ updatedAt }) => updatedAt);
  const replies = oldest(reply, (row) => (row.handledAt === null ? null : row.receivedAt));
  const answers = oldest(message, (row) => {
    const isOver = !['held', 'ready', 'claimed', 'unknown'].includes(row.state);
    return isOver && base.dispatchOf(row).lane === 0 ? row.dueAt : null;
  });
  for (const key of receipts) receipt.delete(key);
  for (const key of parts) part.delete(key);
  for (const key of replies) reply.delete(key);
  base.writes += receipts.length + parts.length + replies.length;
  return receipts.length + parts.length + replies.length + deleteMessages(base, answers);
}
