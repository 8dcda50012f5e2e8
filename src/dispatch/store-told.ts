/**
 * What boards are told when messages move: which dispatch, by which transaction, and how many of
 * which organisations went from which state to which. Whoever has counted all messages once can go
 * on from there without counting them again (`console/notice.ts` reads it).
 *
 * A notice is `<dispatch>`, where all has to be read anew, or `<dispatch> <transaction> <moves>`:
 * a transaction that a snapshot shows as committed was counted by it. `moves` is JSON, each
 * `[channel, home, gateway before, gateway now, of round 1, a reminder, state before, state now,
 * messages, organisations]`; the organisations are 24 characters each, base64 of their ids, one for
 * each message that counts for them.
 */
import { sql } from '#db/sql.ts';
import type { MessageState } from './model.ts';

/** A message that moved, and what it is now. */
export type Moved = { id: string; state: MessageState };

/** What `told` needs of each row of `moved`: an update of `dispatch.message message` returns it. */
export const asMoved = sql`message.id, message.dispatch_id, message.organisation_id,
  message.channel, message.round, old.state as was, new.state as became,
  case when old.state in ('held', 'ready', 'claimed') then old.home_gateway_id
    else new.home_gateway_id end as home,
  coalesce(old.gateway_id, old.home_gateway_id) as gateway_before,
  coalesce(new.gateway_id, new.home_gateway_id) as gateway_now`;

/** Messages in one notice: with their organisations they fill half of what one may hold. */
const AT_ONCE = 150;
/** PostgreSQL refuses longer ones. Numbers that many organisations share make them so. */
const BYTES_MOST = 7_900;

/**
 * Tells who looks at the dispatches of the rows in `moved`. It has to be read: what no one reads of
 * it is not done (`readTold`).
 */
export const told = sql`told as (
    select pg_notify('tocsin_dispatch',
      case when octet_length(notice) <= ${BYTES_MOST} then notice else dispatch_id::text end)
    from (
      select dispatch_id, dispatch_id || ' ' || pg_current_xact_id() || ' ' || json_agg(
        json_build_array(channel, home, gateway_before, gateway_now, round = 1,
          coalesce((select asked.reminds from dispatch.round asked
            where asked.dispatch_id = alike.dispatch_id and asked.round = alike.round), false),
          was, became,
          messages, organisations)) as notice
      from (
        select dispatch_id, part, channel, home, gateway_before, gateway_now, round, was,
          became, count(*) as messages, coalesce(string_agg(credited, ''), '') as organisations
        from (
          select moved.id, moved.dispatch_id, moved.channel, moved.home, moved.gateway_before,
            moved.gateway_now, moved.round, moved.was, moved.became,
            row_number() over () / ${AT_ONCE}::int as part,
            encode(uuid_send(moved.organisation_id), 'base64') || coalesce((
              select string_agg(encode(uuid_send(credit.organisation_id), 'base64'), '')
              from dispatch.message_credit credit where credit.message_id = moved.id), '')
              as credited
          from moved
        ) one group by 1, 2, 3, 4, 5, 6, 7, 8, 9
      ) alike group by dispatch_id, part
    ) notices)`;

/** One row, beside those of `moved`. */
export const readTold = sql`(select count(*) from told) as those_told`;
