import { join, sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Entry, NewEntry, Subject } from './model.ts';

export async function insertEntries(tx: Tx, entries: readonly NewEntry[]): Promise<void> {
  await tx.run(sql`
    insert into audit.entry (action, subject_kind, subject_id, detail)
    select action, subject_kind, subject_id, detail::jsonb
    from unnest(${entries.map((e) => e.action)}::text[],
      ${entries.map((e) => e.subject.kind)}::text[], ${entries.map((e) => e.subject.id)}::text[],
      ${entries.map((e) => JSON.stringify(e.detail ?? {}))}::text[])
      as entry (action, subject_kind, subject_id, detail)`);
}

export type EntryFilter = {
  /** The id of the last entry already seen. */
  readonly cursor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: Subject | undefined;
  readonly limit: number;
};

export async function selectEntries(tx: Tx, filter: EntryFilter): Promise<Entry[]> {
  const conditions = [sql`true`];
  if (filter.cursor !== undefined) {
    // The cursor is an id, not a time: a Date has milliseconds, the column microseconds.
    conditions.push(sql`(e.at, e.id) < (
      select seen.at, seen.id from audit.entry seen where seen.id = ${filter.cursor})`);
  }
  if (filter.action !== undefined) conditions.push(sql`e.action = ${filter.action}`);
  if (filter.subject !== undefined) {
    conditions.push(sql`e.subject_kind = ${filter.subject.kind}`);
    conditions.push(sql`e.subject_id = ${filter.subject.id}`);
  }
  return await tx.rows<Entry>(sql`
    select e.id, e.at, e.actor_kind, e.actor_id, e.action, e.subject_kind, e.subject_id, e.detail
    from audit.entry e
    where ${join(conditions, ' and ')}
    order by e.at desc, e.id desc
    limit ${filter.limit}`);
}
