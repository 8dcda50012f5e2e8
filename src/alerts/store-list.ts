/** The list of alerts for programs, page by page. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Marking } from '#kernel/marking.ts';
import type { VersionState } from './model.ts';

export type AlertSummary = {
  id: string;
  number: number;
  exercise: boolean;
  state: VersionState;
  revision: number;
  title: string;
  severity: string;
  marking: Marking;
  updatedAt: Date;
  releasedAt: Date | null;
  closedAt: Date | null;
};

export type AlertSearch = {
  /** Undefined: all but those given up. */
  readonly state: VersionState | undefined;
  /** Number of the last one seen. */
  readonly before: number | undefined;
  readonly most: number;
};

/** Of each alert the version that is out, else the newest; newest alert first. */
export async function listAlerts(tx: Tx, search: AlertSearch): Promise<AlertSummary[]> {
  const { state, before, most } = search;
  const inState =
    state === undefined ? sql`newest.state <> 'abandoned'` : sql`newest.state = ${state}`;
  const beyond = before === undefined ? sql`true` : sql`alert.number < ${before}`;
  return await tx.rows<AlertSummary>(sql`
    select alert.id, alert.number, alert.exercise, newest.state, newest.revision,
      newest.title, newest.severity, newest.marking,
      newest.updated_at, newest.released_at, newest.closed_at
    from alerts.alert alert
    cross join lateral (
      select version.state, version.revision, version.title, version.severity, version.marking,
        version.updated_at, version.released_at, version.closed_at
      from alerts.v_words version where version.alert_id = alert.id
      order by version.state = 'released' desc, version.number desc limit 1
    ) newest
    where ${inState} and ${beyond}
    order by alert.number desc limit ${most}`);
}

export type AlertOfOrganisation = {
  readonly alertId: string;
  readonly number: number;
  readonly exercise: boolean;
  readonly from: Date;
  /** Null while it is out. */
  readonly until: Date | null;
};

/** Alerts that went to an organisation, and while which time each was out; newest first. */
export async function listAlertsOfOrganisation(
  tx: Tx,
  organisationId: string,
): Promise<AlertOfOrganisation[]> {
  return await tx.rows<AlertOfOrganisation>(sql`
    select alert.id as alert_id, alert.number, alert.exercise, min(version.released_at) as "from",
      max(version.closed_at) as until
    from alerts.recipient
    join alerts.submission on submission.id = recipient.submission_id
      and submission.state = 'released'
    join alerts.version on version.id = submission.version_id
    join alerts.alert on alert.id = version.alert_id
    where recipient.organisation_id = ${organisationId}
    group by alert.id, alert.number
    order by alert.number desc`);
}
