/** The directory as an alert finds it now: whom an audience means, and whom it reaches. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import {
  matchesOrganisation,
  matchesToldNow,
  type AudienceQuestion,
} from '#organisations/index.ts';
import type { Reachable } from './compose.ts';

export type AskedOrganisation = {
  organisationId: string;
  code: string;
  name: string;
  mustAnswer: boolean;
  regionCode: string | null;
};

/** Organisations that the audience means today, by name. */
export async function listAsked(tx: Tx, question: AudienceQuestion): Promise<AskedOrganisation[]> {
  return await tx.rows<AskedOrganisation>(sql`
    select organisation.organisation_id, organisation.code, organisation.name,
      organisation.must_answer, organisation.region_code
    from organisations.v_organisation organisation where ${matchesOrganisation(question)}
    order by organisation.name, organisation.code`);
}

/**
 * Numbers and addresses of those who would be told now; without the addresses themselves. As one
 * value of lists: a hundred thousand rows of objects took the driver three times as long.
 */
export async function listReachable(tx: Tx, question: AudienceQuestion): Promise<Reachable[]> {
  const columns = await tx.one<{
    organisationIds: string[];
    shortNames: string[];
    contactPointIds: string[];
    channels: string[];
    roles: string[];
    ranks: number[];
    readerKinds: string[];
  }>(sql`
    with chosen as materialized (
      select organisation.organisation_id
      from organisations.v_organisation organisation where ${matchesOrganisation(question)}
    ), told as materialized (
      select reachable.organisation_id, reachable.short_name, reachable.contact_point_id,
        reachable.channel, reachable.role, reachable.rank::int, reachable.reader_kind
      from organisations.v_reachable reachable
      where reachable.in_use and ${matchesToldNow(question)}
        and (reachable.organisation_id in (select chosen.organisation_id from chosen)) is true
    )
    select coalesce(json_agg(organisation_id), '[]') as organisation_ids,
      coalesce(json_agg(short_name), '[]') as short_names,
      coalesce(json_agg(contact_point_id), '[]') as contact_point_ids,
      coalesce(json_agg(channel), '[]') as channels, coalesce(json_agg(role), '[]') as roles,
      coalesce(json_agg(rank), '[]') as ranks,
      coalesce(json_agg(reader_kind), '[]') as reader_kinds
    from told`);
  return columns.organisationIds.map((organisationId, i) => ({
    organisationId,
    shortName: columns.shortNames[i]!,
    contactPointId: columns.contactPointIds[i]!,
    channel: columns.channels[i]!,
    role: columns.roles[i]!,
    rank: columns.ranks[i]!,
    readerKind: columns.readerKinds[i]!,
  }));
}
