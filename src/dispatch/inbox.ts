/**
 * What providers tell us: authenticated, parsed, kept, and only then applied. A repeated callback
 * changes nothing; a malformed or unknown one changes nothing either.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#kernel/ids.ts';
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { reportActions } from './bounce-report.ts';
import { raiseAlarms } from './alarms.ts';
import { parseReference, type ReceiptMeaning } from './model.ts';
import type { Gateway } from './gateways/gateway.ts';
import { notifyStatuses } from './gateways/notify-contract.ts';
import { smppStatuses } from './gateways/smpp-contract.ts';
import {
  applyReceipts,
  claimReceipts,
  findSecondTexts,
  insertReceipts,
  insertReplies,
  markReceiptsHandled,
  type GatewayDoor,
  type ReceiptMove,
  type WaitingReceipt,
} from './store-inbox.ts';
import type { ReceiptCallback, ReplyCallback } from './parse.ts';
import { vouchFor } from './vouch.ts';

const RECEIPTS_MAX = 1_000;
/**
 * From one turn of applying receipts to the next, unless more wait than one takes. Most of a small
 * turn is planning its statements: without a rest, 2,000 receipts a second were applied twenty at a
 * time, which took half of a core and the doors' time with it.
 */
const RECEIPTS_REST_MS = 100;

/** The task that is told of new replies; `main.ts` says who listens. */
export const REPLY_TASK = 'reply_received';

/** Whether this bearer token opens the callbacks of the gateway; compared in constant time. */
export function opens(door: GatewayDoor, token: string): boolean {
  const shown = createHash('sha256').update(token).digest();
  let matches = false;
  for (const hash of door.callbackTokenHashes) matches = timingSafeEqual(hash, shown) || matches;
  return matches;
}

/** What each kind of provider says in receipts; one that sends none has no word. */
const receiptStatuses = {
  notify: notifyStatuses,
  smtp: reportActions,
  smpp: smppStatuses,
} as const satisfies Record<GatewayDoor['kind'], Readonly<Record<string, ReceiptMeaning>>>;

/**
 * Keeps those whose status is a word of this provider, and gives them back. Another one, kept,
 * would wait to be applied and then mean nothing, while the provider has "200" in its books.
 */
export async function keepReceipts(
  tx: Tx,
  { id: gatewayId, kind }: GatewayDoor,
  receipts: readonly ReceiptCallback[],
): Promise<readonly ReceiptCallback[]> {
  const known = receipts.filter(({ status }) => Object.hasOwn(receiptStatuses[kind], status));
  const kept = known.map(({ id, status, reference }) => ({ providerId: id, status, reference }));
  if (kept.length > 0) await insertReceipts(tx, gatewayId, kept);
  return known;
}

/** How the inbox hides what it keeps: numbers and texts are sealed, numbers found by index. */
export type InboxSeals = {
  readonly indexNumber: (number: string) => Buffer;
  readonly sealNumber: (replyId: string, number: string) => Buffer;
  readonly sealContent: (replyId: string, content: string) => Buffer;
};

/**
 * Keeps the replies that are new, and tells of them all by one job; says how many there are. They
 * are dealt with in the order in which they are given.
 */
export async function keepReplies(
  tx: Tx,
  gatewayId: string,
  replies: readonly ReplyCallback[],
  seals: InboxSeals,
): Promise<number> {
  // Kept at the same time, they are told apart by their ids.
  const ids = replies.map(() => newId()).toSorted();
  const kept = replies.map((reply, i) => {
    const id = ids[i]!;
    return {
      id,
      providerId: reply.id,
      addressIndex: seals.indexNumber(reply.sourceNumber),
      addressSealed: seals.sealNumber(id, reply.sourceNumber),
      contentSealed: seals.sealContent(id, reply.message),
      sentAt: reply.dateReceived,
    };
  });
  const news = kept.length === 0 ? 0 : await insertReplies(tx, gatewayId, kept);
  // One job at a time: two would wait for each other’s rows.
  if (news > 0) await enqueue(tx, REPLY_TASK, {}, { queue: REPLY_TASK });
  return news;
}

/** Applies all receipts that wait: what comes during a turn shares the next one. */
export async function applyReceiptsInTurns(
  database: Database,
  gateways: ReadonlyMap<string, Gateway>,
  isStopping: () => boolean,
): Promise<void> {
  while (!isStopping()) {
    const rested = delay(RECEIPTS_REST_MS);
    const applied = await applyWaitingReceipts(database, gateways);
    if (applied === 0) return;
    if (applied < RECEIPTS_MAX) await rested;
  }
}

/** Applies receipts that wait; says how many there were. */
export async function applyWaitingReceipts(
  database: Database,
  gateways: ReadonlyMap<string, Gateway>,
): Promise<number> {
  return await database.withActor(system('dispatch'), async (tx) => {
    const waiting = await claimReceipts(tx, {
      gatewayIds: [...gateways.keys()],
      most: RECEIPTS_MAX,
    });
    if (waiting.length === 0) return 0;
    const meaningOf = ({ gatewayId, status }: WaitingReceipt) =>
      gateways.get(gatewayId)?.meaningOf(status);
    const planned = waiting.map((receipt) => ({
      receipt,
      move: moveOf(receipt, meaningOf(receipt)),
    }));
    const moves = planned.flatMap(({ move }) => (move === undefined ? [] : [move]));
    const seconds = await findSecondTexts(tx, moves);
    await raiseAlarms(
      tx,
      seconds.map((second) => ({ ...second, kind: 'accepted_twice' })),
    );
    const moved = await takeReceipts(tx, moves);
    await markReceiptsHandled(
      tx,
      planned.map(({ receipt, move }) => ({ ...receipt, outcome: outcomeOf(move, moved) })),
    );
    return waiting.length;
  });
}

/** Moves what receipts say, in one entry for each gateway that said it; the ids that moved. */
export async function takeReceipts(
  tx: Tx,
  moves: readonly ReceiptMove[],
): Promise<ReadonlySet<string>> {
  const moved = await applyReceipts(tx, moves);
  const saidBy = new Map(moves.map(({ messageId, gatewayId }) => [messageId, gatewayId]));
  for (const id of new Set(saidBy.values())) {
    const own = moved.filter((one) => saidBy.get(one.id) === id);
    await vouchFor(tx, 'messages.reported', { kind: 'gateway', id }, own);
  }
  return new Set(moved.map(({ id }) => id));
}

/** The move that a receipt asks for; undefined where it names no attempt of ours or nothing final. */
export function moveOf(
  receipt: WaitingReceipt,
  meaning: ReceiptMeaning | undefined,
): ReceiptMove | undefined {
  const reference = receipt.reference === null ? undefined : parseReference(receipt.reference);
  if (reference === undefined || meaning === undefined || meaning === 'retained') return undefined;
  return {
    gatewayId: receipt.gatewayId,
    messageId: reference.messageId,
    attempt: reference.attempt,
    providerId: receipt.providerId,
    to: meaning,
  };
}

/** What the inbox keeps of a receipt; `moved`: the messages that moved in this round. */
export function outcomeOf(move: ReceiptMove | undefined, moved: ReadonlySet<string>) {
  if (move === undefined) return 'unmatched';
  return moved.has(move.messageId) ? 'applied' : 'repeated';
}
