/** Statements of whoever plans, releases and steers a dispatch. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { DispatchPlan } from './model.ts';
import { homeOf, ways } from './store-home.ts';

export async function insertDispatch(tx: Tx, plan: DispatchPlan): Promise<void> {
  await tx.run(sql`
    insert into dispatch.dispatch (id, label, lane, exercise, expires_after, recall_for,
      number_most, number_within, receipt_asks_ms, uncertain_after)
    values (${plan.id}, ${plan.label}, ${plan.lane}, ${plan.exercise},
      ${plan.expiresAfterMs} * interval '1 millisecond',
      ${plan.recallForMs ?? 0} * interval '1 millisecond', ${plan.perNumber?.most ?? null},
      ${plan.perNumber?.withinMs ?? null}::bigint * interval '1 millisecond',
      ${[...plan.receiptAsksMs]}::int[],
      ${plan.uncertainAfterMs} * interval '1 millisecond')`);
  await tx.run(sql`
    insert into dispatch.round (dispatch_id, round, opens_after)
    select ${plan.id}, planned.round, planned.after_ms * interval '1 millisecond'
    from unnest(${plan.rounds.map((r) => r.round)}::smallint[],
      ${plan.rounds.map((r) => r.opensAfterMs)}::bigint[]) as planned (round, after_ms)`);
}

/**
 * Locks the dispatch against new messages and rounds until the transaction ends: what checks them
 * (message_is_planned, a round's foreign key) takes a share of this row, which a lock for update
 * does not leave.
 */
export async function lockDispatch(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`select from dispatch.dispatch where id = ${id} for update`);
}

/**
 * Hash over everything that would be sent: text, subject, recipient with address, round, in a fixed
 * order; when each round goes and how urgently; and over `alsoCovers`. Made in the database, so
 * that a million texts never pass through the process. No two contents look alike: a row as text
 * quotes its fields and tells NULL from empty; a message is its fields without blanks, the lengths
 * of its texts (-1 for no subject), then the texts, then its address, in 0.6 of the time.
 */
export async function hashContent(
  tx: Tx,
  dispatchId: string,
  alsoCovers: string,
): Promise<{ hash: string; messages: number }> {
  return await tx.one<{ hash: string; messages: number }>(sql`
    select count(*) as messages, encode(sha256(
      sha256(convert_to(${alsoCovers}, 'UTF8'))
      || (select sha256(convert_to(row(lane, exercise, expires_after, recall_for,
            number_most, number_within)::text, 'UTF8'))
          from dispatch.dispatch where id = ${dispatchId})
      || (select sha256(convert_to(coalesce(string_agg(row(round, opens_after)::text, ''
            order by round), ''), 'UTF8')) from dispatch.round where dispatch_id = ${dispatchId})
      || coalesce(string_agg(part, ''::bytea order by contact_point_id, channel, round), '')
      ), 'hex') as hash
    from (
      select contact_point_id, channel, round, sha256(convert_to(concat_ws(' ', contact_point_id,
        channel, round, rank, code, coalesce(octet_length(subject), -1), octet_length(body),
        subject, body), 'UTF8') || address_sealed) as part
      from dispatch.message where dispatch_id = ${dispatchId}
    ) parts`);
}

/** Moves the dispatch from held to sending; false where it is no longer held. */
export async function markReleased(tx: Tx, id: string, contentHash: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.dispatch set state = 'sending', released_at = now()
      where id = ${id} and state = 'held' and content_hash = ${contentHash}`)) === 1
  );
}

export async function setContent(
  tx: Tx,
  id: string,
  content: { hash: string; messages: number },
): Promise<void> {
  await tx.run(sql`
    update dispatch.dispatch
    set content_hash = ${content.hash}, planned_messages = ${content.messages}
    where id = ${id} and state = 'held'`);
}

/** Sets the clock of each round going; from here on every held message has a timer (P3). */
export async function startRounds(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    update dispatch.round round set opens_at = now() + dispatch.recall_for + round.opens_after
    from dispatch.dispatch dispatch
    where dispatch.id = round.dispatch_id and dispatch.id = ${dispatchId}`);
}

/**
 * Puts off the rounds that are not open yet by as long as the dispatch has stood still: round 1
 * reached nobody meanwhile, so nobody had the time to answer it. Called before it goes on.
 */
