/**
 * Statements of the auditor, written against the tables alone: nothing here is shared with the
 * engine, not a constant and not a fragment, so that no mistake of the engine can hide in them.
 * Each counts what breaks one invariant and names one of it.
 */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Breaches = { readonly breaches: number; readonly sample: string | null };

const ask = async (tx: Tx, query: Sql): Promise<Breaches> => await tx.one<Breaches>(query);

/** Dispatches, out or over for less than an hour, that have not the messages that were approved. */
export async function countMiscounted(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(dispatch.id::text) as sample
    from dispatch.dispatch dispatch
    where dispatch.lane > 0 and dispatch.released_at is not null
      and (dispatch.ended_at is null or dispatch.ended_at > now() - interval '1 hour')
      and dispatch.planned_messages is distinct from (
        select count(*) from dispatch.message message where message.dispatch_id = dispatch.id)`,
  );
}

/** Claimed messages whose lease ended more than five seconds ago. */
export async function countOverheld(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(id::text) as sample from dispatch.message
    where state = 'claimed' and lease_until < now() - interval '5 seconds'`,
  );
}

/**
 * Unknown messages past their use, or that nobody looked up though they could be asked for. Past
 * the deadline of their severity they stand before the officer already.
 */
export async function countUnresolved(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(message.id::text) as sample from dispatch.message message
    left join dispatch.gateway gateway on gateway.id = message.gateway_id
    where message.state = 'unknown' and (message.expires_at < now() - interval '5 seconds'
      or (gateway.can_be_asked and message.check_at < now() - interval '2 minutes'))`,
  );
}

/**
 * Rounds, and with them escalations, that should have opened more than five seconds ago, or of
 * which no further part became ready for a minute.
 */
export async function countUnopened(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(round.dispatch_id::text) as sample
    from dispatch.round round join dispatch.dispatch dispatch on dispatch.id = round.dispatch_id
    where dispatch.state = 'sending' and (round.part_at < now() - interval '1 minute'
      or (round.opened_at is null
        and (round.opens_at is null or round.opens_at < now() - interval '5 seconds')))`,
  );
}

/**
 * Messages that a provider accepted more than once: by the ends of the attempts of the last hour,
 * by what look-ups found, by receipts for another attempt than the one that counts or, as after a
 * restore, for another text of the same one, and by the alarms of the last day.
 */
export async function countAcceptedTwice(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    with again as (
      select distinct message_id from dispatch.attempt
      where number > 1 and claimed_at > now() - interval '1 hour'
    ), accepted as (
      select ended.message_id, ended.epoch || '-' || ended.number as attempt
      from again join dispatch.attempt_end ended on ended.message_id = again.message_id
      where ended.class = 'accepted'
      union
      select found.message_id, split_part(found.reference, '-', -2) || '-'
        || split_part(found.reference, '-', -1)
      from again join dispatch.lookup found on found.message_id = again.message_id
      where found.answer = 'found' and found.status <> 'created'
    ), receipt as (
      select gateway_id, provider_id,
        case when reference ~ '^tocsin-[0-9a-f]{8}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-'
          then substring(reference from 17 for 36)::uuid end as message_id,
        split_part(reference, '-', -2) as epoch, split_part(reference, '-', -1) as number
      from dispatch.receipt_inbox where received_at > now() - interval '90 seconds'
      order by received_at desc limit 50000
    ), twice as (
      select message_id from accepted group by message_id having count(*) > 1
      union
      select message.id from receipt
      join dispatch.message message on message.id = receipt.message_id
      where message.attempt::text <> receipt.number
        and message.state in ('accepted', 'delivered', 'undelivered')
      union
      select message.id from receipt
      join dispatch.message message on message.id = receipt.message_id
      left join dispatch.attempt_end ended on ended.message_id = message.id
        and ended.epoch::text = receipt.epoch and ended.number::text = receipt.number
      where message.gateway_id = receipt.gateway_id and message.attempt::text = receipt.number
        and (message.provider_id <> receipt.provider_id or ended.provider_id <> receipt.provider_id)
      union
      select message_id from receipt where message_id is not null
      group by message_id, epoch, number, gateway_id having min(provider_id) <> max(provider_id)
      union
      select message_id from dispatch.alarm
      where kind = 'accepted_twice' and raised_at > now() - interval '1 day'
    )
    select count(*) as breaches, min(message_id::text) as sample from twice
    -- A recorded decision to risk a copy allows one (P2).
    where not exists (select from dispatch.risk_taken risk
      where risk.message_id = twice.message_id)`,
  );
}

/** Accepted messages of the last week that nobody will ask for any more. */
export async function countUntimed(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(id::text) as sample from dispatch.message
    where state = 'accepted' and check_at is null and accepted_at > now() - interval '7 days'`,
  );
}

