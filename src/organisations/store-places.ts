/** Regions and systems by name, for filters and for boards. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

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

export type SystemPlace = Place & { readonly regionCode: string | null };

export async function listSystems(tx: Tx): Promise<SystemPlace[]> {
  return await tx.rows<SystemPlace>(sql`
    select system.code, system.name, system.region_code,
      count(organisation.organisation_id) as organisations
    from organisations.system
    left join organisations.v_organisation organisation on organisation.system_code = system.code
    group by system.code, system.name, system.region_code order by system.name`);
}
