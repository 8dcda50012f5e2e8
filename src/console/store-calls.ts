/** Who rings whom just now. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Claim = { readonly organisationId: string; readonly claimedByName: string };

/** Names of the call list that somebody has. */
export async function listClaims(tx: Tx, alertId: string): Promise<Claim[]> {
  return await tx.rows<Claim>(sql`
    select organisation_id, claimed_by_name from responses.v_call
    where alert_id = ${alertId} and not is_lapsed`);
}
