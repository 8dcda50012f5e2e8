/** Statements of retention: what is old goes, by functions that check for themselves that it is. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Forgotten = {
  dispatchId: string | null;
  deleted: number | null;
  isOver: boolean | null;
};

/** Deletes messages of the oldest dispatch that is over for so long; null where there is none. */
export async function forgetMessages(
  tx: Tx,
  { olderThanMs, most }: { readonly olderThanMs: number; readonly most: number },
): Promise<Forgotten> {
  return await tx.one<Forgotten>(sql`
    select dispatch_id, deleted, is_over
    from dispatch.forget_messages(now() - ${olderThanMs} * interval '1 ms', ${most}::int)`);
}

/** Deletes receipts, replies and automatic answers; says how many. */
export async function forgetInbox(
  tx: Tx,
  { olderThanMs, most }: { readonly olderThanMs: number; readonly most: number },
): Promise<number> {
  const { deleted } = await tx.one<{ deleted: number }>(sql`
    select dispatch.forget_inbox(now() - ${olderThanMs} * interval '1 ms', ${most}::int)
      as deleted`);
  return deleted;
}