/** Messages of dispatches that are done and yet not finished. */
export async function countUnfinished(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    with open as (
      -- Each by its own small index; only what has just ended is read whole.
      select id, dispatch_id from dispatch.message where state = 'claimed'
      union all
      select id, dispatch_id from dispatch.message where state = 'unknown'
      union all
      select message.id, message.dispatch_id from dispatch.dispatch dispatch
      join dispatch.message message on message.dispatch_id = dispatch.id
      where dispatch.state = 'done' and message.state = 'ready'
      union all
      select message.id, message.dispatch_id from dispatch.dispatch dispatch
      join dispatch.message message on message.dispatch_id = dispatch.id
      where dispatch.state = 'done' and dispatch.ended_at > now() - interval '2 minutes'
        and message.state = 'held'
    )
    select count(*) as breaches, min(open.id::text) as sample
    from open join dispatch.dispatch dispatch on dispatch.id = open.dispatch_id
    where dispatch.state = 'done'`,
  );
}

/** Messages that a receipt moved to "delivered" and that are not there any more. */
export async function countMovedBack(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    with receipt as (
      select case when reference ~ '^tocsin-[0-9a-f]{8}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-'
          then substring(reference from 17 for 36)::uuid end as message_id
      from dispatch.receipt_inbox
      where received_at > now() - interval '90 seconds'
        -- The words of Notify and of SMPP.
        and status in ('delivered', 'DELIVRD')
        and outcome = 'applied'
      order by received_at desc limit 50000
    )
    select count(*) as breaches, min(message.id::text) as sample
    from receipt join dispatch.message message on message.id = receipt.message_id
    where message.state <> 'delivered'`,
  );
}

/** Exercises outside of their lane, and what is in that lane without being one (P11). */
export async function countMislaned(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(id::text) as sample from dispatch.dispatch
    where exercise <> (lane = 4)`,
  );
}

/** Buckets that granted more than they had. */
export async function countOverspent(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(id) as sample from dispatch.bucket where tokens < -0.001`,
  );
}

/** Receipts and replies that waited for more than a minute. */
export async function countUnheard(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(gateway_id) as sample from (
      select gateway_id from dispatch.receipt_inbox
      where handled_at is null and received_at < now() - interval '1 minute'
      union all
      select gateway_id from dispatch.reply_inbox
      where handled_at is null and received_at < now() - interval '1 minute'
    ) waiting`,
  );
}

/**
 * Live dispatches (answers, alerts, escalation) of which something has been due for a minute while
 * nothing of its channel leaves: in the last minute no provider took or refused anything. That is
 * no breach where many wait for their turn, where mail waits for texts on one bucket, nor where a
 * provider asked us to wait for longer than a minute.
 */
export async function countStranded(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    with gone as (
      select distinct gateway.channel, gateway.bucket_id
      from dispatch.gateway gateway join dispatch.bucket bucket on bucket.id = gateway.bucket_id
      join dispatch.tally tally on tally.gateway_id = gateway.id
      where tally.dispatch_id is not null and tally.accepted + tally.rejected > 0
        -- A slow pace leaves long gaps.
        and tally.at > now() - greatest(60, 2 / bucket.rate_per_second) * interval '1 second'
    ), moving as (
      select channel from gone
      union
      select gateway.channel
      from dispatch.gateway gateway join dispatch.bucket bucket on bucket.id = gateway.bucket_id
      join dispatch.breaker breaker on breaker.gateway_id = gateway.id
      where gateway.enabled and breaker.state <> 'open'
        and (gateway.bucket_id in (select bucket_id from gone)
          or (bucket.paused_until > now() - interval '1 minute'
            and bucket.paused_until - bucket.paused_at > interval '2 minutes'))
    )
    select count(*) as breaches, min(dispatch.id::text) as sample
    from dispatch.dispatch dispatch cross join (values ('text'), ('mail')) as way (channel)
    where dispatch.state = 'sending' and dispatch.lane <= 2
      -- Let go a moment ago, by a person who had stopped it.
      and dispatch.refusals_from < now() - interval '1 minute'
      and way.channel not in (select channel from moving)
      and exists (select from dispatch.message message
        where message.dispatch_id = dispatch.id and message.channel = way.channel
          and message.state = 'ready' and message.due_at < now() - interval '1 minute')`,
  );
}

/** Whether sending is held because history was lost. */
export async function countHeld(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(held_reason) as sample from dispatch.continuity
    where held_since is not null`,
  );
}

/** Whether synchronous replicas that the server asks for are away. */
export async function countAway(tx: Tx): Promise<Breaches> {
  return await ask(
    tx,
    sql`
    select count(*) as breaches, min(replica_away_since::text) as sample
    from dispatch.continuity where replica_away_since is not null`,
  );
}
