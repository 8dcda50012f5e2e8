/** Whom a contact point belongs to, with every way to reach them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

/** One way to reach a contact; the address stays sealed until somebody may see it. */
export type ReachOfContact = {
  readonly contactId: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly channel: Channel;
  /** Masked. */
  readonly shown: string;
  readonly contactPointId: string;
  readonly addressSealed: Buffer;
};

/**
 * Contacts that use one of these contact points, with all their contact points: those of this
 * organisation, or of every one where none is given. Contacts that are not active any more too:
 * they may have asked before.
 */
export async function listReachOfPoints(
  tx: Tx,
  contactPointIds: readonly string[],
  organisationId: string | null,
): Promise<ReachOfContact[]> {
  return await tx.rows<ReachOfContact>(sql`
    ${selectReach}
    where (${organisationId}::uuid is null or contact.organisation_id = ${organisationId})
      and contact.id in (
        select used.contact_id from organisations.contact_contact_point used
        where used.contact_point_id = any(${[...contactPointIds]}::uuid[]))
    ${inOrder}`);
}

/** Of an organisation, and a contact point that one of its contacts uses. */
export type PointAt = { readonly organisationId: string; readonly contactPointId: string };

/**
 * The role of whoever uses a contact point at an organisation: of several the first of its chain.
 * Nothing for those whom nobody uses there any more.
 */
export async function listRolesOfPoints(
  tx: Tx,
  points: readonly PointAt[],
): Promise<(PointAt & { readonly role: string })[]> {
  // One by one, by index: behind row-level security the planner expects half of all links of each,
  // and read them all (20 ms for 120,000; this takes 1).
  return await tx.rows(sql`
    select asked.organisation_id, asked.contact_point_id, first.role
    from unnest(${points.map((point) => point.organisationId)}::uuid[],
      ${points.map((point) => point.contactPointId)}::uuid[])
      as asked (organisation_id, contact_point_id)
    cross join lateral (
      select contact.role
      from organisations.contact_contact_point link
      join organisations.contact on contact.id = link.contact_id
      where link.contact_point_id = asked.contact_point_id
        and contact.organisation_id = asked.organisation_id
      order by contact.rank, contact.name, contact.id
      limit 1) first`);
}

/** Everybody on file of an organisation, with every address. */
export async function listReachOfOrganisation(
  tx: Tx,
  organisationId: string,
): Promise<ReachOfContact[]> {
  return await tx.rows<ReachOfContact>(sql`
    ${selectReach} where contact.organisation_id = ${organisationId} ${inOrder}`);
}

/** Every address of these contacts of an organisation. */
export async function listReachOfContacts(
  tx: Tx,
  organisationId: string,
  contactIds: readonly string[],
): Promise<ReachOfContact[]> {
  return await tx.rows<ReachOfContact>(sql`
    ${selectReach}
    where contact.organisation_id = ${organisationId}
      and contact.id = any(${[...contactIds]}::uuid[])
    ${inOrder}`);
}

/** The code of its region, null where it has none; undefined: there is no such organisation. */
export async function findRegionOf(
  tx: Tx,
  organisationId: string,
): Promise<{ readonly code: string | null } | undefined> {
  return await tx.maybe<{ code: string | null }>(sql`
    select region_code as code from organisations.organisation where id = ${organisationId}`);
}

/** A number that somebody of an organisation is rung at. */
export type PhoneOfContact = ReachOfContact & {
  readonly rank: number;
  /** Off duty or away just now. */
  readonly isOff: boolean;
};

/** The numbers of its active contacts in the order of the chain; who is off duty comes last. */
export async function listPhonesOfOrganisation(
  tx: Tx,
  organisationId: string,
): Promise<PhoneOfContact[]> {
  return await tx.rows<PhoneOfContact>(sql`
    select contact.id as contact_id, contact.name, contact.is_post, contact.role, contact.rank,
      link.channel, contact_point.shown, contact_point.id as contact_point_id,
      contact_point.address_sealed,
      contact.has_times and seat.holder_id is distinct from contact.id as is_off
    from organisations.contact
    join organisations.contact_contact_point link on link.contact_id = contact.id
      and link.channel in ('text', 'landline')
    join organisations.contact_point on contact_point.id = link.contact_point_id
    left join lateral organisations.seat_at(
      now(), contact.id, contact.has_times, contact.texts, contact.mails) seat on true
    where contact.organisation_id = ${organisationId} and contact.active
    order by is_off, contact.rank, contact.name, contact.id, link.channel desc, link.position`);
}

const selectReach = sql`
    select contact.id as contact_id, contact.name, contact.is_post, contact.role, link.channel,
      contact_point.shown, contact_point.id as contact_point_id, contact_point.address_sealed
    from organisations.contact
    join organisations.contact_contact_point link on link.contact_id = contact.id
    join organisations.contact_point on contact_point.id = link.contact_point_id`;
const inOrder = sql`
    order by contact.rank, contact.name, contact.id, link.channel desc, link.position`;
