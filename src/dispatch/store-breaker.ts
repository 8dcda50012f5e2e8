/** Statements of the breakers, and of the tally they count by. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Breaker, BreakerStep } from './breaker.ts';

/** What became of requests since the last row, of one turn and one dispatch (none for a probe). */
export type TallyRow = {
  readonly turn: number;
  readonly dispatchId: string | null;
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly failed: number;
};

export async function insertTally(
  tx: Tx,
  gatewayId: string,
  rows: readonly TallyRow[],
): Promise<void> {
  await tx.run(sql`
    insert into dispatch.tally (gateway_id, turn, dispatch_id, accepted, rejected, unknown, failed)
    select ${gatewayId}, turn, dispatch_id, accepted, rejected, unknown, failed
    from unnest(${rows.map((row) => row.turn)}::int[],
      ${rows.map((row) => row.dispatchId)}::uuid[], ${rows.map((row) => row.accepted)}::int[],
      ${rows.map((row) => row.rejected)}::int[], ${rows.map((row) => row.unknown)}::int[],
      ${rows.map((row) => row.failed)}::int[])
      as counted (turn, dispatch_id, accepted, rejected, unknown, failed)`);
}

/** Older rows are read by nobody. */
export async function deleteOldTallies(tx: Tx): Promise<number> {
  return await tx.run(sql`delete from dispatch.tally where at < now() - interval '1 hour'`);
}

export type KnownBreaker = Breaker & {
  readonly turn: number;
  /** It is time for a probe, where it has an address of ours. */
  readonly probeIsDue: boolean;
  readonly answered: number;
  readonly failed: number;
  readonly acceptedLate: number;
};

/**
 * By its time; and at once for the first trial of a gateway that is half open. A time far ahead was
 * set before the clock jumped back.
 */
const probeIsDue = sql`(breaker.state <> 'open' and (breaker.probe_at <= clock_timestamp()
    or breaker.probe_at > clock_timestamp() + interval '1 day'
    or (breaker.state = 'half_open' and breaker.rung = 0 and breaker.tries = 0)))`;

/** The breaker, and what was counted of this turn: in ten seconds while closed, else since it began. */
export async function readBreaker(tx: Tx, gatewayId: string): Promise<KnownBreaker | undefined> {
  return await tx.maybe<KnownBreaker>(sql`
    select breaker.state, breaker.rung, breaker.reason, breaker.openings, breaker.turn,
      breaker.tries, ${probeIsDue} as probe_is_due,
      counted.answered, counted.failed, counted.accepted_late,
      (1000 * extract(epoch from clock_timestamp() - breaker.changed_at))::float8 as age_ms,
      (1000 * extract(epoch from breaker.retry_at - clock_timestamp()))::float8 as retry_in_ms,
      (1000 * extract(epoch from clock_timestamp() - breaker.tried_at))::float8 as tried_ms
    from dispatch.breaker breaker cross join lateral (
      select
        coalesce(sum(accepted + rejected) filter (where tally.turn = breaker.turn), 0) as answered,
        coalesce(sum(tally.failed) filter (where tally.turn = breaker.turn), 0) as failed,
        coalesce(sum(accepted) filter (where tally.turn < breaker.turn), 0) as accepted_late
      from dispatch.tally tally
      where tally.gateway_id = breaker.gateway_id and tally.at > case breaker.state
        when 'closed' then clock_timestamp() - interval '10 seconds' else breaker.changed_at end
    ) counted
    where breaker.gateway_id = ${gatewayId}`);
}

/** Moves the breaker; false where somebody else moved it in this turn. */
export async function moveBreaker(
  tx: Tx,
  move: { gatewayId: string; turn: number; step: BreakerStep },
): Promise<boolean> {
  const { gatewayId, turn, step } = move;
  return (
    (await tx.run(sql`
      update dispatch.breaker set state = ${step.state}, rung = ${step.rung}, turn = turn + 1,
        changed_at = clock_timestamp(), reason = ${step.reason}, openings = ${step.openings},
        retry_at = clock_timestamp() + ${step.retryInMs}::float8 * interval '1 ms',
        rows_left = ${step.rowsLeft}, tries = 0, tried_at = null
      where gateway_id = ${gatewayId} and turn = ${turn}`)) === 1
  );
}

/** From which share of at least so many ended requests on refusals are no accident; 0 to 1. */
export type RefusalRule = { readonly share: number; readonly atLeast: number };

