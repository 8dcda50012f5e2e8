/** Statements about messages of which nobody can say in time whether they left. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isOfNewestEpoch } from './store-check.ts';
import { historyIsWhole } from './store-plan.ts';
import { isStill, isUnneeded } from './store-send.ts';

export type UncertainRow = {
  channel: 'text' | 'mail';
  gatewayId: string;
  messages: number;
  /** Since when the first of them is unknown: when it was requested. */
  requestedAt: Date;
  /** Another gateway that is on, by which they could go again. */
  otherGatewayId: string | null;
};

/** The gateway by which a message goes again whose fate at its own is not known. */
const otherGateway = sql`(select gateway.id from dispatch.gateway gateway
    where gateway.channel = uncertain.channel and gateway.id <> uncertain.gateway_id
      and gateway.enabled and gateway.removed_at is null
    order by gateway.weight desc, gateway.id limit 1)`;

/** What is uncertain past its deadline, by gateway. */
export async function listUncertain(tx: Tx, dispatchId: string): Promise<UncertainRow[]> {
  return await tx.rows<UncertainRow>(sql`
    select channel, gateway_id, count(*) as messages, min(requested_at) as requested_at,
      ${otherGateway} as other_gateway_id
    from dispatch.v_uncertain uncertain where dispatch_id = ${dispatchId}
    group by channel, gateway_id order by channel desc, gateway_id`);
}

export async function insertRiskDecision(
  tx: Tx,
  decision: { dispatchId: string; decidedBy: string; reason: string },
): Promise<void> {
  await tx.run(sql`
    insert into dispatch.risk_decision (dispatch_id, decided_by, reason)
    values (${decision.dispatchId}, ${decision.decidedBy}, ${decision.reason})`);
}

/**
 * Carries out what was decided: every unknown that was past its deadline then, and still is
 * unknown, goes back in line, by another gateway where there is one; except where nobody needs it
 * any more. Says how many messages of which dispatch go again. A decision waits while our history
 * is not whole: what it was about may be known by then.
 */
export async function applyRiskDecisions(
  tx: Tx,
): Promise<{ dispatchId: string; messages: number }[]> {
  return await tx.rows(sql`
    with decided as (
      select id, dispatch_id, decided_at from dispatch.risk_decision
      where applied_at is null and ${historyIsWhole}
      order by decided_at limit 100 for update skip locked
    ), uncertain as (
      select message.id, message.attempt, message.channel, message.gateway_id, decided.id as by_id
      from decided
      join dispatch.message message on message.dispatch_id = decided.dispatch_id
        and message.state = 'unknown'
      join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
      join dispatch.attempt attempt on attempt.message_id = message.id
        and attempt.number = message.attempt and attempt.gateway_id = message.gateway_id
        and ${isOfNewestEpoch}
      where attempt.claimed_at + dispatch.uncertain_after <= decided.decided_at
        and not ${isUnneeded}
      for update of message skip locked
    ), risked as (
      update dispatch.message message set state = 'ready', due_at = now(), check_at = null,
        absences = 0, failure_code = 'risk_taken', absent_gateway_id = null,
        home_gateway_id = coalesce(${otherGateway}, message.home_gateway_id)
      from uncertain where message.id = uncertain.id and ${isStill.unknown}
      returning message.id, message.dispatch_id, message.attempt, uncertain.by_id
    ), taken as (
      insert into dispatch.risk_taken (message_id, attempt, decision_id)
      select id, attempt, by_id from risked
    ), applied as (
      update dispatch.risk_decision decision set applied_at = now()
      from decided where decision.id = decided.id
    )
    select decided.dispatch_id, count(risked.id) as messages
    from decided left join risked on risked.by_id = decided.id
    group by decided.dispatch_id`);
}

export type WaitingDeputies = {
  dispatchId: string;
  releasedAt: Date;
  now: Date;
  /** Of its quiet hours; null where it has none. */
  fromMinute: number | null;
  untilMinute: number | null;
};

/** Dispatches with something uncertain and with somebody next in line who was not told yet. */
export async function listWaitingDeputies(tx: Tx): Promise<WaitingDeputies[]> {
  return await tx.rows<WaitingDeputies>(sql`
    select dispatch.id as dispatch_id, dispatch.released_at, now() as now,
      dispatch.quiet_from_minute as from_minute, dispatch.quiet_until_minute as until_minute
    from (select distinct dispatch_id from dispatch.v_uncertain) uncertain
    join dispatch.dispatch dispatch on dispatch.id = uncertain.dispatch_id
      and dispatch.state = 'sending' and dispatch.lane > 0
    where exists (select from dispatch.round round
      where round.dispatch_id = dispatch.id and round.opened_at is null)`);
}

/**
 * The next in line is told before their round opens where all that an organisation was sent is
 * uncertain or failed (P7): nobody there is known to have anything. A deputy, or another channel,
 * is never a second text to the same person, and neither is a reminder.
 */
export async function readyDeputies(tx: Tx, dispatchId: string): Promise<number> {
  return await tx.run(sql`
    with doubtful as (
      select distinct uncertain.organisation_id as id from dispatch.v_uncertain uncertain
      where uncertain.dispatch_id = ${dispatchId}
        and not exists (select from dispatch.message other
          where other.dispatch_id = ${dispatchId}
            and other.organisation_id = uncertain.organisation_id
            and other.state in ('ready', 'claimed', 'accepted', 'delivered'))
        and not exists (select from dispatch.settled settled
          where settled.dispatch_id = ${dispatchId}
            and settled.organisation_id = uncertain.organisation_id)
    ), next as (
      select message.id from dispatch.message message
      join doubtful on doubtful.id = message.organisation_id
      where message.dispatch_id = ${dispatchId} and message.state = 'held'
        and not exists (select from dispatch.round round
          where round.dispatch_id = message.dispatch_id and round.round = message.round
            and round.reminds)
        and message.round = (select min(held.round) from dispatch.message held
          where held.dispatch_id = ${dispatchId} and held.state = 'held'
            and held.organisation_id = message.organisation_id)
      order by message.id for update of message skip locked
    )
    update dispatch.message message set state = 'ready', due_at = now(),
      expires_at = dispatch.released_at + round.put_off + dispatch.expires_after
    from dispatch.dispatch dispatch join dispatch.round round on round.dispatch_id = dispatch.id,
      next
    where dispatch.id = message.dispatch_id and round.round = message.round
      and message.id = next.id`);
}
