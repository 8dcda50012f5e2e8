/** Statements about what an alert names. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Whether an alert with this number was ever out. */
export async function wasOut(tx: Tx, number: number): Promise<boolean> {
  const found = await tx.maybe<{ found: true }>(sql`
    select true as found from alerts.v_version where alert_number = ${number} limit 1`);
  return found !== undefined;
}
