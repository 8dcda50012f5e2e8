/** Statements about the rounds of a dispatch: their clocks, and what leaves when one opens. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { homeOf, ways } from './store-home.ts';

/**
 * Sets the clock of each round going, but for those that keep the time of an earlier dispatch; from
 * here on every held message has a timer (P3).
 */
export async function startRounds(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    update dispatch.round round
    set opens_at = coalesce(round.opens_at, now() + dispatch.recall_for + round.opens_after)
    from dispatch.dispatch dispatch
    where dispatch.id = round.dispatch_id and dispatch.id = ${dispatchId}`);
}

/**
 * Puts off the rounds that are not open yet by as long as the dispatch has stood still: round 1
 * reached nobody meanwhile, so nobody had the time to answer it. Called before it goes on. Nor has
 * an open round waited for its next part meanwhile.
 */
export async function postponeRounds(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    update dispatch.round round
    set part_at = round.part_at + (now() - dispatch.paused_at),
      opens_at = round.opens_at
        + case when round.opened_at is null then now() - dispatch.paused_at else '0' end
    from dispatch.dispatch dispatch
    where dispatch.id = round.dispatch_id and dispatch.id = ${dispatchId}
      and dispatch.state = 'paused' and (round.opened_at is null or round.part_at is not null)`);
}

export type QuietTime = {
  round: number;
  opensAt: Date;
  fromMinute: number;
  untilMinute: number;
};

/**
 * Later, or earlier where it is below 0: a round that has a time and is not open. What quiet hours
 * put it off by beyond the rounds that are open, whose distance it keeps, is taken back: to be laid
 * out anew by the hours that hold now.
 */
export async function shiftRound(
  tx: Tx,
  { dispatchId, round, byMs }: { dispatchId: string; round: number; byMs: number },
): Promise<void> {
  await tx.run(sql`
    update dispatch.round round
    set put_off = coalesce(open.put_off, '0'),
      opens_at = greatest(now(), round.opens_at - round.put_off + coalesce(open.put_off, '0')
        + ${byMs} * interval '1 millisecond')
    from (select 1) as one left join lateral (
      select put_off from dispatch.round
      where dispatch_id = ${dispatchId} and opened_at is not null order by round desc limit 1
    ) open on true
    where round.dispatch_id = ${dispatchId} and round.round = ${round}
      and round.opened_at is null and round.opens_at is not null`);
}

/**
 * When the rounds that are not open yet are to, of a dispatch that has quiet hours: now at the
 * earliest, for one may be late. In order.
 */
export async function listQuietTimes(tx: Tx, dispatchId: string): Promise<QuietTime[]> {
  return await tx.rows<QuietTime>(sql`
    select round.round, greatest(round.opens_at, now()) as opens_at,
      dispatch.quiet_from_minute as from_minute, dispatch.quiet_until_minute as until_minute
    from dispatch.round round join dispatch.dispatch dispatch on dispatch.id = round.dispatch_id
    where dispatch.id = ${dispatchId} and dispatch.quiet_from_minute is not null
      and round.opened_at is null and round.opens_at is not null
    order by round.round`);
}

export async function setRoundTime(
  tx: Tx,
  { dispatchId, round, opensAt }: { dispatchId: string; round: number; opensAt: Date },
): Promise<void> {
  await tx.run(sql`
    update dispatch.round
    set opens_at = ${opensAt},
      put_off = put_off + (${opensAt}::timestamptz - greatest(opens_at, now()))
    where dispatch_id = ${dispatchId} and round = ${round} and opened_at is null`);
}

/**
 * Opens a round that is due, once; false where it is open already, not due or not sending. Where
 * it opens late, because no engine ran, the rounds after it keep their distance: else all that fell
 * due meanwhile would open together, and nobody would be given the time to answer.
 */
export async function markRoundOpened(tx: Tx, dispatchId: string, round: number): Promise<boolean> {
  const opened = await tx.rows(sql`
    with due as (
      select round.opens_at from dispatch.round round
      join dispatch.dispatch dispatch on dispatch.id = round.dispatch_id
      where dispatch.state = 'sending' and round.dispatch_id = ${dispatchId}
        and round.round = ${round} and round.opened_at is null and round.opens_at <= now()
      for update of round
    ), opened as (
      update dispatch.round round set opened_at = now(), part_at = now() from due
      where round.dispatch_id = ${dispatchId} and round.round = ${round}
      returning 1
    ), put_off as (
      update dispatch.round later set opens_at = later.opens_at + (now() - due.opens_at)
      from due
      where later.dispatch_id = ${dispatchId} and later.round > ${round}
        and later.opened_at is null
    )
    select from opened`);
  return opened.length === 1;
}

