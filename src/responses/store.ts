/** Statements about answers and the duty desk. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { newId } from '#kernel/ids.ts';
import type { AnswerKind, Evidence, OpenMessage } from './model.ts';

/**
 * Alerts in which these contact points got a message that may have left: live ones first, the
 * newest first. Closed ones still take answers.
 */
export async function listOpenMessages(
  tx: Tx,
  contactPointIds: readonly string[],
): Promise<(OpenMessage & { contactPointId: string })[]> {
  return await tx.rows<OpenMessage & { contactPointId: string }>(sql`
    select point.id as contact_point_id, live.alert_id, live.number as alert_number,
      live.exercise, live.dispatch_id, message.code, live.state = 'released' as is_live,
      live.closed_at,
      array_agg(distinct credit.organisation_id) as organisation_ids,
      max(message.accepted_at) as sent_at,
      max((select max(answer.at) from responses.answer
        where answer.alert_id = live.alert_id and answer.contact_point_id = point.id
          and answer.organisation_id = credit.organisation_id
          and answer.evidence in ('text_with_code', 'text_without_code'))) as answered_at
    from alerts.v_live live
    -- Also by a version that was corrected since: its code is the same, and so is the alert.
    join alerts.v_sent sent on sent.alert_id = live.alert_id
    cross join unnest(${[...contactPointIds]}::uuid[]) as point (id)
    -- By the index of P1, one after the other; as a join each answer read every message there is.
    cross join lateral (
      select sending.id, sending.code, sending.accepted_at from dispatch.v_message sending
      where sending.dispatch_id = sent.dispatch_id and sending.contact_point_id = point.id
        and sending.state in ('claimed', 'unknown', 'accepted', 'delivered', 'undelivered',
          'uncertain_closed')
      offset 0
    ) message
    cross join lateral (select counted.organisation_id from dispatch.v_credit counted
      where counted.message_id = message.id offset 0) credit
    group by point.id, live.alert_id, live.number, live.exercise, live.dispatch_id, live.state,
      live.released_at, live.closed_at, message.code
    order by live.state = 'released' desc, live.released_at desc, sent_at desc nulls last`);
}

/** What somebody said for these organisations, each named once. */
export type NewAnswer = {
  /** Of the form, where one organisation's answer is typed: the same id is the same answer. */
  readonly id?: string;
  readonly alertId: string;
  readonly organisationIds: readonly string[];
  readonly kind: AnswerKind;
  readonly evidence: Evidence;
  readonly contactPointId: string | null;
  readonly recordedBy: string | null;
  readonly note: string | null;
};

/** One answer by each organisation; in one order, so that no two transactions wait for each other. */
function byOrganisation(answers: readonly NewAnswer[]) {
  return answers
    .flatMap(({ id, organisationIds, ...answer }) =>
      organisationIds.map((organisationId, i) => ({
        ...answer,
        id: (i === 0 ? id : undefined) ?? newId(),
        organisationId,
      })),
    )
    .toSorted((a, b) => (a.organisationId < b.organisationId ? -1 : 1));
}

/** Says how many are new: one with an id that is there already is not. */
export async function insertAnswers(tx: Tx, answers: readonly NewAnswer[]): Promise<number> {
  const rows = byOrganisation(answers);
  return await tx.run(sql`
    insert into responses.answer (id, alert_id, organisation_id, kind, evidence, contact_point_id,
      recorded_by, note)
    select id, alert_id, organisation_id, kind, evidence, contact_point_id, recorded_by, note
    from unnest(${rows.map((r) => r.id)}::uuid[], ${rows.map((r) => r.alertId)}::uuid[],
      ${rows.map((r) => r.organisationId)}::uuid[], ${rows.map((r) => r.kind)}::text[],
      ${rows.map((r) => r.evidence)}::text[], ${rows.map((r) => r.contactPointId)}::uuid[],
      ${rows.map((r) => r.recordedBy)}::text[], ${rows.map((r) => r.note)}::text[])
      as answer (id, alert_id, organisation_id, kind, evidence, contact_point_id, recorded_by, note)
    on conflict (id) do nothing`);
}

/**
 * The present state after these answers, by each organisation one in each alert. The first
 * acknowledgement of what is out stands, with its time and evidence; whether they are affected, and
 * that they asked for help, follows the newest word.
 */
