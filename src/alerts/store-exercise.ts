/** Statements about exercises: how many there were, and what goes before them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/**
 * An exercise is released alone; live alerts are submitted beside each other. Whoever submits one
 * has to know whether an exercise is out, for its texts say so.
 */
export async function lockExercises(tx: Tx, as: 'shared' | 'exclusive'): Promise<void> {
  const key = sql`hashtextextended('alerts.exercises', 0)`;
  await tx.run(
    as === 'shared'
      ? sql`select pg_advisory_xact_lock_shared(${key})`
      : sql`select pg_advisory_xact_lock(${key})`,
  );
}

/** The number of a live alert that waits for approval; undefined where none does. */
export async function findWaitingLive(tx: Tx): Promise<number | undefined> {
  const row = await tx.maybe<{ number: number }>(sql`
    select alert_number as number from alerts.v_waiting where not exercise
    order by submitted_at limit 1`);
  return row?.number;
}

/** Exercises, but for this one, that were released since then. */
export async function countExercises(
  tx: Tx,
  { alertId, since }: { readonly alertId: string | undefined; readonly since: Date },
): Promise<number> {
  const { held } = await tx.one<{ held: number }>(sql`
    select count(*)::int as held from alerts.version version
    join alerts.alert alert on alert.id = version.alert_id
    where alert.exercise and alert.id is distinct from ${alertId ?? null}::uuid
      and version.number = 1
      and version.released_at > ${since}`);
  return held;
}

/** Short names of frozen organisations that other exercises told so often since then. */
export async function listOverExercised(
  tx: Tx,
  asked: {
    readonly alertId: string;
    readonly submissionId: string;
    readonly since: Date;
    readonly most: number;
  },
): Promise<string[]> {
  const rows = await tx.rows<{ name: string }>(sql`
    select recipient.short_name as name
    from alerts.alert alert
    join alerts.version version on version.alert_id = alert.id and version.number = 1
      and version.released_at > ${asked.since}
    join alerts.submission submission on submission.version_id = version.id
      and submission.state = 'released'
    join alerts.recipient told on told.submission_id = submission.id
    join alerts.recipient recipient on recipient.organisation_id = told.organisation_id
      and recipient.submission_id = ${asked.submissionId}
    where alert.exercise and alert.id <> ${asked.alertId}
    group by recipient.organisation_id, recipient.short_name
    having count(*) >= ${asked.most} order by recipient.short_name`);
  return rows.map(({ name }) => name);
}

/** Organisations that exercises, but for this one, told so often since then. */
export async function listExercisedOften(
  tx: Tx,
  asked: { readonly alertId: string | undefined; readonly since: Date; readonly most: number },
): Promise<string[]> {
  const rows = await tx.rows<{ organisationId: string }>(sql`
    select told.organisation_id
    from alerts.alert alert
    join alerts.version version on version.alert_id = alert.id and version.number = 1
      and version.released_at > ${asked.since}
    join alerts.submission submission on submission.version_id = version.id
      and submission.state = 'released'
    join alerts.recipient told on told.submission_id = submission.id
    where alert.exercise and alert.id is distinct from ${asked.alertId ?? null}::uuid
    group by told.organisation_id having count(*) >= ${asked.most}`);
  return rows.map(({ organisationId }) => organisationId);
}

/** The organisations that a submission froze. */
export async function listFrozen(tx: Tx, submissionId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select organisation_id as id from alerts.recipient where submission_id = ${submissionId}`);
  return rows.map(({ id }) => id);
}

export type Unmarked = { alertNumber: number; organisationId: string; name: string };

/**
 * Of these organisations, those to which a live alert that is out sends something in that time
 * without the mark that tells it from an exercise. What is approved along with an alert has the
 * mark where its texts have it.
 */
export async function listUnmarked(
  tx: Tx,
  asked: {
    readonly organisationIds: readonly string[];
    readonly realMark: string;
    /** Now, or a time to come: what opens before it has left by then. */
    readonly from: Date;
    readonly until: Date;
  },
): Promise<Unmarked[]> {
  return await tx.rows<Unmarked>(sql`
    select distinct alert.number as alert_number, recipient.organisation_id,
      recipient.short_name as name
    from alerts.alert alert
    join alerts.version version on version.alert_id = alert.id and version.state = 'released'
    join alerts.submission submission on submission.version_id = version.id
      and submission.state = 'released'
      and not starts_with(submission.along -> 'withdrawal' ->> 'text', ${asked.realMark})
    join alerts.recipient recipient on recipient.submission_id = submission.id
      and recipient.organisation_id = any(${[...asked.organisationIds]}::uuid[])
    join dispatch.v_dispatch dispatch on dispatch.state in ('sending', 'paused')
      and dispatch.id in (submission.dispatch_id, submission.correction_dispatch_id)
    join dispatch.v_credit credit on credit.dispatch_id = dispatch.id
      and credit.organisation_id = recipient.organisation_id
      and credit.state in ('held', 'ready')
    join dispatch.v_round round on round.dispatch_id = dispatch.id
      and round.round = credit.round and round.opens_at <= ${asked.until}
      and (round.opens_at >= ${asked.from} or ${asked.from} <= now())
    where not alert.exercise order by alert.number, recipient.short_name`);
}
