/** Reads of the directory. Addresses leave it sealed or masked, never open. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AudiencePreview, AudienceQuestion, Channel } from './model.ts';

/**
 * Which organisations a question means, over the columns of `organisations.v_organisation` named
 * `organisation`: for this slice and for the `insert … select` of alerts.
 */
export function matchesOrganisation(question: AudienceQuestion): Sql {
  const { types, regions, systems, include, exclude } = question;
  const narrowing = [
    ...(types.length > 0 ? [sql`organisation.type = any(${types}::text[])`] : []),
    ...(regions.length > 0 ? [sql`organisation.region_code = any(${regions}::text[])`] : []),
    ...(systems.length > 0 ? [sql`organisation.system_code = any(${systems}::text[])`] : []),
    ...(question.mustAnswerOnly ? [sql`organisation.must_answer`] : []),
  ];
  const asked = narrowing.length === 0 ? sql`true` : join(narrowing, ' and ');
  const named =
    include.length === 0
      ? asked
      : sql`(${asked} or ${isOneOf(include)} or ${followsOneOf(include)})`;
  return exclude.length === 0 ? named : sql`(${named} and not ${isOneOf(exclude)})`;
}

/**
 * Whoever is named means its successors too, from their day on. Not so with those named out: a
 * merger must not take away who was in.
 */
function followsOneOf(codes: readonly string[]): Sql {
  return sql`organisation.code in (select follower.successor_code
    from organisations.v_follower follower where follower.code = any(${codes}::text[]))`;
}

function isOneOf(codes: readonly string[]): Sql {
  return sql`organisation.code = any(${codes}::text[])`;
}

/** Which contacts a question means, over `organisations.v_reachable` named `reachable`. */
export function matchesRole(question: AudienceQuestion): Sql {
  if (question.roles.length === 0) return sql`true`;
  return sql`reachable.role = any(${question.roles}::text[])`;
}

/** A filter, not a join ("is true"): half the time, because it runs inside the parallel scan. */
const isChosen = sql`
  (reachable.organisation_id in (select chosen.organisation_id from chosen)) is true`;

/** What the audience would be today. Adds up the counts that `recount_links` keeps. */
export async function previewAudience(
  tx: Tx,
  question: AudienceQuestion,
): Promise<AudiencePreview> {
  const counted = await tx.one<Counted>(sql`
    with chosen as materialized (
      select organisation.organisation_id, organisation.must_answer
      from organisations.v_organisation organisation
      where ${matchesOrganisation(question)}
    ), told as materialized (
      select reachable.organisation_id, count(*) as contacts, sum(reachable.texts) as texts,
        sum(reachable.mails) as mails
      from organisations.contact reachable
      where reachable.active and ${matchesRole(question)} and ${isChosen}
      group by reachable.organisation_id
    ), shared as materialized (
      select contact_point.id from organisations.contact_point where contact_point.contacts > 1
    ), surplus as materialized (
      -- A shared number was added up once for each contact that has it. "offset 0" keeps the way
      -- through the indexes; row-level security makes the planner expect fewer rows than come.
      select link.channel, count(*) - count(distinct shared.id) as points
      from shared
      cross join lateral (
        select link.channel, link.contact_id from organisations.contact_contact_point link
        where link.contact_point_id = shared.id offset 0) link
      cross join lateral (
        select reachable.organisation_id from organisations.contact reachable
        where reachable.id = link.contact_id and reachable.active and ${matchesRole(question)}
        offset 0) reachable
      where ${isChosen}
      group by link.channel
    )
    select
      (select count(*) from chosen) as organisations,
      (select count(*) from chosen where chosen.must_answer) as must_answer,
      coalesce(sum(told.contacts), 0)::int as contacts,
      (coalesce(sum(told.texts), 0) - coalesce(
        (select surplus.points from surplus where surplus.channel = 'text'), 0))::int as texts,
      (coalesce(sum(told.mails), 0) - coalesce(
        (select surplus.points from surplus where surplus.channel = 'mail'), 0))::int as mails,
      count(*) filter (where told.texts + told.mails > 0) as reached,
      count(*) filter (where told.texts > 0) as reached_by_text
    from told`);
  return {
    organisations: counted.organisations,
    mustAnswer: counted.mustAnswer,
    contacts: counted.contacts,
    contactPoints: { text: counted.texts, mail: counted.mails },
    withoutAnyText: counted.organisations - counted.reachedByText,
    withoutAny: counted.organisations - counted.reached,
  };
}

type Counted = {
  organisations: number;
  mustAnswer: number;
  contacts: number;
  texts: number;
  mails: number;
  reached: number;
  reachedByText: number;
};

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
  /** Name and code of the last one seen. */
  readonly after?: readonly [name: string, code: string];
  readonly limit: number;
};

