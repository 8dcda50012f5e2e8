/**
 * The directory as it was, or will be, on a day. Whether an organisation exists and below whom it
 * stands: by their own days, as far as is known today. What it is called, of which type, region and
 * system it is, and its contacts: of a past day as the directory had them at its end, by taking
 * back what `organisations.change` noted since; of a day to come as they are today. Contacts that
 * were taken away with an undone import are not found again.
 */
import { ZONE } from '#kernel/day.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AsAt } from './as-at.ts';
import type { DutyHours } from './contacts/store-duty.ts';
import { isUsedOn } from './audiences/store-audience.ts';
import { thisDay } from './store-day.ts';

/** The day that a statement is about. */
export function dayOf(asAt: AsAt | undefined): Sql {
  return asAt === undefined ? thisDay : sql`${asAt.day}::date`;
}

function endOf({ day }: AsAt): Sql {
  return sql`((${day}::date + 1)::timestamp at time zone ${ZONE})`;
}

/** What fields were before the first change after the day; whoever was changed has a row. */
function takenBack(asAt: AsAt, what: 'facts' | 'contact'): Sql {
  return sql`(
    select first.organisation_id, first.contact_id, jsonb_object_agg(first.field, first.before)
      as fields
    from (
      select distinct on (change.organisation_id, change.contact_id, told.key)
        change.organisation_id, change.contact_id, told.key as field, told.value -> 0 as before
      from organisations.change
      cross join lateral jsonb_each(change.fields) told
      where change.what = ${what} and change.changed_at >= ${endOf(asAt)}
        and jsonb_typeof(told.value) = 'array'
      order by change.organisation_id, change.contact_id, told.key, change.changed_at, change.id
    ) first
    group by first.organisation_id, first.contact_id
  ) was`;
}

/** A field as it was, over `was`; types are those of the column. */
function wasOr(field: string, now: Sql, type: Sql): Sql {
  return sql`case when was.fields ? ${field} then (was.fields ->> ${field})::${type} else ${now} end`;
}

const text = sql`text`;

/** Organisations of all days, named `organisation`, to stand after `from`. */
export function organisationsOn(asAt: AsAt | undefined): Sql {
  if (asAt?.isPast !== true) return sql`organisations.organisation`;
  return sql`(
    select organisation.id, organisation.code, organisation.opened_on, organisation.closed_on,
      organisation.telephone, ${wasOr('name', sql`organisation.name`, text)} as name,
      ${wasOr('short_name', sql`organisation.short_name`, text)} as short_name,
      ${wasOr('type', sql`organisation.type`, text)} as type,
      ${wasOr('region', sql`organisation.region_code`, text)} as region_code,
      ${wasOr('system', sql`organisation.system_code`, text)} as system_code,
      ${wasOr('must_answer', sql`organisation.must_answer`, sql`boolean`)} as must_answer
    from organisations.organisation
    left join ${takenBack(asAt, 'facts')} on was.organisation_id = organisation.id
  ) organisation`;
}

/** Contacts, named `contact`, to stand after `from` or `join`; with how many can be texted. */
export function contactsOn(asAt: AsAt | undefined): Sql {
  if (asAt?.isPast !== true) return sql`organisations.contact`;
  return sql`(
    select contact.id, contact.organisation_id,
      ${wasOr('name', sql`contact.name`, text)} as name,
      ${wasOr('kind', sql`contact.is_post`, sql`boolean`)} as is_post,
      ${wasOr('role', sql`contact.role`, text)} as role,
      ${wasOr('rank', sql`contact.rank`, sql`smallint`)} as rank,
      ${wasOr('active', sql`contact.active`, sql`boolean`)} as active,
      coalesce(points.texts, 0) as texts, coalesce(points.mails, 0) as mails
    from organisations.contact
    left join ${takenBack(asAt, 'contact')} on was.organisation_id = contact.organisation_id
      and was.contact_id = contact.id
    left join ${pointsOn(asAt)} on points.contact_id = contact.id
    where contact.created_at < ${endOf(asAt)}
  ) contact`;
}

/** How many numbers and addresses a contact had. */
function pointsOn(asAt: AsAt): Sql {
  return sql`(
    select had.contact_id, count(*) filter (where had.channel = 'text') as texts,
      count(*) filter (where had.channel = 'mail') as mails
    from ${linksOn(asAt)} had group by had.contact_id
  ) points`;
}

/**
 * Which numbers and addresses contacts had, by id of both and channel: those whose link was taken
 * away later, and those that are there and were not put on later. An import takes all links off and
 * puts them on again in one transaction; then what it took off was there.
 */
export function linksOn(asAt: AsAt): Sql {
  return sql`(
    with later as materialized (
      select distinct on (change.contact_id, told.key) change.contact_id, told.key as point_id,
        told.value as channel, change.what
      from organisations.change
      cross join lateral jsonb_each_text(change.fields) told
      where change.what in ('linked', 'unlinked') and change.changed_at >= ${endOf(asAt)}
      order by change.contact_id, told.key, change.changed_at, change.what desc
    )
    select later.contact_id, later.point_id, later.channel from later where later.what = 'unlinked'
    union all
    select link.contact_id, link.contact_point_id::text, link.channel
    from organisations.contact_contact_point link
    left join later on later.contact_id = link.contact_id
      and later.point_id = link.contact_point_id::text
    where later.contact_id is null
  )`;
}

