/** Statements about numbers that were rung, and what came of it. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { CallOutcome } from './model.ts';

/** Attempts since the version that is out went out: of the one before they say nothing. */
export function attemptsOf(alertId: string): Sql {
  return sql`
    select tried.id, tried.organisation_id, tried.at, tried.contact_point_id, tried.outcome,
      tried.tried_by_name, tried.note
    from responses.call_attempt tried
    join alerts.v_live live on live.alert_id = tried.alert_id
    where tried.alert_id = ${alertId} and tried.at >= live.released_at`;
}

export type NewAttempt = {
  /** Of the form: posted twice it is one attempt. */
  readonly id: string;
  readonly callId: string;
  readonly alertId: string;
  readonly organisationId: string;
  readonly contactPointId: string | null;
  readonly outcome: CallOutcome;
  readonly by: string;
  readonly byName: string;
  readonly note: string | null;
};

/** False where it is written down already. */
export async function insertAttempt(tx: Tx, attempt: NewAttempt): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into responses.call_attempt (id, call_id, alert_id, organisation_id, contact_point_id,
      outcome, tried_by, tried_by_name, note)
    values (${attempt.id}, ${attempt.callId}, ${attempt.alertId}, ${attempt.organisationId},
      ${attempt.contactPointId}, ${attempt.outcome}, ${attempt.by}, ${attempt.byName},
      ${attempt.note})
    on conflict (id) do nothing`);
  return inserted === 1;
}

/** The attempt that this form wrote down, if it did. */
export async function findAttempt(
  tx: Tx,
  id: string,
): Promise<{ outcome: CallOutcome; note: string | null; triedBy: string } | undefined> {
  return await tx.maybe(sql`
    select outcome, note, tried_by from responses.call_attempt where id = ${id}`);
}

export type AttemptRow = {
  at: Date;
  contactPointId: string | null;
  outcome: CallOutcome;
  triedByName: string;
  note: string | null;
};

/** What was tried, oldest first. */
export async function listAttempts(
  tx: Tx,
  alertId: string,
  organisationId: string,
): Promise<AttemptRow[]> {
  return await tx.rows<AttemptRow>(sql`
    select at, contact_point_id, outcome, tried_by_name, note
    from (${attemptsOf(alertId)}) attempt
    where organisation_id = ${organisationId} order by at, id`);
}
