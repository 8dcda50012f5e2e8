/** For whoever came by a code: what they read, and that they opened it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Marking } from '#kernel/marking.ts';

/** Where an organisation stands in an alert. */
export type Standing = {
  readonly organisationId: string;
  readonly shortName: string;
  readonly acknowledgedAt: Date | null;
  readonly affected: 'yes' | 'no' | null;
  readonly helpAskedAt: Date | null;
};

/** Those of these organisations that the alert was sent to, by name. */
export async function listStandings(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[],
): Promise<Standing[]> {
  return await tx.rows<Standing>(sql`
    select recipient.organisation_id, recipient.short_name, response.acknowledged_at,
      response.affected, response.help_asked_at
    from alerts.v_live live
    join alerts.v_recipient recipient on recipient.dispatch_id = live.dispatch_id
    left join responses.v_response response on response.alert_id = live.alert_id
      and response.organisation_id = recipient.organisation_id
    where live.alert_id = ${alertId}
      and recipient.organisation_id = any(${[...organisationIds]}::uuid[])
    order by recipient.short_name`);
}

/** Keeps when they first opened what is out; says for which organisations that is new. */
export async function insertOpenings(
  tx: Tx,
  alertId: string,
  organisationIds: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ organisationId: string }>(sql`
    insert into responses.opening as opening (alert_id, organisation_id)
    select ${alertId}, id from unnest(${organisationIds.toSorted()}::uuid[]) id
    on conflict (alert_id, organisation_id) do update set opened_at = now()
      where opening.opened_at < (
        select live.asked_at from alerts.v_live live where live.alert_id = opening.alert_id)
    returning opening.organisation_id`);
  return rows.map(({ organisationId }) => organisationId);
}

export type AddressedAlert = {
  readonly alertId: string;
  readonly number: number;
  readonly exercise: boolean;
  readonly title: string;
  readonly severity: string;
  readonly marking: Marking;
  readonly state: 'released' | 'closed';
  readonly releasedAt: Date;
  readonly acknowledgedAt: Date | null;
};

/** Alerts to the organisations of the contact who asks, as far as it reads them; open ones first. */
export async function listAddressedAlerts(tx: Tx, most: number): Promise<AddressedAlert[]> {
  return await tx.rows<AddressedAlert>(sql`
    select live.alert_id, live.number, live.exercise, words.title, live.severity, live.marking,
      live.state, live.released_at,
      (select min(response.acknowledged_at) from responses.v_response response
        where response.alert_id = live.alert_id) as acknowledged_at
    from alerts.v_live live
    join alerts.v_words words on words.id = live.version_id
    order by live.state = 'released' desc, live.released_at desc limit ${most}`);
}

/** One of them by its number; undefined where there is none. */
export async function findAddressedAlert(
  tx: Tx,
  number: number,
): Promise<{ readonly alertId: string } | undefined> {
  return await tx.maybe(sql`
    select live.alert_id from alerts.v_live live where live.number = ${number}`);
}
