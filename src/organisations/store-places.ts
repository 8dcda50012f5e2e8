/** Regions and systems by name, for filters and for boards; and which codes are none. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { namingFields, spellingKey, type AskedQuestion, type UnknownCode } from './model.ts';

export type Place = {
  readonly code: string;
  readonly name: string;
  /** Organisations there that exist today. */
  readonly organisations: number;
};

export async function listRegions(tx: Tx): Promise<Place[]> {
  return await tx.rows<Place>(sql`
    select region.code, region.name, count(organisation.organisation_id) as organisations
    from organisations.region
    left join organisations.v_organisation organisation on organisation.region_code = region.code
    group by region.code, region.name order by region.name`);
}

/** Those with an organisation today that whoever asks may read: what a filter has to offer. */
export function placesInUse<P extends Place>(places: readonly P[]): P[] {
  return places.filter(({ organisations }) => organisations > 0);
}

export type SystemPlace = Place & { readonly regionCode: string | null };

export async function listSystems(tx: Tx): Promise<SystemPlace[]> {
  return await tx.rows<SystemPlace>(sql`
    select system.code, system.name, system.region_code,
      count(organisation.organisation_id) as organisations
    from organisations.system
    left join organisations.v_organisation organisation on organisation.system_code = system.code
    group by system.code, system.name, system.region_code order by system.name`);
}

/** What a question names and the directory does not have, in the order of the question. */
export async function listUnknownCodes(tx: Tx, question: AskedQuestion): Promise<UnknownCode[]> {
  const named = namingFields.flatMap((field) => question[field].map((code) => ({ field, code })));
  const [fields, codes] = [named.map(({ field }) => field), named.map(({ code }) => code)];
  return await tx.rows<UnknownCode>(sql`
    select told.field, told.code
    from unnest(${fields}::text[], ${codes}::text[], ${codes.map(spellingKey)}::text[])
      with ordinality as told (field, code, key, at)
    where not case told.field
      when 'regions' then exists (
        select from organisations.region where region.code = told.code)
      when 'systems' then exists (
        select from organisations.system where system.code = told.code)
      when 'suppliers' then exists (
        select from organisations.supplier_spelling where supplier_spelling.key = told.key)
      when 'products' then exists (
        select from organisations.product_spelling where product_spelling.key = told.key)
      when 'tags' then exists (
        select from organisations.tag_spelling where tag_spelling.key = told.key)
      else exists (
        select from organisations.organisation where organisation.code = told.code) end
    order by told.at`);
}
