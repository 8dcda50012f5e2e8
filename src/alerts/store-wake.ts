/** Statements about who was woken while a submission waits. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type WaitingSubmission = {
  versionId: string;
  alertId: string;
  alertNumber: number;
  severity: string;
  submittedBy: string;
  submittedAt: Date;
};

/** Undefined where somebody decided. */
export async function findWaitingSubmission(
  tx: Tx,
  submissionId: string,
): Promise<WaitingSubmission | undefined> {
  return await tx.maybe<WaitingSubmission>(sql`
    select version.id as version_id, alert.id as alert_id, alert.number as alert_number,
      version.severity, submission.submitted_by, submission.submitted_at
    from alerts.submission submission
    join alerts.version version on version.id = submission.version_id
    join alerts.alert alert on alert.id = version.alert_id
    where submission.id = ${submissionId} and submission.state = 'waiting'`);
}

/** Writes down who is woken by this step; says who was not yet. */
export async function insertNudges(
  tx: Tx,
  woken: { submissionId: string; step: number; personIds: readonly string[] },
): Promise<string[]> {
  const rows = await tx.rows<{ personId: string }>(sql`
    insert into alerts.nudge (submission_id, step, person_id)
    select ${woken.submissionId}, ${woken.step}, id
    from unnest(${[...woken.personIds]}::uuid[]) as id
    on conflict do nothing returning person_id`);
  return rows.map(({ personId }) => personId);
}

export type NudgeRow = { step: number; name: string; at: Date };

/** Who was woken for this submission, in order. */
export async function listNudges(tx: Tx, submissionId: string): Promise<NudgeRow[]> {
  return await tx.rows<NudgeRow>(sql`
    select nudge.step, coalesce(person.name, '') as name, nudge.at from alerts.nudge
    left join identity.v_person person on person.id = nudge.person_id
    where nudge.submission_id = ${submissionId} order by nudge.step, person.name`);
}
