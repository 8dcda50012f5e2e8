/** Retention: notes go by a function that checks for itself that they are old. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Empties a batch of notes; says how many. */
export async function forgetNotes(
  tx: Tx,
  { olderThanMs, most }: { readonly olderThanMs: number; readonly most: number },
): Promise<number> {
  const { emptied } = await tx.one<{ emptied: number }>(sql`
    select responses.forget_notes(now() - ${olderThanMs} * interval '1 ms', ${most}::int)
      as emptied`);
  return emptied;
}
