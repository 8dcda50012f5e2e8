/** One contact at a time: what its page reads and its verbs write. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';
import type { Link } from '../imports/plan-contacts.ts';
import type { NewContactPoint } from '../imports/store-import.ts';

/** A contact point in its place, before or without its mask. */
export type PlacedPoint = Omit<Link, 'shown'>;

export type ContactFields = {
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly readerKind: string;
  readonly language: 'en' | 'cy';
};

export type ContactRecord = ContactFields & {
  readonly id: string;
  readonly organisationId: string;
  readonly organisationCode: string;
  readonly organisationName: string;
  readonly active: boolean;
  /** Says that it has left, and nobody has dealt with it yet. */
  readonly saysLeftAt: Date | null;
  /** What a form saw; another one means that somebody changed the contact since. */
  readonly version: string;
  /** By channel and position. */
  readonly points: readonly PointOfContact[];
};

export type PointOfContact = {
  readonly contactPointId: string;
  readonly channel: Channel;
  /** Masked. */
  readonly shown: string;
  /** How many other contacts have it, and the first of them. */
  readonly othersCount: number;
  readonly others: readonly OtherContact[];
};

export type OtherContact = {
  readonly contactId: string;
  readonly name: string;
  readonly active: boolean;
  readonly organisationId: string;
  readonly organisationName: string;
};

/** More names would not be read; the count says how many there are. */
const OTHERS_MAX = 5;

const version = sql`
  to_char(contact.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export async function findContact(tx: Tx, id: string): Promise<ContactRecord | undefined> {
  const contact = await tx.maybe<Omit<ContactRecord, 'points'>>(sql`
    select contact.id, contact.organisation_id, organisation.code as organisation_code,
      organisation.name as organisation_name, contact.name, contact.is_post, contact.role,
      contact.rank, contact.reader_kind, contact.language, contact.active,
      contact.says_left_at, ${version} as version
    from organisations.contact
    join organisations.organisation on organisation.id = contact.organisation_id
    where contact.id = ${id}`);
  return contact && { ...contact, points: await listPoints(tx, id) };
}

async function listPoints(tx: Tx, contactId: string): Promise<PointOfContact[]> {
  return await tx.rows<PointOfContact>(sql`
    select link.contact_point_id, link.channel, contact_point.shown,
      contact_point.contacts - 1 as others_count, coalesce(others.rows, '[]') as others
    from organisations.contact_contact_point link
    join organisations.contact_point on contact_point.id = link.contact_point_id
    left join lateral (
      select json_agg(json_build_object('contactId', other.id, 'name', other.name,
        'active', other.active, 'organisationId', organisation.id,
        'organisationName', organisation.name)) as rows
      from (
        select shared.contact_id from organisations.contact_contact_point shared
        where shared.contact_point_id = link.contact_point_id and shared.contact_id <> ${contactId}
        limit ${OTHERS_MAX}
      ) first
      join organisations.contact other on other.id = first.contact_id
      join organisations.organisation on organisation.id = other.organisation_id
    ) others on contact_point.contacts > 1
    where link.contact_id = ${contactId}
    order by link.channel desc, link.position`);
}

export type ContactOfChain = {
  readonly id: string;
  readonly name: string;
  readonly rank: number;
  readonly active: boolean;
  readonly version: string;
};

/** Everybody of an organisation, held until the transaction ends: who moves one, moves others. */
export async function lockContacts(tx: Tx, organisationId: string): Promise<ContactOfChain[]> {
  return await tx.rows<ContactOfChain>(sql`
    select contact.id, contact.name, contact.rank, contact.active, ${version} as version
    from organisations.contact
    where contact.organisation_id = ${organisationId}
    order by contact.id
    for no key update`);
}

/** Imports wait for nobody's form; a form does not wait for an import either. False: one runs. */
export async function keepImportsOut(tx: Tx): Promise<boolean> {
  const { locked } = await tx.one<{ locked: boolean }>(sql`
    select pg_try_advisory_xact_lock_shared(hashtext('organisations.import')) as locked`);
  return locked;
}

/** Who has this name and role in the organisation already: the import would take them for one. */
export async function findNamesake(
  tx: Tx,
  like: Pick<ContactFields, 'name' | 'role'> & { readonly organisationId: string },
  exceptId: string,
): Promise<{ id: string; active: boolean } | undefined> {
  return await tx.maybe(sql`
    select contact.id, contact.active from organisations.contact
    where contact.organisation_id = ${like.organisationId} and contact.role = ${like.role}
      and lower(contact.name) = lower(${like.name}) and contact.id <> ${exceptId}`);
}

export async function insertContact(
  tx: Tx,
  contact: ContactFields & { readonly id: string; readonly organisationId: string },
): Promise<number> {
  return await tx.run(sql`
    insert into organisations.contact (id, organisation_id, name, is_post, role, rank, reader_kind,
      language)
    values (${contact.id}, ${contact.organisationId}, ${contact.name}, ${contact.isPost},
      ${contact.role}, ${contact.rank}, ${contact.readerKind}, ${contact.language})
    on conflict do nothing`);
}

/** Where it still is as the form saw it. */
export async function updateContact(
  tx: Tx,
  contact: ContactFields & { readonly id: string; readonly version: string },
): Promise<number> {
  return await tx.run(sql`
    update organisations.contact set name = ${contact.name}, is_post = ${contact.isPost},
      role = ${contact.role}, rank = ${contact.rank}, reader_kind = ${contact.readerKind},
      language = ${contact.language}, updated_at = now()
    where contact.id = ${contact.id} and ${version} = ${contact.version}`);
}

export async function setContactActive(
  tx: Tx,
  { id, active }: { readonly id: string; readonly active: boolean },
): Promise<number> {
  return await tx.run(sql`
    update organisations.contact set active = ${active}, says_left_at = null, updated_at = now()
    where contact.id = ${id} and contact.active <> ${active}`);
}

export async function setRanks(
  tx: Tx,
  ranked: readonly { readonly id: string; readonly rank: number }[],
): Promise<void> {
  await tx.run(sql`
    update organisations.contact set rank = told.rank, updated_at = now()
    from unnest(${ranked.map(({ id }) => id)}::uuid[],
      ${ranked.map(({ rank }) => rank)}::smallint[]) as told (id, rank)
    where contact.id = told.id`);
}

/** Makes open forms of these contacts stale: their numbers, hours or absences changed. */
export async function touchContacts(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update organisations.contact set updated_at = now() where id = any(${ids}::uuid[])`);
}

