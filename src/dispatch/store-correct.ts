/** Statements of a later version: calling off what it follows, and who gets which wording. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/**
 * Everything of these dispatches that no worker holds is called off; says how many. What is locked
 * is passed over, for two reasons: a claim that holds it waits for the dispatch, which we hold; and
 * it may be on its way, which is what the next statement has to take it for.
 */
export async function callOffAll(tx: Tx, dispatchIds: readonly string[]): Promise<number> {
  return await tx.run(sql`
    update dispatch.message set state = 'cancelled', final_at = now()
    where id in (select id from dispatch.message
      where dispatch_id = any(${[...dispatchIds]}::uuid[]) and state in ('held', 'ready')
      for update skip locked)`);
}

/**
 * A value with a limit, looked up for each reader by the index of P1. As a list of who was told it
 * became a loop in a loop behind row-level security: over a minute for 50,000.
 */
function wasToldBy(earlierIds: readonly string[]): Sql {
  return sql`coalesce((
    select true from dispatch.message earlier
    where earlier.dispatch_id = any(${[...earlierIds]}::uuid[])
      and earlier.contact_point_id = message.contact_point_id
      and earlier.state not in ('rejected', 'cancelled', 'expired', 'suppressed')
    limit 1), false)`;
}

export type Chosen = { dropped: number; alreadyTold: number };

/**
 * Drops the correction for whoever had nothing, and the first alert (an ending has none) for
 * whoever may have had something: one statement, so one snapshot decides for both. Told is
 * everybody with a message that did not surely stay: whatever is not final without a request may
 * have left.
 */
export async function chooseWordings(
  tx: Tx,
  choice: { earlierIds: readonly string[]; correctionId: string; firstId: string | null },
): Promise<Chosen> {
  const isTold = wasToldBy(choice.earlierIds);
  return await tx.one<Chosen>(sql`
    with dropped as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where message.dispatch_id = ${choice.correctionId} and message.state = 'held'
        and not ${isTold}
      returning 1
    ), already_told as (
      update dispatch.message message set state = 'cancelled', final_at = now()
      where message.dispatch_id = ${choice.firstId}::uuid and message.state = 'held'
        and message.round = 1 and ${isTold}
      returning 1
    )
    select (select count(*) from dropped) as dropped,
      (select count(*) from already_told) as already_told`);
}

/**
 * Gives the later rounds of a dispatch that is not released yet the times at which those of the
 * earlier one open or would have opened: an update neither hurries nor delays the chase. A pause is
 * counted in. To be called before the earlier one is called off, which stops its clocks.
 */
export async function keepRoundTimes(
  tx: Tx,
  { fromId, toId }: { fromId: string; toId: string },
): Promise<void> {
  await tx.run(sql`
    update dispatch.round later
    set put_off = earlier.put_off, opens_at = greatest(now(), earlier.opens_at + case
      when dispatch.state = 'paused' and earlier.opened_at is null then now() - dispatch.paused_at
      else interval '0' end)
    from dispatch.round earlier
    join dispatch.dispatch dispatch on dispatch.id = earlier.dispatch_id
    where later.dispatch_id = ${toId} and later.round > 1 and later.opened_at is null
      and earlier.dispatch_id = ${fromId} and earlier.round = later.round
      and earlier.reminds = later.reminds
      and earlier.opens_at is not null`);
}

/** Whoever needs nothing more from the earlier dispatch needs nothing more from this one. */
export async function carryAnswers(
  tx: Tx,
  { fromId, toId }: { fromId: string; toId: string },
): Promise<number> {
  return await tx.run(sql`
    insert into dispatch.settled (dispatch_id, organisation_id)
    select ${toId}, organisation_id from dispatch.settled where dispatch_id = ${fromId}
    on conflict do nothing`);
}

/**
 * Nobody who was told is told again by a later round of the chain; says how many messages that
 * calls off. Reminders go on: they are for those who were told.
 */
export async function skipTold(
  tx: Tx,
  { earlierIds, firstId }: { earlierIds: readonly string[]; firstId: string },
): Promise<number> {
  return await tx.run(sql`
    update dispatch.message message set state = 'cancelled', final_at = now()
    where message.dispatch_id = ${firstId} and message.state = 'held' and message.round > 1
      and not exists (select from dispatch.round round
        where round.dispatch_id = message.dispatch_id and round.round = message.round
          and round.reminds)
      and ${wasToldBy(earlierIds)}`);
}
