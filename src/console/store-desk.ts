/** What waits for a person: at the duty desk, and on the board of one alert. */
import { londonDay } from '#kernel/day.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type DeskRow = {
  /** The organisation, or the item itself where it belongs to none. */
  groupId: string;
  /** How many groups wait, those beyond the list too. */
  groups: number;
  id: string;
  kind:
    | 'help'
    | 'not_understood'
    | 'wrong_code'
    | 'not_ours'
    | 'stop'
    | 'unknown_sender'
    | 'colleague'
    | 'guessing';
  state: 'open' | 'claimed';
  alertId: string | null;
  alertNumber: number | null;
  organisationId: string | null;
  organisation: string | null;
  regionCode: string | null;
  /** Who of the centre texted it. */
  personName: string | null;
  replyId: string | null;
  contentSealed: Buffer | null;
  createdAt: Date;
  callBackAt: Date | null;
  claimedByName: string | null;
  claimedAt: Date | null;
  isLapsed: boolean;
};

export type CutOffRow = { organisationId: string; name: string; since: Date; byName: string };

/** Organisations whose network is in foreign hands, the newest first; of these regions only. */
export async function listCutOff(
  tx: Tx,
  regionCodes: readonly string[] | undefined,
): Promise<CutOffRow[]> {
  const inRegion =
    regionCodes === undefined
      ? sql`true`
      : sql`organisation.region_code = any(${[...regionCodes]}::text[])`;
  return await tx.rows<CutOffRow>(sql`
    select cut.organisation_id, organisation.name, cut.since, cut.cut_by_name as by_name
    from organisations.v_cut_off cut
    join organisations.v_known_organisation organisation
      on organisation.organisation_id = cut.organisation_id
    where ${inRegion}
    order by cut.since desc`);
}

export type DueHoldRow = {
  id: string;
  heldKind: 'everything' | 'organisation' | 'contact';
  organisation: string | null;
  /** Noon of the day. */
  reviewAt: Date;
};

/** Legal holds whose day for a look has come; a contact is not named. */
export async function listDueHolds(tx: Tx, now: Date): Promise<DueHoldRow[]> {
  return await tx.rows<DueHoldRow>(sql`
    select id, held_kind, organisation_name as organisation,
      (review_on + interval '12 hours') at time zone 'UTC' as review_at
    from organisations.v_legal_hold
    where review_on <= ${londonDay(now)}::date
    order by review_on, id`);
}

/** More than one person works off in an hour; the rest is counted. */
const GROUPS_MAX = 50;

/**
 * What waits for a person, or waited at a minute, by organisation: those that asked for help first,
 * by when they expect our call; then the oldest.
 */
export async function listDesk(
  tx: Tx,
  {
    alertId,
    regionCodes,
    at,
  }: {
    readonly alertId?: string;
    /** Undefined: now. Of what was claimed only the last time is kept. */
    readonly at?: Date | undefined;
    /** Of organisations of these regions only; undefined: all, and strangers. */
    readonly regionCodes?: readonly string[] | undefined;
  },
): Promise<DeskRow[]> {
  const inRegion =
    regionCodes === undefined
      ? sql`true`
      : sql`item.organisation_id in (
          select of_region.organisation_id from organisations.v_known_organisation of_region
          where of_region.region_code = any(${[...regionCodes]}::text[]))`;
  const isWaiting =
    at === undefined
      ? sql`item.state <> 'closed'`
      : sql`item.created_at <= ${at} and (item.closed_at is null or item.closed_at > ${at})`;
  const isClaimed = at === undefined ? sql`item.state = 'claimed'` : sql`item.claimed_at <= ${at}`;
  const ofAlert = alertId === undefined ? sql`true` : sql`item.alert_id = ${alertId}`;
  return await tx.rows<DeskRow>(sql`
    with waiting as materialized (
      select item.id, item.kind, case when ${isClaimed} then 'claimed' else 'open' end as state,
        item.alert_id, item.organisation_id, item.person_name, item.reply_id,
        item.created_at, item.call_back_at, item.claimed_by_name, item.claimed_at,
        item.is_lapsed and ${at === undefined} as is_lapsed,
        coalesce(item.organisation_id, item.id) as group_id
      from responses.v_desk_item item
      where ${isWaiting} and ${ofAlert} and ${inRegion}
    ), grouped as (
      select group_id, count(*) over () as groups, min(call_back_at) as call_back_at,
        min(created_at) as created_at
      from waiting group by group_id
      order by min(call_back_at), min(created_at), group_id limit ${GROUPS_MAX}
    )
    select grouped.group_id, grouped.groups, item.id, item.kind, item.state, item.alert_id,
      live.number as alert_number, live.exercise, item.organisation_id,
      organisation.name as organisation, organisation.region_code, item.person_name,
      item.reply_id, reply.content_sealed, item.created_at, item.call_back_at,
      item.claimed_by_name, item.claimed_at, item.is_lapsed
    from grouped
    join waiting item on item.group_id = grouped.group_id
    left join alerts.v_live live on live.alert_id = item.alert_id
    left join dispatch.v_reply reply on reply.id = item.reply_id
    left join organisations.v_known_organisation organisation
      on organisation.organisation_id = item.organisation_id
    order by grouped.call_back_at, grouped.created_at, grouped.group_id,
      item.kind = 'help' desc, item.created_at`);
}

export type HelpSurge = { organisations: number; since: Date; until: Date };

/** Calls for help that are looked at as the end of a surge: older ones have others after them. */
const LATEST_MAX = 200;

/**
 * The most organisations that asked for help within so long of each other, where they are so many.
 * It stands while one of them waits, and as long again after the last.
 */
export async function findHelpSurge(
  tx: Tx,
  { organisations, withinMs }: { readonly organisations: number; readonly withinMs: number },
): Promise<HelpSurge | undefined> {
  const within = sql`${withinMs} * interval '1 ms'`;
  // Help that is asked for in an exercise is no event.
  const isLive = sql`coalesce(
    alert_id not in (select alert_id from alerts.v_live where exercise), true)`;
  return await tx.maybe<HelpSurge>(sql`
    select asked.organisations, asked.since, latest.created_at as until
    from (
      select created_at from responses.v_desk_item
      where kind = 'help' and ${isLive} and (state <> 'closed' or created_at > now() - ${within})
      order by created_at desc limit ${LATEST_MAX}
    ) latest
    cross join lateral (
      select count(distinct item.organisation_id) as organisations, min(item.created_at) as since
      from responses.v_desk_item item
      where item.kind = 'help' and ${isLive} and item.created_at <= latest.created_at
        and item.created_at > latest.created_at - ${within}
    ) asked
    where asked.organisations >= ${organisations}
    order by asked.organisations desc, latest.created_at desc limit 1`);
}
