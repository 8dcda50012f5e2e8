/** Statements about what an alert names. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Whether an alert with this number, live or an exercise as asked, was ever out. */
export async function wasOut(
  tx: Tx,
  { number, exercise }: { readonly number: number; readonly exercise: boolean },
): Promise<boolean> {
  const found = await tx.maybe<{ found: true }>(sql`
    select true as found from alerts.v_version
    where alert_number = ${number} and exercise = ${exercise} limit 1`);
  return found !== undefined;
}
