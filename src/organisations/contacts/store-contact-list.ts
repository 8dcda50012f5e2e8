/** Who is on file of one organisation, page by page, and what holds of all of them. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';
import { thisDay } from '../store-day.ts';
import { isOwnNews } from './store-points.ts';

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
  /** Is told together with another of its rank. */
  readonly sharesRank: boolean;
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
    /** Others of this organisation who are told and have it: how many, and the first of them. */
    readonly sharedWithCount: number;
    readonly sharedWith: readonly string[];
    /** Alerts go to it: the first of its channel, or the next where that is known to fail. */
    readonly inUse: boolean;
    /** Nothing goes there: it is on a network that is cut off. */
    readonly isStopped: boolean;
    /** Other organisations that have it, the first of them. */
    readonly alsoAt: readonly { readonly id: string; readonly name: string }[];
  }[];
};

/** For `ilike`: what holds these letters. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

/** Over a link: nothing goes there, because its network is in foreign hands. */
const isStopped = sql`(link.contact_point_id in (
  select stopped.contact_point_id from dispatch.v_stopped stopped))`;

/** Over a link: alerts go to it, as `v_reachable` has it. */
export const isInUse = sql`(link.position = 1) <> ((link.contact_id, link.contact_point_id) in (
  select swapped.contact_id, swapped.contact_point_id from organisations.v_swapped swapped))
  and not ${isStopped}`;

/** A moment of a number: the centre sees all, an organisation those since it has the number. */
function mayBeSeen(moment: Sql): Sql {
  return sql`case when (select kernel.reach()) = 'centre' or ${isOwnNews(moment)} then ${moment} end`;
}

export type ContactSearch = {
  /** Part of the name; and the roles that fit what was typed. */
  readonly text?: string;
  readonly roles?: readonly string[];
};

export type ContactPage = ContactSearch & {
  /** 0 told, 1 not any more; rank, name and id of the last one seen. */
  readonly after?: readonly [former: number, rank: number, name: string, id: string];
  readonly limit: number;
};

function fits({ text, roles = [] }: ContactSearch): Sql {
  if (text === undefined) return sql`true`;
  return sql`(contact.name ilike ${containing(text)} or contact.role = any(${[...roles]}::text[]))`;
}

/** More names would not be read; `sharedBy` and `sharedWithCount` say how many there are. */
const NAMES_MAX = 3;

/**
 * Who has `contact_point`, over it. "offset 0" keeps the way through the indexes: of contacts that
 * were imported a moment ago the planner knows nothing, and read all 20,000 for each that is shown.
 */
const sharers = sql`
  select who.id, who.name, who.rank, who.active, who.organisation_id
  from (select held.contact_id from organisations.contact_contact_point held
    where held.contact_point_id = contact_point.id offset 0) shared
  cross join lateral (
    select known.id, known.name, known.rank, known.active, known.organisation_id
    from organisations.contact known where known.id = shared.contact_id offset 0) who`;

/** Of one that has closed nobody is told: a merger would mark as shared all whom it handed over. */
export const goesOn = sql`(organisation.closed_on is null or organisation.closed_on >= ${thisDay})`;

/**
 * Who is told by rank, then who is not any more. Its numbers and addresses are looked up for those
 * that are shown alone: an organisation may have 20,000 contacts.
 */
export async function listContacts(
  tx: Tx,
  organisationId: string,
  page?: ContactPage,
): Promise<ContactDetail[]> {
  const place = sql`(not contact.active)::int, contact.rank, contact.name, contact.id`;
  const { after } = page ?? {};
  const beyond = after
    ? sql`(${place}) > (${after[0]}::int, ${after[1]}::smallint, ${after[2]}, ${after[3]}::uuid)`
    : sql`true`;
  return await tx.rows<ContactDetail>(sql`
    select contact.id, contact.name, contact.is_post, contact.role, contact.rank,
      contact.reader_kind, contact.language, contact.active, contact.has_times,
      contact.attested_at, contact.says_left_at,
      -- Ranks are 1 to 9: those that have one alone, and are looked for among all, are few.
      contact.active and exists (
        select from organisations.contact other
        where other.organisation_id = contact.organisation_id and other.active
          and other.rank = contact.rank and other.id <> contact.id) as shares_rank,
      coalesce(linked.points, '[]') as points
    from (
      select contact.id, contact.organisation_id, contact.name, contact.is_post, contact.role,
        contact.rank, contact.reader_kind, contact.language, contact.active, contact.has_times,
        contact.attested_at, contact.says_left_at
      from organisations.contact
      where contact.organisation_id = ${organisationId} and ${fits(page ?? {})} and ${beyond}
      order by ${place}
      ${page === undefined ? sql`` : sql`limit ${page.limit}`}
    ) contact
    left join lateral (
      select json_agg(json_build_object('contactPointId', contact_point.id,
        'channel', contact_point.channel, 'shown', contact_point.shown,
        'domain', contact_point.domain, 'provenAt', ${mayBeSeen(sql`contact_point.proven_at`)},
        'askedAt', ${mayBeSeen(sql`contact_point.asked_at`)},
        'sharedBy', coalesce(elsewhere.count, 0) + 1, 'alsoAt', coalesce(elsewhere.first, '[]'),
        'sharedWithCount', coalesce(here.count, 0), 'sharedWith', coalesce(here.first, '[]'),
        'inUse', ${isInUse}, 'isStopped', ${isStopped})
        order by link.channel desc, link.position) as points
      from organisations.contact_contact_point link
      cross join lateral (
        select point.id, point.channel, point.shown, point.domain, point.contacts,
          point.proven_at, point.asked_at
        from organisations.contact_point point where point.id = link.contact_point_id
        offset 0) contact_point
      left join lateral (
        select count(*) as count, json_agg(json_build_object('id', at.id, 'name', at.name))
          filter (where at.number <= ${NAMES_MAX}) as first
        from (
          select organisation.id, organisation.name,
            row_number() over (order by organisation.name, organisation.id) as number
          from organisations.organisation
          where organisation.id <> contact.organisation_id and ${goesOn} and organisation.id in (
            select other.organisation_id from (${sharers}) other)
        ) at
      ) elsewhere on contact_point.contacts > 1
      left join lateral (
        select count(*) as count, json_agg(colleague.name order by colleague.number)
          filter (where colleague.number <= ${NAMES_MAX}) as first
        from (
          select other.name, row_number() over (order by other.rank, other.name, other.id) as number
          from (${sharers}) other
          where other.organisation_id = contact.organisation_id and other.active
            and other.id <> contact.id
        ) colleague
      ) here on contact_point.contacts > 1
      where link.contact_id = contact.id
    ) linked on true
    order by ${place}`);
}