/** By name, closed ones too unless a question is asked. */
export async function listOrganisations(
  tx: Tx,
  search: OrganisationSearch,
): Promise<OrganisationSummary[]> {
  const { after, limit } = search;
  const beyond = after
    ? sql`(organisation.name, organisation.code) > (${after[0]}, ${after[1]})`
    : sql`true`;
  return await tx.rows<OrganisationSummary>(sql`
    select organisation.id, organisation.code, organisation.name, organisation.short_name,
      organisation.type, region.name as region_name, system.name as system_name,
      organisation.must_answer, organisation.closed_on::text,
      (select count(*) from organisations.contact
        where contact.organisation_id = organisation.id and contact.active) as contacts
    from organisations.organisation
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
}: Pick<OrganisationSearch, 'text' | 'question'>): Sql {
  const like = `%${(text ?? '').replaceAll(/[\\%_]/g, '\\$&')}%`;
  const conditions = [
    ...(text
      ? [
          sql`(organisation.name ilike ${like} or organisation.short_name ilike ${like}
            or organisation.code ilike ${like})`,
        ]
      : []),
    ...(question ? [matchesOrganisation(question), isOpen] : []),
  ];
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ');
}

const isOpen = sql`
  coalesce(organisation.opened_on <= current_date, true)
  and coalesce(organisation.closed_on >= current_date, true)`;

export type OrganisationDetail = Omit<OrganisationSummary, 'contacts'> & {
  readonly addressLines: readonly string[];
  readonly postcode: string | null;
  readonly telephone: string | null;
  readonly openedOn: string | null;
  readonly contacts: readonly ContactDetail[];
};

export type ContactDetail = {
  readonly id: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly language: string;
  readonly active: boolean;
  /** By channel and position, masked; how many organisations share each. */
  readonly points: readonly {
    readonly contactPointId: string;
    readonly channel: Channel;
    readonly shown: string;
    readonly sharedBy: number;
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
      organisation.telephone, organisation.opened_on::text, organisation.closed_on::text
    from organisations.organisation
    left join organisations.region on region.code = organisation.region_code
    left join organisations.system on system.code = organisation.system_code
    where organisation.id = ${id}`);
  return organisation && { ...organisation, contacts: await listContacts(tx, id) };
}

async function listContacts(tx: Tx, organisationId: string): Promise<ContactDetail[]> {
  return await tx.rows<ContactDetail>(sql`
    select contact.id, contact.name, contact.is_post, contact.role, contact.rank,
      contact.language, contact.active, coalesce(linked.points, '[]') as points
    from organisations.contact
    left join lateral (
      select json_agg(json_build_object('contactPointId', contact_point.id,
        'channel', contact_point.channel, 'shown', contact_point.shown,
        'sharedBy', (
          select count(distinct other.organisation_id)
          from organisations.contact_contact_point shared
          join organisations.contact other on other.id = shared.contact_id
          where shared.contact_point_id = contact_point.id))
        order by link.channel desc, link.position) as points
      from organisations.contact_contact_point link
      join organisations.contact_point on contact_point.id = link.contact_point_id
      where link.contact_id = contact.id
    ) linked on true
    where contact.organisation_id = ${organisationId}
    order by contact.rank, contact.name`);
}

export type ContactPoint = {
  readonly id: string;
  readonly shown: string;
  readonly addressSealed: Buffer;
};

/** The contact point with this blind index (`blindIndex` over channel and normalised address). */
export async function findContactPointByIndex(
  tx: Tx,
  channel: Channel,
  addressIndex: Buffer,
): Promise<ContactPoint | undefined> {
  return await tx.maybe<ContactPoint>(sql`
    select id, shown, address_sealed from organisations.contact_point
    where channel = ${channel} and address_index = ${addressIndex}`);
}

export type PointOrganisation = {
  readonly organisationId: string;
  readonly code: string;
  readonly shortName: string;
  readonly contactId: string;
  readonly contactName: string;
  readonly role: string;
};

/** Whom a number or an address stands for today: one row for each contact that has it. */
export async function listOrganisationsOfContactPoint(
  tx: Tx,
  contactPointId: string,
): Promise<PointOrganisation[]> {
  return await tx.rows<PointOrganisation>(sql`
    select organisation.organisation_id, organisation.code, organisation.short_name,
      contact.id as contact_id, contact.name as contact_name, contact.role
    from organisations.contact_contact_point link
    join organisations.contact on contact.id = link.contact_id and contact.active
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where link.contact_point_id = ${contactPointId}
    order by organisation.code, contact.rank`);
}
