/** Who is to be rung next, and where. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { conditions, standings } from './store.ts';

export type NextCall = {
  readonly organisationId: string;
  readonly name: string;
  readonly reach: 'unreachable' | 'delivered' | 'accepted';
  /** Its switchboard. */
  readonly telephone: string | null;
};

/** The first of the list `to_ring`: those that nothing reaches, then those silent to the end. */
export async function listNextCalls(tx: Tx, alertId: string, most: number): Promise<NextCall[]> {
  return await tx.rows<NextCall>(sql`
    select standing.organisation_id, standing.name, standing.reach, directory.telephone
    from (${standings(alertId)}) standing
    join organisations.v_organisation directory
      on directory.organisation_id = standing.organisation_id
    where ${conditions.to_ring}
    order by reach = 'unreachable' desc, standing.name limit ${most}`);
}
