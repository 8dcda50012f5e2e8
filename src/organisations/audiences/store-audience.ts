/** Questions over the directory as conditions, and what they come to. */
import { ZONE } from '#kernel/day.ts';
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isHeldOn } from '../store-parents.ts';
import { partsOf, spellingKey, type AudienceQuestion } from '../model.ts';
import { thisDay } from '../store-day.ts';

/** What a condition stands over: the id of the organisation, and the day it is asked for. */
export type Over = { readonly id: Sql; readonly on: Sql };

const today: Over = { id: sql`organisation.organisation_id`, on: thisDay };

/**
 * Which organisations a question means, over the columns of `organisations.v_organisation` named
 * `organisation`: for this slice and for the `insert … select` of alerts. The same decision as
 * `isMember` (membership.ts).
 */
export function matchesOrganisation(question: AudienceQuestion, over: Over = today): Sql {
  const { namedOnly, include, exclude } = question;
  const parts = (how: 'and' | 'or' | 'not') =>
    partsOf(question, how).map((part) => matchesOrganisation(part.question, over));
  const narrowing = [...narrowings(question, over), ...parts('and')];
  const asked = narrowing.length === 0 ? sql`true` : sql`(${join(narrowing, ' and ')})`;
  const ways = [
    ...(namedOnly ? [sql`false`] : [asked]),
    ...(include.length > 0 ? [isOneOf(include), followsOneOf(include, over.on)] : []),
    ...parts('or'),
  ];
  const out = [...(exclude.length > 0 ? [isOneOf(exclude)] : []), ...parts('not')];
  const isIn = sql`(${join(ways, ' or ')})`;
  // "is not true": an organisation without a region is not of any, and "not null" would drop it.
  return out.length === 0 ? isIn : sql`(${isIn} and (${join(out, ' or ')}) is not true)`;
}

function narrowings(question: AudienceQuestion, over: Over): Sql[] {
  const { types, regions, systems, parents, suppliers, products, tags } = question;
  return [
    ...(types.length > 0 ? [sql`organisation.type = any(${types}::text[])`] : []),
    ...(regions.length > 0 ? [sql`organisation.region_code = any(${regions}::text[])`] : []),
    ...(systems.length > 0 ? [sql`organisation.system_code = any(${systems}::text[])`] : []),
    ...(parents.length > 0 ? [standsBelow(parents, over)] : []),
    ...(question.mustAnswerOnly ? [sql`organisation.must_answer`] : []),
    ...(suppliers.length > 0
      ? [
          sql`${over.id} in (
            select used.organisation_id from organisations.use used
            where ${isUsedOn(over.on)} and used.supplier_id in (
              select spelling.supplier_id from organisations.supplier_spelling spelling
              where spelling.key = any(${suppliers.map(spellingKey)}::text[])))`,
        ]
      : []),
    ...(products.length > 0
      ? [
          sql`${over.id} in (
            select used.organisation_id from organisations.use used
            where ${isUsedOn(over.on)} and used.product_id in (
              select spelling.product_id from organisations.product_spelling spelling
              where spelling.key = any(${products.map(spellingKey)}::text[])))`,
        ]
      : []),
    ...(tags.length > 0
      ? [
          sql`${over.id} in (
            select tagged.organisation_id from organisations.organisation_tag tagged
            where ${isTaggedOn(over.on)} and tagged.tag_id in (
              select spelling.tag_id from organisations.tag_spelling spelling
              where spelling.key = any(${tags.map(spellingKey)}::text[])))`,
        ]
      : []),
  ];
}

/**
 * Below one of these or of whoever took its place, however many stand between. Only those who have
 * somebody below them are climbed down, one level at a time: 40 of 20,000 and not all of them. They
 * are found by jumping from each to the next in the index, which saves 15 of 37 ms. "is true" makes
 * a filter of it: joined, the planner expected 200 organisations, and took four times as long.
 */
function standsBelow(codes: readonly string[], { id, on }: Over): Sql {
  return sql`(${id} in (
    with recursive parent as (
      (select held.parent_id as id from organisations.parenthood held
      order by held.parent_id limit 1)
      union all
      select (select held.parent_id from organisations.parenthood held
        where held.parent_id > parent.id order by held.parent_id limit 1)
      from parent where parent.id is not null
    ), step as materialized (
      select held.child_id, held.parent_id from parent
      join organisations.parenthood held on held.child_id = parent.id and ${isHeldOn(on)}
    ), above as (
      select top.id from organisations.organisation top
      where top.code = any(${codes}::text[]) or top.code = any(array(
        select follower.successor_code from organisations.v_follower follower
        where follower.code = any(${codes}::text[]) and follower.on_date <= ${on}))
      union
      select step.child_id from above join step on step.parent_id = above.id
    )
    select held.child_id from organisations.parenthood held
    where ${isHeldOn(on)} and (held.parent_id in (select above.id from above)) is true)) is true`;
}

/**
 * Whoever is named means its successors too, from their day on. Not so with those named out: a
 * merger must not take away who was in.
 */
function followsOneOf(codes: readonly string[], on: Sql): Sql {
  return sql`organisation.code in (select follower.successor_code
    from organisations.v_follower follower
    where follower.code = any(${codes}::text[]) and follower.on_date <= ${on})`;
}

function isOneOf(codes: readonly string[]): Sql {
  return sql`organisation.code = any(${codes}::text[])`;
}

