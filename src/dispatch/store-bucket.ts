/** Statements about buckets: what may leave, and when. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { mayBeClaimed } from './store-home.ts';

type Drawing = { readonly gatewayId: string; readonly channel: 'text' | 'mail' };

/**
 * The beginning of a claim: `allowance`, what the bucket of the gateway would grant now, its bucket
 * and its breaker locked (no row where it may take nothing), and `text_waits`.
 */
export function grantFor({ gatewayId, channel }: Drawing): Sql {
  return sql`locked as (
      -- The time is read under the lock: with that of the transaction's start, a claim that waited
      -- would turn refilled_at back, and the same seconds would be granted twice.
      select bucket, clock_timestamp() as at, breaker.state, breaker.turn, breaker.rows_left
      from dispatch.gateway gateway join dispatch.bucket bucket on bucket.id = gateway.bucket_id
      join dispatch.breaker breaker on breaker.gateway_id = gateway.id
      where gateway.id = ${gatewayId} and gateway.enabled
        and breaker.state <> 'open' and breaker.rows_left is distinct from 0
        and dispatch.paused_until(bucket, clock_timestamp()) is null
        and (select dispatch.may_claim())
      for update of bucket, breaker
    ), allowance as (
      select (bucket).id, at, state, turn, rows_left, dispatch.tokens_at(bucket, at) as tokens,
        dispatch.reserve_of(bucket) as reserve
      from locked
    ), text_waits as (
      -- Where texts and mail draw on one bucket, mail waits for the texts of its lane.
      select min(dispatch.lane) as lane
      from dispatch.gateway gateway
      join dispatch.breaker breaker on breaker.gateway_id = gateway.id
        and breaker.state in ('closed', 'ramping')
      cross join dispatch.dispatch dispatch
      cross join lateral (
        select from dispatch.message message
        where message.dispatch_id = dispatch.id and message.channel = 'text'
          and message.home_gateway_id = gateway.id
          and ${mayBeClaimed}
        limit 1
      ) waiting
      where ${channel} = 'mail' and gateway.channel = 'text' and gateway.enabled
        and gateway.bucket_id = (select id from allowance) and dispatch.state = 'sending'
    )`;
}

/** The end of a claim: what was `claimed` is paid for, and counted where the gateway is on trial. */
export function spendFor(gatewayId: string): Sql {
  return sql`spent as (
      update dispatch.bucket bucket
      set refilled_at = allowance.at, paused_at = null, paused_until = null, pause_reason = null,
        tokens = allowance.tokens - (select count(*) from claimed)
      from allowance where bucket.id = allowance.id
    ), tried as (
      update dispatch.breaker breaker
      set rows_left = breaker.rows_left - done.count, tries = breaker.tries + done.count,
        tried_at = allowance.at
      from allowance, (select count(*) from claimed) done
      where breaker.gateway_id = ${gatewayId} and allowance.state = 'half_open'
        and done.count > 0
    )`;
}

/**
 * When the gateway may next send at least one message, in ms from now; 0 means at once. Where it
 * may send one of an alert, that is when it may send one of routine too: it trickles in, and asking
 * once a second a small bucket would overflow meanwhile.
 */
export async function waitForTokenMs(tx: Tx, gatewayId: string): Promise<number> {
  const { waitMs } = await tx.one<{ waitMs: number }>(sql`
    select ceil(1000 * greatest(0,
      extract(epoch from dispatch.paused_until(bucket, now()) - now()),
      (case when held.tokens < 1 then 1 else 1 + dispatch.reserve_of(bucket) end - held.tokens)
        / bucket.rate_per_second))::int as wait_ms
    from dispatch.bucket bucket join dispatch.gateway gateway on gateway.bucket_id = bucket.id
    cross join lateral (select dispatch.tokens_at(bucket, now()) as tokens) held
    where gateway.id = ${gatewayId}`);
  return waitMs;
}

/**
 * Everybody who draws on this gateway's bucket stops for a while and starts empty. Where the
 * provider found us too fast the next minute is slower too: a limiter that charges for refusals
 * would else refuse for ever once we are a little above its pace (Notify: 51/s, none accepted).
 */
export async function pauseBucket(
  tx: Tx,
  pause: { gatewayId: string; forMs: number; reason: string; tooFast: boolean },
): Promise<void> {
  // A short pause must not end a longer one that somebody else was asked for.
  const end = sql`greatest(dispatch.paused_until(bucket, clock_timestamp()),
    clock_timestamp() + ${pause.forMs} * interval '1 ms')`;
  await tx.run(sql`
    update dispatch.bucket bucket set tokens = 0, pause_reason = ${pause.reason},
      paused_at = clock_timestamp(), paused_until = ${end}, refilled_at = ${end},
      slow_from = case when ${pause.tooFast} then ${end} else bucket.slow_from end,
      slow_until = case when ${pause.tooFast} then ${end} + ${SLOW_MS} * interval '1 ms'
        else bucket.slow_until end
    from dispatch.gateway gateway
    where gateway.bucket_id = bucket.id and gateway.id = ${pause.gatewayId}`);
}

/** How long we keep below the pace after we were found too fast. */
const SLOW_MS = 60_000;

/** Sets which share of each bucket is kept for answers, live alerts and escalation. */
export async function reserveTokens(tx: Tx, share: number): Promise<void> {
  await tx.run(sql`update dispatch.bucket set reserve_share = ${share}`);
}
