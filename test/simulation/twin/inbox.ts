/** Twins of `src/dispatch/store-inbox.ts`. */
import type {
  AttemptReceipt,
  GatewayDoor,
  KeptReply,
  NewReceipt,
  NewReply,
  ReceiptMove,
  SecondText,
  WaitingReceipt,
} from '#dispatch/store-inbox.ts';
import type { Moved } from '#dispatch/store-told.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';
import { tell } from './send.ts';
import { isStopped } from './stopped.ts';

/** A receipt later than this after the acceptance is slow. */
const SLOW_RECEIPT_MS = 300_000;

export function findGatewayDoor(base: Base, id: string): GatewayDoor | undefined {
  const gateway = base.tables.gateway.get(id);
  return gateway && { id, kind: gateway.kind, callbackTokenHashes: gateway.callbackTokenHashes };
}

export function insertReceipts(
  base: Base,
  gatewayId: string,
  receipts: readonly NewReceipt[],
): void {
  const place = (receipt: NewReceipt) => `${receipt.providerId} ${receipt.status}`;
  for (const receipt of receipts.toSorted((a, b) => (place(a) < place(b) ? -1 : 1))) {
    const key = keyOf(gatewayId, receipt.providerId, receipt.status);
    if (base.tables.receipt.has(key)) continue;
    base.writes += 1;
    const kept = { gatewayId, ...receipt, receivedAt: base.now, handledAt: null, outcome: null };
    base.tables.receipt.set(key, kept);
    base.notify('tocsin_receipt', gatewayId);
  }
}

export function insertReceiptOfAttempt(base: Base, receipt: AttemptReceipt): void {
  const { messageId, epoch, attempt, reference, status } = receipt;
  const made = base.tables.attempt.get(keyOf(messageId, epoch, attempt));
  const message = base.tables.message.get(messageId);
  if (made === undefined || message === undefined || isStopped(base, message)) return;
  const { gatewayId } = made;
  insertReceipts(base, gatewayId, [{ providerId: reference, status, reference }]);
}

export function claimReceipts(
  base: Base,
  request: { readonly gatewayIds: readonly string[]; readonly most: number },
): WaitingReceipt[] {
  return [...base.tables.receipt.values()]
    .filter((r) => r.handledAt === null && request.gatewayIds.includes(r.gatewayId))
    .toSorted((a, b) => a.receivedAt - b.receivedAt)
    .slice(0, request.most)
    .map(({ gatewayId, providerId, status, reference }) => ({
      gatewayId,
      providerId,
      status,
      reference,
    }));
}

/** Whether a receipt moves the message; one of an earlier attempt only what is under question. */
function moves(message: MessageRow, receipt: ReceiptMove): boolean {
  const { state, attempt } = message;
  if (attempt !== receipt.attempt)
    return attempt > receipt.attempt && ['ready', 'unknown', 'uncertain_closed'].includes(state);
  if (state === 'undelivered') return receipt.to === 'delivered';
  return ['ready', 'claimed', 'unknown', 'accepted', 'uncertain_closed'].includes(state);
}

/** Only the gateway that was asked may say what became of it. */
function wasAsked(base: Base, receipt: ReceiptMove): boolean {
  return base
    .attemptsOf(receipt.messageId)
    .some((a) => a.number === receipt.attempt && a.gatewayId === receipt.gatewayId);
}

export function findSecondTexts(base: Base, receipts: readonly ReceiptMove[]): SecondText[] {
  const found = new Map<string, SecondText>();
  for (const receipt of receipts) {
    const { messageId, gatewayId, providerId } = receipt;
    const message = base.tables.message.get(messageId);
    if (message === undefined || message.state === 'held' || message.state === 'ready') continue;
    const isOther = message.providerId !== null && providerId !== message.providerId;
    if (!isOther && receipt.attempt >= message.attempt) continue;
    if (wasAsked(base, receipt))
      found.set(keyOf(messageId, gatewayId, providerId), { messageId, gatewayId, providerId });
  }
  return [...found.values()];
}

