/** Reads of the directory. Addresses leave it sealed or masked, never open. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AsAt } from './as-at.ts';
import type { AudienceQuestion, Channel } from './model.ts';
import { contactsOn, dayOf, organisationsOn } from './store-as-at.ts';
import { existsOn, matchesOrganisation } from './audiences/store-audience.ts';

export type OrganisationSummary = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly shortName: string;
  readonly type: string;
  readonly regionName: string | null;
  readonly systemName: string | null;
  readonly mustAnswer: boolean;
  readonly closedOn: string | null;
  readonly contacts: number;
};

export type OrganisationSearch = {
  /** Part of the name, the short name or the code. */
  readonly text?: string;
  readonly question?: AudienceQuestion;
  /** Undefined: today. */
  readonly asAt?: AsAt | undefined;
  /** Name and code of the last one seen. */
  readonly after?: readonly [name: string, code: string];
  readonly limit: number;
};

/** By name; today closed ones too, unless a question is asked. */
export async function listOrganisations(
  tx: Tx,
  search: OrganisationSearch,
): Promise<OrganisationSummary[]> {
  const { after, limit, asAt } = search;
  const beyond = after
    ? sql`(organisation.name, organisation.code) > (${after[0]}, ${after[1]})`
    : sql`true`;
  return await tx.rows<OrganisationSummary>(sql`
    select organisation.id, organisation.code, organisation.name, organisation.short_name,
      organisation.type, region.name as region_name, system.name as system_name,
      organisation.must_answer, organisation.closed_on::text,
      (select count(*) from ${contactsOn(asAt)}
        where contact.organisation_id = organisation.id and contact.active) as contacts
    from ${organisationsOn(asAt)}
    left join organisations.region on region.code = organisation.region_code
    left join organisations.system on system.code = organisation.system_code
    where ${matchesSearch(search)} and ${beyond}
    order by organisation.name, organisation.code
    limit ${limit}`);
}

/** What a search narrows to, over `organisations.organisation`, whatever page of it is shown. */
export function matchesSearch({
  text,
  question,
  asAt,
}: Pick<OrganisationSearch, 'text' | 'question' | 'asAt'>): Sql {
  const on = dayOf(asAt);
  const like = `%${(text ?? '').replaceAll(/[\\%_]/g, '\\$&')}%`;
  const conditions = [
    ...(text
      ? [
          sql`(organisation.name ilike ${like} or organisation.short_name ilike ${like}
            or organisation.code ilike ${like})`,
        ]
      : []),
    ...(question ? [matchesOrganisation(question, { id: sql`organisation.id`, on })] : []),
    ...(question || asAt ? [existsOn(on)] : []),
  ];
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ');
}

/** The names of these organisations, by name. */
export async function listOrganisationNames(
  tx: Tx,
  ids: readonly string[],
): Promise<{ id: string; name: string }[]> {
  return await tx.rows(sql`
    select organisation.id, organisation.name from organisations.organisation
    where organisation.id = any(${[...ids]}::uuid[]) order by organisation.name`);
}

export type OrganisationDetail = Omit<OrganisationSummary, 'contacts'> & {
  readonly addressLines: readonly string[];
  readonly postcode: string | null;
  readonly telephone: string | null;
  /** Degrees north and east, WGS 84. */
  readonly latitude: number | null;
  readonly longitude: number | null;
  /** Whom it serves; how many people, and on which day. */
  readonly serves: string | null;
  readonly population: number | null;
  readonly populationOn: string | null;
  readonly openedOn: string | null;
  readonly contacts: readonly ContactDetail[];
};

export type ContactDetail = {
  readonly id: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly readerKind: string;
  readonly language: string;
  readonly active: boolean;
  /** When it last said itself that all of it is right. */
  readonly attestedAt: Date | null;
  /** Says that it has left, and nobody has dealt with it yet. */
  readonly saysLeftAt: Date | null;
  /** Has duty hours or absences: is not told at any time. */
  readonly hasTimes: boolean;
  /** By channel and position, masked; how many organisations share each. */
  readonly points: readonly {
    readonly contactPointId: string;
    readonly channel: Channel;
    readonly shown: string;
    /** What stands behind the @; null for numbers. */
    readonly domain: string | null;
    /** When somebody last gave back the code that went there; ISO 8601. */
    readonly provenAt: string | null;
    /** Asked for such a proof and not answered yet. */
    readonly askedAt: string | null;
    readonly sharedBy: number;
    /** Alerts go to it: the first of its channel, or the next where that is known to fail. */
    readonly inUse: boolean;
    /** Other organisations that have it, the first of them. */
    readonly alsoAt: readonly { readonly id: string; readonly name: string }[];
  }[];
};

export async function findOrganisation(
  tx: Tx,
  id: string,
): Promise<OrganisationDetail | undefined> {
  const organisation = await tx.maybe<Omit<OrganisationDetail, 'contacts'>>(sql`
    select organisation.id, organisation.code, organisation.name, organisation.short_name,
      organisation.type, region.name as region_name, system.name as system_name,
      organisation.must_answer, organisation.address_lines, organisation.postcode,
      organisation.telephone, organisation.latitude, organisation.longitude, organisation.serves,
      organisation.population, organisation.population_on::text, organisation.opened_on::text,
      organisation.closed_on::text
    from organisations.organisation
    left join organisations.region on region.code = organisation.region_code
    left join organisations.system on system.code = organisation.system_code
    where organisation.id = ${id}`);
  return organisation && { ...organisation, contacts: await listContacts(tx, id) };
}

/** More names would not be read; `sharedBy` says how many there are. */
const ALSO_AT_MAX = 3;

async function listContacts(tx: Tx, organisationId: string): Promise<ContactDetail[]> {
  return await tx.rows<ContactDetail>(sql`
    select contact.id, contact.name, contact.is_post, contact.role, contact.rank,
      contact.reader_kind, contact.language, contact.active, contact.has_times,
      contact.attested_at, contact.says_left_at,
      coalesce(linked.points, '[]') as points
    from organisations.contact
    left join lateral (
      select json_agg(json_build_object('contactPointId', contact_point.id,
        'channel', contact_point.channel, 'shown', contact_point.shown,
        'domain', contact_point.domain, 'provenAt', contact_point.proven_at,
        'askedAt', contact_point.asked_at, 'sharedBy', coalesce(elsewhere.count, 0) + 1,
        'alsoAt', coalesce(elsewhere.first, '[]'),
        'inUse', (link.position = 1) <> ((contact.id, contact_point.id) in (
          select swapped.contact_id, swapped.contact_point_id
          from organisations.v_swapped swapped)))
        order by link.channel desc, link.position) as points
      from organisations.contact_contact_point link
      join organisations.contact_point on contact_point.id = link.contact_point_id
      left join lateral (
        select count(*) as count, json_agg(json_build_object('id', at.id, 'name', at.name))
          filter (where at.number <= ${ALSO_AT_MAX}) as first
        from (
          select organisation.id, organisation.name,
            row_number() over (order by organisation.name, organisation.id) as number
          from organisations.organisation
          where organisation.id <> contact.organisation_id and organisation.id in (
            select other.organisation_id from organisations.contact_contact_point shared
            join organisations.contact other on other.id = shared.contact_id
            where shared.contact_point_id = contact_point.id)
        ) at
      ) elsewhere on contact_point.contacts > 1
      where link.contact_id = contact.id
    ) linked on true
    where contact.organisation_id = ${organisationId}
    order by contact.rank, contact.name`);
}
