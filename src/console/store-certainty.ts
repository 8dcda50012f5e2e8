/** Reads of what the engine is not certain of: decisions that wait, copies, holes in history. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** How many messages are uncertain past their deadline: somebody has to decide. */
export async function countUncertain(tx: Tx, dispatchId: string): Promise<number> {
  const { messages } = await tx.one<{ messages: number }>(sql`
    select count(*) as messages from dispatch.v_uncertain where dispatch_id = ${dispatchId}`);
  return messages;
}

/** How many texts of the dispatch are out a second time. */
export async function countSecondTexts(tx: Tx, dispatchId: string): Promise<number> {
  const { messages } = await tx.one<{ messages: number }>(sql`
    select count(*) as messages from dispatch.v_alarm
    where dispatch_id = ${dispatchId} and kind = 'accepted_twice'`);
  return messages;
}

/** Why nothing is sent at all, where our history has a hole; undefined where it is whole. */
export async function findHold(tx: Tx): Promise<{ heldReason: string } | undefined> {
  return await tx.maybe<{ heldReason: string }>(sql`
    select held_reason from dispatch.v_continuity where held_since is not null`);
}
