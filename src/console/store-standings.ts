/** Where each organisation of an alert stands: the one read behind every number and list. */
import { join, sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { FigureRow, Filter } from './figures.ts';
import type { Listing, Reach } from './model.ts';
import { dispatchesOf, type LiveAlert } from './store.ts';
import { conditionsOf, isListed, momentOf, wasReached, type Moment } from './store-listings.ts';

/** What is out, and the minute that is asked about; undefined: now. */
export type Scope = {
  readonly alertId: string;
  readonly dispatchIds: readonly string[];
  /** Answers from then on count. */
  readonly askedAt: Date;
} & Moment;

/** Of what is out, as it stands now or stood at a minute. */
export function scopeOf(alert: LiveAlert, at?: Date): Scope {
  const { alertId, askedAt, callListAt } = alert;
  return { alertId, dispatchIds: dispatchesOf(alert), askedAt, callListAt, at };
}

/** A reminder is no next in line: whoever is left to be reminded is silent, and is rung. */
const isReminder = sql`(dispatch_id, round) in (
  select dispatch_id, round from dispatch.v_round where reminds)`;

/** What became of a message to an organisation, as `kinds` of counted.ts says. */
const kindNow = sql`case
  when state = 'delivered' then 'arrived'
  when state in ('held', 'ready', 'claimed') then
    case when ${isReminder} then null else 'to_come' end
  when state = 'accepted' then 'taken'
  when state in ('unknown', 'uncertain_closed') then 'unsure' end`;

/** States of before are not kept, the moments are: what was uncertain then counts as to come. */
function kindAt(at: Date): Sql {
  return sql`case
    when final_at <= ${at} and state = 'delivered' then 'arrived'
    when accepted_at <= ${at} and (final_at is null or final_at > ${at}) then 'taken'
    when final_at <= ${at} or ${isReminder} then null
    else 'to_come' end`;
}

const answersNow = ({ alertId }: Scope) => sql`
  select organisation_id, acknowledged_at, evidence, affected, affected_at, help_asked_at
  from responses.v_response where alert_id = ${alertId}`;

/** As `upsertResponses` makes them of the answers that had come by then. */
function answersAt({ alertId, askedAt }: Scope, at: Date): Sql {
  return sql`
    select organisation_id,
      min(at) filter (where at >= ${askedAt}) as acknowledged_at,
      (array_agg(evidence order by at) filter (where at >= ${askedAt}))[1] as evidence,
      (array_agg(case kind when 'affected' then 'yes' else 'no' end order by at desc)
        filter (where kind in ('affected', 'not_affected')))[1] as affected,
      max(at) filter (where kind in ('affected', 'not_affected')) as affected_at,
      max(at) filter (where kind = 'help') as help_asked_at
    from responses.v_answer where alert_id = ${alertId} and at <= ${at}
    group by organisation_id`;
}

/**
 * One row for each organisation that must answer: how far our messages came, what it answered.
 * An organisation is silent when it was reached, has not answered, nobody of its chain is left to
 * be asked, and its time to answer is over: the call list has begun.
 *
 * What is known of it is put together by grouping, without a join of large sets: of an alert that
 * was frozen a moment ago the planner expects 35 recipients, and compared each with each.
 */
export function standings(scope: Scope): Sql {
  const { alertId, dispatchIds, at } = scope;
  return sql`
    select known.organisation_id, known.short_name, known.code,
      organisation.name, organisation.type, organisation.region_code, organisation.system_code,
      case when arrived > 0 then 'delivered' when taken > 0 then 'accepted'
        when unsure > 0 then 'uncertain' when to_come > 0 then 'sending'
        else 'unreachable' end as reach,
      coalesce(to_come > 0, false) as more_to_come,
      known.to_come, known.taken, known.unsure, known.arrived,
      known.delivered_at, known.acknowledged_at, known.evidence, known.affected,
      known.affected_at, known.help_asked_at, known.organisation_id in (
        select cut.organisation_id from organisations.v_cut_off cut) as is_cut_off
    from (
      select organisation_id, any_value(short_name) as short_name, any_value(code) as code,
        any_value(to_come) as to_come, any_value(taken) as taken, any_value(unsure) as unsure,
        any_value(arrived) as arrived, any_value(delivered_at) as delivered_at,
        any_value(acknowledged_at) as acknowledged_at, any_value(evidence) as evidence,
        any_value(affected) as affected, any_value(affected_at) as affected_at,
        any_value(help_asked_at) as help_asked_at
      from (
        select organisation_id, short_name, code, null::bigint as to_come, null::bigint as taken,
          null::bigint as unsure, null::bigint as arrived, null::timestamptz as delivered_at,
          null::timestamptz as acknowledged_at,
          null::text as evidence, null::text as affected, null::timestamptz as affected_at,
          null::timestamptz as help_asked_at
        from alerts.v_recipient where alert_id = ${alertId} and must_answer
        union all
        select organisation_id, null, null, count(*) filter (where kind = 'to_come'),
          count(*) filter (where kind = 'taken'), count(*) filter (where kind = 'unsure'),
          count(*) filter (where kind = 'arrived'), min(final_at) filter (where kind = 'arrived'),
          null, null, null, null, null
        from (
          select organisation_id, final_at, ${at === undefined ? kindNow : kindAt(at)} as kind
          from dispatch.v_credit where dispatch_id = any(${[...dispatchIds]}::uuid[])
        ) credited group by organisation_id
        union all
        select organisation_id, null, null, null, null, null, null, null, acknowledged_at, evidence,
          affected, affected_at, help_asked_at
        from (${at === undefined ? answersNow(scope) : answersAt(scope, at)}) answered
      ) fact
      group by organisation_id having bool_or(short_name is not null)
    ) known
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = known.organisation_id`;
}

/** So many organisations are named as next to be rung, at most. */
export const CALLS_MOST = 5;

/** Why somebody is to be rung. */
const why = sql`case when ${wasReached} then 'silent' else reach end`;

/** The figures by region, system and type, of which every filter is a sum: read once for all. */
export async function readFigures(tx: Tx, scope: Scope): Promise<FigureRow[]> {
  const count = (listing: Listing) => sql`count(*) filter (where ${isListed(listing, scope)})`;
  const lately = sql`${momentOf(scope)} - interval '5 minutes'`;
  return await tx.rows<FigureRow>(sql`
    select region_code as region, system_code as system, type, count(*) as must_answer,
      ${count('delivered')} as delivered,
      count(*) filter (where delivered_at > ${lately}) as delivered_lately,
      ${count('acknowledged')} as acknowledged,
      count(*) filter (where acknowledged_at > ${lately}) as acknowledged_lately,
      ${count('affected')} as affected,
      count(*) filter (where affected = 'yes' and affected_at > ${lately}) as affected_lately,
      ${count('help')} as help,
      count(*) filter (where help_asked_at > ${lately}) as help_lately,
      ${count('silent')} as silent, ${count('unreachable')} as unreachable,
      ${count('uncertain')} as uncertain, ${count('waiting')} as waiting,
      ${count('to_ring')} as to_ring, ${count('not_gone')} as not_gone,
      ${count('no_receipt')} as no_receipt, ${count('unanswered')} as unanswered,
      ${count('not_said')} as not_said,
      coalesce(array_agg(extract(epoch from acknowledged_at - ${scope.askedAt})::int)
        filter (where acknowledged_at is not null), '{}') as answered_after_s,
      to_jsonb(coalesce((array_agg(
        jsonb_build_object('organisationId', organisation_id, 'name', name, 'why', ${why},
          'saysAffected', affected is not distinct from 'yes', 'isCutOff', is_cut_off)
        order by affected is not distinct from 'yes' desc,
          array_position(array['unreachable', 'uncertain', 'silent'], ${why}), name)
        filter (where ${isListed('to_ring', scope)}))[1:${CALLS_MOST}], '{}')) as next_calls
    from (${standings(scope)}) standing group by 1, 2, 3`);
}

/** What a count of all messages begins with: the transactions that it saw, and each organisation. */
export type StandingsRead = { snapshot: string; standings: readonly StandingTuple[] };

/** As `standingOf` of counted.ts takes it. Times are in epoch ms. */
export type StandingTuple = readonly [
  key: string,
  name: string,
  region: string | null,
  system: string | null,
  type: string,
  toCome: number,
  taken: number,
  unsure: number,
  arrived: number,
  deliveredMs: number | null,
  answer: AnswerTuple,
];

/** Seconds after the version that asked, and times in epoch ms. */
export type AnswerTuple = readonly [
  answeredAfterS: number | null,
  acknowledgedMs: number | null,
  affected: 'yes' | 'no' | null,
  affectedMs: number | null,
  helpMs: number | null,
];

const inMs = (moment: Sql) => sql`(extract(epoch from ${moment}) * 1000)::bigint`;

const answerTuple = ({ askedAt }: Scope) => sql`json_build_array(
  extract(epoch from acknowledged_at - ${askedAt})::int, ${inMs(sql`acknowledged_at`)}, affected,
  ${inMs(sql`affected_at`)}, ${inMs(sql`help_asked_at`)})`;

/** As one value: ten thousand rows of fifteen columns took four times as long to be read. */
export async function readStandings(tx: Tx, scope: Scope): Promise<StandingsRead> {
  return await tx.one<StandingsRead>(sql`
    select pg_current_snapshot()::text as snapshot, coalesce(json_agg(json_build_array(
      encode(uuid_send(organisation_id), 'base64'), name, region_code, system_code, type,
      coalesce(to_come, 0), coalesce(taken, 0), coalesce(unsure, 0), coalesce(arrived, 0),
      ${inMs(sql`delivered_at`)}, ${answerTuple(scope)})), '[]') as standings
    from (${standings(scope)}) standing`);
}

/** Ids of organisations whose network is in foreign hands. */
export async function listCutOffIds(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select organisation_id as id from organisations.v_cut_off`);
  return rows.map(({ id }) => id);
}

/** What these organisations answered, by the key of `readStandings`. */
export async function readAnswers(
  tx: Tx,
  scope: Scope,
  organisationIds: readonly string[],
): Promise<{ key: string; answer: AnswerTuple }[]> {
  return await tx.rows<{ key: string; answer: AnswerTuple }>(sql`
    select encode(uuid_send(organisation_id), 'base64') as key, ${answerTuple(scope)} as answer
    from (${answersNow(scope)}) answered
    where organisation_id = any(${[...organisationIds]}::uuid[])`);
}

export type StandingRow = {
  organisationId: string;
  shortName: string;
  name: string;
  code: string;
  regionCode: string | null;
  reach: Reach;
  moreToCome: boolean;
  acknowledgedAt: Date | null;
  evidence: string | null;
  affected: 'yes' | 'no' | null;
  helpAskedAt: Date | null;
  /** When somebody opened it with its code: no answer yet. */
  openedAt: Date | null;
  /** Its network is in foreign hands: believe no mail from it. */
  isCutOff: boolean;
};

export type ListingQuestion = {
  readonly listing: Listing;
  readonly filter: Filter;
  /** Name and id of the last organisation seen. */
  readonly after: readonly [name: string, id: string] | undefined;
  readonly most: number;
};

/** A page of organisations behind a number, by name. */
export async function listStandings(
  tx: Tx,
  scope: Scope,
  { listing, filter, after, most }: ListingQuestion,
): Promise<StandingRow[]> {
  const asked = [isListed(listing, scope), ...conditionsOf(filter)];
  if (after !== undefined)
    asked.push(sql`(name, organisation_id) > (${after[0]}, ${after[1]}::uuid)`);
  return await tx.rows<StandingRow>(sql`
    select organisation_id, short_name, name, code, region_code, reach, more_to_come,
      acknowledged_at, evidence, affected, help_asked_at, is_cut_off, (
        select opening.opened_at from responses.v_opening opening
        where opening.alert_id = ${scope.alertId}
          and opening.organisation_id = standing.organisation_id
          and opening.opened_at >= ${scope.askedAt}
          and opening.opened_at <= coalesce(${scope.at ?? null}::timestamptz, now())) as opened_at
    from (${standings(scope)}) standing
    where ${join(asked, ' and ')}
    order by name, organisation_id limit ${most}`);
}
