/** Statements about contacts who may not be reached: which of their numbers and addresses fail. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { containing } from '../contacts/store-contact-list.ts';
import { isOwnNews } from '../contacts/store-points.ts';
import type { Channel } from '../model.ts';
import { hasLapsed } from './store-schedule.ts';
import { troubles, type Trouble, type troubleRules } from './trouble.ts';

export type TroubleSearch = {
  /** A code, or part of a name. */
  readonly organisation?: string;
  readonly region?: string;
  readonly system?: string;
  readonly type?: string;
  readonly trouble?: Trouble;
  readonly mustAnswerOnly: boolean;
  /**
   * These only, as whoever keeps their contacts may know it: of a number what was found since they
   * have it. Absent: all, as the centre knows it.
   */
  readonly organisationIds?: readonly string[];
} & ReturnType<typeof troubleRules>;

export type TroubleRow = {
  readonly contactId: string;
  readonly contactPointId: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly channel: Channel;
  /** Masked. */
  readonly shown: string;
  readonly organisationId: string;
  readonly organisationName: string;
  readonly telephone: string | null;
  readonly trouble: Trouble;
  readonly provenAt: Date | null;
  readonly askedAt: Date | null;
  /** When its contact last said that all on file of it is right. */
  readonly attestedAt: Date | null;
  /** Messages to it that failed since it last worked. */
  readonly failures: number;
  /** When the last of them failed. */
  readonly failedAt: Date | null;
  /** How often its contact was told since it last answered from anywhere. */
  readonly told: number;
  /** 1 is the worst: the order of the list. */
  readonly urgency: number;
};

/** Read once, and not for each contact. */
const failing = sql`failing as materialized (
    select contact_point_id, failures, failed_at from organisations.v_failing)`;

/** For each that must be unanswered: more cost seconds on a large directory, and say no more. */
const RELEASES_LOOKED_AT = 4;

/** Older releases tell nothing of today; nor do older failures (`v_failing`). */
const RELEASES_DAYS = 180;

/**
 * Contacts who were told by so many releases, and have answered nothing from any of their numbers
 * and addresses since. A correction is a release too. Who is not chased need not answer.
 */
function silent({ silentAfter, chased, organisationIds }: TroubleSearch): Sql {
  const ownOnly = organisationIds
    ? sql`
      join organisations.contact on contact.id = link.contact_id
        and contact.organisation_id = any(${[...organisationIds]}::uuid[])
      join organisations.contact_point on contact_point.id = link.contact_point_id
        and ${isOwnNews(sql`told.accepted_at`)}`
    : sql``;
  return sql`released as materialized (
      select dispatch.id from dispatch.v_dispatch dispatch
      where dispatch.lane between 1 and 3 and not dispatch.exercise
        and dispatch.released_at > now() - ${RELEASES_DAYS} * interval '1 day'
      order by dispatch.released_at desc limit ${silentAfter * RELEASES_LOOKED_AT}
    ), asked as materialized (
      select contact.id as contact_id, 
        max(greatest(point.proven_at, point.answered_at)) as answered_at
      from organisations.contact
      join organisations.contact_contact_point link on link.contact_id = contact.id
      join organisations.contact_point point on point.id = link.contact_point_id
      where contact.active and contact.reader_kind = any(${[...chased]})
      group by contact.id
    ), silent as materialized (
      select asked.contact_id, count(distinct told.dispatch_id)::int as told
      from released
      join dispatch.v_message told on told.dispatch_id = released.id
        and told.state in ('accepted', 'delivered')
      join organisations.contact_contact_point link
        on link.contact_point_id = told.contact_point_id
      join asked on asked.contact_id = link.contact_id
        and told.accepted_at > coalesce(asked.answered_at, '-infinity')${ownOnly}
      group by asked.contact_id having count(distinct told.dispatch_id) >= ${silentAfter})`;
}

/** True of one of the contact's numbers and addresses: what is wrong with the contact stands there. */
const isUsual = sql`link.contact_point_id = (
    select usual.contact_point_id from organisations.contact_contact_point usual
    where usual.contact_id = contact.id and usual.channel <> 'landline'
    order by usual.channel desc, usual.position limit 1)`;

