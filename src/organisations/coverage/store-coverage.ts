/** Statements about who can be told at all: coverage by place and type, and what is to be mended. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { AsAt } from '../as-at.ts';
import { containing } from '../contacts/store-contact-list.ts';
import type { CoverageRow, Gap } from './coverage.ts';
import { contactsOn, dayOf, organisationsOn } from '../store-as-at.ts';
import { existsOn } from '../audiences/store-audience.ts';

/** Of each organisation that exists on the day: active contacts who can be told, and by text. */
const standingOn = (asAt: AsAt | undefined): Sql => sql`standing as materialized (
    select organisation.id as organisation_id, organisation.code, organisation.name,
      organisation.telephone, organisation.type, organisation.region_code,
      organisation.system_code, organisation.must_answer,
      coalesce(told.people, 0) as people, coalesce(told.by_text, 0) as by_text
    from ${organisationsOn(asAt)}
    left join (
      select contact.organisation_id, count(*) as people,
        count(*) filter (where contact.texts > 0) as by_text
      from ${contactsOn(asAt)}
      where contact.active and contact.texts + contact.mails > 0
      group by contact.organisation_id
    ) told on told.organisation_id = organisation.id
    where ${existsOn(dayOf(asAt))})`;

/** How far the directory reaches: for all, and by each region, system and type. */
export async function listCoverage(
  tx: Tx,
  { mustAnswerOnly, asAt }: { readonly mustAnswerOnly: boolean; readonly asAt?: AsAt | undefined },
): Promise<CoverageRow[]> {
  return await tx.rows<CoverageRow>(sql`
    with ${standingOn(asAt)}, counted as (
      select case when grouping(region_code) = 0 then 'region'
          when grouping(system_code) = 0 then 'system'
          when grouping(type) = 0 then 'type' else 'all' end as by,
        coalesce(region_code, system_code, type) as code, count(*) as organisations,
        count(*) filter (where by_text > 0) as by_text,
        count(*) filter (where by_text = 0 and people > 0) as mail_only,
        count(*) filter (where people = 0) as nobody,
        count(*) filter (where people = 1) as alone
      from standing where ${mustAnswerOnly ? sql`must_answer` : sql`true`}
      group by grouping sets ((), (region_code), (system_code), (type))
    )
    select counted.by, counted.code, counted.organisations, counted.by_text, counted.mail_only,
      counted.nobody, counted.alone, case counted.by when 'region' then region.name
        when 'system' then system.name end as name
    from counted
    left join organisations.region on counted.by = 'region' and region.code = counted.code
    left join organisations.system on counted.by = 'system' and system.code = counted.code
    order by name nulls last, code`);
}

export type GapSearch = {
  /** A code, or part of a name. */
  readonly organisation?: string;
  readonly region?: string;
  readonly system?: string;
  readonly type?: string;
  readonly kind?: Gap;
  readonly mustAnswerOnly: boolean;
  /** Undefined: today. */
  readonly asAt?: AsAt | undefined;
  /** These only; absent: all. */
  readonly organisationIds?: readonly string[];
};

export type GapRow = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly type: string;
  readonly regionName: string | null;
  readonly mustAnswer: boolean;
  readonly telephone: string | null;
  readonly gap: Gap;
  /** 1 is the worst: the order of the list. */
  readonly urgency: number;
};

/** Who must answer comes first, and who cannot be told at all before who can be told badly. */
const found = sql`found as (
    select organisation_id, code, name, telephone, type, region_code, system_code, must_answer,
      case when people = 0 then 'nobody' when by_text = 0 then 'mailOnly'
        else 'alone' end as gap,
      case when must_answer then 0 else 3 end
        + case when people = 0 then 1 when by_text = 0 then 2 else 3 end as urgency
    from standing where people < 2 or by_text = 0)`;

function isSought(search: GapSearch): Sql {
  const { organisation, region, system, type, kind, mustAnswerOnly, organisationIds } = search;
  return join(
    [
      sql`true`,
      ...(organisation === undefined
        ? []
        : [
            sql`(found.code = upper(${organisation})
              or found.name ilike ${containing(organisation)})`,
          ]),
      ...(region === undefined ? [] : [sql`found.region_code = ${region}`]),
      ...(system === undefined ? [] : [sql`found.system_code = ${system}`]),
      ...(type === undefined ? [] : [sql`found.type = ${type}`]),
      ...(kind === undefined ? [] : [sql`found.gap = ${kind}`]),
      ...(mustAnswerOnly ? [sql`found.must_answer`] : []),
      ...(organisationIds
        ? [sql`found.organisation_id = any(${[...organisationIds]}::uuid[])`]
        : []),
    ],
    ' and ',
  );
}

export type GapPage = {
  /** Urgency, name and code of the last one seen. */
  readonly after?: readonly [urgency: number, name: string, code: string];
  readonly limit: number;
};

/** Organisations that cannot be told, or not well: the worst first. */
export async function listGaps(tx: Tx, search: GapSearch, page: GapPage): Promise<GapRow[]> {
  const { after, limit } = page;
  const isBeyond = after
    ? sql`(found.urgency, found.name, found.code) > (${after[0]}, ${after[1]}, ${after[2]})`
    : sql`true`;
  return await tx.rows<GapRow>(sql`
    with ${standingOn(search.asAt)}, ${found}
    select found.organisation_id as id, found.code, found.name, found.type,
      region.name as region_name, found.must_answer, found.telephone, found.gap, found.urgency
    from found left join organisations.region on region.code = found.region_code
    where ${isSought(search)} and ${isBeyond}
    order by found.urgency, found.name, found.code limit ${limit}`);
}

/** How many there are of each kind. */
export async function countGaps(tx: Tx, search: GapSearch): Promise<Readonly<Record<Gap, number>>> {
  const { kind: _, ...all } = search;
  return await tx.one(sql`
    with ${standingOn(search.asAt)}, ${found}
    select count(*) filter (where found.gap = 'nobody') as nobody,
      count(*) filter (where found.gap = 'mailOnly') as mail_only,
      count(*) filter (where found.gap = 'alone') as alone
    from found where ${isSought(all)}`);
}
