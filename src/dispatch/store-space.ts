/** Statements about how much one number gets: networks block what comes too often. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { historyIsWhole } from './store-plan.ts';

/**
 * Puts off what would be too much for a number, of the texts that just became ready: it is due
 * when the oldest of the last `number_most` is `number_within` old, or suppressed where that is
 * past its use. While our history is not whole it is only put off: it may have left in the lost
 * time. Answers to somebody's own texts have a limit of their own. Says how many.
 *
 * A round has at most one text for a number, so nothing is read unless more rounds opened lately
 * than the limit allows texts. Two rounds that open in the same moment do not see each other: the
 * number may get one more.
 */
export async function spaceMessages(
  tx: Tx,
  of: { dispatchId: string; ids: readonly string[] },
): Promise<number> {
  return await tx.run(sql`
    with rule as (
      select number_most as most, number_within as within from dispatch.dispatch
      where id = ${of.dispatchId} and number_most < (
        select count(*) from dispatch.round lately
        where lately.opened_at > now() - number_within)
    ), lately as (
      select distinct opened.dispatch_id from dispatch.round opened, rule
      where opened.opened_at > now() - rule.within
    ), crowded as materialized (
      select message.id, rule.within + nth.due_at as free_at,
        rule.within + nth.due_at < message.expires_at or not ${historyIsWhole} as waits
      from rule, dispatch.message message, lateral (
        select other.due_at from lately, lateral (
          -- Kept apart by its offset: joined freely, all of an index was read for each message.
          select other.due_at from dispatch.message other
          where other.dispatch_id = lately.dispatch_id
            and other.contact_point_id = message.contact_point_id and other.channel = 'text'
            and other.id <> message.id and other.due_at > now() - rule.within
            and other.state not in ('held', 'rejected', 'cancelled', 'expired', 'suppressed')
          offset 0) other
        order by other.due_at desc offset rule.most - 1 limit 1) nth
      where message.dispatch_id = ${of.dispatchId} and message.id = any(${[...of.ids]}::uuid[])
        and message.channel = 'text' and message.state = 'ready'
        and nth.due_at > now() - rule.within
    )
    update dispatch.message message set failure_code = 'number_limit',
      state = case when crowded.waits then 'ready' else 'suppressed' end,
      due_at = crowded.free_at,
      final_at = case when crowded.waits then null else now() end
    from crowded where message.id = crowded.id`);
}
