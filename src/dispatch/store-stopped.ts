/** Statements about addresses where nothing goes for now. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { historyIsWhole } from './store-plan.ts';

/** True where a message is for an address where nothing goes: it does not go back in line (P2). */
export const isStopped = sql`message.contact_point_id = any(array(
  select stopped.contact_point_id from dispatch.stopped stopped))`;

/**
 * Waits for everybody who writes messages just now, so that what they wrote is seen; whoever comes
 * later waits for us, and sees what we stop (message_is_stopped).
 */
export async function lockStopped(tx: Tx): Promise<void> {
  await tx.run(sql`
    select pg_advisory_xact_lock(hashtextextended('dispatch.stopped', 0))`);
}

/** What senders are told: they ask anew before they request what they have claimed. */
export const STOPPED = 'stopped';

export async function notifyStopped(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_notify('tocsin_steer', ${STOPPED})`);
}

export async function insertStopped(tx: Tx, contactPointIds: readonly string[]): Promise<void> {
  await tx.run(sql`select dispatch.stop(${[...contactPointIds]}::uuid[])`);
}

/** Opens what was stopped, but for these; says how many. */
export async function deleteStoppedBut(tx: Tx, kept: readonly string[]): Promise<number> {
  return await tx.run(sql`
    delete from dispatch.stopped where contact_point_id <> all(${[...kept]}::uuid[])`);
}

/**
 * Suppresses what waits for a stopped address, in all that is not over; says of which dispatches,
 * once for each message. Where our history is not whole nothing is claimed, and what waits may have
 * left: it is looked at again once that is known, as what was answered is.
 */
export async function suppressStopped(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ dispatchId: string }>(sql`
    update dispatch.message set state = 'suppressed', final_at = now(), failure_code = 'cut_off'
    where id in (select message.id from dispatch.dispatch dispatch
      join dispatch.message message on message.dispatch_id = dispatch.id
      where dispatch.state in ('held', 'sending', 'paused')
        and message.state in ('held', 'ready') and ${isStopped} and ${historyIsWhole}
      order by message.id for update of message)
    returning dispatch_id`);
  return rows.map(({ dispatchId }) => dispatchId);
}
