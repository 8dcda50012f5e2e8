/** Statements about whether our history is whole, and about what was lost of it (P10). */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { statesBefore } from './model.ts';
import { asMoved, readTold, told } from './store-told.ts';

export type Continuity = {
  /** Server, timeline and database are those that the history was last seen whole in. */
  isSameServer: boolean;
  /** This start of the server was compared with the providers. */
  isProven: boolean;
  /** When this server was started: the exact time, as text. */
  start: string;
  heldReason: string | null;
  heldForMs: number | null;
  /** It is held in this start of the server and this database, and since then: the exact time, as text. */
  isHeldHere: boolean;
  heldSince: string | null;
  /** When the last claim was made that we know of, or as it was when history was lost. */
  readFrom: Date | null;
  isLookedAt: boolean;
};

export async function readContinuity(tx: Tx): Promise<Continuity> {
  return await tx.one<Continuity>(sql`
    select proven_start = pg_postmaster_start_time() as is_proven,
      pg_postmaster_start_time()::text as start,
      timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
        and system_identifier = (select system_identifier::text from pg_control_system())
        and database_id = dispatch.database_id() as is_same_server,
      held_reason, (extract(epoch from now() - held_since) * 1000)::float as held_for_ms,
      coalesce(held_start = pg_postmaster_start_time(), false)
        and database_id = dispatch.database_id() as is_held_here, held_since::text,
      case when held_since is null
        then (select max(last_claimed_at) from dispatch.dispatch) else read_from end as read_from,
      looked_at is not null as is_looked_at
    from dispatch.continuity`);
}

/**
 * From here on this start of the server may send. False in another start: what was compared with
 * the providers was another history.
 */
export async function markProven(tx: Tx, start: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity set proven_start = pg_postmaster_start_time()
      where held_since is null and pg_postmaster_start_time() = ${start}::timestamptz
        and timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
        and system_identifier = (select system_identifier::text from pg_control_system())
        and database_id = dispatch.database_id()`)) === 1
  );
}

/** Nothing is claimed any more; false where it is held already. */
export async function markHeld(
  tx: Tx,
  hold: { reason: string; readFrom: Date | null },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity
      set held_since = now(), held_start = pg_postmaster_start_time(),
        held_reason = ${hold.reason}, read_from = ${hold.readFrom},
        database_id = dispatch.database_id()
      where held_since is null`)) === 1
  );
}

/**
 * What was held in another start of a server or in another database is held anew in this one, from
 * the same last claim on: nothing that was read before counts. False where another worker has done
 * it.
 */
