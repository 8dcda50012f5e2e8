/** Who may do something, for lists to choose a colleague from. */
import { sql } from '#db/sql.ts';
import type { Permission } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { rolesWith, type RoleModel } from './model.ts';
import { IN_FORCE, OF_CENTRE } from './store-held.ts';

export type HolderRow = {
  readonly id: string;
  readonly name: string;
  /** Null: everywhere. */
  readonly regionCodes: readonly string[] | null;
};

/** People who are not locked out and hold the permission, by name. */
export async function listHolders(
  tx: Tx,
  model: RoleModel,
  permission: Permission,
): Promise<HolderRow[]> {
  return await tx.rows<HolderRow>(sql`
    select person.id, person.name,
      case when bool_and(held.region_code is not null)
        then array_agg(distinct held.region_code) end as region_codes
    from identity.person
    join identity.role_grant held on held.person_id = person.id and ${IN_FORCE}
      and ${OF_CENTRE} and held.role = any(${rolesWith(model, permission)})
    where person.active
    group by person.id, person.name order by lower(person.name), person.id`);
}
