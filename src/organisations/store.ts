/** Reads of the directory. Addresses leave it sealed or masked, never open. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AsAt } from './as-at.ts';
import { containing, listContacts, type ContactDetail } from './contacts/store-contact-list.ts';
import type { AudienceQuestion } from './model.ts';
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
  /** Its network is in foreign hands (ADR 0026). */
  readonly isCutOff: boolean;
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
        where contact.organisation_id = organisation.id and contact.active) as contacts,
      organisation.id in (
        select cut.organisation_id from organisations.v_cut_off cut) as is_cut_off
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
  const like = containing(text ?? '');
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

export type OrganisationRecord = Omit<OrganisationSummary, 'contacts' | 'isCutOff'> & {
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
  /** When it came into the directory. */
  readonly addedAt: Date;
};

export type OrganisationDetail = OrganisationRecord & {
  readonly contacts: readonly ContactDetail[];
};

/** With everybody on file of it; for a page of them see `listContacts`. */
export async function findOrganisation(
  tx: Tx,
  id: string,
): Promise<OrganisationDetail | undefined> {
  const organisation = await findOrganisationRecord(tx, id);
  return organisation && { ...organisation, contacts: await listContacts(tx, id) };
}

export async function findOrganisationRecord(
  tx: Tx,
  id: string,
): Promise<OrganisationRecord | undefined> {
  return await tx.maybe<OrganisationRecord>(sql`
    select organisation.id, organisation.code, organisation.name, organisation.short_name,
      organisation.type, region.name as region_name, system.name as system_name,
      organisation.must_answer, organisation.address_lines, organisation.postcode,
      organisation.telephone, organisation.latitude, organisation.longitude, organisation.serves,
      organisation.population, organisation.population_on::text, organisation.opened_on::text,
      organisation.closed_on::text, organisation.created_at as added_at
    from organisations.organisation
    left join organisations.region on region.code = organisation.region_code
    left join organisations.system on system.code = organisation.system_code
    where organisation.id = ${id}`);
}
