/** Statements about organisations that need nothing more from a dispatch: they answered. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { historyIsWhole } from './store-plan.ts';
import { asMoved, readTold, told } from './store-told.ts';

/**
 * True where every organisation that a message counts for needs nothing more (P1). The first look
 * is no "exists": that became a join which began with all that are settled and read their messages,
 * so that each answer cost more than the one before (11 ms after 680).
 */
export const isSettled = sql`((select true from dispatch.settled settled
    where settled.dispatch_id = message.dispatch_id
      and settled.organisation_id = message.organisation_id)
  and not exists (select from dispatch.message_credit credit where credit.message_id = message.id
    and not exists (select from dispatch.settled settled
      where settled.dispatch_id = message.dispatch_id
        and settled.organisation_id = credit.organisation_id)))`;

/**
 * True where a message of the dispatch counts for one of these organisations. Their messages are
 * looked up first, by two indexes: with "or" each answer read all messages of the dispatch, 0.2 s
 * of 100,000. The dispatch is asked for in there alone: outside, the planner fetched all that it
 * has in later rounds to compare (28 ms of 60,000).
 */
function countsFor({ dispatchId, organisationIds }: Answered): Sql {
  const ids = sql`any(${[...organisationIds]}::uuid[])`;
  return sql`message.id = any(array(
    select own.id from dispatch.message own
    where own.organisation_id = ${ids} and own.dispatch_id = ${dispatchId}
    union all
    select credit.message_id from dispatch.message_credit credit
    where credit.organisation_id = ${ids} and ${dispatchId} = (
      select shared.dispatch_id from dispatch.message shared
      where shared.id = credit.message_id)))`;
}

type Answered = { dispatchId: string; organisationIds: readonly string[] };

/**
 * Locks the messages that standing down may call off, in a fixed order: two organisations that
 * share a number and answer in the same moment would else each see the other one still waiting.
 */
export async function lockLaterRounds(tx: Tx, settled: Answered): Promise<void> {
  await tx.run(sql`
    select from dispatch.message message
    where ${countsFor(settled)} and message.round > 1 and message.state in ('held', 'ready')
    order by message.id for update of message`);
}

/** These organisations need nothing more from this dispatch. */
export async function markSettled(tx: Tx, settled: Answered): Promise<void> {
  await tx.run(sql`
    insert into dispatch.settled (dispatch_id, organisation_id)
    select ${settled.dispatchId}, id from unnest(${[...settled.organisationIds]}::uuid[]) id
    on conflict do nothing`);
}

/**
 * Calls off later rounds of messages whose credited organisations are all settled (P1, P7): round
 * 1 goes out whatever happens.
 */
export async function cancelSettled(tx: Tx, settled: Answered): Promise<number> {
  return await tx.run(sql`
    with moved as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where ${countsFor(settled)} and message.round > 1 and message.state in ('held', 'ready')
        and ${isSettled} and ${historyIsWhole}
      returning ${asMoved}
    ), ${told}
    select from moved cross join ${readTold}`);
}

/**
 * The same in all that is not over: whoever answered while our history was not whole called nothing
 * off. Also where the record of the release is lost.
 */
export async function cancelAllSettled(tx: Tx): Promise<number> {
  return await tx.run(sql`
    with moved as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where id in (select message.id from dispatch.message message
        join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
        where dispatch.state in ('held', 'sending', 'paused') and message.round > 1
          and message.state in ('held', 'ready') and ${isSettled} and ${historyIsWhole}
        order by message.id for update of message)
      returning ${asMoved}
    ), ${told}
    select from moved cross join ${readTold}`);
}
