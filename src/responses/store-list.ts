/** Lists: answers of one organisation, alerts that wait for one, and what waits at the desk. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AnswerKind, Evidence } from './model.ts';
import { selectDeskItems, type DeskItemRow } from './store-desk.ts';

export type AnswerOfList = {
  id: string;
  at: Date;
  kind: AnswerKind;
  evidence: Evidence;
  recordedBy: string | null;
  note: string | null;
};

export type AnswerSearch = {
  readonly alertId: string;
  readonly organisationId: string;
  /** Id of the last one seen; an id that is not there gives nothing. */
  readonly after: string | undefined;
  readonly most: number;
};

/** Answers as they came. The row of the cursor is looked up: its time is finer than a Date. */
export async function listAnswersAfter(tx: Tx, search: AnswerSearch): Promise<AnswerOfList[]> {
  const { alertId, organisationId, after, most } = search;
  const beyond =
    after === undefined
      ? sql`true`
      : sql`(answer.at, answer.id) >
          (select seen.at, seen.id from responses.answer seen where seen.id = ${after})`;
  return await tx.rows<AnswerOfList>(sql`
    select answer.id, answer.at, answer.kind, answer.evidence, answer.recorded_by, answer.note
    from responses.answer answer
    where answer.alert_id = ${alertId} and answer.organisation_id = ${organisationId}
      and ${beyond}
    order by answer.at, answer.id limit ${most}`);
}

export type OpenAnswers = {
  readonly alertId: string;
  readonly number: number;
  /** Of those asked about who must answer and have not, by short name. */
  readonly organisations: readonly { readonly id: string; readonly shortName: string }[];
};

/** Alerts that are out and wait for an answer of one of these organisations, the newest first. */
export async function listOpenAnswers(
  tx: Tx,
  organisationIds: readonly string[],
): Promise<OpenAnswers[]> {
  return await tx.rows<OpenAnswers>(sql`
    select live.alert_id, live.number, json_agg(json_build_object(
      'id', recipient.organisation_id, 'shortName', recipient.short_name)
      order by recipient.short_name) as organisations
    from alerts.v_live live
    join alerts.v_recipient recipient on recipient.dispatch_id = live.dispatch_id
    left join responses.v_response response on response.alert_id = live.alert_id
      and response.organisation_id = recipient.organisation_id
    where live.state = 'released' and recipient.must_answer and response.acknowledged_at is null
      and recipient.organisation_id = any(${[...organisationIds]}::uuid[])
    group by live.alert_id, live.number
    order by live.number desc`);
}

export type DeskSearch = {
  /** Undefined: all that are not closed. */
  readonly state: DeskItemRow['state'] | undefined;
  readonly alertId: string | undefined;
  readonly after: string | undefined;
  readonly most: number;
};

/** Desk items, oldest first. */
export async function listDeskItems(tx: Tx, search: DeskSearch): Promise<DeskItemRow[]> {
  const { state, alertId, after, most } = search;
  const inState = state === undefined ? sql`item.state <> 'closed'` : sql`item.state = ${state}`;
  const ofAlert = alertId === undefined ? sql`true` : sql`item.alert_id = ${alertId}`;
  const beyond =
    after === undefined
      ? sql`true`
      : sql`(item.created_at, item.id) > (
          select seen.created_at, seen.id from responses.desk_item seen where seen.id = ${after})`;
  return await tx.rows<DeskItemRow>(sql`
    ${selectDeskItems}
    where ${inState} and ${ofAlert} and ${beyond}
    order by item.created_at, item.id limit ${most}`);
}
