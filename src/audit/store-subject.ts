/** Entries that name one person: by an id, or in the words of somebody. */
import { namedIn } from '#db/named-in.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type NamingEntry = {
  readonly id: string;
  readonly at: Date;
  readonly actorId: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly detail: object;
  /** The detail has the name itself, not only an id. */
  readonly hasName: boolean;
};

/** Reads every entry: for what is asked a few times a year. `names` in any case. */
export async function listEntriesNaming(
  tx: Tx,
  { ids, names }: Record<'ids' | 'names', readonly string[]>,
): Promise<NamingEntry[]> {
  return await tx.rows<NamingEntry>(sql`
    select entry.id, entry.at, entry.actor_id, entry.action, entry.subject_kind, entry.subject_id,
      entry.detail, named.has_name
    from audit.entry
    cross join lateral (
      select ${namedIn(sql`entry.detail::text`, names)} as has_name
    ) named
    where entry.detail is not null and (named.has_name
      or entry.subject_id = any (${[...ids]}::text[]) or entry.actor_id = any (${[...ids]}::text[])
      or exists (select from unnest(${[...ids]}::text[]) as told (id)
        where position(told.id in entry.detail::text) > 0))
    order by entry.at, entry.id`);
}
