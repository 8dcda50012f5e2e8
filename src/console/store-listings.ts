/** Which organisations stand behind a number of the board, by their standings (store-standings.ts). */
import { sql, type Sql } from '#db/sql.ts';
import { filterBy, NONE, type Filter } from './figures.ts';
import type { Listing } from './model.ts';

export type Moment = {
  /** Who was reached counts as silent from then on; null: once their chain has ended. */
  readonly callListAt: Date | null;
  /** Undefined: now. */
  readonly at: Date | undefined;
};

export const momentOf = ({ at }: Pick<Moment, 'at'>) =>
  at === undefined ? sql`now()` : sql`${at}::timestamptz`;

export const wasReached = sql`reach in ('delivered', 'accepted')`;

/** Whether one is listed; a past moment is asked of the standings of that moment. */
export function isListed(listing: Listing, moment: Moment): Sql {
  const isDue = sql`coalesce(${momentOf(moment)} >= ${moment.callListAt}::timestamptz, true)`;
  if (listing === 'silent') return sql`${isLeft} and ${wasReached} and ${isDue}`;
  if (listing === 'to_ring') return sql`${isLeft} and (not ${wasReached} or ${isDue})`;
  return conditions[listing];
}

/** It has not answered, and nobody of its chain is left to be asked. */
const isLeft = sql`acknowledged_at is null and not more_to_come`;

const conditions: Readonly<Record<Exclude<Listing, 'silent' | 'to_ring'>, Sql>> = {
  must_answer: sql`true`,
  delivered: sql`reach = 'delivered'`,
  acknowledged: sql`acknowledged_at is not null`,
  affected: sql`affected = 'yes'`,
  help: sql`help_asked_at is not null`,
  unreachable: sql`acknowledged_at is null and reach = 'unreachable'`,
  uncertain: sql`acknowledged_at is null and reach = 'uncertain'`,
  waiting: sql`acknowledged_at is null`,
  gone: sql`(acknowledged_at is not null or ${wasReached})`,
  not_gone: sql`acknowledged_at is null and not ${wasReached}`,
  reached: sql`(acknowledged_at is not null or reach = 'delivered')`,
  no_receipt: sql`acknowledged_at is null and reach = 'accepted'`,
  unanswered: sql`acknowledged_at is null and reach = 'delivered'`,
  said: sql`acknowledged_at is not null and affected is not null`,
  not_said: sql`acknowledged_at is not null and affected is null`,
};

const columns: Readonly<Record<keyof Filter, Sql>> = {
  region: sql`region_code`,
  system: sql`system_code`,
  type: sql`type`,
};

export function conditionsOf(filter: Filter): Sql[] {
  return filterBy.flatMap((by) => {
    const code = filter[by];
    if (code === undefined) return [];
    return [code === NONE ? sql`${columns[by]} is null` : sql`${columns[by]} = ${code}`];
  });
}
