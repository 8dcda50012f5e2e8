/** Statements of the inbox: what providers tell us is kept first, then applied by rank. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { ReceiptMeaning } from './model.ts';
import type { GatewayRow } from './store-gateway.ts';
import { isStopped } from './store-stopped.ts';
import { asMoved, readTold, told, type Moved } from './store-told.ts';

export type GatewayDoor = {
  id: string;
  kind: GatewayRow['kind'];
  callbackTokenHashes: Buffer[];
};

export async function findGatewayDoor(tx: Tx, id: string): Promise<GatewayDoor | undefined> {
  return await tx.maybe<GatewayDoor>(sql`
    select id, kind, callback_token_hashes from dispatch.gateway where id = ${id}`);
}

export type NewReceipt = {
  readonly providerId: string;
  readonly status: string;
  readonly reference: string | null;
};

/**
 * Keeps receipts of one gateway that came or were asked for; a repetition changes nothing. In a
 * fixed order: two that keep the same ones in the same moment must not wait for each other.
 */
export async function insertReceipts(
  tx: Tx,
  gatewayId: string,
  receipts: readonly NewReceipt[],
): Promise<void> {
  await tx.run(sql`
    with kept as (
      insert into dispatch.receipt_inbox (gateway_id, provider_id, status, reference)
      select ${gatewayId}, told.provider_id, told.status, told.reference
      from unnest(${receipts.map((r) => r.providerId)}::text[],
        ${receipts.map((r) => r.status)}::text[], ${receipts.map((r) => r.reference)}::text[])
        as told (provider_id, status, reference)
      order by told.provider_id, told.status
      on conflict do nothing returning 1
    )
    select pg_notify('tocsin_receipt', ${gatewayId}) from kept limit 1`);
}

export type AttemptReceipt = {
  readonly messageId: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly reference: string;
  readonly status: string;
};

/**
 * Keeps what was reported of an attempt, for the gateway that made it; nothing where there was no
 * such attempt, or where nothing goes to its address: whoever holds that network has our return
 * path and may report what they like. Where the provider gave no id, the reference is one.
 */
export async function insertReceiptOfAttempt(tx: Tx, receipt: AttemptReceipt): Promise<void> {
  await tx.run(sql`
    with kept as (
      insert into dispatch.receipt_inbox (gateway_id, provider_id, status, reference)
      select attempt.gateway_id, ${receipt.reference}, ${receipt.status}, ${receipt.reference}
      from dispatch.attempt attempt
      join dispatch.message message on message.id = attempt.message_id
      where attempt.message_id = ${receipt.messageId} and attempt.epoch = ${receipt.epoch}
        and attempt.number = ${receipt.attempt} and not ${isStopped}
      on conflict do nothing returning gateway_id
    )
    select pg_notify('tocsin_receipt', kept.gateway_id) from kept`);
}

export type WaitingReceipt = {
  gatewayId: string;
  providerId: string;
  status: string;
  reference: string | null;
};

/** Receipts that wait, of gateways this process knows: only they can say what a status means. */
export async function claimReceipts(
  tx: Tx,
  request: { readonly gatewayIds: readonly string[]; readonly most: number },
): Promise<WaitingReceipt[]> {
  return await tx.rows<WaitingReceipt>(sql`
    select gateway_id, provider_id, status, reference from dispatch.receipt_inbox
    where handled_at is null and gateway_id = any(${[...request.gatewayIds]})
    order by received_at limit ${request.most} for update skip locked`);
}

export type ReceiptMove = {
  readonly gatewayId: string;
  readonly messageId: string;
  readonly attempt: number;
  readonly providerId: string;
  readonly to: Exclude<ReceiptMeaning, 'retained'>;
};

export type SecondText = { messageId: string; gatewayId: string; providerId: string };

/**
 * Receipts that tell of a second text of their message: of an attempt believed absent, whose
 * message has been given to a provider again since, or of a text other than the one we know. Locks
 * the messages, so that what is found still holds when the receipts are applied.
 */
export async function findSecondTexts(
  tx: Tx,
  moves: readonly ReceiptMove[],
): Promise<SecondText[]> {
  return await tx.rows<SecondText>(sql`
    with held as (
      select message.id, message.state, message.attempt, message.provider_id
      from dispatch.message message
      where message.id = any(${moves.map((m) => m.messageId)}::uuid[])
      order by message.id for update
    )
    select distinct receipt.id as message_id, receipt.gateway_id, receipt.provider_id
    from unnest(${moves.map((m) => m.messageId)}::uuid[],
      ${moves.map((m) => m.attempt)}::smallint[], ${moves.map((m) => m.gatewayId)}::text[],
      ${moves.map((m) => m.providerId)}::text[])
      as receipt (id, attempt, gateway_id, provider_id)
    join held on held.id = receipt.id and held.state not in ('held', 'ready')
    where (receipt.attempt < held.attempt or receipt.provider_id <> held.provider_id)
      and exists (select from dispatch.attempt attempt where attempt.message_id = receipt.id
        and attempt.number = receipt.attempt and attempt.gateway_id = receipt.gateway_id)`);
}
/** A receipt later than this after the acceptance is slow (GOV.UK Notify's own rule). */
const SLOW_RECEIPT_MS = 300_000;

