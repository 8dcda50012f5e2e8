/** What answers and calls hold on one person, found by their numbers and addresses. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type SubjectAnswers = {
  readonly answers: readonly object[];
  readonly calls: readonly object[];
  readonly deskItems: readonly { readonly kind: string; readonly state: string }[];
};

export async function readSubjectAnswers(
  tx: Tx,
  contactPointIds: readonly string[],
): Promise<SubjectAnswers> {
  const ids = [...contactPointIds];
  return {
    answers: await tx.rows(sql`
      select alert_id, at, kind, evidence, note from responses.answer
      where contact_point_id = any (${ids}::uuid[]) order by at, id`),
    calls: await tx.rows(sql`
      select alert_id, at, outcome, note from responses.call_attempt
      where contact_point_id = any (${ids}::uuid[]) order by at, id`),
    deskItems: await tx.rows(sql`
      select kind, state, created_at, closed_at, outcome from responses.desk_item
      where contact_point_id = any (${ids}::uuid[]) order by created_at, id`),
  };
}

/**
 * Takes out what was noted down of this person; that their organisation answered, was rung or asked
 * for help stays. For the owner of the tables. Says how many notes went.
 */
export async function eraseSubjectNotes(
  tx: Tx,
  contactPointIds: readonly string[],
): Promise<number> {
  const ids = [...contactPointIds];
  const answers = await tx.run(sql`
    update responses.answer set note = null
    where contact_point_id = any (${ids}::uuid[]) and note is not null`);
  const calls = await tx.run(sql`
    update responses.call_attempt set note = null
    where contact_point_id = any (${ids}::uuid[]) and note is not null`);
  const outcomes = await tx.run(sql`
    update responses.desk_item set outcome = null
    where contact_point_id = any (${ids}::uuid[]) and outcome is not null`);
  return answers + calls + outcomes;
}
