/** Statements of a person who lets it go on after history was lost (P10). */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { asMoved, readTold, told } from './store-told.ts';

/**
 * This start of this server and this database are where our history goes on: every provider was
 * read, or a person takes it upon them that one could not be. False where it goes on already, or
 * must be read first.
 */
export async function endHold(tx: Tx, unread: 'refuse' | 'accept'): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity set held_since = null, held_start = null, held_reason = null,
        looked_at = null, read_from = null, read_gateways = '{}', adopted = 0,
        proven_start = pg_postmaster_start_time(),
        timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
        system_identifier = (select system_identifier::text from pg_control_system()),
        database_id = dispatch.database_id()
      where (looked_at is not null and held_start = pg_postmaster_start_time()
          and database_id = dispatch.database_id())
        or (${unread} = 'accept'
        and (held_since is not null or proven_start <> pg_postmaster_start_time()
          or database_id <> dispatch.database_id()))`)) === 1
  );
}

/** No reference of what is sent from now on can have been used in the lost time. */
export async function raiseEpochs(tx: Tx): Promise<void> {
  await tx.run(sql`
    update dispatch.dispatch set epoch = epoch + 1
    where state in ('held', 'sending', 'paused')`);
}

/** A deputy who may have been told early in the lost time: whoever came before may be uncertain. */
const mayBeToldEarly = sql`exists (
    select from dispatch.dispatch dispatch join dispatch.message earlier
      on earlier.dispatch_id = dispatch.id
      and earlier.organisation_id = message.organisation_id and earlier.round < message.round
      and earlier.state in ('ready', 'claimed', 'unknown')
    where dispatch.id = message.dispatch_id and dispatch.lane > 0
      and dispatch.released_at + dispatch.uncertain_after <= now())`;

/**
 * What may have left in the lost time by a gateway that was not read: also what is claimed or
 * unknown, since a later attempt than the one we know of may have gone by that gateway. Of a
 * cancelled dispatch: what the hold left alone; its rounds have no time where they were stopped or
 * their release is lost.
 */
function isInDoubt(states: readonly DispatchState[]): Sql {
  return sql`(message.dispatch_id in (select dispatch.id from dispatch.dispatch dispatch
    where dispatch.state = any(${[...states]})
      and (dispatch.state <> 'cancelled' or not dispatch.cleared))
  and (message.state in ('ready', 'claimed', 'unknown') or (message.state = 'held' and (exists (
    select from dispatch.round round where round.dispatch_id = message.dispatch_id
      and round.round = message.round and coalesce(round.opens_at, now()) <= now())
    or ${mayBeToldEarly})))
  and message.channel in (select gateway.channel from dispatch.gateway gateway
    where gateway.removed_at is null and gateway.id not in (
      select unnest(read_gateways) from dispatch.continuity)))`;
}

type DispatchState = 'sending' | 'paused' | 'cancelled';

const doubtful = ['sending', 'paused', 'cancelled'] as const;

/**
 * Closes, as possibly sent, what nobody can say of and is not to go again or was called off.
 * Whoever still holds a claim of it is fenced: given back or looked up, it would go again.
 */
export async function closeInDoubt(
  tx: Tx,
  inDoubt: 'send_again' | 'treat_as_sent',
): Promise<number> {
  return await tx.run(sql`
    with moved as (
      update dispatch.message message set state = 'uncertain_closed', final_at = now(),
        due_at = coalesce(message.due_at, now()), failure_code = 'history_lost',
        lease_owner = null, lease_until = null
      where ${isInDoubt(inDoubt === 'send_again' ? ['cancelled'] : doubtful)}
      returning ${asMoved}
    ), ${told}
    select from moved cross join ${readTold}`);
}

export type HoldRow = {
  heldSince: Date | null;
  heldReason: string | null;
  lookedAt: Date | null;
  /** Texts that the provider has and this database had no record of. */
  adopted: number;
  withoutMessage: number;
  /** Texts and mails of which nobody can say whether they left. */
  inDoubt: number;
  /** Texts that surely have not left, because their provider was read. */
  notSent: number;
};

/** What a person needs to know to let it go on. */
export async function readHold(tx: Tx): Promise<HoldRow> {
  return await tx.one<HoldRow>(sql`
    select continuity.held_since, continuity.held_reason, continuity.looked_at,
      continuity.adopted,
      (select count(*) from dispatch.lost_text lost
        where lost.found_at >= continuity.held_since) as without_message,
      (select count(*) from dispatch.message message where ${isInDoubt(doubtful)}) as in_doubt,
      (select count(*) from dispatch.message message
        join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
        where dispatch.state in ('sending', 'paused') and message.state in ('ready', 'claimed')
          and not ${isInDoubt(doubtful)}) as not_sent
    from dispatch.continuity continuity`);
}
