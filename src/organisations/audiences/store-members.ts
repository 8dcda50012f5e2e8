/** Whom a question means: today, since it was saved, and by a day to come. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Before, OrganisationFacts } from './membership.ts';
import type { AudienceQuestion } from '../model.ts';
import { isHeldOn } from '../store-parents.ts';
import { matchesSearch } from '../store.ts';
import type { AsAt } from '../as-at.ts';
import { dayOf, organisationsOn } from '../store-as-at.ts';
import {
  existsOn,
  isTaggedOn,
  isUsedOn,
  matchesOrganisation,
  type Over,
} from './store-audience.ts';
import { thisDay } from '../store-day.ts';

export type MemberRow = OrganisationFacts & { readonly id: string; readonly name: string };

const id = sql`organisation.id`;
const today: Over = { id, on: thisDay };

function overDay(asAt: AsAt | undefined): Over {
  return { id, on: dayOf(asAt) };
}

function inDays(days: number): Over {
  return { id, on: sql`(${thisDay} + ${days}::int)` };
}

/** Whose place each took, by code. Not correlated: the successions are read once for all rows. */
function followedOn(on: Sql): Sql {
  return sql`(
    select jsonb_object_agg(told.successor_code, told.codes) from (
      select follower.successor_code, jsonb_agg(follower.code order by follower.code) as codes
      from organisations.v_follower follower where follower.on_date <= ${on}
      group by follower.successor_code) told)`;
}

/** Spellings and not names: a question may ask by any of them. */
function factsOn(on: Sql): Sql {
  const followed = followedOn(on);
  return sql`organisation.id, organisation.name, organisation.code, organisation.type,
    organisation.region_code, organisation.system_code, organisation.must_answer,
    (${existsOn(on)}) as "exists", organisation.opened_on::text, organisation.closed_on::text,
    array(select jsonb_array_elements_text(${followed} -> organisation.code)) as follows,
    array(
      with recursive above as (
        select held.parent_id from organisations.parenthood held
        where held.child_id = organisation.id and ${isHeldOn(on)}
        union
        select held.parent_id from above
        join organisations.parenthood held on held.child_id = above.parent_id and ${isHeldOn(on)}
      )
      select distinct told.code from above
      join organisations.organisation top on top.id = above.parent_id
      cross join lateral (
        select top.code union all select jsonb_array_elements_text(${followed} -> top.code)) told
      order by told.code) as above,
    array(select distinct spelling.key from organisations.use used
      join organisations.supplier_spelling spelling on spelling.supplier_id = used.supplier_id
      where used.organisation_id = organisation.id and ${isUsedOn(on)}) as suppliers,
    array(select distinct spelling.key from organisations.use used
      join organisations.product_spelling spelling on spelling.product_id = used.product_id
      where used.organisation_id = organisation.id and ${isUsedOn(on)}) as products,
    array(select spelling.key from organisations.organisation_tag tagged
      join organisations.tag_spelling spelling on spelling.tag_id = tagged.tag_id
      where tagged.organisation_id = organisation.id and ${isTaggedOn(on)}) as tags`;
}

function isMemberOn(question: AudienceQuestion, over: Over): Sql {
  return sql`(${matchesOrganisation(question, over)} and ${existsOn(over.on)})`;
}

export type MemberSearch = {
  readonly question: AudienceQuestion;
  /** Undefined: today. */
  readonly asAt?: AsAt | undefined;
  /** Part of the name, the short name or the code. */
  readonly text?: string | undefined;
  /** Name and code of the last one seen. */
  readonly after?: readonly [name: string, code: string] | undefined;
  readonly limit: number;
};

/** Whom it means on the day, by name. */
export async function listMembers(tx: Tx, search: MemberSearch): Promise<MemberRow[]> {
  const { question, asAt, text, after, limit } = search;
  const over = overDay(asAt);
  const beyond = after
    ? sql`(organisation.name, organisation.code) > (${after[0]}, ${after[1]})`
    : sql`true`;
  return await tx.rows<MemberRow>(sql`
    select ${factsOn(over.on)} from ${organisationsOn(asAt)}
    where ${isMemberOn(question, over)} and ${matchesSearch({ ...(text && { text }) })}
      and ${beyond}
    order by organisation.name, organisation.code
    limit ${limit}`);
}

/** How many `listMembers` lists over all its pages. */
export async function countMembers(
  tx: Tx,
  { question, text, asAt }: Pick<MemberSearch, 'question' | 'text' | 'asAt'>,
): Promise<number> {
  const over = overDay(asAt);
  const { count } = await tx.one<{ count: number }>(sql`
    select count(*) as count from ${organisationsOn(asAt)}
    where ${isMemberOn(question, over)} and ${matchesSearch({ ...(text && { text }) })}`);
  return count;
}

/** Organisations that a question names and that are not in it on the day, by name. */
export async function listNamedOut(
  tx: Tx,
  { question, asAt, limit }: Pick<MemberSearch, 'question' | 'asAt' | 'limit'>,
): Promise<MemberRow[]> {
  const codes = [...question.include, ...question.exclude];
  const over = overDay(asAt);
  return await tx.rows<MemberRow>(sql`
    select ${factsOn(over.on)} from ${organisationsOn(asAt)}
    where organisation.code = any(${codes}::text[])
      and (${isMemberOn(question, over)}) is not true
    order by organisation.name, organisation.code
    limit ${limit}`);
}