export type ContactCount = { readonly told: number; readonly former: number };

/** How many fit, over all pages. */
export async function countContacts(
  tx: Tx,
  organisationId: string,
  search: ContactSearch = {},
): Promise<ContactCount> {
  return await tx.one<ContactCount>(sql`
    select count(*) filter (where contact.active) as told,
      count(*) filter (where not contact.active) as former
    from organisations.contact
    where contact.organisation_id = ${organisationId} and ${fits(search)}`);
}

export type Chain = {
  /** Those who are told. */
  readonly told: number;
  /** 0 where nobody is. */
  readonly firstRank: number;
  readonly lastRank: number;
  /** Somebody has hours or absences. */
  readonly hasTimes: boolean;
  /** Ids and ranks of all who are told as one word: of 20,000 no form could hold more. */
  readonly order: string;
};

/** The chain as a whole; nobody of it is read into the process. */
export async function readChain(tx: Tx, organisationId: string): Promise<Chain> {
  return await tx.one<Chain>(sql`
    select count(*) as told, coalesce(min(contact.rank), 0) as first_rank,
      coalesce(max(contact.rank), 0) as last_rank,
      coalesce(bool_or(contact.has_times), false) as has_times,
      encode(sha256(convert_to(coalesce(
        string_agg(contact.rank::text || contact.id::text, ' ' order by contact.rank, contact.id),
        ''), 'UTF8')), 'hex') as "order"
    from organisations.contact
    where contact.organisation_id = ${organisationId} and contact.active`);
}

/** Who may stand in: others of the organisation who are told, those with a text in their name. */
export async function listColleagues(
  tx: Tx,
  { organisationId, id }: { readonly organisationId: string; readonly id: string },
  { text, limit }: { readonly text: string; readonly limit: number },
): Promise<{ id: string; name: string }[]> {
  return await tx.rows(sql`
    select contact.id, contact.name from organisations.contact
    where contact.organisation_id = ${organisationId} and contact.active
      and contact.id <> ${id} and contact.name ilike ${containing(text)}
    order by contact.rank, contact.name, contact.id
    limit ${limit}`);
}

export type WaysOfOrganisation = {
  /** A number or an address of somebody who is told, that nobody answered from yet. */
  readonly hasUnproven: boolean;
  /** Somebody is reached while the organisation's own network is down. */
  readonly isOffNetwork: boolean;
};

/** As `isOffNetwork` says of one contact, over all who are told. */
export async function readWays(
  tx: Tx,
  organisationId: string,
  ownDomains: readonly string[],
): Promise<WaysOfOrganisation> {
  const linked = sql`organisations.contact
    join organisations.contact_contact_point link on link.contact_id = contact.id
    join organisations.contact_point on contact_point.id = link.contact_point_id
    where contact.organisation_id = ${organisationId} and contact.active`;
  return await tx.one<WaysOfOrganisation>(sql`
    select exists (select from ${linked} and link.channel in ('text', 'mail')
        and contact_point.proven_at is null) as has_unproven,
      exists (select from organisations.contact
        where contact.organisation_id = ${organisationId} and contact.active and contact.texts > 0)
      or exists (select from ${linked} and link.channel = 'mail'
        and contact_point.domain <> all(${[...ownDomains]}::text[]) and ${isInUse})
        as is_off_network`);
}