export async function postponeRounds(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    update dispatch.round round
    set opens_at = round.opens_at + (now() - dispatch.paused_at)
    from dispatch.dispatch dispatch
    where dispatch.id = round.dispatch_id and dispatch.id = ${dispatchId}
      and dispatch.state = 'paused' and round.opened_at is null`);
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
      update dispatch.round round set opened_at = now() from due
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

/** A round of a million took more than a minute, one of 100,000 some seconds. */
const ROUND_MS = 600_000;

/**
 * Held messages of the round become ready. The one blank that release fills is {since}, the time
 * of release: it cannot be known when the text is approved. `clock` is that time as it is read.
 */
export async function readyRound(
  tx: Tx,
  round: { dispatchId: string; round: number; clock: string },
): Promise<number> {
  return await tx.run(
    sql`
    with ${ways}
    update dispatch.message message
    set state = 'ready', due_at = now(), body = replace(message.body, '{since}', ${round.clock}),
      expires_at = dispatch.released_at + dispatch.expires_after, home_gateway_id = ${homeOf}
    from dispatch.dispatch dispatch
    -- Locked in the order in which standing down locks them.
    where dispatch.id = message.dispatch_id and message.id in (
      select held.id from dispatch.message held
      where held.dispatch_id = ${round.dispatchId} and held.round = ${round.round}
        and held.state = 'held'
      order by held.id for update)`,
    { withinMs: ROUND_MS },
  );
}

export type DueRound = { dispatchId: string; round: number; releasedAt: Date };

/** The next round of each dispatch, where it is due. */
export async function listDueRounds(tx: Tx): Promise<DueRound[]> {
  return await tx.rows<DueRound>(sql`
    select distinct on (round.dispatch_id) round.dispatch_id, round.round, dispatch.released_at
    from dispatch.round round join dispatch.dispatch dispatch on dispatch.id = round.dispatch_id
    where round.opened_at is null and round.opens_at <= now() and dispatch.state = 'sending'
    order by round.dispatch_id, round.round limit 100`);
}

export type SteeredState = 'sending' | 'paused' | 'cancelled';

/** Which of these dispatches are being sent. */
export async function listSending(tx: Tx, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select id from dispatch.dispatch where id = any(${[...ids]}::uuid[]) and state = 'sending'`);
  return rows.map(({ id }) => id);
}

/** Moves a dispatch where `from` allows it; a cancellation also raises the epoch. */
export async function moveDispatch(
  tx: Tx,
  move: { id: string; from: readonly string[]; to: SteeredState; reason: string | null },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.dispatch set state = ${move.to}, pause_reason = ${move.reason},
        paused_at = case when ${move.to} = 'paused' then now() end,
        epoch = epoch + case when ${move.to} = 'cancelled' then 1 else 0 end,
        cleared = ${move.to} <> 'cancelled',
        refusals_from = case when ${move.to} = 'sending' then now() else refusals_from end,
        ended_at = case when ${move.to} = 'cancelled' then now() end
      -- The standing dispatch of answers is nobody's to steer.
      where id = ${move.id} and state = any(${[...move.from]}) and lane <> 0`)) === 1
  );
}

/**
 * True where our history is whole. Where it is not, what waits may have left in the lost time: it
 * stays as it is until that is known, and whoever would call it off does so afterwards (P10).
 */
export const historyIsWhole = sql`(select dispatch.history_is_whole())`;

/**
 * What no worker holds of the dispatch is called off, `most` of it; says how many. It waits for no
 * message: a claim holds messages and waits for the dispatch, which whoever cancels holds, and one
 * of the two would be turned away. What is left is called off by the next beats.
 */
export async function cancelUnsent(tx: Tx, dispatchId: string, most: number): Promise<number> {
  return await tx.run(sql`
    update dispatch.message set state = 'cancelled', final_at = now()
    where id in (select id from dispatch.message
      where dispatch_id = ${dispatchId} and state in ('held', 'ready') and ${historyIsWhole}
      limit ${most}
      for update skip locked)`);
}

/**
 * Tells engines to request nothing more of the dispatch, without reading its state first: in the
 * moment of reading, twenty more texts left.
 */
export async function notifyHalt(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    select pg_notify('tocsin_steer', ${dispatchId} || ' halt'),
      pg_notify('tocsin_dispatch', ${dispatchId})`);
}

/** Tells engines to look at the dispatch again, and boards that it changed. */
export async function notifyDispatch(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(sql`
    select pg_notify('tocsin_steer', ${dispatchId}), pg_notify('tocsin_dispatch', ${dispatchId})`);
}

export type MessageCounts = { channel: string; state: string; messages: number };

export async function countMessages(tx: Tx, dispatchId: string): Promise<MessageCounts[]> {
  return await tx.rows<MessageCounts>(sql`
    select channel, state, messages from dispatch.kept_count where dispatch_id = ${dispatchId}
    union all
    select channel, state, count(*) as messages from dispatch.message
    where dispatch_id = ${dispatchId} and not exists (
      select from dispatch.kept_ledger kept where kept.dispatch_id = ${dispatchId})
    group by channel, state order by channel, state`);
}
