/** Statements of reconciling: who is to be asked for, and what follows from the answer. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AlarmKind } from './model.ts';
import { historyIsWhole } from './store-plan.ts';
import { isStill, isUnneeded } from './store-send.ts';
import { asMoved, readTold, told } from './store-told.ts';

export type ToCheck = {
  id: string;
  gatewayId: string;
  epoch: number;
  attempt: number;
  state: 'unknown' | 'accepted';
  absences: number;
  claimedAt: Date;
  /** Since the attempt was claimed, by the clock of the database. */
  ageMs: number;
};

export type CheckRequest = {
  /** The gateways this process can ask: it must not take what only another one can. */
  readonly gatewayIds: readonly string[];
  readonly gapMs: number;
  readonly most: number;
};

/**
 * True for the attempt that its message stands at, of those with its number: what was lost and is
 * written down again later may have the same number in an earlier epoch. A value to compare with,
 * not a join, which could read all attempts.
 */
export const isOfNewestEpoch = sql`attempt.epoch = (select max(other.epoch)
    from dispatch.attempt other
    where other.message_id = attempt.message_id and other.number = attempt.number)`;

/** Takes messages whose time to be asked for has come, and sets their next time so that another
 * worker does not ask too. Only gateways that can be asked. */
export async function claimChecks(tx: Tx, request: CheckRequest): Promise<ToCheck[]> {
  return await tx.rows<ToCheck>(sql`
    with due as (
      select message.id from dispatch.message message
      join dispatch.gateway gateway on gateway.id = message.gateway_id and gateway.can_be_asked
      where message.state in ('unknown', 'accepted') and message.check_at <= now()
        and message.gateway_id = any(${[...request.gatewayIds]})
      order by message.check_at limit ${request.most} for update of message skip locked
    )
    update dispatch.message message
    set check_at = now() + ${request.gapMs} * interval '1 ms', checks = checks + 1
    from due, dispatch.attempt attempt
    where message.id = due.id and attempt.message_id = message.id
      and attempt.number = message.attempt and ${isOfNewestEpoch}
    returning message.id, message.gateway_id, attempt.epoch, message.attempt, message.state,
      message.absences, attempt.claimed_at,
      (extract(epoch from now() - attempt.claimed_at) * 1000)::float as age_ms`);
}

export type LookupRow = {
  readonly messageId: string;
  readonly reference: string;
  readonly answer: 'found' | 'absent' | 'cannot_tell';
  readonly status: string | null;
};

export async function recordLookups(tx: Tx, lookups: readonly LookupRow[]): Promise<void> {
  await tx.run(sql`
    insert into dispatch.lookup (message_id, reference, answer, status)
    select message_id, reference, answer, status from unnest(
      ${lookups.map((l) => l.messageId)}::uuid[], ${lookups.map((l) => l.reference)}::text[],
      ${lookups.map((l) => l.answer)}::text[], ${lookups.map((l) => l.status)}::text[])
      as looked (message_id, reference, answer, status)`);
}

export type Adoption = {
  readonly id: string;
  /** The attempt that was asked for. */
  readonly attempt: number;
  /** The attempt that the provider has: nearly always the same, else one believed absent. */
  readonly foundAttempt: number;
  readonly providerId: string;
};

/**
 * Unknowns that the provider has: they count as accepted. Like all that follows a look-up it holds
 * for the attempt that was asked for: while a slow answer was on its way, another worker may have
 * sent the next attempt, and this answer says nothing of that one (P2). Returns those that moved.
 */