/**
 * Applies final receipts by rank: a message only moves along the table of moves, so a late, doubled
 * or reordered receipt changes nothing (P6). A receipt may come before the answer to our own
 * request, or after a wrong "absent" put the message back in line, even when a later attempt is
 * under question: it wins, and the message is not sent again (P2). Says what moved.
 */
export async function applyReceipts(tx: Tx, moves: readonly ReceiptMove[]): Promise<Moved[]> {
  return await tx.rows<Moved>(sql`
    with received as (
      select id, attempt, gateway_id, provider_id, state from unnest(
        ${moves.map((m) => m.messageId)}::uuid[], ${moves.map((m) => m.attempt)}::smallint[],
        ${moves.map((m) => m.gatewayId)}::text[], ${moves.map((m) => m.providerId)}::text[],
        ${moves.map((m) => m.to)}::text[])
        as receipt (id, attempt, gateway_id, provider_id, state)
      -- Only the gateway that was asked may say what became of it.
      where exists (select from dispatch.attempt attempt where attempt.message_id = receipt.id
        and attempt.number = receipt.attempt and attempt.gateway_id = receipt.gateway_id)
    ), receipt as (
      -- Of two receipts the newer attempt's counts, and of one attempt the stronger: delivered.
      select distinct on (id) id, attempt, gateway_id, provider_id, state from received
      order by id, attempt desc, state
    ), moved as (
      update dispatch.message message set state = receipt.state,
        attempt = receipt.attempt, gateway_id = receipt.gateway_id,
        provider_id = receipt.provider_id, lease_owner = null, lease_until = null, check_at = null,
        accepted_at = coalesce(message.accepted_at, now()), final_at = now()
      from receipt
      where message.id = receipt.id
        and case when message.attempt = receipt.attempt
          then message.state in ('ready', 'claimed', 'unknown', 'accepted', 'uncertain_closed')
            or (message.state = 'undelivered' and receipt.state = 'delivered')
          else message.attempt > receipt.attempt
            and message.state in ('ready', 'unknown', 'uncertain_closed') end
      returning ${asMoved}, receipt.gateway_id, message.accepted_at
    ), counted as (
      -- Of no turn: what a breaker counts are requests.
      insert into dispatch.tally (gateway_id, turn, receipts, slow_receipts)
      select gateway_id, 0, count(*),
        count(*) filter (where accepted_at < now() - ${SLOW_RECEIPT_MS} * interval '1 ms')
      from moved group by gateway_id
    ), ${told}
    select moved.id, moved.became as state from moved cross join ${readTold}`);
}

export async function markReceiptsHandled(
  tx: Tx,
  handled: readonly (WaitingReceipt & { outcome: 'applied' | 'repeated' | 'unmatched' })[],
): Promise<void> {
  await tx.run(sql`
    update dispatch.receipt_inbox inbox set handled_at = now(), outcome = handled.outcome
    from unnest(${handled.map((h) => h.gatewayId)}::text[],
      ${handled.map((h) => h.providerId)}::text[], ${handled.map((h) => h.status)}::text[],
      ${handled.map((h) => h.outcome)}::text[])
      as handled (gateway_id, provider_id, status, outcome)
    where inbox.gateway_id = handled.gateway_id and inbox.provider_id = handled.provider_id
      and inbox.status = handled.status`);
}

export type NewReply = {
  readonly id: string;
  readonly providerId: string;
  readonly addressIndex: Buffer;
  readonly addressSealed: Buffer;
  readonly contentSealed: Buffer;
  readonly sentAt: Date | null;
};

/** Keeps replies; says how many were not kept before. */
export async function insertReplies(
  tx: Tx,
  gatewayId: string,
  replies: readonly NewReply[],
): Promise<number> {
  return await tx.run(sql`
    insert into dispatch.reply_inbox
      (id, gateway_id, provider_id, address_index, address_sealed, content_sealed, sent_at)
    select id, ${gatewayId}, provider_id, address_index, address_sealed, content_sealed, sent_at
    from unnest(${replies.map((r) => r.id)}::uuid[], ${replies.map((r) => r.providerId)}::text[],
      ${replies.map((r) => r.addressIndex)}::bytea[],
      ${replies.map((r) => r.addressSealed)}::bytea[],
      ${replies.map((r) => r.contentSealed)}::bytea[],
      ${replies.map((r) => r.sentAt)}::timestamptz[])
      as reply (id, provider_id, address_index, address_sealed, content_sealed, sent_at)
    on conflict (gateway_id, provider_id) do nothing`);
}

export type KeptReply = {
  id: string;
  gatewayId: string;
  addressIndex: Buffer;
  addressSealed: Buffer;
  contentSealed: Buffer;
  receivedAt: Date;
};

/** Replies that nobody has dealt with yet, locked, the oldest first. */
export async function lockWaitingReplies(
  tx: Tx,
  { most, except }: { readonly most: number; readonly except: readonly string[] },
): Promise<KeptReply[]> {
  return await tx.rows<KeptReply>(sql`
    select id, gateway_id, address_index, address_sealed, content_sealed, received_at
    from dispatch.reply_inbox
    where handled_at is null and id <> all(${[...except]}::uuid[])
    order by received_at, id limit ${most} for update skip locked`);
}

export async function markRepliesHandled(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update dispatch.reply_inbox set handled_at = now() where id = any(${[...ids]}::uuid[])`);
}
