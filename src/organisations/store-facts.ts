/** The facts of one organisation, as its form reads and writes them. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { StoredOrganisation } from './imports/plan-organisations.ts';
import { thisDay } from './store-day.ts';

export type OrganisationFacts = StoredOrganisation & {
  readonly id: string;
  /** What a form saw; another one means that somebody changed the organisation since. */
  readonly version: string;
  /** Contacts who are told. */
  readonly contacts: number;
  /** Organisations below it that go on, today or later. */
  readonly children: number;
};

const version = sql`
  to_char(organisation.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export async function findFacts(tx: Tx, id: string): Promise<OrganisationFacts | undefined> {
  return await tx.maybe<OrganisationFacts>(sql`
    select organisation.id, organisation.code, organisation.name, organisation.short_name,
      organisation.short_name_chosen, organisation.type, organisation.region_code,
      organisation.system_code, organisation.must_answer, organisation.address_lines,
      organisation.postcode, organisation.telephone, organisation.latitude, organisation.longitude,
      organisation.serves, organisation.population, organisation.population_on::text,
      organisation.opened_on::text,
      organisation.closed_on::text, ${version} as version,
      (select count(*) from organisations.contact
        where contact.organisation_id = organisation.id and contact.active) as contacts,
      (select count(distinct child.id) from organisations.parenthood held
        join organisations.organisation child on child.id = held.child_id
        where held.parent_id = organisation.id
          and coalesce(held.ended_on, 'infinity') >= ${thisDay}
          and coalesce(child.closed_on, 'infinity') >= ${thisDay}) as children
    from organisations.organisation
    where organisation.id = ${id}`);
}

/** The code of another organisation that texts call so, whatever the case. */
export async function findShortNameHolder(
  tx: Tx,
  shortName: string,
  exceptId: string,
): Promise<string | undefined> {
  const row = await tx.maybe<{ code: string }>(sql`
    select organisation.code from organisations.organisation
    where lower(organisation.short_name) = lower(${shortName}) and organisation.id <> ${exceptId}
    limit 1`);
  return row?.code;
}

/** Where it still is as the form saw it. */
export async function updateFacts(
  tx: Tx,
  facts: Omit<OrganisationFacts, 'contacts' | 'children' | 'code'>,
): Promise<number> {
  return await tx.run(sql`
    update organisations.organisation set name = ${facts.name}, short_name = ${facts.shortName},
      short_name_chosen = ${facts.shortNameChosen}, type = ${facts.type},
      region_code = ${facts.regionCode}, system_code = ${facts.systemCode},
      must_answer = ${facts.mustAnswer}, address_lines = ${[...facts.addressLines]}::text[],
      postcode = ${facts.postcode}, telephone = ${facts.telephone}, latitude = ${facts.latitude},
      longitude = ${facts.longitude}, serves = ${facts.serves}, population = ${facts.population},
      population_on = ${facts.populationOn}, opened_on = ${facts.openedOn},
      closed_on = ${facts.closedOn}, updated_at = now()
    where organisation.id = ${facts.id} and ${version} = ${facts.version}`);
}

export async function insertFacts(
  tx: Tx,
  facts: Omit<OrganisationFacts, 'contacts' | 'children' | 'version'>,
): Promise<number> {
  return await tx.run(sql`
    insert into organisations.organisation (id, code, name, short_name, short_name_chosen, type,
      region_code, system_code, must_answer, address_lines, postcode, telephone, latitude,
      longitude, serves, population, population_on, opened_on, closed_on, source)
    values (${facts.id}, ${facts.code}, ${facts.name}, ${facts.shortName},
      ${facts.shortNameChosen}, ${facts.type}, ${facts.regionCode}, ${facts.systemCode},
      ${facts.mustAnswer}, ${[...facts.addressLines]}::text[], ${facts.postcode},
      ${facts.telephone}, ${facts.latitude}, ${facts.longitude}, ${facts.serves},
      ${facts.population}, ${facts.populationOn}, ${facts.openedOn}, ${facts.closedOn}, 'page')
    on conflict do nothing`);
}
