/** What of the directory belongs to a legal hold, and the holds that stand with their names. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { HeldId } from '#audit/index.ts';

export type HoldTarget = { readonly kind: 'organisation' | 'contact'; readonly id: string };

/** Its name; undefined where there is none. */
export async function findTargetName(tx: Tx, target: HoldTarget): Promise<string | undefined> {
  const table =
    target.kind === 'contact' ? sql`organisations.contact` : sql`organisations.organisation`;
  return (await tx.maybe<{ name: string }>(sql`select name from ${table} where id = ${target.id}`))
    ?.name;
}

/**
 * Waits for everybody who adds contacts, numbers or addresses just now, so that what they added is
 * held; whoever adds later waits for us, and sees the hold (contacts_added_on_hold).
 */
export async function lockHeld(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('organisations.held', 0))`);
}

/**
 * Itself; the contacts of an organisation, those too who have left; and numbers and addresses of
 * contacts, those too that they had before and nobody has now.
 */
export async function listHeldIds(tx: Tx, { kind, id }: HoldTarget): Promise<HeldId[]> {
  const contacts =
    kind === 'contact'
      ? sql`select ${id}::uuid as id`
      : sql`select contact.id from organisations.contact where contact.organisation_id = ${id}`;
  return await tx.rows<HeldId>(sql`
    with held as (${contacts})
    select ${id}::uuid as id, null::bytea as address_index
    union
    select held.id, null from held
    union
    select point.id, point.address_index from held
    join organisations.contact_contact_point link on link.contact_id = held.id
    join organisations.contact_point point on point.id = link.contact_point_id
    union
    select point.id, point.address_index from held
    join organisations.change on change.contact_id = held.id
      and change.what in ('linked', 'unlinked')
    cross join lateral jsonb_object_keys(change.fields) as had (id)
    join organisations.contact_point point on point.id::text = had.id and point.contacts = 0`);
}

export type StandingHold = {
  readonly id: string;
  readonly heldKind: 'everything' | 'organisation' | 'contact';
  readonly reason: string;
  /** `2027-04-01`. */
  readonly reviewOn: string;
  /** Noon of that day, for pages. */
  readonly reviewAt: Date;
  readonly putAt: Date;
  readonly putByName: string;
  readonly contactName: string | null;
  /** The one that is held, or that of the contact. */
  readonly organisationId: string | null;
  readonly organisationName: string | null;
  readonly heldId: string | null;
};

/** Those that stand, first which is to be looked at. */
export async function listHolds(tx: Tx): Promise<StandingHold[]> {
  return await tx.rows<StandingHold>(sql`${standing} order by review_on, put_at`);
}

export async function findHold(tx: Tx, id: string): Promise<StandingHold | undefined> {
  return await tx.maybe<StandingHold>(sql`${standing} where id = ${id}`);
}

const standing = sql`
  select id, held_kind, held_id, reason, review_on::text,
    (review_on + interval '12 hours') at time zone 'UTC' as review_at, put_at, put_by_name,
    contact_name, organisation_id, organisation_name
  from organisations.v_legal_hold`;
