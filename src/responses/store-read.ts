/** Reads of answering, for pages and programs. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Dispatched, RulesMove } from '#operating-model/index.ts';
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
  exercise: boolean;
  dispatchId: string;
  /** What this organisation's people text back. */
  code: string;
  regionCode: string | null;
};

/** The organisation among the recipients of a released alert; undefined where it is none. */
export async function findRecipient(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<Recipient | undefined> {
  return await tx.maybe<Recipient>(sql`
    select live.number as alert_number, live.exercise, recipient.dispatch_id, recipient.code,
      organisation.region_code
    from alerts.v_recipient recipient
    join alerts.v_live live on live.dispatch_id = recipient.dispatch_id
    left join organisations.v_known_organisation organisation
      on organisation.organisation_id = recipient.organisation_id
    where recipient.alert_id = ${alertId} and recipient.organisation_id = ${organisationId}
    order by live.released_at desc limit 1`);
}

export type Obeyed = {
  versionId: string;
  modelVersion: string;
  severity: string;
  exercise: boolean;
};

/** The moves of versions of an alert to other rules. */
export async function listRulesMoves(
  tx: Tx,
  alertId: string,
): Promise<(RulesMove & { versionId: string })[]> {
  return await tx.rows<RulesMove & { versionId: string }>(sql`
    select version_id, moved_at, model_version_before from alerts.v_rules_move
    where alert_id = ${alertId} order by moved_at`);
}

/** Which rules an alert that is out obeys. */
export async function findObeyed(tx: Tx, alertId: string): Promise<Obeyed | undefined> {
  return await tx.maybe<Obeyed>(sql`
    select version_id, model_version, severity, exercise from alerts.v_live
    where alert_id = ${alertId}`);
}

export type DispatchedRow = Dispatched & Omit<Obeyed, 'exercise'> & { dispatchId: string };

/** Every dispatch of an alert, of earlier versions too: what it was, and which rules it obeyed. */
export async function listDispatched(tx: Tx, alertId: string): Promise<DispatchedRow[]> {
  return await tx.rows<DispatchedRow>(sql`
    select dispatch_id, kind, marking, asks_again, version_id, model_version, severity
    from alerts.v_dispatched where alert_id = ${alertId} order by released_at, kind, dispatch_id`);
}

export type MessageRow = {
  dispatchId: string;
  /** What it was to its readers. */
  kind: Dispatched['kind'];
  channel: 'text' | 'mail';
  round: number;
  rank: number;
  state: string;
  acceptedAt: Date | null;
  finalAt: Date | null;
};

export type OrganisationMessages = {
  readonly alertNumber: number;
  readonly exercise: boolean;
  /** What this organisation's people text back. */
  readonly code: string;
  readonly regionCode: string | null;
  readonly rows: readonly MessageRow[];
};

/**
 * What was sent to an organisation in all versions of an alert, the first one first; undefined
 * where it was not among the recipients.
 */
export async function listMessages(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<OrganisationMessages | undefined> {
  const recipient = await findRecipient(tx, alertId, organisationId);
  if (recipient === undefined) return undefined;
  const rows = await tx.rows<MessageRow>(sql`
    select credit.dispatch_id, sent.kind, credit.channel, credit.round, credit.rank, credit.state,
      credit.accepted_at, credit.final_at
    from alerts.v_dispatched sent
    join dispatch.v_credit credit on credit.dispatch_id = sent.dispatch_id
      and credit.organisation_id = ${organisationId}
    where sent.alert_id = ${alertId}
    order by sent.released_at, sent.kind <> 'closing' desc, sent.kind <> 'first' desc,
      credit.round, credit.channel desc, credit.accepted_at`);
  const { alertNumber, exercise, code, regionCode } = recipient;
  return { alertNumber, exercise, code, regionCode, rows };
}

/** The sealed number that a reply was texted from. */
export async function findSender(tx: Tx, replyId: string): Promise<Buffer | undefined> {
  const row = await tx.maybe<{ addressSealed: Buffer }>(sql`
    select address_sealed from dispatch.v_reply where id = ${replyId}`);
  return row?.addressSealed;
}

/** Organisations whose code this is in an alert that is out, with the alert's number. */
export async function listNamesOfCodes(tx: Tx, codes: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ name: string }>(sql`
    select organisation.name || ' (alert ' || live.number || ')' as name
    from alerts.v_live live
    join alerts.v_recipient recipient on recipient.dispatch_id = live.dispatch_id
      and recipient.code = any(${[...codes]}::text[])
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = recipient.organisation_id
    where live.state = 'released'
    order by live.released_at desc, organisation.name limit 5`);
  return rows.map(({ name }) => name);
}

/**
 * When the last text of ours left to this number, of whatever kind; with one of these codes, where
 * any is given. Dispatch by dispatch, as the key of P1 serves: it is asked seldom.
 */
export async function findLastText(
  tx: Tx,
  contactPointId: string,
  codes: readonly string[],
): Promise<Date | undefined> {
  const hasCode = codes.length === 0 ? sql`true` : sql`sent.code = any(${[...codes]}::text[])`;
  const row = await tx.one<{ at: Date | null }>(sql`
    select max(told.accepted_at) as at from dispatch.v_dispatch dispatch
    cross join lateral (
      select sent.accepted_at from dispatch.v_message sent
      where sent.dispatch_id = dispatch.id and sent.contact_point_id = ${contactPointId}
        and ${hasCode}
      offset 0) told`);
  return row.at ?? undefined;
}

/** Who of an organisation acknowledged first. */
export type Acknowledged = {
  organisationId: string;
  acknowledgedAt: Date;
  contactPointId: string | null;
  hasAskedForHelp: boolean;
};

/**
 * Of organisations that have just answered: what they acknowledged is what is out. It looks at
 * nothing of other slices: to plan with the policies of those took 35 ms, to run half of one.
 */
export async function listAcknowledged(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[],
): Promise<Acknowledged[]> {
  return await tx.rows<Acknowledged>(sql`
    select response.organisation_id, response.acknowledged_at,
      response.acknowledged_by_contact_point_id as contact_point_id,
      response.help_asked_at is not null as has_asked_for_help
    from responses.response response
    where response.alert_id = ${alertId} and response.acknowledged_at is not null
      and response.organisation_id = any(${[...organisationIds]}::uuid[])`);
}
