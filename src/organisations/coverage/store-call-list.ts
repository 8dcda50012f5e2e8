/** Whom to ring, organisation by organisation. Numbers leave sealed; who opens them leaves an entry. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AudienceQuestion, Channel } from '../model.ts';
import {
  matchesOrganisation,
  matchesRole,
  organisationsOpenOn,
  overDay,
} from '../audiences/store-audience.ts';

export type CallRow = {
  readonly organisationId: string;
  readonly code: string;
  readonly organisationName: string;
  readonly regionName: string | null;
  readonly telephone: string | null;
  readonly isCutOff: boolean;
  /** Null: the organisation has no such contact. */
  readonly contactId: string | null;
  readonly contactName: string | null;
  readonly isPost: boolean | null;
  readonly role: string | null;
  readonly rank: number | null;
  /** First the one that alerts go to. */
  readonly points: readonly {
    readonly contactPointId: string;
    readonly channel: Channel;
    /** In base 64. */
    readonly sealed: string;
  }[];
};

/** By region, then name, then rank: a row for each contact, one without for whom nobody is named. */
export async function listCallRows(
  tx: Tx,
  question: AudienceQuestion,
  {
    day,
    regionCodes,
    organisationsMax,
  }: {
    /** `2027-04-01`; undefined: today. */
    readonly day: string | undefined;
    /** Undefined: of all regions. */
    readonly regionCodes: readonly string[] | undefined;
    readonly organisationsMax: number;
  },
): Promise<CallRow[]> {
  const isTheirs =
    regionCodes === undefined
      ? sql`true`
      : sql`organisation.region_code = any(${[...regionCodes]}::text[])`;
  return await tx.rows<CallRow>(sql`
    with swapped as materialized (
      select contact_id, contact_point_id from organisations.v_swapped
    )
    select chosen.organisation_id, chosen.code, chosen.name as organisation_name,
      chosen.region_name, chosen.telephone, chosen.organisation_id in (
        select cut.organisation_id from organisations.v_cut_off cut) as is_cut_off,
      reachable.id as contact_id,
      reachable.name as contact_name, reachable.is_post, reachable.role, reachable.rank,
      coalesce(numbers.points, '[]') as points
    from (
      select organisation.organisation_id, organisation.code, organisation.name,
        organisation.telephone, region.name as region_name
      from ${organisationsOpenOn(day)}
      left join organisations.region on region.code = organisation.region_code
      where ${matchesOrganisation(question, overDay(day))} and ${isTheirs}
      order by region.name nulls last, organisation.name, organisation.code
      limit ${organisationsMax}
    ) chosen
    left join organisations.contact reachable
      on reachable.organisation_id = chosen.organisation_id and reachable.active
      and ${matchesRole(question)}
    left join lateral (
      select json_agg(json_build_object('contactPointId', contact_point.id,
        'channel', contact_point.channel,
        'sealed', encode(contact_point.address_sealed, 'base64'))
        order by link.channel desc, (swapped.contact_id is null) = (link.position = 1) desc,
          link.position) as points
      from organisations.contact_contact_point link
      join organisations.contact_point on contact_point.id = link.contact_point_id
      left join swapped on swapped.contact_id = link.contact_id
        and swapped.contact_point_id = link.contact_point_id
      where link.contact_id = reachable.id and link.channel in ('text', 'landline')
    ) numbers on true
    order by chosen.region_name nulls last, chosen.name, chosen.code, reachable.rank,
      reachable.name`);
}

/** Contacts on file today that have one of these numbers. */
export async function listHoldersOf(tx: Tx, contactPointIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select distinct link.contact_id as id from organisations.contact_contact_point link
    where link.contact_point_id = any(${[...contactPointIds]}::uuid[])`);
  return rows.map(({ id }) => id);
}
