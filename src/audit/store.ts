import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Entry, EntrySearch, NewEntry } from './model.ts';

export async function insertEntries(tx: Tx, entries: readonly NewEntry[]): Promise<void> {
  await tx.run(sql`
    insert into audit.entry (action, subject_kind, subject_id, detail)
    select action, subject_kind, subject_id, detail::jsonb
    from unnest(${entries.map((e) => e.action)}::text[],
      ${entries.map((e) => e.subject.kind)}::text[], ${entries.map((e) => e.subject.id)}::text[],
      ${entries.map((e) => JSON.stringify(e.detail ?? {}))}::text[])
      as entry (action, subject_kind, subject_id, detail)`);
}

export type EntryFilter = EntrySearch & {
  /** The id of the last entry already seen. */
  readonly cursor?: string | undefined;
  readonly limit: number;
};

export async function selectEntries(tx: Tx, filter: EntryFilter): Promise<Entry[]> {
  return await tx.rows<Entry>(sql`
    select e.id, e.at, e.actor_kind, e.actor_id, e.action, e.subject_kind, e.subject_id,
      coalesce(e.detail, '{}') as detail, e.detail is null as is_erased
    from audit.entry e
    where ${join(conditionsOf(filter), ' and ')}
    order by e.at desc, e.id desc
    limit ${filter.limit}`);
}

function conditionsOf(filter: EntryFilter): Sql[] {
  const { cursor, actorIds, action, subjectKinds, subjectId, from, until } = filter;
  const conditions = [sql`true`];
  if (cursor !== undefined) {
    // The cursor is an id, not a time: a Date has milliseconds, the column microseconds.
    conditions.push(sql`(e.at, e.id) < (
      select seen.at, seen.id from audit.entry seen where seen.id = ${cursor})`);
  }
  if (actorIds !== undefined) conditions.push(sql`e.actor_id = any(${[...actorIds]}::text[])`);
  if (action !== undefined) conditions.push(sql`e.action = ${action}`);
  if (subjectKinds !== undefined)
    conditions.push(sql`e.subject_kind = any(${[...subjectKinds]}::text[])`);
  if (subjectId !== undefined) conditions.push(sql`e.subject_id = ${subjectId}`);
  if (from !== undefined)
    conditions.push(sql`e.at >= ${from}::timestamp at time zone 'Europe/London'`);
  if (until !== undefined)
    conditions.push(
      sql`e.at < (${until}::timestamp + interval '1 minute') at time zone 'Europe/London'`,
    );
  return conditions;
}

/** Every action that ever was, by name: one look into the index for each. */
export async function selectActions(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ action: string }>(sql`
    with recursive each (action) as (
      (select entry.action from audit.entry order by entry.action limit 1)
      union all
      select (select entry.action from audit.entry where entry.action > each.action
        order by entry.action limit 1)
      from each where each.action is not null
    )
    select action from each where action is not null`);
  return rows.map(({ action }) => action);
}

/** Every kind of subject that ever was. */
export async function selectSubjectKinds(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ kind: string }>(sql`
    with recursive each (kind) as (
      (select entry.subject_kind from audit.entry order by entry.subject_kind limit 1)
      union all
      select (select entry.subject_kind from audit.entry where entry.subject_kind > each.kind
        order by entry.subject_kind limit 1)
      from each where each.kind is not null
    )
    select kind from each where kind is not null`);
  return rows.map(({ kind }) => kind);
}
