/** Statements of the worker: claim, settle, and what follows when nothing can be settled. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AttemptClass } from './model.ts';
import { grantFor, spendFor } from './store-bucket.ts';
import { hasSurelyNotLeft, homesFor, mayBeClaimed } from './store-home.ts';
import { historyIsWhole } from './store-plan.ts';
import { isSettled } from './store-settled.ts';
import { isStopped } from './store-stopped.ts';
import { asMoved, readTold, told, type Moved } from './store-told.ts';

export type Claimed = {
  id: string;
  dispatchId: string;
  contactPointId: string;
  epoch: number;
  attempt: number;
  subject: string | null;
  body: string;
  addressSealed: Buffer;
  /** From the claim on; then it is too old to be sent. */
  goodForMs: number;
  /** The turn of the gateway's breaker that let it through (breaker.ts). */
  turn: number;
  /** From its acceptance to the first question for its receipt. */
  receiptAskMs: number;
  /** Of its dispatch: 0 answers, 1 live alerts, 2 escalation, 3 routine, 4 exercise. */
  lane: number;
  /** When its dispatch was released: what `{since}` in its body is to say. */
  releasedAt: Date;
};

export type ClaimRequest = {
  readonly gatewayId: string;
  readonly channel: 'text' | 'mail';
  readonly owner: string;
  readonly leaseMs: number;
  /** At most so many messages; the bucket may grant fewer. */
  readonly most: number;
  /** Nothing of these dispatches. */
  readonly notOf?: readonly string[];
};

/**
 * Takes messages for one gateway: tokens, lease, attempt and its reference in one statement, which
 * is durable before any request is made. Its own, and those of a gateway that cannot take them:
 * what is ready surely has not left, so another one may. One dispatch at a time: the lowest lane
 * first, within a lane the one served longest ago, so that two dispatches share fairly and routine
 * traffic cannot delay an alert. Inside it rank 1 of every organisation comes before rank 2 of any.
 *
 * Choosing the dispatch first keeps the scan short: one index on (lane, rank) over all messages had
 * to step over every ready message of a paused dispatch.
 *
 * Planned each time (2 ms): a prepared statement is planned for good at its sixth run, and one of
 * a table with a single message then read all of it for each it took: 250 ms a claim at 20,000.
 */
export async function claimMessages(tx: Tx, request: ClaimRequest): Promise<Claimed[]> {
  return await tx.rows<Claimed>(sql`
    with ${grantFor(request)}, ${homesFor(request)}, chosen as (
      -- One dispatch and one home: of several homes the one whose next message is the earliest, so
      -- that they take turns like one line.
      select dispatch.id, dispatch.epoch, dispatch.lane, home.id as home_gateway_id, home.gives_all,
        dispatch.receipt_asks_ms[1] as receipt_ask_ms, dispatch.released_at,
        next.rank, next.due_at, next.id as next_id
      from dispatch.dispatch dispatch cross join home
      -- A row with a limit, not "exists", which the planner turns into a join that reads every
      -- ready message (behind row-level security it expects one): 12 ms a claim at 13,000.
      cross join lateral (
        select message.rank, message.due_at, message.id from dispatch.message message
        where message.dispatch_id = dispatch.id and message.channel = ${request.channel}
          and message.home_gateway_id = home.id and (home.gives_all or ${hasSurelyNotLeft})
          and ${mayBeClaimed}
        order by message.rank, message.due_at, message.id limit 1
      ) next
      where dispatch.state = 'sending'
        and dispatch.id <> all(${[...(request.notOf ?? [])]}::uuid[])
        and dispatch.lane < coalesce((select text_waits.lane from text_waits), 5)
      order by dispatch.lane, dispatch.last_claimed_at nulls first, next.rank, next.due_at, next.id
      limit 1
    ), picked as (
      -- Compared with one value, not joined: so the index gives the order and the limit ends the
      -- scan; joined, every ready message was read and sorted (10 ms a claim at 13,000).
      select message.id from dispatch.message message
      where message.dispatch_id = (select chosen.id from chosen)
        and message.channel = ${request.channel}
        and message.home_gateway_id = (select chosen.home_gateway_id from chosen)
        and ((select chosen.gives_all from chosen) or ${hasSurelyNotLeft})
        and ${mayBeClaimed}
        -- Not from the head of the index once more: what left lies there dead until it is vacuumed.
        and (message.rank, message.due_at, message.id) >= (
          (select chosen.rank from chosen), (select chosen.due_at from chosen),
          (select chosen.next_id from chosen))
      order by message.rank, message.due_at, message.id
      -- A paused bucket allows nothing; without coalesce it would be LIMIT NULL, which is no limit.
      limit coalesce((select greatest(0, least(${request.most}::int, allowance.rows_left,
          floor(tokens - case when chosen.lane >= 3 then reserve else 0 end)::int))
        from allowance, chosen), 0)
      for update of message skip locked
    ), claimed as (
      update dispatch.message message
      set state = 'claimed', attempt = message.attempt + 1, gateway_id = ${request.gatewayId},
        lease_owner = ${request.owner}, lease_until = now() + ${request.leaseMs} * interval '1 ms'
      from picked where message.id = picked.id
      returning message.id, message.dispatch_id, message.contact_point_id, message.attempt,
        message.rank, message.subject, message.body, message.address_sealed,
        (extract(epoch from message.expires_at - now()) * 1000)::float8 as good_for_ms
    ), attempted as (
      insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
      select claimed.id, chosen.epoch, claimed.attempt, ${request.gatewayId}, ${request.owner}
      from claimed, chosen
    ), ${spendFor(request.gatewayId)}, served as (
      update dispatch.dispatch dispatch set last_claimed_at = now()
      from chosen where dispatch.id = chosen.id and exists (select from claimed)
    )
    select claimed.id, claimed.dispatch_id, claimed.contact_point_id, chosen.epoch,
      claimed.attempt, claimed.subject, claimed.body, claimed.address_sealed,
      claimed.good_for_ms, allowance.turn, chosen.receipt_ask_ms, chosen.lane,
      chosen.released_at
    from claimed, chosen, allowance order by claimed.rank, claimed.id`);
}

