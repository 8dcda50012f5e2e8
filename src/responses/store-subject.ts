/** What answers and calls hold on one person, found by their numbers, addresses and name. */
import { namedIn } from '#db/named-in.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type SubjectAnswers = {
  readonly answers: readonly object[];
  readonly calls: readonly object[];
  readonly deskItems: readonly { readonly kind: string; readonly state: string }[];
};

/** By what a row is theirs: a number of theirs, or words in which they are named. */
export type SubjectTraces = {
  readonly contactPointIds: readonly string[];
  readonly names: readonly string[];
};

function isOf({ contactPointIds, names }: SubjectTraces, words: Sql): Sql {
  return sql`(contact_point_id = any (${[...contactPointIds]}::uuid[])
    or ${namedIn(words, names)})`;
}

export async function readSubjectAnswers(tx: Tx, traces: SubjectTraces): Promise<SubjectAnswers> {
  return {
    answers: await tx.rows(sql`
      select alert_id, at, kind, evidence, note from responses.answer
      where ${isOf(traces, sql`note`)} order by at, id`),
    calls: await tx.rows(sql`
      select alert_id, at, outcome, note from responses.call_attempt
      where ${isOf(traces, sql`note`)} order by at, id`),
    deskItems: await tx.rows(sql`
      select kind, state, created_at, closed_at, outcome from responses.desk_item
      where ${isOf(traces, sql`outcome`)} order by created_at, id`),
  };
}

/**
 * Takes out what was noted down of this person; that their organisation answered, was rung or asked
 * for help stays. For the owner of the tables. Says how many notes went.
 */
export async function eraseSubjectNotes(tx: Tx, traces: SubjectTraces): Promise<number> {
  const answers = await tx.run(sql`
    update responses.answer set note = null
    where note is not null and ${isOf(traces, sql`note`)}`);
  const calls = await tx.run(sql`
    update responses.call_attempt set note = null
    where note is not null and ${isOf(traces, sql`note`)}`);
  const outcomes = await tx.run(sql`
    update responses.desk_item set outcome = null
    where outcome is not null and ${isOf(traces, sql`outcome`)}`);
  return answers + calls + outcomes;
}