/** Numbers and addresses that fail or come back, which are few; whoever has them. */
export async function listFailing(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select contact_point_id as id from organisations.v_failing`);
  return rows.map(({ id }) => id);
}

/** What is wrong with each number and address of each active contact, at most one thing. */
function troubled({ proofHoldsForMs, attestEveryMs, organisationIds }: TroubleSearch): Sql {
  const mayBeSeen = (moment: Sql) =>
    organisationIds ? sql`case when ${isOwnNews(moment)} then ${moment} end` : moment;
  // Its owner's "still right" keeps a proof young; it is none for what was never answered from.
  const isProven = sql`coalesce(known.proven_at is not null
    and greatest(known.proven_at, contact.attested_at)
      > now() - ${proofHoldsForMs} * interval '1 ms', false)`;
  return sql`troubled as materialized (
    select contact.id as contact_id, contact_point.id as contact_point_id, contact.name,
      contact.is_post, contact.role, contact.rank, contact_point.channel, contact_point.shown,
      organisation.organisation_id, organisation.code as organisation_code,
      organisation.name as organisation_name,
      organisation.telephone, organisation.region_code, organisation.system_code,
      organisation.type, organisation.must_answer, known.proven_at, known.asked_at,
      contact.attested_at,
      coalesce(failing.failures, 0) as failures, failing.failed_at,
      coalesce(silent.told, 0) as told,
      case when contact.says_left_at is not null then case when ${isUsual} then 'left' end
        when known.stop_asked_at is not null then 'stop'
        when failing.contact_point_id is not null
          then case when contact_point.channel = 'mail' then 'bounced' else 'failing' end
        when coalesce(silent.told, 0) > 0 and ${isUsual} then 'silent'
        when not ${isProven} then 'unproven'
        when ${hasLapsed(attestEveryMs)} and ${isUsual} then 'lapsed' end as trouble
    from organisations.v_organisation organisation
    join organisations.contact on contact.organisation_id = organisation.organisation_id
      and contact.active
    join organisations.contact_contact_point link on link.contact_id = contact.id
      and link.channel <> 'landline'
    join organisations.contact_point on contact_point.id = link.contact_point_id
      and contact_point.channel in ('text', 'mail')
    cross join lateral (
      select ${mayBeSeen(sql`contact_point.proven_at`)} as proven_at,
        ${mayBeSeen(sql`contact_point.asked_at`)} as asked_at,
        ${mayBeSeen(sql`contact_point.stop_asked_at`)} as stop_asked_at
    ) known
    left join failing on failing.contact_point_id = contact_point.id
      ${organisationIds ? sql`and ${isOwnNews(sql`failing.failed_at`)}` : sql``}
    left join silent on silent.contact_id = contact.id)`;
}

const urgency = sql`case when troubled.must_answer then 0 else 10 end
    + case when troubled.trouble in ('left', 'stop', 'failing') then 0
      when troubled.trouble in ('bounced', 'silent') then 1 else 2 end
    + least(troubled.rank, 3) * 3 - 2`;

function isSought(search: TroubleSearch): Sql {
  const { organisation, region, system, type, trouble, mustAnswerOnly, organisationIds } = search;
  return join(
    [
      sql`troubled.trouble is not null`,
      ...(organisation === undefined
        ? []
        : [
            sql`(troubled.organisation_code = upper(${organisation})
              or troubled.organisation_name ilike ${containing(organisation)})`,
          ]),
      ...(region === undefined ? [] : [sql`troubled.region_code = ${region}`]),
      ...(system === undefined ? [] : [sql`troubled.system_code = ${system}`]),
      ...(type === undefined ? [] : [sql`troubled.type = ${type}`]),
      ...(trouble === undefined ? [] : [sql`troubled.trouble = ${trouble}`]),
      ...(mustAnswerOnly ? [sql`troubled.must_answer`] : []),
      ...(organisationIds
        ? [sql`troubled.organisation_id = any(${[...organisationIds]}::uuid[])`]
        : []),
    ],
    ' and ',
  );
}

export type TroublePage = {
  /** Urgency, organisation, name and contact point of the last one seen. */
  readonly after?: readonly [urgency: number, organisation: string, name: string, id: string];
  readonly limit: number;
};

/** How many there are of each kind. */
export type TroubleCounts = Readonly<Record<Trouble, number>>;

/** Numbers and addresses to be mended, by whom they would fail first. */
export async function listTrouble(
  tx: Tx,
  search: TroubleSearch,
  page: TroublePage,
): Promise<TroubleRow[]> {
  return await tx.rows<TroubleRow>(sql`
    with ${failing}, ${silent(search)}, ${troubled(search)}
    ${sought(search, page)}`);
}

/** A page of them, and how many there are of each kind: looked for once, which is what takes long. */
export async function readTrouble(
  tx: Tx,
  search: TroubleSearch,
  page: TroublePage,
): Promise<{ readonly rows: TroubleRow[]; readonly counts: TroubleCounts }> {
  const { trouble: _, ...ofAnyKind } = search;
  const kinds = Object.keys(troubles).map(
    (kind) => sql`${kind}::text, count(*) filter (where troubled.trouble = ${kind})`,
  );
  const found = await tx.rows<{ counts: TroubleCounts; isOne: boolean } & TroubleRow>(sql`
    with ${failing}, ${silent(search)}, ${troubled(search)},
      sought as (${sought(search, page)}),
      counted as (
        select json_build_object(${join(kinds, ', ')}) as counts
        from troubled where ${isSought(ofAnyKind)})
    select counted.counts, contact_id is not null as is_one, ${columns}, urgency
    from counted left join sought on true order by ${worstFirst}`);
  return { rows: found.filter(({ isOne }) => isOne), counts: found[0]!.counts };
}

const columns = sql`contact_id, contact_point_id, name, is_post, role, rank, channel, shown,
      organisation_id, organisation_name, telephone, trouble, proven_at, asked_at, attested_at,
      failures, failed_at, told`;

const worstFirst = sql`urgency, organisation_name, name, contact_point_id`;

function sought(search: TroubleSearch, { after, limit }: TroublePage): Sql {
  const isBeyond = after
    ? sql`(${urgency}, troubled.organisation_name, troubled.name,
        troubled.contact_point_id) > (${after[0]}, ${after[1]}, ${after[2]}, ${after[3]}::uuid)`
    : sql`true`;
  return sql`
    select ${columns}, ${urgency} as urgency
    from troubled where ${isSought(search)} and ${isBeyond}
    order by ${worstFirst} limit ${limit}`;
}