export type Settlement = {
  readonly id: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly class: AttemptClass;
  readonly code: string | null;
  readonly providerId: string | null;
  /** For `not_sent`: when it may be tried again; for `unknown` and `accepted`: when to ask. */
  readonly againInMs: number;
};

/**
 * True where a message that surely was not sent is not to go back in line: its dispatch is called
 * off, every organisation of a later round has answered meanwhile, or nothing goes to its address.
 * While it was claimed or unknown, standing down could not cancel it; so the way back asks again
 * (P2, P7).
 */
export const isUnneeded = sql`(dispatch.state not in ('sending', 'paused')
  or (message.round > 1 and ${isSettled}) or ${isStopped})`;

/**
 * True where a message that is found by its id is in this state yet. Not written as a comparison
 * with a word: that let the planner read all that is in the state by its own index instead, dead
 * entries too, and compare each with each. With 2,500 claimed, a batch of 500 took 410 ms to
 * settle; the next ones had more, and of 100,000 texts 87,000 outlived their leases.
 */
export const isStill = {
  claimed: sql`message.state = (select 'claimed')`,
  unknown: sql`message.state = (select 'unknown')`,
  accepted: sql`message.state = (select 'accepted')`,
};

/**
 * Writes the ends of a batch of requests. Only the owner of a live lease may settle (owner and
 * attempt must match); a receipt that came first keeps its state. Returns the ids that were moved
 * and notifies each dispatch once.
 */
export async function settleMessages(
  tx: Tx,
  owner: string,
  batch: readonly Settlement[],
): Promise<string[]> {
  // Found by key one after the other: locked in the order in which receipts and answers lock them.
  const ends = batch.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const rows = await tx.rows<{ id: string }>(sql`
    with result as (
      select * from unnest(${ends.map((s) => s.id)}::uuid[], ${ends.map((s) => s.epoch)}::int[],
        ${ends.map((s) => s.attempt)}::smallint[], ${ends.map((s) => s.class)}::text[],
        ${ends.map((s) => s.code)}::text[], ${ends.map((s) => s.providerId)}::text[],
        ${ends.map((s) => s.againInMs)}::int[])
        as result (id, epoch, attempt, class, code, provider_id, again_in_ms)
    ), unneeded as (
      select message.id from result join dispatch.message message on message.id = result.id
      join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
      -- Where our history may have holes it goes back in line: an earlier attempt may be lost.
      where result.class = 'not_sent' and ${isUnneeded} and ${historyIsWhole}
    ), moved as (
      update dispatch.message message set
        state = case when result.class <> 'not_sent' then result.class
          -- Asked as a list, which is hashed; a join with it took 0.02 ms a row and row.
          when result.id in (select unneeded.id from unneeded) then 'cancelled' else 'ready' end,
        lease_owner = null, lease_until = null,
        provider_id = coalesce(result.provider_id, message.provider_id),
        failure_code = result.code,
        due_at = case when result.class = 'not_sent'
          then now() + result.again_in_ms * interval '1 ms' else message.due_at end,
        check_at = case when result.class in ('unknown', 'accepted')
          then now() + result.again_in_ms * interval '1 ms' end,
        checks = 0, absences = 0,
        accepted_at = case when result.class = 'accepted' then now() end,
        final_at = case when result.class = 'rejected'
          or result.id in (select unneeded.id from unneeded) then now() end
      from result
      where message.id = result.id and ${isStill.claimed}
        and message.lease_owner = ${owner} and message.attempt = result.attempt
      returning ${asMoved}
    ), ended as (
      insert into dispatch.attempt_end (message_id, epoch, number, class, code, provider_id)
      select result.id, result.epoch, result.attempt, result.class, result.code, result.provider_id
      from result
      -- Also for a fenced worker: what its request came to is evidence, though it moves nothing.
      -- A database that lost its last moments may lack the attempt: it must not stop the batch.
      where exists (select from dispatch.attempt attempt where attempt.message_id = result.id
        and attempt.epoch = result.epoch and attempt.number = result.attempt)
      on conflict do nothing
    ), ${told}
    select moved.id from moved cross join ${readTold}`);
  return rows.map((row) => row.id);
}

