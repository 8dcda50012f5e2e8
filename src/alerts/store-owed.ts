/** Statements about what the centre owes on alerts, and by whom. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type WaitingSubmission = {
  versionId: string;
  alertId: string;
  alertNumber: number;
  exercise: boolean;
  severity: string;
  /** The rules it was submitted under. */
  modelVersion: string;
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
      alert.exercise, version.severity, version.model_version,
      submission.submitted_by, submission.submitted_at
    from alerts.submission submission
    join alerts.version version on version.id = submission.version_id
    join alerts.alert alert on alert.id = version.alert_id
    where submission.id = ${submissionId} and submission.state = 'waiting'`);
}

export type OwedUpdate = {
  alertId: string;
  alertNumber: number;
  exercise: boolean;
  severity: string;
  /** The rules it was submitted under. */
  modelVersion: string;
  nextUpdateAt: Date;
  ownedBy: string;
};

/** Undefined where another version is out, or none any more. */
export async function findOwedUpdate(tx: Tx, versionId: string): Promise<OwedUpdate | undefined> {
  return await tx.maybe<OwedUpdate>(sql`
    select alert.id as alert_id, alert.number as alert_number, alert.exercise, version.severity,
      version.model_version, version.next_update_at, submission.owned_by
    from alerts.version version
    join alerts.alert alert on alert.id = version.alert_id
    join alerts.submission submission on submission.version_id = version.id
      and submission.state = 'released'
    where version.id = ${versionId} and version.state = 'released'
      and version.next_update_at is not null`);
}

/** Whoever owes the next update of what is out. */
export async function updateOwner(
  tx: Tx,
  versionId: string,
  { by, byName }: { readonly by: string; readonly byName: string },
): Promise<void> {
  await tx.run(sql`
    update alerts.submission set owned_by = ${by}, owned_by_name = ${byName}
    where version_id = ${versionId} and state = 'released'`);
}

/** What one officer did that all of them are told. */
export const announced = ['sent_alone', 'corrected', 'withdrawn', 'closed'] as const;

export type Announced = (typeof announced)[number];

export async function insertAnnouncement(
  tx: Tx,
  announcement: {
    readonly id: string;
    readonly alertId: string;
    readonly what: Announced;
    readonly by: string;
    readonly byName: string;
  },
): Promise<{ at: Date }> {
  return await tx.one<{ at: Date }>(sql`
    insert into alerts.announcement (id, alert_id, what, by, by_name)
    values (${announcement.id}, ${announcement.alertId}, ${announcement.what}, ${announcement.by},
      ${announcement.byName})
    returning at`);
}

export type AnnouncementRow = {
  alertId: string;
  alertNumber: number;
  exercise: boolean;
  severity: string;
  what: Announced;
  at: Date;
  by: string;
};

export async function findAnnouncement(tx: Tx, id: string): Promise<AnnouncementRow | undefined> {
  return await tx.maybe<AnnouncementRow>(sql`
    select announcement.alert_id, alert.number as alert_number, alert.exercise, version.severity,
      announcement.what, announcement.at, announcement.by
    from alerts.announcement announcement
    join alerts.alert alert on alert.id = announcement.alert_id
    join alerts.version version on version.alert_id = alert.id
      and version.state in ('released', 'closed')
    where announcement.id = ${id}`);
}