export async function markHeldAnew(tx: Tx): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity
      set held_since = now(), held_start = pg_postmaster_start_time(), looked_at = null,
        read_gateways = '{}', database_id = dispatch.database_id()
      where held_start <> pg_postmaster_start_time()
        or (held_since is not null and database_id <> dispatch.database_id())`)) === 1
  );
}

export type SightedText = {
  readonly messageId: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly reference: string;
  readonly providerId: string;
  readonly status: string;
  readonly createdAt: Date;
};

/** References at a provider that this database knows neither as an attempt nor as a lost text. */
export async function findUnknownReferences(
  tx: Tx,
  sighted: readonly SightedText[],
): Promise<string[]> {
  const rows = await tx.rows<{ reference: string }>(sql`
    select sighted.reference from unnest(${sighted.map((s) => s.messageId)}::uuid[],
      ${sighted.map((s) => s.epoch)}::int[], ${sighted.map((s) => s.attempt)}::smallint[],
      ${sighted.map((s) => s.reference)}::text[])
      as sighted (message_id, epoch, number, reference)
    where not exists (select from dispatch.attempt attempt
        where attempt.message_id = sighted.message_id and attempt.epoch = sighted.epoch
          and attempt.number = sighted.number)
      and not exists (select from dispatch.lost_text lost
        where lost.reference = sighted.reference)`);
  return rows.map(({ reference }) => reference);
}

/** Whoever made the attempts that were lost: that record is lost with them. */
const LOST_OWNER = '00000000-0000-4000-8000-000000000000';

/**
 * Writes down again what the provider tells of: the attempt where the message is known, else the
 * text alone. Returns the attempts that are new.
 */
export async function restoreAttempts(
  tx: Tx,
  gatewayId: string,
  sighted: readonly SightedText[],
): Promise<FoundSent[]> {
  return await tx.rows(sql`
    with sighted as (
      select message_id, epoch, number, reference, provider_id, status, created_at
      from unnest(${sighted.map((s) => s.messageId)}::uuid[],
        ${sighted.map((s) => s.epoch)}::int[], ${sighted.map((s) => s.attempt)}::smallint[],
        ${sighted.map((s) => s.reference)}::text[], ${sighted.map((s) => s.providerId)}::text[],
        ${sighted.map((s) => s.status)}::text[],
        ${sighted.map((s) => s.createdAt)}::timestamptz[])
        as text (message_id, epoch, number, reference, provider_id, status, created_at)
    ), restored as (
      insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner, claimed_at)
      select sighted.message_id, sighted.epoch, sighted.number, ${gatewayId}, ${LOST_OWNER},
        min(sighted.created_at)
      from sighted join dispatch.message message on message.id = sighted.message_id
      group by sighted.message_id, sighted.epoch, sighted.number
      on conflict do nothing returning message_id, epoch, number
    ), lost as (
      insert into dispatch.lost_text (reference, gateway_id, provider_id, status, created_at)
      select sighted.reference, ${gatewayId}, min(sighted.provider_id), min(sighted.status),
        min(sighted.created_at)
      from sighted
      where not exists (select from dispatch.message message where message.id = sighted.message_id)
      group by sighted.reference
      on conflict do nothing
    )
    select restored.message_id, restored.number as attempt, sighted.provider_id, sighted.status
    from restored join sighted using (message_id, epoch, number)
    order by sighted.created_at`);
}

export type FoundSent = {
  readonly messageId: string;
  readonly attempt: number;
  readonly providerId: string;
  readonly status: string;
};

/**
 * What a provider may still delete, as after each look-up (`afterLookup`). Believed to be held it
 * could not go again: its words and the end of its use are written when its round opens.
 */
const isOpen = sql`(found.status = 'created' and message.state <> 'held')`;

/**
 * What was sent in the lost time counts as accepted, whatever the database believes of it, unless
 * it believes that it is over; as unknown where it is only created. Returns those that moved.
 */
export async function adoptLost(
  tx: Tx,
  gatewayId: string,
  found: readonly FoundSent[],
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    with moved as (
      update dispatch.message message set
        state = case when ${isOpen} then 'unknown' else 'accepted' end, attempt = found.attempt,
        gateway_id = ${gatewayId}, provider_id = case when not ${isOpen} then found.provider_id end,
        lease_owner = null, lease_until = null, due_at = coalesce(message.due_at, now()),
        accepted_at = case when not ${isOpen} then now() end, checks = 0, absences = 0,
        check_at = case when ${isOpen} then now()
          else now() + dispatch.receipt_asks_ms[1] * interval '1 ms' end
      from dispatch.dispatch dispatch, (
        -- Of several the first that is sent; of those that are created the last: it is looked up.
        select distinct on (id) id, attempt, provider_id, status
        from unnest(${found.map((f) => f.messageId)}::uuid[],
          ${found.map((f) => f.attempt)}::smallint[], ${found.map((f) => f.providerId)}::text[],
          ${found.map((f) => f.status)}::text[])
          with ordinality as listed (id, attempt, provider_id, status, place)
        order by id, status = 'created',
          case when status = 'created' then -place else place end) found
      where message.id = found.id and dispatch.id = message.dispatch_id
        and message.state = any(${statesBefore('accepted')})
      returning ${asMoved}
    ), ${told}
    select moved.id from moved cross join ${readTold}`);
  return rows.map(({ id }) => id);
}

/** Of these messages those that count as never sent. */
export async function listNeverSent(tx: Tx, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select id from dispatch.message
    where id = any(${[...ids]}::uuid[])
      and state in ('rejected', 'cancelled', 'expired', 'suppressed')`);
  return rows.map(({ id }) => id);
}

/** Every provider was read in this hold; false where another worker has said so. */
export async function markLookedAt(
  tx: Tx,
  looked: {
    readonly heldSince: string;
    readonly gatewayIds: readonly string[];
    readonly adopted: number;
  },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity set looked_at = now(), read_gateways = ${[...looked.gatewayIds]},
        adopted = adopted + ${looked.adopted}
      where held_since = ${looked.heldSince}::timestamptz and looked_at is null`)) === 1
  );
}
