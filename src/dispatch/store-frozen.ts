/** What was frozen for an approval that nobody gave. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/**
 * Calls off what was frozen so long ago and never left; its age counts from then, so that its
 * messages go with those of what is over. Ids of dispatches.
 */
export async function callOffFrozen(
  tx: Tx,
  { olderThanMs }: { readonly olderThanMs: number },
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    update dispatch.dispatch set state = 'cancelled', epoch = epoch + 1, cleared = false,
      ended_at = created_at
    where lane > 0 and state = 'held'
      and created_at < now() - ${olderThanMs} * interval '1 ms'
      and not kernel.is_on_legal_hold()
    returning id`);
  return rows.map(({ id }) => id);
}
