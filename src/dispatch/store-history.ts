/** Reads of one dispatch and of what became of each message, for whoever has to explain it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AttemptClass, MessageState } from './model.ts';

export type DispatchRow = {
  id: string;
  label: string;
  lane: number;
  exercise: boolean;
  state: 'held' | 'sending' | 'paused' | 'cancelled' | 'done';
  epoch: number;
  contentHash: string | null;
  pauseReason: string | null;
  createdAt: Date;
  releasedAt: Date | null;
  endedAt: Date | null;
};

/** One dispatch; the standing one of automatic answers (lane 0) is the engine's own. */
export async function findDispatch(tx: Tx, id: string): Promise<DispatchRow | undefined> {
  return await tx.maybe<DispatchRow>(sql`
    select id, label, lane, exercise, state, epoch, content_hash, pause_reason, created_at,
      released_at, ended_at
    from dispatch.dispatch where id = ${id} and lane > 0`);
}

export type DispatchRound = {
  round: number;
  opensAfterMs: number;
  opensAt: Date | null;
  openedAt: Date | null;
  /** To those of an earlier round, once more. */
  reminds: boolean;
};

export async function listRounds(tx: Tx, dispatchId: string): Promise<DispatchRound[]> {
  return await tx.rows<DispatchRound>(sql`
    select round, (extract(epoch from opens_after) * 1000)::bigint as opens_after_ms, opens_at,
      opened_at, reminds
    from dispatch.round where dispatch_id = ${dispatchId} order by round`);
}

export type MessageOfOrganisation = {
  id: string;
  contactPointId: string;
  channel: 'text' | 'mail';
  round: number;
  rank: number;
  code: string;
  subject: string | null;
  body: string;
  state: MessageState;
  gatewayId: string | null;
  providerId: string | null;
  failureCode: string | null;
  dueAt: Date | null;
  expiresAt: Date | null;
  acceptedAt: Date | null;
  finalAt: Date | null;
  settledAt: Date | null;
  /** Every organisation that it counts for, this one too. */
  creditedTo: string[];
};

/** The messages of a dispatch that count for an organisation, in the order in which they leave. */
export async function listMessagesOfOrganisation(
  tx: Tx,
  asked: { dispatchId: string; organisationId: string },
): Promise<MessageOfOrganisation[]> {
  return await tx.rows<MessageOfOrganisation>(sql`
    select message.id, message.contact_point_id, message.channel, message.round, message.rank,
      message.code, message.subject, message.body, message.state, message.gateway_id,
      message.provider_id, message.failure_code, message.due_at, message.expires_at,
      message.accepted_at, message.final_at, settled.settled_at,
      array(select other.organisation_id from dispatch.v_credit other
        where other.message_id = message.id order by 1) as credited_to
    from dispatch.v_credit credit
    join dispatch.message message on message.id = credit.message_id
    left join dispatch.settled settled on settled.dispatch_id = credit.dispatch_id
      and settled.organisation_id = credit.organisation_id
    where credit.organisation_id = ${asked.organisationId}
      and credit.dispatch_id = ${asked.dispatchId}
    order by message.round, message.channel desc, message.rank, message.id`);
}

export type AttemptRow = {
  messageId: string;
  gatewayId: string;
  claimedAt: Date;
  endedAt: Date | null;
  class: AttemptClass | null;
  code: string | null;
};

export async function listAttempts(tx: Tx, messageIds: readonly string[]): Promise<AttemptRow[]> {
  return await tx.rows<AttemptRow>(sql`
    select attempt.message_id, attempt.gateway_id, attempt.claimed_at, ended.ended_at, ended.class,
      ended.code
    from dispatch.attempt attempt
    left join dispatch.attempt_end ended on ended.message_id = attempt.message_id
      and ended.epoch = attempt.epoch and ended.number = attempt.number
    where attempt.message_id = any(${[...messageIds]}::uuid[])
    order by attempt.message_id, attempt.epoch, attempt.number`);
}

export type LookupRow = {
  messageId: string;
  at: Date;
  answer: 'found' | 'absent' | 'cannot_tell';
  status: string | null;
};

export async function listLookups(tx: Tx, messageIds: readonly string[]): Promise<LookupRow[]> {
  return await tx.rows<LookupRow>(sql`
    select message_id, at, answer, status from dispatch.lookup
    where message_id = any(${[...messageIds]}::uuid[]) order by message_id, at`);
}

export type ReceiptRow = { messageId: string; gatewayId: string; receivedAt: Date; status: string };

/** Receipts by the id that the provider gave; one that came before we knew it is not found. */
export async function listReceipts(tx: Tx, messageIds: readonly string[]): Promise<ReceiptRow[]> {
  return await tx.rows<ReceiptRow>(sql`
    select message.id as message_id, inbox.gateway_id, inbox.received_at, inbox.status
    from dispatch.message message
    join dispatch.receipt_inbox inbox on inbox.gateway_id = message.gateway_id
      and inbox.provider_id = message.provider_id
    where message.id = any(${[...messageIds]}::uuid[])
    order by message.id, inbox.received_at, inbox.status`);
}
