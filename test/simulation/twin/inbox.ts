/** Twins of `src/dispatch/store-inbox.ts`. */
import type {
  AttemptReceipt,
  GatewayDoor,
  KeptReply,
  NewReply,
  ReceiptMove,
  WaitingReceipt,
} from '#dispatch/store-inbox.ts';
import { keyOf, type Base, type MessageRow } from './rows.ts';
import { tell } from './send.ts';

export function findGatewayDoor(base: Base, id: string): GatewayDoor | undefined {
  const gateway = base.tables.gateway.get(id);
  return gateway && { id, kind: gateway.kind, callbackTokenHashes: gateway.callbackTokenHashes };
}

export function insertReceipt(
  base: Base,
  receipt: { gatewayId: string; providerId: string; status: string; reference: string | null },
): void {
  const key = keyOf(receipt.gatewayId, receipt.providerId, receipt.status);
  if (base.tables.receipt.has(key)) return;
  base.writes += 1;
  base.tables.receipt.set(key, {
    ...receipt,
    receivedAt: base.now,
    handledAt: null,
    outcome: null,
  });
  base.notify('tocsin_receipt', receipt.gatewayId);
}

export function insertReceiptOfAttempt(base: Base, receipt: AttemptReceipt): void {
  const { messageId, epoch, attempt, reference, status } = receipt;
  const made = base.tables.attempt.get(keyOf(messageId, epoch, attempt));
  if (made === undefined) return;
  const { gatewayId } = made;
  insertReceipt(base, { gatewayId, providerId: reference, status, reference });
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

/** States that a receipt of the given meaning moves. */
function moves(message: MessageRow, to: ReceiptMove['to']): boolean {
  if (message.state === 'undelivered') return to === 'delivered';
  return ['ready', 'claimed', 'unknown', 'accepted', 'uncertain_closed'].includes(message.state);
}

export function applyReceipts(base: Base, receipts: readonly ReceiptMove[]): string[] {
  const strongest = new Map<string, ReceiptMove>();
  for (const receipt of receipts) {
    const key = keyOf(receipt.messageId, receipt.attempt, receipt.gatewayId);
    const other = strongest.get(key);
    if (other === undefined || receipt.to < other.to) strongest.set(key, receipt);
  }
  const moved = [...strongest.values()].flatMap((receipt) => {
    const message = base.tables.message.get(receipt.messageId);
    const fits =
      message !== undefined &&
      message.attempt === receipt.attempt &&
      message.gatewayId === receipt.gatewayId &&
      moves(message, receipt.to);
    return fits ? [applyReceipt(base, message, receipt)] : [];
  });
  tell(base, moved);
  return moved.map((message) => message.id);
}

export function applyReceipt(base: Base, message: MessageRow, receipt: ReceiptMove): MessageRow {
  base.update(message, {
    state: receipt.to,
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

export function insertReply(base: Base, id: string, reply: NewReply): boolean {
  const isKnown = [...base.tables.reply.values()].some(
    (r) => r.gatewayId === reply.gatewayId && r.providerId === reply.providerId,
  );
  if (isKnown) return false;
  base.writes += 1;
  base.tables.reply.set(id, {
    ...reply,
    id,
    sentAt: reply.sentAt?.getTime() ?? null,
    receivedAt: base.now,
    handledAt: null,
  });
  return true;
}

export function findWaitingReply(base: Base, id: string): KeptReply | undefined {
  const reply = base.tables.reply.get(id);
  if (reply === undefined || reply.handledAt !== null) return undefined;
  const { gatewayId, addressIndex, addressSealed, contentSealed, receivedAt } = reply;
  return {
    id,
    gatewayId,
    addressIndex,
    addressSealed,
    contentSealed,
    receivedAt: new Date(receivedAt),
  };
}

export function markReplyHandled(base: Base, id: string): void {
  const reply = base.tables.reply.get(id);
  if (reply !== undefined) reply.handledAt = base.now;
}
