/** Statements about alerts that take the place of others. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Whether an alert with this number was ever out. */
export async function wasOut(tx: Tx, number: number): Promise<boolean> {
  const found = await tx.maybe<{ found: true }>(sql`
    select true as found from alerts.v_version where alert_number = ${number} limit 1`);
  return found !== undefined;
}

/** The number of the newest alert that takes the place of this one, as far as the reader may know. */
export async function findSuperseding(tx: Tx, number: number): Promise<number | undefined> {
  const found = await tx.maybe<{ number: number }>(sql`
    select alert.number from alerts.version version
    join alerts.alert alert on alert.id = version.alert_id
    where version.state in ('released', 'closed')
      and (version.content ->> 'supersedes')::int = ${number}
    order by alert.number desc limit 1`);
  return found?.number;
}
