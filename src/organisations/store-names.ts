/** Which names of the operating model the directory uses. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { thisDay } from './store-day.ts';

export type NameInUse = {
  readonly kind: 'organisation_type' | 'contact_role' | 'reader_kind';
  /** Its id in the model. */
  readonly id: string;
  /** How many organisations or contacts have it. */
  readonly count: number;
};

/** Of organisations that are open and contacts that are told; both by id. */
export async function listNamesInUse(tx: Tx): Promise<NameInUse[]> {
  return await tx.rows<NameInUse>(sql`
    select 'organisation_type' as kind, type as id, count(*)::int as count
    from organisations.organisation where closed_on is null or closed_on >= ${thisDay}
    group by type
    union all
    select 'contact_role', role, count(*)::int from organisations.contact where active
    group by role
    union all
    select 'reader_kind', reader_kind, count(*)::int from organisations.contact where active
    group by reader_kind
    order by kind, id`);
}