export async function adoptMessages(tx: Tx, adoptions: readonly Adoption[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    with moved as (
      update dispatch.message message set state = 'accepted', provider_id = adopted.provider_id,
        attempt = adopted.found_attempt, accepted_at = now(), checks = 0, absences = 0,
        check_at = now() + dispatch.receipt_asks_ms[1] * interval '1 ms'
      from dispatch.dispatch dispatch, unnest(${adoptions.map((a) => a.id)}::uuid[],
          ${adoptions.map((a) => a.attempt)}::smallint[],
          ${adoptions.map((a) => a.foundAttempt)}::smallint[],
          ${adoptions.map((a) => a.providerId)}::text[])
        as adopted (id, attempt, found_attempt, provider_id)
      where message.id = adopted.id and ${isStill.unknown}
        and message.attempt = adopted.attempt and dispatch.id = message.dispatch_id
      returning ${asMoved}
    ), ${told}
    select moved.id from moved cross join ${readTold}`);
  return rows.map(({ id }) => id);
}

export type Asked = { readonly id: string; readonly attempt: number };

/**
 * Unknowns that the provider surely does not have go back, where every check of claiming still
 * passes; else they are cancelled (P2). Whichever gateway was asked is their home from here on,
 * also where it only helped out: no other one may take them. Returns those that were unknown after
 * this attempt. None while our history is not whole: a later attempt may be among what was lost.
 */
export async function requeueMessages(tx: Tx, absent: readonly Asked[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    with moved as (
      update dispatch.message message set
        state = case when ${isUnneeded} then 'cancelled' else 'ready' end,
        final_at = case when ${isUnneeded} then now() end,
        due_at = now(), check_at = null, absences = 0, failure_code = 'absent_at_provider',
        absent_gateway_id = message.gateway_id, home_gateway_id = message.gateway_id
      from dispatch.dispatch dispatch, unnest(${absent.map((a) => a.id)}::uuid[],
        ${absent.map((a) => a.attempt)}::smallint[]) as absent (id, attempt)
      where dispatch.id = message.dispatch_id and message.id = absent.id
        and ${isStill.unknown} and message.attempt = absent.attempt and ${historyIsWhole}
      returning ${asMoved}
    ), ${told}
    select moved.id from moved cross join ${readTold}`);
  return rows.map(({ id }) => id);
}

export type NextCheck = Asked & { readonly inMs: number; readonly absences: number };

/** When unknowns are looked up again. */
export async function setNextChecks(tx: Tx, next: readonly NextCheck[]): Promise<void> {
  await tx.run(sql`
    update dispatch.message message
    set absences = next.absences, check_at = now() + next.in_ms * interval '1 ms'
    from unnest(${next.map((n) => n.id)}::uuid[], ${next.map((n) => n.attempt)}::smallint[],
      ${next.map((n) => n.inMs)}::int[], ${next.map((n) => n.absences)}::smallint[])
      as next (id, attempt, in_ms, absences)
    where message.id = next.id and ${isStill.unknown} and message.attempt = next.attempt`);
}

/**
 * When accepted messages without a receipt are asked for next: at the times of their dispatch since
 * they were accepted, then ever more seldom, for the week in which a provider keeps them (P3).
 */
export async function setNextReceiptAsks(tx: Tx, asked: readonly Asked[]): Promise<void> {
  await tx.run(sql`
    with next as (
      select message.id, message.accepted_at + interval '7 days' as last_at, coalesce(
        (select min(message.accepted_at + ask_ms * interval '1 ms')
          from unnest(dispatch.receipt_asks_ms) ask_ms
          where message.accepted_at + ask_ms * interval '1 ms' > now()),
        now() + least(now() - message.accepted_at, interval '1 day')) as at
      from unnest(${asked.map((a) => a.id)}::uuid[], ${asked.map((a) => a.attempt)}::smallint[])
        as asked (id, attempt)
      join dispatch.message message on message.id = asked.id and message.attempt = asked.attempt
      join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
    )
    update dispatch.message message
    set check_at = case when now() < next.last_at then least(next.at, next.last_at) end
    from next where message.id = next.id and ${isStill.accepted}`);
}

export type NewAlarm = {
  readonly kind: AlarmKind;
  readonly messageId: string;
  readonly gatewayId: string;
  readonly providerId: string;
};

/** Keeps alarms, each once; returns those that are new. */
export async function insertAlarms(tx: Tx, alarms: readonly NewAlarm[]): Promise<NewAlarm[]> {
  return await tx.rows<NewAlarm>(sql`
    insert into dispatch.alarm (kind, message_id, gateway_id, provider_id)
    select kind, message_id, gateway_id, provider_id from unnest(
      ${alarms.map((a) => a.kind)}::text[], ${alarms.map((a) => a.messageId)}::uuid[],
      ${alarms.map((a) => a.gatewayId)}::text[], ${alarms.map((a) => a.providerId)}::text[])
      as raised (kind, message_id, gateway_id, provider_id)
    on conflict do nothing
    returning kind, message_id, gateway_id, provider_id`);
}