/** The contact point of this number or address: the stored one, or this new one. */
export async function findOrInsertPoint(tx: Tx, point: NewContactPoint): Promise<string> {
  const { id } = await tx.one<{ id: string }>(sql`
    select organisations.find_or_add_point(${point.id}, ${point.channel}, ${point.addressSealed},
      ${point.addressIndex}, ${point.shown}) as id`);
  return id;
}

export async function insertLinksOf(
  tx: Tx,
  contactId: string,
  links: readonly PlacedPoint[],
): Promise<void> {
  await tx.run(sql`
    insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
      position)
    select ${contactId}, told."contactPointId", told.channel, told.position
    from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as told ("contactPointId" uuid,
      channel text, position smallint)`);
}

export type LinkOfContact = PlacedPoint & { readonly contactId: string };

/** Takes a contact point off everybody who has it; what was taken off, to be put elsewhere. */
export async function takePointOff(tx: Tx, contactPointId: string): Promise<LinkOfContact[]> {
  return await tx.rows<LinkOfContact>(sql`
    delete from organisations.contact_contact_point
    where contact_point_id = ${contactPointId}
    returning contact_id, contact_point_id, channel, position`);
}

/** Whoever has it already keeps the place it has there. */
export async function insertLinksOfMany(tx: Tx, links: readonly LinkOfContact[]): Promise<void> {
  await tx.run(sql`
    insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
      position)
    select told."contactId", told."contactPointId", told.channel, told.position
    from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as told ("contactId" uuid,
      "contactPointId" uuid, channel text, position smallint)
    on conflict (contact_id, contact_point_id) do nothing`);
}

export type OrganisationChoice = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
};

export async function findOrganisationByCode(
  tx: Tx,
  code: string,
): Promise<OrganisationChoice | undefined> {
  return await tx.maybe<OrganisationChoice>(sql`
    select id, code, name from organisations.organisation where code = ${code}`);
}

/** Fields that were changed since a form saw this version, compared as text: it was posted. */
export async function listFieldsChangedSince(
  tx: Tx,
  contactId: string,
  seen: string,
): Promise<string[]> {
  const rows = await tx.rows<{ field: string }>(sql`
    select distinct case change.what when 'contact' then field.name else change.what end as field
    from organisations.change
    left join lateral jsonb_object_keys(change.fields) as field (name) on true
    where ${ofContact(contactId)}
      and to_char(change.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        collate "C" > ${seen}
    order by 1`);
  return rows.map(({ field }) => field);
}

function ofContact(contactId: string): Sql {
  return sql`change.contact_id = ${contactId} and change.organisation_id = (
    select contact.organisation_id from organisations.contact where contact.id = ${contactId})`;
}
