/** What rules stand among, read from the views of other slices. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Channels that a gateway which is switched on takes. */
export async function listOpenChannels(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ channel: string }>(sql`
    select distinct channel from dispatch.v_gateway
    where removed_at is null and enabled order by channel`);
  return rows.map(({ channel }) => channel);
}
