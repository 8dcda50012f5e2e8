/** Statements of the recall window: between the release and the first text. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { historyIsWhole } from './store-plan.ts';

/**
 * Stops the clocks of all rounds that did not open. It waits for a beat that opens one in this
 * moment, and a beat that waits for us finds no time to open at: so one of the two wins, and
 * whoever recalls learns which.
 */
export async function stopRounds(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    update dispatch.round set opens_at = null
    where dispatch_id = ${dispatchId} and opened_at is null`);
}

/**
 * Calls the dispatch off if no round of it ever opened; false where one did or may have, in a time
 * of which the records are lost, or where it is over.
 */
export async function markRecalled(tx: Tx, dispatchId: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.dispatch dispatch set state = 'cancelled', epoch = epoch + 1,
        pause_reason = null, paused_at = null, cleared = false, ended_at = now()
      where dispatch.id = ${dispatchId} and dispatch.state in ('sending', 'paused')
        and ${historyIsWhole} and not exists (select from dispatch.round round
          where round.dispatch_id = dispatch.id and round.opened_at is not null)`)) === 1
  );
}

/** Ends the wait: every round comes earlier by what was left of it. False where none was left. */
export async function hurryRounds(tx: Tx, dispatchId: string): Promise<boolean> {
  const hurried = await tx.run(sql`
    with first as (
      select opens_at - now() as still, put_off from dispatch.round
      where dispatch_id = ${dispatchId} and round = 1 and opened_at is null and opens_at > now()
      for update
    )
    update dispatch.round round
    set opens_at = round.opens_at - first.still,
      put_off = greatest('0', round.put_off - first.put_off)
    from first, dispatch.dispatch dispatch
    where round.dispatch_id = ${dispatchId} and dispatch.id = round.dispatch_id
      and dispatch.state = 'sending'`);
  return hurried > 0;
}
