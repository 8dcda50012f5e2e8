/** What regions have to know of an alert: how many of theirs are silent. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Chase = {
  alertNumber: number;
  exercise: boolean;
  severity: string;
  modelVersion: string;
  askedAt: Date;
  isPaused: boolean;
};

/** An alert that is out and still asks; undefined where it does not. */
export async function findChase(tx: Tx, alertId: string): Promise<Chase | undefined> {
  return await tx.maybe<Chase>(sql`
    select live.number as alert_number, live.exercise, live.severity, live.model_version,
      live.asked_at, dispatch.state = 'paused' as is_paused
    from alerts.v_live live
    join dispatch.v_dispatch dispatch on dispatch.id = live.dispatch_id
    where live.alert_id = ${alertId} and live.state = 'released'
      and dispatch.state <> 'cancelled'`);
}

export type SilentRegion = { code: string; name: string; asked: number; silent: number };

/** Regions in which somebody who must answer has not; by name. */
export async function listSilentRegions(tx: Tx, alertId: string): Promise<SilentRegion[]> {
  return await tx.rows<SilentRegion>(sql`
    select region.code, region.name, count(*) as asked,
      count(*) filter (where response.acknowledged_at is null) as silent
    from alerts.v_recipient recipient
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = recipient.organisation_id
    join organisations.v_region region on region.code = organisation.region_code
    left join responses.v_response response on response.alert_id = recipient.alert_id
      and response.organisation_id = recipient.organisation_id
    where recipient.alert_id = ${alertId} and recipient.must_answer
    group by region.code, region.name
    having bool_or(response.acknowledged_at is null) order by region.name`);
}
