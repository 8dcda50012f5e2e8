/** Statements about what of an alert is uncertain. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Of how many messages it is not known whether they left: under way, or with one who is asked. */
export async function countUnknown(tx: Tx, dispatchIds: readonly string[]): Promise<number> {
  const { unknown } = await tx.one<{ unknown: number }>(sql`
    select count(*) as unknown from dispatch.v_message
    where dispatch_id = any(${[...dispatchIds]}::uuid[]) and state in ('claimed', 'unknown')`);
  return unknown;
}