/**
 * True where an open round still holds messages, for whoever asks alone: another engine is passed
 * over while it readies a part.
 */
export async function lockOpeningRound(
  tx: Tx,
  dispatchId: string,
  round: number,
): Promise<boolean> {
  const rows = await tx.rows(sql`
    select from dispatch.round round
    join dispatch.dispatch dispatch on dispatch.id = round.dispatch_id
    where dispatch.state = 'sending' and round.dispatch_id = ${dispatchId}
      and round.round = ${round} and round.part_at is not null
    for update of round skip locked`);
  return rows.length === 1;
}

/** One part was readied; `isLast`: nothing of the round is held any more. */
export async function markPartReady(
  tx: Tx,
  part: { dispatchId: string; round: number; isLast: boolean },
): Promise<void> {
  await tx.run(sql`
    update dispatch.round set part_at = case when ${part.isLast} then null else now() end
    where dispatch_id = ${part.dispatchId} and round = ${part.round}`);
}

/**
 * The next messages of the round, `most` of them, rank 1 of every organisation before rank 2 of
 * any. Locked in the order in which standing down locks them; those that are called off meanwhile
 * are missing.
 */
export async function lockNextPart(
  tx: Tx,
  part: { dispatchId: string; round: number; most: number },
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select message.id from dispatch.message message
    where message.state = 'held' and message.id in (
      select held.id from dispatch.message held
      where held.dispatch_id = ${part.dispatchId} and held.round = ${part.round}
        and held.state = 'held'
      order by held.rank, held.id limit ${part.most})
    order by message.id for update`);
  return rows.map(({ id }) => id);
}

/** Held messages become ready; in the words that were approved, which nothing changes any more. */
export async function readyMessages(tx: Tx, ids: readonly string[]): Promise<number> {
  return await tx.run(sql`
    with ${ways}
    update dispatch.message message
    set state = 'ready', due_at = now(),
      expires_at = case when round.reminds then round.opened_at
        else dispatch.released_at + round.put_off end + dispatch.expires_after,
      home_gateway_id = ${homeOf}
    from dispatch.dispatch dispatch join dispatch.round round on round.dispatch_id = dispatch.id
    where dispatch.id = message.dispatch_id and round.round = message.round
      and message.id = any(${[...ids]}::uuid[])
      and message.state = 'held'`);
}

export type DueRound = { dispatchId: string; round: number; isOpen: boolean; releasedAt: Date };

/** The next round of each dispatch that is due, or of which messages are still held. */
export async function listDueRounds(tx: Tx): Promise<DueRound[]> {
  return await tx.rows<DueRound>(sql`
    select distinct on (round.dispatch_id) round.dispatch_id, round.round,
      round.opened_at is not null as is_open, dispatch.released_at
    from dispatch.round round join dispatch.dispatch dispatch on dispatch.id = round.dispatch_id
    where (round.opened_at is null or round.part_at is not null) and round.opens_at <= now()
      and dispatch.state = 'sending'
    order by round.dispatch_id, round.round limit 100`);
}

export type Resting = { dispatchId: string; now: Date; fromMinute: number; untilMinute: number };

/** Exercises that are being sent, with the hours in which nothing of them leaves. */
export async function listExercisesSending(tx: Tx): Promise<Resting[]> {
  return await tx.rows<Resting>(sql`
    select id as dispatch_id, now() as now, quiet_from_minute as from_minute,
      quiet_until_minute as until_minute
    from dispatch.dispatch
    where exercise and state = 'sending' and quiet_from_minute is not null order by id`);
}

/**
 * What is ready waits until then, with as much time as it had left; says how many. What is locked
 * is on its way, or is found by the next beat.
 */
export async function restReady(
  tx: Tx,
  { dispatchId, until }: { dispatchId: string; until: Date },
): Promise<number> {
  return await tx.run(sql`
    update dispatch.message set due_at = ${until},
      expires_at = expires_at + (${until}::timestamptz - greatest(due_at, now()))
    where id in (select id from dispatch.message
      where dispatch_id = ${dispatchId} and state = 'ready' and due_at < ${until}
      order by id for update skip locked)`);
}
