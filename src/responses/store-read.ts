/** Reads of answering, for pages and programs. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AnswerKind, Evidence } from './model.ts';

export type AnswerRow = {
  at: Date;
  kind: AnswerKind;
  evidence: Evidence;
  note: string | null;
};

export async function listAnswers(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<AnswerRow[]> {
  return await tx.rows<AnswerRow>(sql`
    select at, kind, evidence, note from responses.answer
    where alert_id = ${alertId} and organisation_id = ${organisationId} order by at`);
}

/** Whether this very answer is written down, under the id of the form it was typed into. */
export async function isWrittenDown(
  tx: Tx,
  answer: {
    readonly id: string;
    readonly alertId: string;
    readonly organisationId: string;
    readonly kind: AnswerKind;
    readonly note: string | null;
  },
): Promise<boolean> {
  const { id, alertId, organisationId, kind, note } = answer;
  const found = await tx.maybe(sql`
    select from responses.answer
    where id = ${id} and alert_id = ${alertId} and organisation_id = ${organisationId}
      and kind = ${kind} and note is not distinct from ${note}`);
  return found !== undefined;
}

export type Recipient = {
  alertNumber: number;
  dispatchId: string;
  /** What this organisation's people text back. */
  code: string;
};

/** The organisation among the recipients of a released alert; undefined where it is none. */
export async function findRecipient(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<Recipient | undefined> {
  return await tx.maybe<Recipient>(sql`
    select live.number as alert_number, recipient.dispatch_id, recipient.code
    from alerts.v_recipient recipient
    join alerts.v_live live on live.dispatch_id = recipient.dispatch_id
    where recipient.alert_id = ${alertId} and recipient.organisation_id = ${organisationId}
    order by live.released_at desc limit 1`);
}

export type MessageRow = {
  channel: 'text' | 'mail';
  round: number;
  state: string;
  acceptedAt: Date | null;
  finalAt: Date | null;
};

export type OrganisationMessages = {
  readonly alertNumber: number;
  /** What this organisation's people text back. */
  readonly code: string;
  readonly rows: readonly MessageRow[];
};

/** What was sent to an organisation in an alert; undefined where it was not among the recipients. */
export async function listMessages(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<OrganisationMessages | undefined> {
  const recipient = await findRecipient(tx, alertId, organisationId);
  if (recipient === undefined) return undefined;
  const rows = await tx.rows<MessageRow>(sql`
    select channel, round, state, accepted_at, final_at from dispatch.v_credit
    where organisation_id = ${organisationId} and dispatch_id = ${recipient.dispatchId}
    order by round, channel desc, accepted_at`);
  return { alertNumber: recipient.alertNumber, code: recipient.code, rows };
}

export type DeskItemRow = {
  id: string;
  kind: 'help' | 'not_understood' | 'stop' | 'unknown_sender' | 'guessing';
  state: 'open' | 'claimed' | 'closed';
  alertId: string | null;
  alertNumber: number | null;
  organisationId: string | null;
  replyId: string | null;
  contentSealed: Buffer | null;
  createdAt: Date;
  claimedBy: string | null;
  claimedByName: string | null;
  claimedAt: Date | null;
  closedAt: Date | null;
  closedByName: string | null;
  outcome: string | null;
};

/** Everything of `DeskItemRow`; the caller says which of them. */
export const selectDeskItems = sql`
  select item.id, item.kind, item.state, item.alert_id, live.number as alert_number,
    item.organisation_id, item.reply_id, reply.content_sealed, item.created_at, item.claimed_by,
    item.claimed_by_name, item.claimed_at, item.closed_at, item.closed_by_name, item.outcome
  from responses.desk_item item
  left join alerts.v_live live on live.alert_id = item.alert_id
  left join dispatch.v_reply reply on reply.id = item.reply_id`;

export async function findDeskItem(tx: Tx, id: string): Promise<DeskItemRow | undefined> {
  return await tx.maybe<DeskItemRow>(sql`
    ${selectDeskItems}
    where item.id = ${id}`);
}

/** The sealed number that a reply was texted from. */
export async function findSender(tx: Tx, replyId: string): Promise<Buffer | undefined> {
  const row = await tx.maybe<{ addressSealed: Buffer }>(sql`
    select address_sealed from dispatch.v_reply where id = ${replyId}`);
  return row?.addressSealed;
}

/** The contact points an item came from; for a call for help everybody who asked while it stood. */
export async function listAskingPoints(tx: Tx, itemId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select contact_point_id as id from responses.desk_item
    where id = ${itemId} and contact_point_id is not null
    union
    select answer.contact_point_id from responses.desk_item item
    join responses.answer answer on answer.alert_id = item.alert_id
      and answer.organisation_id = item.organisation_id and answer.kind = 'help'
    where item.id = ${itemId} and item.kind = 'help' and answer.contact_point_id is not null
      and answer.at >= item.created_at and answer.at <= coalesce(item.closed_at, answer.at)`);
  return rows.map(({ id }) => id);
}
