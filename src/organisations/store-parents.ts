/** Statements about parents: lines of time by code, who stands below whom, and how they are kept. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Dates, Lines, Stretch } from './parents.ts';

/**
 * Two forms at once could each put one below the other. Imports and successions hold the lock of
 * imports alone and need no second one.
 */
export async function lockParents(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtext('organisations.parenthood'))`);
}

/** The lines of all that have a parent at any time, by code. */
export async function readLines(tx: Tx): Promise<Lines> {
  const rows = await tx.rows<{ child: string; line: Stretch[] }>(sql`
    select child.code as child, jsonb_agg(jsonb_build_object('parent', parent.code,
      'from', held.began_on, 'until', held.ended_on) order by held.began_on nulls first) as line
    from organisations.parenthood held
    join organisations.organisation child on child.id = held.child_id
    join organisations.organisation parent on parent.id = held.parent_id
    group by child.code`);
  return new Map(rows.map(({ child, line }) => [child, line]));
}

/** First and last day of every organisation, by code. */
export async function readDates(tx: Tx): Promise<ReadonlyMap<string, Dates>> {
  const rows = await tx.rows<Dates & { code: string }>(sql`
    select code, opened_on::text, closed_on::text from organisations.organisation`);
  return new Map(rows.map(({ code, ...dates }) => [code, dates]));
}

/** Makes lines what they are told to be; stretches that stay keep who said so. */
export async function saveLines(
  tx: Tx,
  lines: readonly (readonly [child: string, line: readonly Stretch[]])[],
  saidBy: string,
): Promise<void> {
  const codes = lines.map(([child]) => child);
  const told = sql`jsonb_to_recordset(${JSON.stringify(
    lines.flatMap(([child, line]) => line.map((one) => ({ child, ...one }))),
  )}::jsonb) as told (child text, parent text, "from" date, until date)`;
  const isTold = sql`
    told.child = child.code and told.parent = parent.code
      and told."from" is not distinct from held.began_on
      and told.until is not distinct from held.ended_on`;
  await tx.run(sql`
    delete from organisations.parenthood held
    using organisations.organisation child, organisations.organisation parent
    where held.child_id = child.id and held.parent_id = parent.id
      and child.code = any(${codes}::text[])
      and not exists (select from ${told} where ${isTold})`);
  await tx.run(sql`
    insert into organisations.parenthood (child_id, parent_id, began_on, ended_on, said_by)
    select child.id, parent.id, told."from", told.until, ${saidBy}
    from ${told}
    join organisations.organisation child on child.code = told.child
    join organisations.organisation parent on parent.code = told.parent
    where not exists (select from organisations.parenthood held
      where held.child_id = child.id and held.parent_id = parent.id and ${isTold})`);
}

export type ParentRow = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  /** Last day of the parent itself. */
  readonly closedOn: string | null;
  readonly from: string | null;
  readonly until: string | null;
  readonly saidBy: string;
  readonly recordedAt: Date;
};

/** All parents of one organisation, the latest first. */
export async function listParents(tx: Tx, childId: string): Promise<ParentRow[]> {
  return await tx.rows<ParentRow>(sql`
    select parent.id, parent.code, parent.name, parent.closed_on::text,
      held.began_on::text as "from", held.ended_on::text as until, held.said_by, held.recorded_at
    from organisations.parenthood held
    join organisations.organisation parent on parent.id = held.parent_id
    where held.child_id = ${childId}
    order by held.began_on desc nulls last`);
}

export type ChildRow = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly type: string;
  readonly closedOn: string | null;
  readonly until: string | null;
};

export type ChildSearch = {
  readonly parentId: string;
  /** `2026-11-23`. */
  readonly on: string;
  /** Name and code of the last one seen. */
  readonly after?: readonly [name: string, code: string] | undefined;
  readonly limit: number;
};

/** Who stands below an organisation on a day and exists then, by name. */
export async function listChildren(tx: Tx, search: ChildSearch): Promise<ChildRow[]> {
  const { parentId, on, after, limit } = search;
  const beyond = after ? sql`(child.name, child.code) > (${after[0]}, ${after[1]})` : sql`true`;
  return await tx.rows<ChildRow>(sql`
    select child.id, child.code, child.name, child.type, child.closed_on::text,
      held.ended_on::text as until
    from organisations.parenthood held
    join organisations.organisation child on child.id = held.child_id
    where held.parent_id = ${parentId} and ${isChildOn(on)} and ${beyond}
    order by child.name, child.code limit ${limit}`);
}

export async function countChildren(
  tx: Tx,
  { parentId, on }: Pick<ChildSearch, 'parentId' | 'on'>,
): Promise<number> {
  const { count } = await tx.one<{ count: number }>(sql`
    select count(*) as count from organisations.parenthood held
    join organisations.organisation child on child.id = held.child_id
    where held.parent_id = ${parentId} and ${isChildOn(on)}`);
  return count;
}

/** Whether a parent, in a row called `held`, is one on this day. */
export function isHeldOn(on: Sql): Sql {
  return sql`(coalesce(held.began_on, '-infinity') <= ${on}
    and coalesce(held.ended_on, 'infinity') >= ${on})`;
}

/** Over `held` and `child`. */
function isChildOn(on: string): Sql {
  return sql`
    ${isHeldOn(sql`${on}::date`)}
      and coalesce(child.opened_on, '-infinity') <= ${on}::date
      and coalesce(child.closed_on, 'infinity') >= ${on}::date`;
}
