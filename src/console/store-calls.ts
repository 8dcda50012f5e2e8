/** Who is to be rung next, and where. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Switchboard = {
  readonly organisationId: string;
  readonly name: string;
  /** Null where none is known. */
  readonly telephone: string | null;
};

/** By name. */
export async function listSwitchboards(tx: Tx, ids: readonly string[]): Promise<Switchboard[]> {
  return await tx.rows<Switchboard>(sql`
    select organisation_id, name, telephone from organisations.v_organisation
    where organisation_id = any(${[...ids]}::uuid[]) order by name`);
}
