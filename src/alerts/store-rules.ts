/** Which rules a version that is out obeys. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Keeps which it obeyed until now. False where it is not out any more, or obeys others by now. */
export async function setRules(
  tx: Tx,
  {
    id,
    from,
    to,
    callListAfterMs,
  }: {
    readonly id: string;
    readonly from: string;
    readonly to: string;
    readonly callListAfterMs: number | null;
  },
): Promise<boolean> {
  const moved = await tx.run(sql`
    update alerts.version set model_version = ${to}
    where id = ${id} and state = 'released' and model_version = ${from}`);
  if (moved === 0) return false;
  await tx.run(sql`
    update alerts.submission set call_list_after = ${callListAfterMs} * interval '1 ms'
    where version_id = ${id} and state = 'released'`);
  await tx.run(sql`
    insert into alerts.rules_move (version_id, model_version_before) values (${id}, ${from})`);
  return true;
}
