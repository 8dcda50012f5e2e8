/** Statements about what one person let go, and what somebody else found. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** How many went with one person in the time before now. Whoever asks next waits for the commit. */
export async function countAlone(tx: Tx, withinMs: number): Promise<number> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('alerts.alone', 0))`);
  const { gone } = await tx.one<{ gone: number }>(sql`
    select count(*) as gone from alerts.alone
    where at > now() - ${withinMs} * interval '1 ms'`);
  return gone;
}

export async function insertAlone(
  tx: Tx,
  gone: { alertId: string; by: string; byName: string; reviewWithinMs: number },
): Promise<{ at: Date; reviewDueAt: Date }> {
  return await tx.one<{ at: Date; reviewDueAt: Date }>(sql`
    insert into alerts.alone (alert_id, by, by_name, review_due_at)
    values (${gone.alertId}, ${gone.by}, ${gone.byName},
      now() + ${gone.reviewWithinMs} * interval '1 ms')
    returning at, review_due_at`);
}

export type Finding = 'right' | 'wrong';

export type AloneRow = {
  alertId: string;
  alertNumber: number;
  severity: string;
  modelVersion: string;
  title: string;
  at: Date;
  by: string;
  byName: string;
  reviewDueAt: Date;
  reviewedAt: Date | null;
  reviewedByName: string | null;
  finding: Finding | null;
  remark: string;
};

export async function findAlone(tx: Tx, alertId: string): Promise<AloneRow | undefined> {
  return await tx.maybe<AloneRow>(sql`
    select alone.alert_id, alert.number as alert_number, version.severity, version.model_version,
      version.title, alone.at, alone.by, alone.by_name, alone.review_due_at, alone.reviewed_at,
      alone.reviewed_by_name, alone.finding, alone.remark
    from alerts.alone alone
    join alerts.alert alert on alert.id = alone.alert_id
    join alerts.v_words version on version.alert_id = alert.id and version.number = 1
    where alone.alert_id = ${alertId}`);
}

/** False where somebody has looked at it already. */
export async function markReviewed(
  tx: Tx,
  review: { alertId: string; by: string; byName: string; finding: Finding; remark: string },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update alerts.alone set reviewed_at = now(), reviewed_by = ${review.by},
        reviewed_by_name = ${review.byName}, finding = ${review.finding}, remark = ${review.remark}
      where alert_id = ${review.alertId} and reviewed_at is null`)) === 1
  );
}
