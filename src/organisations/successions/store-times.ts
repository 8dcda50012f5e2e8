/** Duty hours and absences, handed over in a merger or split. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { HeirOf } from './store-succession.ts';

/**
 * Duty hours, and absences that are not over with who stands in, follow whoever came with this.
 * Whoever was there keeps theirs; one that two organisations had is always on duty, because their
 * hours need not agree. Says how many contacts have theirs from before.
 */
export async function handOverTimes(tx: Tx, heirs: readonly HeirOf[]): Promise<number> {
  const named = sql`named as materialized (
    select heir.id, heir.organisation_id, told."contactIds" as givers,
      heir.created_at = now() and cardinality(told."contactIds") = 1 as takes_times
    from jsonb_to_recordset(${JSON.stringify(heirs)}::jsonb) as told ("successorId" uuid,
      role text, name text, "contactIds" uuid[])
    join organisations.contact heir on heir.organisation_id = told."successorId"
      and heir.role = told.role and lower(heir.name) = lower(told.name))`;
  await tx.run(sql`
    with ${named}
    insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
    select named.id, hours.weekday, hours.starts_at, hours.ends_at, hours.time_zone
    from named join organisations.duty_hours hours on hours.contact_id = named.givers[1]
    where named.takes_times`);
  await tx.run(sql`
    with ${named}
    insert into organisations.absence (contact_id, starts_at, ends_at, cover_id)
    select named.id, absence.starts_at, absence.ends_at, cover.id
    from named join organisations.absence on absence.contact_id = named.givers[1]
    left join named cover on cover.organisation_id = named.organisation_id
      and absence.cover_id = any(cover.givers)
    where named.takes_times and absence.ends_at > now()`);
  const { count } = await tx.one<{ count: number }>(sql`
    with ${named}
    select count(*) as count from named join organisations.contact on contact.id = named.id
    where named.takes_times and contact.has_times`);
  return count;
}
