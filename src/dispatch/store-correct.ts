/** Statements of a correction: calling off what it corrects, and who gets which wording. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/**
 * Everything of these dispatches that no worker holds is called off; says how many. What is locked
 * is passed over, for two reasons: a claim that holds it waits for the dispatch, which we hold; and
 * it may be on its way, which is what the next statement has to take it for.
 */
export async function callOffAll(tx: Tx, dispatchIds: readonly string[]): Promise<number> {
  return await tx.run(sql`
    update dispatch.message set state = 'cancelled', final_at = now()
    where id in (select id from dispatch.message
      where dispatch_id = any(${[...dispatchIds]}::uuid[]) and state in ('held', 'ready')
      for update skip locked)`);
}

export type Chosen = { dropped: number; alreadyTold: number };

/**
 * Drops the correction for whoever had nothing, and the first alert for whoever may have had
 * something: one statement, so one snapshot decides for both. Told is everybody with a message
 * that did not surely stay: whatever is not final without a request may have left.
 */
export async function chooseWordings(
  tx: Tx,
  choice: { earlierIds: readonly string[]; correctionId: string; firstId: string },
): Promise<Chosen> {
  // A value with a limit, looked up for each reader by the index of P1. As a list of who was told
  // it became a loop in a loop behind row-level security: over a minute for 50,000.
  const isTold = sql`coalesce((
    select true from dispatch.message earlier
    where earlier.dispatch_id = any(${[...choice.earlierIds]}::uuid[])
      and earlier.contact_point_id = message.contact_point_id
      and earlier.state not in ('rejected', 'cancelled', 'expired', 'suppressed')
    limit 1), false)`;
  return await tx.one<Chosen>(sql`
    with dropped as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where message.dispatch_id = ${choice.correctionId} and message.state = 'held'
        and not ${isTold}
      returning 1
    ), already_told as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where message.dispatch_id = ${choice.firstId} and message.state = 'held'
        and message.round = 1 and ${isTold}
      returning 1
    )
    select (select count(*) from dropped) as dropped,
      (select count(*) from already_told) as already_told`);
}