export type Kept = { readonly audienceId: string; readonly question: AudienceQuestion };

export type ChangeCounts = { readonly came: number; readonly went: number };

/** How many came in and went out since the version of today was saved. */
export async function countChanges(tx: Tx, kept: Kept): Promise<ChangeCounts> {
  return await tx.one<ChangeCounts>(sql`
    with now as materialized (
      select organisation.organisation_id from organisations.v_organisation organisation
      where ${matchesOrganisation(kept.question)}
    ), before as materialized (
      select member.organisation_id from organisations.audience_member member
      where member.audience_id = ${kept.audienceId}
    )
    select (select count(*) from now where organisation_id not in (
        select before.organisation_id from before)) as came,
      (select count(*) from before where organisation_id not in (
        select now.organisation_id from now)) as went`);
}

export type GoneRow = MemberRow & { readonly before: Before };

/** Who was in it when it was saved and is not today, by name, with what they were. */
export async function listWent(tx: Tx, kept: Kept, limit: number): Promise<GoneRow[]> {
  return await tx.rows<GoneRow>(sql`
    select ${factsOn(today.on)}, json_build_object('type', member.type,
      'regionCode', member.region_code, 'systemCode', member.system_code,
      'mustAnswer', member.must_answer) as before
    from organisations.audience_member member
    join organisations.organisation on organisation.id = member.organisation_id
    where member.audience_id = ${kept.audienceId}
      and (${isMemberOn(kept.question, today)}) is not true
    order by organisation.name, organisation.code
    limit ${limit}`);
}

/** Who is in it today and was not when it was saved, by name. */
export async function listCame(tx: Tx, kept: Kept, limit: number): Promise<MemberRow[]> {
  return await tx.rows<MemberRow>(sql`
    select ${factsOn(today.on)} from organisations.organisation
    where ${isMemberOn(kept.question, today)} and organisation.id not in (
      select member.organisation_id from organisations.audience_member member
      where member.audience_id = ${kept.audienceId})
    order by organisation.name, organisation.code
    limit ${limit}`);
}

/** Which of these are in it on a day, as far as the directory knows. */
export async function listMembersAmong(
  tx: Tx,
  question: AudienceQuestion,
  {
    onDate,
    organisationIds,
  }: { readonly onDate: string; readonly organisationIds: readonly string[] },
): Promise<string[]> {
  const on = sql`${onDate}::date`;
  const rows = await tx.rows<{ id: string }>(sql`
    select organisation.id from organisations.organisation
    where organisation.id = any(${[...organisationIds]}::uuid[])
      and ${isMemberOn(question, { id, on })}`);
  return rows.map((row) => row.id);
}

/** Codes of all that are in it on a day, as far as the directory knows. */
export async function listMemberCodes(
  tx: Tx,
  question: AudienceQuestion,
  onDate: string,
): Promise<string[]> {
  const { codes } = await tx.one<{ codes: string[] }>(sql`
    select coalesce(array_agg(organisation.code order by organisation.code), '{}') as codes
    from organisations.organisation
    where ${isMemberOn(question, { id, on: sql`${onDate}::date` })}`);
  return codes;
}

export type HandingOverRow = {
  /** Of the merger or split. */
  readonly id: string;
  readonly onDate: string;
  /** How many of those in it today hand over then. */
  readonly organisations: number;
};

/** Confirmed mergers and splits in which members of today hand over. */
export async function listHandingOver(
  tx: Tx,
  question: AudienceQuestion,
): Promise<HandingOverRow[]> {
  return await tx.rows<HandingOverRow>(sql`
    select succession.id, succession.on_date::text, count(distinct organisation.id) as organisations
    from organisations.succession
    join organisations.succession_part part on part.succession_id = succession.id
    join organisations.organisation on organisation.id = part.predecessor_id
    where succession.state = 'confirmed' and ${isMemberOn(question, today)}
    group by succession.id, succession.on_date order by succession.on_date, succession.id`);
}

/**
 * Who is in it today and will not be so many days from now, as far as the directory knows: a last
 * day, or the end of a use. The facts are those of that day.
 */
export async function listWillGo(
  tx: Tx,
  question: AudienceQuestion,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<MemberRow[]> {
  const then = inDays(days);
  return await tx.rows<MemberRow>(sql`
    select ${factsOn(then.on)} from organisations.organisation
    where ${isMemberOn(question, today)} and (${isMemberOn(question, then)}) is not true
    order by organisation.closed_on nulls last, organisation.name, organisation.code
    limit ${limit}`);
}

/** Who is not in it today and will be so many days from now: those that open. */
export async function listWillCome(
  tx: Tx,
  question: AudienceQuestion,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<MemberRow[]> {
  const then = inDays(days);
  return await tx.rows<MemberRow>(sql`
    select ${factsOn(then.on)} from organisations.organisation
    where ${isMemberOn(question, then)} and (${isMemberOn(question, today)}) is not true
    order by organisation.opened_on, organisation.name, organisation.code
    limit ${limit}`);
}
