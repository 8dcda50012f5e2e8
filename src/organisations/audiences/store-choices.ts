/** What the fields of a question offer, and what its codes are called. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type NamesToAsk = {
  readonly suppliers: readonly string[];
  readonly products: readonly string[];
  readonly tags: readonly string[];
};

/** Names of today; old spellings are understood and not offered. */
export async function readNamesToAsk(tx: Tx): Promise<NamesToAsk> {
  return await tx.one<NamesToAsk>(sql`
    select
      array(select name from organisations.supplier order by lower(name), id) as suppliers,
      array(select name from organisations.product order by lower(name), id) as products,
      array(select name from organisations.tag order by lower(name), id) as tags`);
}

export type PlaceNames = {
  readonly regions: Readonly<Record<string, string>>;
  readonly systems: Readonly<Record<string, string>>;
};

/** Names by code. */
export async function readPlaceNames(tx: Tx): Promise<PlaceNames> {
  return await tx.one<PlaceNames>(sql`
    select
      (select coalesce(jsonb_object_agg(code, name), '{}') from organisations.region) as regions,
      (select coalesce(jsonb_object_agg(code, name), '{}') from organisations.system) as systems`);
}

export type AudienceChoice = {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  /** Not the version of today. */
  readonly isOld: boolean;
  readonly isRetired: boolean;
};

/** Audiences of today, and beside them these versions of others that a question holds. */
export async function listAudienceChoices(
  tx: Tx,
  held: readonly { readonly id: string; readonly version: number }[],
): Promise<AudienceChoice[]> {
  return await tx.rows<AudienceChoice>(sql`
    select audience.id, saved.number as version, audience.name,
      saved.number <> audience.version as is_old, audience.retired_at is not null as is_retired
    from organisations.audience
    join organisations.audience_version saved on saved.audience_id = audience.id
    where (saved.number = audience.version and audience.retired_at is null)
      or (audience.id, saved.number) in (
        select held.id, held.version
        from unnest(${held.map(({ id }) => id)}::uuid[],
          ${held.map(({ version }) => version)}::int[]) as held (id, version))
    order by audience.name_key, saved.number desc`);
}