export async function upsertResponses(tx: Tx, answers: readonly NewAnswer[]): Promise<void> {
  const rows = byOrganisation(answers);
  await tx.run(sql`
    insert into responses.response as response (alert_id, organisation_id, acknowledged_at,
      evidence, acknowledged_by_contact_point_id, affected, affected_at, help_asked_at)
    select alert_id, organisation_id, now(), evidence, contact_point_id,
      case kind when 'affected' then 'yes' when 'not_affected' then 'no' end,
      case when kind in ('affected', 'not_affected') then now() end,
      case when kind = 'help' then now() end
    from unnest(${rows.map((r) => r.alertId)}::uuid[],
      ${rows.map((r) => r.organisationId)}::uuid[], ${rows.map((r) => r.kind)}::text[],
      ${rows.map((r) => r.evidence)}::text[], ${rows.map((r) => r.contactPointId)}::uuid[])
      as answer (alert_id, organisation_id, kind, evidence, contact_point_id)
    on conflict (alert_id, organisation_id) do update set
      -- One of before a version that asks again says nothing of that one.
      (acknowledged_at, evidence, acknowledged_by_contact_point_id) = (
        select kept.acknowledged_at, kept.evidence, kept.contact_point_id
        from (values
          (1, response.acknowledged_at, response.evidence,
            response.acknowledged_by_contact_point_id),
          (2, excluded.acknowledged_at, excluded.evidence,
            excluded.acknowledged_by_contact_point_id)
        ) kept (rank, acknowledged_at, evidence, contact_point_id)
        where kept.rank = 2 or kept.acknowledged_at >= (
          select live.asked_at from alerts.v_live live
          where live.alert_id = excluded.alert_id)
        order by kept.rank limit 1),
      affected = coalesce(excluded.affected, response.affected),
      affected_at = coalesce(excluded.affected_at, response.affected_at),
      help_asked_at = coalesce(excluded.help_asked_at, response.help_asked_at)`);
}

/** So many ids fit into a notice. */
const TOLD_MOST = 200;

/**
 * Boards of this alert, and the duty desk, look again. With the organisations that answered, where
 * nothing else changed what is counted: `<alert> <organisation> …`.
 */
export async function notifyResponse(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[] = [],
): Promise<void> {
  const those = organisationIds.length <= TOLD_MOST ? organisationIds : [];
  await tx.run(sql`select pg_notify('tocsin_response', ${[alertId, ...those].join(' ')})`);
}

export type Addressed = {
  alertId: string;
  alertNumber: number;
  /** Rehearsed, not meant. */
  exercise: boolean;
  dispatchId: string;
  nextUpdateAt: Date | null;
  state: string;
  /** By the id of the organisation, such as "Northmoor". */
  shortNames: Record<string, string>;
};

/** The alert, and those of these organisations that it was sent to. */
export async function findAddressed(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[],
): Promise<Addressed | undefined> {
  return await tx.maybe<Addressed>(sql`
    select live.alert_id, live.number as alert_number, live.exercise, live.dispatch_id,
      live.next_update_at, live.state,
      jsonb_object_agg(recipient.organisation_id, recipient.short_name) as short_names
    from alerts.v_live live
    join alerts.v_recipient recipient on recipient.dispatch_id = live.dispatch_id
    where live.alert_id = ${alertId}
      and recipient.organisation_id = any(${[...organisationIds]}::uuid[])
    group by live.alert_id, live.number, live.exercise, live.dispatch_id, live.next_update_at,
      live.state`);
}

/** One guess at a time for an address: two at once would both find a try left. */
export async function lockAddresses(tx: Tx, addressIndexes: readonly Buffer[]): Promise<void> {
  await tx.run(sql`
    select pg_advisory_xact_lock(key) from (
      select distinct hashtextextended(encode(index, 'hex'), 0) as key
      from unnest(${[...addressIndexes]}::bytea[]) as index order by key) ordered`);
}

/** Wrong codes of late, whichever alert they were meant for; none where there is no row. */
export async function countFailedTries(
  tx: Tx,
  tries: {
    readonly addressIndexes: readonly Buffer[];
    readonly networkIndexes: readonly Buffer[];
    readonly withinMs: number;
  },
): Promise<{ index: Buffer; tries: number }[]> {
  return await tx.rows<{ index: Buffer; tries: number }>(sql`
    select address_index as index, count(*) as tries from responses.failed_try
    where address_index = any(${[...tries.addressIndexes]}::bytea[])
      and at > now() - ${tries.withinMs} * interval '1 ms' group by 1
    union all
    select network_index, count(*) from responses.failed_try
    where network_index = any(${[...tries.networkIndexes]}::bytea[])
      and at > now() - ${tries.withinMs} * interval '1 ms' group by 1`);
}

/** Wrong codes for all addresses together: many of them are somebody trying numbers. */
export async function countAllFailedTries(tx: Tx, withinMs: number): Promise<number> {
  const { count } = await tx.one<{ count: number }>(sql`
    select count(*) from responses.failed_try
    where at > now() - ${withinMs} * interval '1 ms'`);
  return count;
}

export async function insertFailedTries(
  tx: Tx,
  failed: readonly { readonly addressIndex: Buffer; readonly networkIndex: Buffer }[],
): Promise<void> {
  await tx.run(sql`
    insert into responses.failed_try (address_index, network_index)
    select address_index, network_index
    from unnest(${failed.map((f) => f.addressIndex)}::bytea[],
      ${failed.map((f) => f.networkIndex)}::bytea[]) as failed (address_index, network_index)`);
}

/** Tries of yesterday tell nothing any more. */
export async function deleteOldTries(tx: Tx): Promise<number> {
  return await tx.run(sql`
    delete from responses.failed_try where at < now() - interval '1 day'`);
}