/** Whether a use, called `used`, goes on at this day; of the days before somebody said so nobody knows. */
export function isUsedOn(on: Sql): Sql {
  return sql`(used.known_from <= ${on} and (used.used_until is null or used.used_until > ${on}))`;
}

/** Whether an organisation had a tag, called `tagged`, at the end of this day; today: has it now. */
export function isTaggedOn(on: Sql): Sql {
  const end = sql`((${on} + 1)::timestamp at time zone ${ZONE})`;
  return sql`(case when ${on} >= ${thisDay} then tagged.untagged_at is null
    else tagged.tagged_at < ${end} and (tagged.untagged_at is null or tagged.untagged_at >= ${end})
    end)`;
}

/** Whether an organisation exists on this day, as `v_organisation` has it for today. */
export function existsOn(on: Sql): Sql {
  return sql`(organisation.opened_on is null or organisation.opened_on <= ${on})
    and (organisation.closed_on is null or organisation.closed_on >= ${on})`;
}

/**
 * Which contacts a question means, over `organisations.v_reachable` named `reachable`: those of
 * its roles and ranks, and of those of every audience that it is within.
 */
export function matchesRole(question: AudienceQuestion): Sql {
  const conditions = contactConditions(question);
  return conditions.length === 0 ? sql`true` : sql`(${join(conditions, ' and ')})`;
}

/**
 * Which rows of `organisations.v_reachable` named `reachable` are told just now. Hours and absences
 * pass nobody over where a question picks contacts itself: it asks for exactly those.
 */
export function matchesToldNow(question: AudienceQuestion): Sql {
  const picks = contactConditions(question).length > 0;
  return picks ? matchesRole(question) : sql`not reachable.passed_over`;
}

function contactConditions(question: AudienceQuestion): Sql[] {
  const { roles, ranks } = question;
  return [
    ...(roles.length > 0 ? [sql`reachable.role = any(${roles}::text[])`] : []),
    ...(ranks.length > 0 ? [sql`reachable.rank = any(${ranks}::smallint[])`] : []),
    ...partsOf(question, 'and').flatMap((part) => contactConditions(part.question)),
  ];
}

/** A filter, not a join ("is true"): behind row-level security the planner expects few rows. */
const isChosen = sql`
  (reachable.organisation_id in (select chosen.organisation_id from chosen)) is true`;

/**
 * Organisations that exist on a day (undefined: today), with the columns of `v_organisation` and
 * its name, `organisation`: to stand after `from`.
 */
export function organisationsOpenOn(day: string | undefined): Sql {
  if (day === undefined) return sql`organisations.v_organisation organisation`;
  return sql`(
    select organisation.id as organisation_id, organisation.code, organisation.name,
      organisation.type, organisation.region_code, organisation.system_code,
      organisation.must_answer, organisation.telephone
    from organisations.organisation where ${existsOn(sql`${day}::date`)}
  ) organisation`;
}

/** What a condition stands over on a day (undefined: today); `id` of `organisationsOpenOn`. */
export function overDay(day: string | undefined, id: Sql = today.id): Over {
  return { id, on: day === undefined ? today.on : sql`${day}::date` };
}

/** What the audience is today. Adds up the counts that `recount_links` keeps; `day`: one to come. */
export async function countMeant(
  tx: Tx,
  question: AudienceQuestion,
  day?: string,
): Promise<Counted> {
  return await tx.one<Counted>(sql`
    with chosen as materialized (
      select organisation.organisation_id, organisation.must_answer
      from ${organisationsOpenOn(day)}
      where ${matchesOrganisation(question, overDay(day))}
    ), counted as (
      -- Of all organisations, the chosen of them picked at the end: 20,000 are looked up by hash
      -- and not 100,000 contacts (54 ms instead of 76, everybody asked for).
      select reachable.organisation_id, count(*) as contacts, sum(reachable.texts) as texts,
        sum(reachable.mails) as mails
      from organisations.contact reachable
      where reachable.active and ${matchesRole(question)}
      group by reachable.organisation_id
    ), shared as materialized (
      select contact_point.id from organisations.contact_point where contact_point.contacts > 1
    ), surplus as materialized (
      -- A shared number was added up once for each contact that has it. "offset 0" keeps the way
      -- through the indexes; row-level security makes the planner expect fewer rows than come.
      select link.channel, count(*) - count(distinct shared.id) as points
      from shared
      cross join lateral (
        select link.channel, link.contact_id from organisations.contact_contact_point link
        where link.contact_point_id = shared.id offset 0) link
      cross join lateral (
        select reachable.organisation_id from organisations.contact reachable
        where reachable.id = link.contact_id and reachable.active and ${matchesRole(question)}
        offset 0) reachable
      where ${isChosen}
      group by link.channel
    )
    select count(*) as organisations,
      count(*) filter (where chosen.must_answer) as must_answer,
      coalesce(sum(counted.contacts), 0)::int as contacts,
      (coalesce(sum(counted.texts), 0) - coalesce(
        (select surplus.points from surplus where surplus.channel = 'text'), 0))::int as texts,
      (coalesce(sum(counted.mails), 0) - coalesce(
        (select surplus.points from surplus where surplus.channel = 'mail'), 0))::int as mails,
      count(*) filter (where counted.texts + counted.mails > 0) as reached,
      count(*) filter (where counted.texts > 0) as reached_by_text
    from chosen left join counted on counted.organisation_id = chosen.organisation_id`);
}

export type Counted = {
  organisations: number;
  mustAnswer: number;
  contacts: number;
  texts: number;
  mails: number;
  reached: number;
  reachedByText: number;
};
