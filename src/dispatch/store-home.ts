/** Statements that say by which gateway a message is to leave: its home. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/**
 * The gateways that are on, each with its stretch of the line from 0 to the sum of the weights of
 * its channel. Where all of them are reserves (weight 0) they share alike.
 */
export const ways = sql`way as materialized (
    select placed.id, channel, total, high - weight as low, high, breaker.shift
    from (
      select id, channel, weight, sum(weight) over (partition by channel) as total,
        sum(weight) over (partition by channel order by id) as high
      from (
        select id, channel,
          case when max(weight) over (partition by channel) = 0 then 1 else weight end as weight
        from dispatch.gateway where enabled
      ) counted
    ) placed join dispatch.breaker breaker on breaker.gateway_id = placed.id)`;

/**
 * The weighted choice for a contact point, always the same while gateways and weights are: its id,
 * hashed, is a point on the line of `ways`. Needs `ways` and a row called `message`.
 */
const chosenWay = sql`(select way.id from way where way.channel = message.channel
    and (uuid_hash_extended(message.contact_point_id, 0) & 9223372036854775807) % way.total
      between way.low and way.high - 1)`;

/** The sender that somebody knows, where that gateway is on; else the weighted choice. */
const knownWay = sql`coalesce(
    (select way.id from dispatch.sender sender join way on way.id = sender.gateway_id
      where sender.contact_point_id = message.contact_point_id
        and sender.channel = message.channel),
    ${chosenWay})`;

/**
 * The home of a message: its reader's way, or for now another one where that is slow and the reader
 * among those shifted away, always the same readers first.
 */
export const homeOf = sql`(select coalesce(
      (select other.id from way other
        where own.shift > 0 and other.channel = own.channel and other.id <> own.id
          and other.shift < own.shift
          and (uuid_hash_extended(message.contact_point_id, 1) & 9223372036854775807) % 100
            < own.shift
        order by uuid_hash_extended(message.contact_point_id, hashtext(other.id)) limit 1),
      own.id)
    from way own where own.id = ${knownWay})`;

/** The channels where there is a choice of gateways, so that it must be remembered. */
export async function listSharedChannels(tx: Tx): Promise<('text' | 'mail')[]> {
  const rows = await tx.rows<{ channel: 'text' | 'mail' }>(sql`
    select channel from dispatch.gateway group by channel having count(*) > 1 order by channel`);
  return rows.map(({ channel }) => channel);
}

/** Whoever is to get one of these messages and knows no sender yet gets one, for good. */
export async function rememberSenders(
  tx: Tx,
  of: { ids: readonly string[]; channels: readonly string[] },
): Promise<void> {
  await tx.run(sql`
    with ${ways}
    insert into dispatch.sender (contact_point_id, channel, gateway_id)
    select contact_point_id, channel, home from (
      select message.contact_point_id, message.channel, ${chosenWay} as home
      from dispatch.message message
      where message.id = any(${[...of.ids]}::uuid[])
        and message.channel = any(${[...of.channels]})
    ) chosen where home is not null
    on conflict do nothing`);
}

/**
 * Messages that became ready while their channel had no gateway get a home now; says how many.
 * Passes over what is locked, like all of the beat.
 */
export async function findHomes(tx: Tx, most: number): Promise<number> {
  return await tx.run(sql`
    with ${ways}, homeless as (
      select message.id from dispatch.dispatch dispatch
      join (values ('text'), ('mail')) as channel (name) on exists (
        select from way where way.channel = channel.name)
      join dispatch.message message on message.dispatch_id = dispatch.id
        and message.channel = channel.name and message.home_gateway_id is null
        and message.state = 'ready'
      where dispatch.state = 'sending'
      limit ${most} for update of message skip locked
    )
    update dispatch.message message set home_gateway_id = ${homeOf}
    from homeless where message.id = homeless.id`);
}

/** A bucket paused for longer lets others take what waits for it, such as a day's limit. */
const LONG_PAUSE_MS = 10_000;

/**
 * Not what was looked up and believed absent: that proof holds at the gateway that was asked, and
 * if it is wrong only that one's receipt would stop a second text. Not told by `failure_code`, as
 * the next attempt overwrites it: one that was given back untried set the message free.
 */
export const hasSurelyNotLeft = sql`message.absent_gateway_id is null`;

/** A message that is ready, due and not too old. */
export const mayBeClaimed = sql`message.state = 'ready' and message.due_at <= now()
  and message.expires_at > now()`;

/**
 * The gateways whose messages this one may claim, as `home`: its own, and what waits for one that
 * cannot take it. Which one of the others takes it is decided at the claim, never for a message of
 * which we do not know whether it left. Needs `allowance`.
 */
export function homesFor(request: { gatewayId: string; channel: 'text' | 'mail' }): Sql {
  return sql`home as (
      select ${request.gatewayId}::text as id, true as gives_all
      union all
      select gateway.id, not gateway.enabled
      from dispatch.gateway gateway
      join dispatch.breaker breaker on breaker.gateway_id = gateway.id
      join dispatch.bucket bucket on bucket.id = gateway.bucket_id
      where gateway.channel = ${request.channel} and gateway.id <> ${request.gatewayId}
        and (select state from allowance) = 'closed'
        and (not gateway.enabled or breaker.state <> 'closed'
          or dispatch.paused_until(bucket, now()) > now() + ${LONG_PAUSE_MS} * interval '1 ms')
    )`;
}
