/** Retention: who left goes by a function that checks for itself that it is so long ago. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Deletes numbers and addresses that no contact has, nor had; says how many. */
export async function forgetUnused(tx: Tx): Promise<number> {
  const { gone } = await tx.one<{ gone: number }>(sql`
    select organisations.forget_unused_points() as gone`);
  return gone;
}

/** Deletes a batch of contacts who left; says how many. */
export async function forgetLeft(
  tx: Tx,
  { olderThanMs, most }: { readonly olderThanMs: number; readonly most: number },
): Promise<number> {
  const { gone } = await tx.one<{ gone: number }>(sql`
    select organisations.forget_left(now() - ${olderThanMs} * interval '1 ms', ${most}::int)
      as gone`);
  return gone;
}