export type OrganisationOn = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly shortName: string;
  readonly type: string;
  readonly regionName: string | null;
  readonly systemName: string | null;
  readonly mustAnswer: boolean;
  readonly openedOn: string | null;
  readonly closedOn: string | null;
};

/** One organisation on a day, whether it existed then or not. */
export async function findOrganisationOn(
  tx: Tx,
  id: string,
  asAt: AsAt,
): Promise<OrganisationOn | undefined> {
  return await tx.maybe<OrganisationOn>(sql`
    select organisation.id, organisation.code, organisation.name, organisation.short_name,
      organisation.type, region.name as region_name, system.name as system_name,
      organisation.must_answer, organisation.opened_on::text, organisation.closed_on::text
    from ${organisationsOn(asAt)}
    left join organisations.region on region.code = organisation.region_code
    left join organisations.system on system.code = organisation.system_code
    where organisation.id = ${id}`);
}

export type ContactOn = {
  readonly id: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly texts: number;
  readonly mails: number;
};

/** Who was told at an organisation, by rank. */
export async function listContactsOn(tx: Tx, id: string, asAt: AsAt): Promise<ContactOn[]> {
  return await tx.rows<ContactOn>(sql`
    select contact.id, contact.name, contact.is_post, contact.role, contact.rank, contact.texts,
      contact.mails
    from ${contactsOn(asAt)}
    where contact.organisation_id = ${id} and contact.active
    order by contact.rank, contact.name, contact.id`);
}

/** Weekly hours of its contacts as they were at the end of the day, by contact and time. */
export async function listHoursOn(
  tx: Tx,
  organisationId: string,
  asAt: AsAt,
): Promise<(DutyHours & { readonly contactId: string })[]> {
  return await tx.rows(sql`
    with later as materialized (
      select distinct on (change.contact_id) change.contact_id,
        change.fields -> 'hours' -> 0 as hours
      from organisations.change
      where change.organisation_id = ${organisationId} and change.what = 'hours'
        and change.changed_at >= ${endOf(asAt)}
      order by change.contact_id, change.changed_at, change.id
    )
    select told.contact_id, told.weekday, to_char(told.starts_at, 'HH24:MI') as starts_at,
      to_char(told.ends_at, 'HH24:MI') as ends_at
    from (
      select later.contact_id, had.weekday, had."startsAt" as starts_at, had."endsAt" as ends_at
      from later
      cross join lateral jsonb_to_recordset(later.hours)
        as had (weekday smallint, "startsAt" time, "endsAt" time)
      union all
      select hours.contact_id, hours.weekday, hours.starts_at, hours.ends_at
      from organisations.contact
      join organisations.duty_hours hours on hours.contact_id = contact.id
      where contact.organisation_id = ${organisationId}
        and not exists (select from later where later.contact_id = contact.id)
    ) told
    order by told.contact_id, told.weekday, told.starts_at`);
}

export type AwayOn = {
  readonly contactId: string;
  readonly from: Date;
  readonly until: Date;
  /** Who stood in; null: nobody. */
  readonly cover: string | null;
};

/** Absences of its contacts that touch the day; one that was ended early ended then. */
export async function listAwayOn(tx: Tx, organisationId: string, asAt: AsAt): Promise<AwayOn[]> {
  return await tx.rows<AwayOn>(sql`
    select absence.contact_id, absence.starts_at as from, absence.ends_at as until,
      cover.name as cover
    from organisations.absence
    join organisations.contact on contact.id = absence.contact_id
    left join organisations.contact cover on cover.id = absence.cover_id
    where contact.organisation_id = ${organisationId}
      and absence.starts_at < ${endOf(asAt)}
      and absence.ends_at > (${asAt.day}::date::timestamp at time zone ${ZONE})
    order by absence.contact_id, absence.starts_at`);
}

export type UseOn = { readonly supplier: string; readonly product: string | null };

/** What it used on the day, as far as anybody said. */
export async function listUsesOn(tx: Tx, id: string, asAt: AsAt): Promise<UseOn[]> {
  return await tx.rows<UseOn>(sql`
    select supplier.name as supplier, product.name as product
    from organisations.use used
    join organisations.supplier on supplier.id = used.supplier_id
    left join organisations.product on product.id = used.product_id
    where used.organisation_id = ${id} and ${isUsedOn(dayOf(asAt))}
    order by lower(supplier.name), lower(product.name) nulls first, used.id`);
}

/** The day on which the first contact came into the directory; null: there is none. */
export async function findBeginning(tx: Tx): Promise<Date | null> {
  const { beganOn } = await tx.one<{ beganOn: Date | null }>(sql`
    select min(contact.created_at) as began_on from organisations.contact`);
  return beganOn;
}
