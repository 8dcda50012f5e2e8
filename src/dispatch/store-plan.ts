/** Statements of whoever plans, releases and steers a dispatch. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { DispatchPlan } from './model.ts';

export async function insertDispatch(tx: Tx, plan: DispatchPlan): Promise<void> {
  await tx.run(sql`
    insert into dispatch.dispatch (id, label, lane, exercise, expires_after, recall_for,
      number_most, number_within, quiet_from_minute, quiet_until_minute, receipt_asks_ms,
      uncertain_after)
    values (${plan.id}, ${plan.label}, ${plan.lane}, ${plan.exercise},
      ${plan.expiresAfterMs} * interval '1 millisecond',
      ${plan.recallForMs ?? 0} * interval '1 millisecond', ${plan.perNumber?.most ?? null},
      ${plan.perNumber?.withinMs ?? null}::bigint * interval '1 millisecond',
      ${plan.quietHours?.fromMinute ?? null}, ${plan.quietHours?.untilMinute ?? null},
      ${[...plan.receiptAsksMs]}::int[],
      ${plan.uncertainAfterMs} * interval '1 millisecond')`);
  await tx.run(sql`
    insert into dispatch.round (dispatch_id, round, opens_after, reminds)
    select ${plan.id}, planned.round, planned.after_ms * interval '1 millisecond', planned.reminds
    from unnest(${plan.rounds.map((r) => r.round)}::smallint[],
      ${plan.rounds.map((r) => r.opensAfterMs)}::bigint[],
      ${plan.rounds.map((r) => r.reminds ?? false)}::boolean[])
      as planned (round, after_ms, reminds)`);
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
      || (select sha256(convert_to(coalesce(string_agg(row(round, opens_after, reminds)::text, ''
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

/** Of one that is still sent; false where it is over. */
export async function setWaits(
  tx: Tx,
  waits: {
    readonly dispatchId: string;
    readonly quietHours: DispatchPlan['quietHours'];
    readonly uncertainAfterMs: number;
  },
): Promise<boolean> {
  const { dispatchId, quietHours, uncertainAfterMs } = waits;
  return (
    (await tx.run(sql`
      update dispatch.dispatch set quiet_from_minute = ${quietHours?.fromMinute ?? null},
        quiet_until_minute = ${quietHours?.untilMinute ?? null},
        uncertain_after = ${uncertainAfterMs} * interval '1 millisecond'
      where id = ${dispatchId} and state in ('sending', 'paused')`)) === 1
  );
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
