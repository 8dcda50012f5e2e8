/** Lists for programs: answers of one organisation, and what waits at the duty desk. */
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