/**
 * Leases that ended without a settlement become unknown, to be looked up after the quiet period.
 * Like all of the beat it passes over what somebody else has locked, and takes it a second later:
 * waiting, it could turn somebody's cancellation away as the victim of a deadlock.
 */
export async function expireLeases(tx: Tx, quietMs: number): Promise<Moved[]> {
  return await tx.rows<Moved>(sql`
    with moved as (
      update dispatch.message message
      set state = 'unknown', lease_owner = null, lease_until = null,
        check_at = lease_until + ${quietMs} * interval '1 ms', checks = 0, absences = 0,
        failure_code = 'lease_ended'
      where id in (select id from dispatch.message
        where state = 'claimed' and lease_until < now() for update skip locked)
      returning ${asMoved}
    ), ${told}
    select moved.id, moved.became as state from moved cross join ${readTold}`);
}

/**
 * Ready messages past their use are never sent; unknowns past it are closed as uncertain. None
 * while our history is not whole: a worker that stood still may ask this of a server that was
 * promoted meanwhile.
 */
export async function expireMessages(tx: Tx): Promise<Moved[]> {
  return await tx.rows<Moved>(sql`
    with moved as (
      update dispatch.message message set final_at = now(),
        state = case state when 'ready' then 'expired' else 'uncertain_closed' end
      where id in (select id from dispatch.message
        where state in ('ready', 'unknown') and expires_at <= now() and ${historyIsWhole}
        for update skip locked)
      returning ${asMoved}
    ), ${told}
    select moved.id, moved.became as state from moved cross join ${readTold}`);
}

/**
 * What a cancelled dispatch still holds is called off, at most `most` in one go: the beat has other
 * timers to keep, and a million rows take half a minute.
 */
export async function cancelLeftovers(tx: Tx, most: number): Promise<number> {
  return await tx.run(sql`
    with moved as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where id in (select message.id from dispatch.dispatch dispatch
        join dispatch.message message on message.dispatch_id = dispatch.id
        where dispatch.state = 'cancelled' and not dispatch.cleared
          and message.state in ('held', 'ready') and ${historyIsWhole}
        limit ${most} for update of message skip locked)
      returning ${asMoved}
    ), ${told}
    select from moved cross join ${readTold}`);
}

/**
 * A cancelled dispatch without anything left is not looked through again. Not in its first minute:
 * a round may have opened while it was cancelled, by a statement that began before. What is claimed
 * may come back in line.
 */
export async function markCleared(tx: Tx): Promise<number> {
  return await tx.run(sql`
    update dispatch.dispatch dispatch set cleared = true
    where dispatch.state = 'cancelled' and not dispatch.cleared
      and dispatch.ended_at < now() - interval '1 minute'
      and not exists (select from dispatch.message message
        where message.dispatch_id = dispatch.id
          and message.state in ('held', 'ready', 'claimed'))`);
}

/** A dispatch whose rounds are all open and whose messages all left is done. Says which. */
export async function endDispatches(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    with moved as (
      update dispatch.dispatch dispatch set state = 'done', ended_at = now()
      where dispatch.state = 'sending' and dispatch.lane <> 0
        and not exists (select from dispatch.round round
          where round.dispatch_id = dispatch.id and round.opened_at is null)
        and not exists (select from dispatch.message message
          where message.dispatch_id = dispatch.id
            and message.state in ('held', 'ready', 'claimed', 'unknown'))
      returning dispatch.id
    )
    select moved.id, pg_notify('tocsin_dispatch', moved.id::text) from moved`);
  return rows.map(({ id }) => id);
}