export function applyReceipts(base: Base, receipts: readonly ReceiptMove[]): Moved[] {
  const strongest = new Map<string, ReceiptMove>();
  for (const receipt of receipts.filter((one) => wasAsked(base, one))) {
    const other = strongest.get(receipt.messageId);
    const isNewer = other === undefined || receipt.attempt > other.attempt;
    if (isNewer || (receipt.attempt === other.attempt && receipt.to < other.to))
      strongest.set(receipt.messageId, receipt);
  }
  const moved = [...strongest.values()].flatMap((receipt) => {
    const message = base.tables.message.get(receipt.messageId);
    const fits = message !== undefined && moves(message, receipt);
    return fits ? [applyReceipt(base, message, receipt)] : [];
  });
  countReceipts(base, moved);
  tell(base, moved);
  return moved.map(({ id, state }) => ({ id, state }));
}

function countReceipts(base: Base, moved: readonly MessageRow[]): void {
  for (const gatewayId of new Set(moved.map((message) => message.gatewayId!))) {
    const own = moved.filter((message) => message.gatewayId === gatewayId);
    const slow = own.filter((message) => message.acceptedAt! < base.now - SLOW_RECEIPT_MS);
    const none = { turn: 0, dispatchId: null, accepted: 0, rejected: 0, unknown: 0, failed: 0 };
    const counted = { receipts: own.length, slowReceipts: slow.length };
    base.tables.tally.push({ gatewayId, at: base.now, ...none, ...counted });
  }
}

export function applyReceipt(base: Base, message: MessageRow, receipt: ReceiptMove): MessageRow {
  base.update(message, {
    state: receipt.to,
    attempt: receipt.attempt,
    gatewayId: receipt.gatewayId,
    providerId: receipt.providerId,
    leaseOwner: null,
    leaseUntil: null,
    checkAt: null,
    acceptedAt: message.acceptedAt ?? base.now,
    finalAt: base.now,
  });
  return message;
}

export function markReceiptsHandled(
  base: Base,
  handled: readonly (WaitingReceipt & { outcome: 'applied' | 'repeated' | 'unmatched' })[],
): void {
  for (const { gatewayId, providerId, status, outcome } of handled) {
    const receipt = base.tables.receipt.get(keyOf(gatewayId, providerId, status));
    if (receipt === undefined) continue;
    base.writes += 1;
    receipt.handledAt = base.now;
    receipt.outcome = outcome;
  }
}

export function insertReplies(base: Base, gatewayId: string, replies: readonly NewReply[]): number {
  let inserted = 0;
  for (const reply of replies) {
    const isKnown = [...base.tables.reply.values()].some(
      (r) => r.gatewayId === gatewayId && r.providerId === reply.providerId,
    );
    if (isKnown) continue;
    inserted += 1;
    base.writes += 1;
    base.tables.reply.set(reply.id, {
      ...reply,
      gatewayId,
      sentAt: reply.sentAt?.getTime() ?? null,
      receivedAt: base.now,
      handledAt: null,
    });
  }
  return inserted;
}

export function lockWaitingReplies(
  base: Base,
  { most, except }: { readonly most: number; readonly except: readonly string[] },
): KeptReply[] {
  return [...base.tables.reply.values()]
    .filter(({ id, handledAt }) => handledAt === null && !except.includes(id))
    .sort((a, b) => a.receivedAt - b.receivedAt || (a.id < b.id ? -1 : 1))
    .slice(0, most)
    .map(({ id, gatewayId, addressIndex, addressSealed, contentSealed, receivedAt }) => ({
      id,
      gatewayId,
      addressIndex,
      addressSealed,
      contentSealed,
      receivedAt: new Date(receivedAt),
    }));
}

export function markRepliesHandled(base: Base, ids: readonly string[]): void {
  for (const id of ids) {
    const reply = base.tables.reply.get(id);
    if (reply === undefined) continue;
    base.writes += 1;
    reply.handledAt = base.now;
  }
}
