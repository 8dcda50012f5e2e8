/** Reads for whoever came by a code. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

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