/**
 * Pauses the dispatch where so many of its requests of the last hour were refused for good, and
 * says so; undefined where they were not. Counted from its last resumption on: what a person has
 * seen and accepted does not pause it again.
 */
export async function pauseRefused(
  tx: Tx,
  refused: { dispatchId: string; rule: RefusalRule; code: string },
): Promise<string | undefined> {
  const { dispatchId, rule, code } = refused;
  const paused = await tx.maybe<{ pauseReason: string }>(sql`
    with counted as (
      select sum(tally.rejected) as rejected, sum(tally.accepted + tally.rejected) as ended
      from dispatch.tally tally join dispatch.dispatch dispatch on dispatch.id = tally.dispatch_id
      where tally.dispatch_id = ${dispatchId} and tally.at > dispatch.refusals_from
    )
    update dispatch.dispatch dispatch set state = 'paused', paused_at = now(),
      pause_reason = format('%s of %s were refused for good (%s)',
        counted.rejected, counted.ended, ${code}::text)
    from counted
    where dispatch.id = ${dispatchId} and dispatch.state = 'sending' and dispatch.lane <> 0
      and counted.ended >= ${rule.atLeast}
      and counted.rejected >= counted.ended * ${rule.share}::float8
    returning dispatch.pause_reason`);
  return paused?.pauseReason;
}

/**
 * Takes the right to send one probe, and its token: the turn it belongs to, or undefined where
 * another worker has it, nothing is due or nothing may leave now.
 */
export async function claimProbe(
  tx: Tx,
  { gatewayId, everyMs }: { gatewayId: string; everyMs: number },
): Promise<number | undefined> {
  const claimed = await tx.maybe<{ turn: number }>(sql`
    with locked as (
      select bucket, clock_timestamp() as at, breaker.turn
      from dispatch.gateway gateway join dispatch.bucket bucket on bucket.id = gateway.bucket_id
      join dispatch.breaker breaker on breaker.gateway_id = gateway.id
      where gateway.id = ${gatewayId} and gateway.enabled and ${probeIsDue}
        and dispatch.paused_until(bucket, clock_timestamp()) is null
      for update of bucket, breaker
    ), spent as (
      update dispatch.bucket bucket set refilled_at = locked.at,
        tokens = dispatch.tokens_at(locked.bucket, locked.at) - 1,
        paused_at = null, paused_until = null, pause_reason = null
      from locked
      where bucket.id = (locked.bucket).id and dispatch.tokens_at(locked.bucket, locked.at) >= 1
      returning locked.turn, locked.at
    )
    update dispatch.breaker breaker set probe_at = spent.at + ${everyMs} * interval '1 ms',
      tries = case breaker.state when 'half_open' then breaker.tries + 1 else breaker.tries end,
      tried_at = spent.at
    from spent where breaker.gateway_id = ${gatewayId}
    returning spent.turn`);
  return claimed?.turn;
}

/** From which share of the receipts of a quarter of an hour on a gateway is slow (Notify's rule). */
const SLOW_SHARE = 0.15;
const SHIFT_POINTS = 10;

/**
 * A gateway whose receipts come late gives ten points of a hundred of its people to the others of
 * its channel, for what becomes ready from now on; one that does not takes ten back. Once a minute
 * at most to and once in five minutes back, so that it does not swing. Says how many were shifted.
 */
export async function shiftSlow(tx: Tx): Promise<number> {
  return await tx.run(sql`
    with judged as (
      select breaker.gateway_id, coalesce(sum(tally.slow_receipts) > 0 and
        sum(tally.slow_receipts) >= sum(tally.receipts) * ${SLOW_SHARE}::float8, false) as is_slow
      from dispatch.breaker breaker left join dispatch.tally tally
        on tally.gateway_id = breaker.gateway_id and tally.at > now() - interval '15 minutes'
      group by breaker.gateway_id
    )
    update dispatch.breaker breaker set shifted_at = now(),
      shift = greatest(0, least(100, breaker.shift
        + case when judged.is_slow then ${SHIFT_POINTS}::int else -${SHIFT_POINTS}::int end))
    from judged
    where judged.gateway_id = breaker.gateway_id
      and case when judged.is_slow
        then breaker.shift < 100 and breaker.shifted_at <= now() - interval '1 minute'
        else breaker.shift > 0 and breaker.shifted_at <= now() - interval '5 minutes' end`);
}
