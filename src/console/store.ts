/** Reads for boards and the duty desk, over the views that the other slices publish. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Listing, PathTally, Reach, Tally } from './model.ts';

/**
 * One row for each organisation that must answer: how far our messages came, what it answered.
 * An organisation is silent when it was reached, has not answered, and nobody of its chain is left
 * to be asked. Messages are read organisation by organisation, by their index: of an alert that was
 * frozen a moment ago the planner expects 35 recipients, and a join of a million took over a
 * minute.
 */
export function standings(alertId: string): Sql {
  return sql`
    select recipient.organisation_id, recipient.short_name, recipient.code,
      organisation.name, organisation.region_code,
      told.reach, told.more_to_come, told.delivered_at,
      response.acknowledged_at, response.evidence, response.affected, response.affected_at,
      response.help_asked_at
    from alerts.v_recipient recipient
    join organisations.v_organisation organisation
      on organisation.organisation_id = recipient.organisation_id
    cross join lateral (
      select case when bool_or(credit.state = 'delivered') then 'delivered'
          when bool_or(credit.state = 'accepted') then 'accepted'
          when bool_or(credit.state in ('unknown', 'uncertain_closed')) then 'uncertain'
          when bool_or(credit.state in ('held', 'ready', 'claimed')) then 'sending'
          else 'unreachable' end as reach,
        coalesce(bool_or(credit.state in ('held', 'ready', 'claimed')), false) as more_to_come,
        min(credit.final_at) filter (where credit.state = 'delivered') as delivered_at
      from dispatch.v_credit credit where credit.organisation_id = recipient.organisation_id
        and credit.dispatch_id in (recipient.dispatch_id, recipient.correction_dispatch_id)
      offset 0
    ) told
    left join responses.v_response response on response.alert_id = recipient.alert_id
      and response.organisation_id = recipient.organisation_id
    where recipient.alert_id = ${alertId} and recipient.must_answer`;
}

export const conditions: Readonly<Record<Listing, Sql>> = {
  must_answer: sql`true`,
  delivered: sql`reach = 'delivered'`,
  acknowledged: sql`acknowledged_at is not null`,
  affected: sql`affected = 'yes'`,
  help: sql`help_asked_at is not null`,
  silent: sql`acknowledged_at is null and reach in ('delivered', 'accepted') and not more_to_come`,
  unreachable: sql`acknowledged_at is null and reach = 'unreachable'`,
  uncertain: sql`acknowledged_at is null and reach = 'uncertain'`,
  waiting: sql`acknowledged_at is null`,
  to_ring: sql`acknowledged_at is null and (reach = 'unreachable'
    or (reach in ('delivered', 'accepted') and not more_to_come))`,
};

const lately = sql`now() - interval '5 minutes'`;

export async function readTally(tx: Tx, alertId: string): Promise<Tally> {
  return await tx.one<Tally>(sql`
    select count(*) as must_answer,
      count(*) filter (where ${conditions.delivered}) as delivered,
      count(*) filter (where delivered_at > ${lately}) as delivered_lately,
      count(*) filter (where ${conditions.acknowledged}) as acknowledged,
      count(*) filter (where acknowledged_at > ${lately}) as acknowledged_lately,
      count(*) filter (where ${conditions.affected}) as affected,
      count(*) filter (where affected = 'yes' and affected_at > ${lately}) as affected_lately,
      count(*) filter (where ${conditions.help}) as help,
      count(*) filter (where help_asked_at > ${lately}) as help_lately,
      count(*) filter (where ${conditions.silent}) as silent,
      count(*) filter (where ${conditions.unreachable}) as unreachable,
      count(*) filter (where ${conditions.uncertain}) as uncertain,
      count(*) filter (where ${conditions.waiting}) as waiting
    from (${standings(alertId)}) standing`);
}

export type RegionTally = {
  code: string;
  name: string;
  mustAnswer: number;
  acknowledged: number;
  affected: number;
};

export async function readRegions(tx: Tx, alertId: string): Promise<RegionTally[]> {
  return await tx.rows<RegionTally>(sql`
    select region.code, region.name, count(*) as must_answer,
      count(*) filter (where ${conditions.acknowledged}) as acknowledged,
      count(*) filter (where ${conditions.affected}) as affected
    from (${standings(alertId)}) standing
    join organisations.v_region region on region.code = standing.region_code
    group by region.code, region.name order by region.name`);
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
};

export type ListingQuestion = {
  readonly alertId: string;
  readonly listing: Listing;
  readonly region: string | undefined;
  /** Name and id of the last organisation seen. */
  readonly after: readonly [name: string, id: string] | undefined;
  readonly most: number;
};

/** A page of organisations behind a number, by name. */
export async function listStandings(tx: Tx, question: ListingQuestion): Promise<StandingRow[]> {
  const { alertId, listing, region, after, most } = question;
  const inRegion = region === undefined ? sql`true` : sql`region_code = ${region}`;
  const beyond =
    after === undefined
      ? sql`true`
      : sql`(name, organisation_id) > (${after[0]}, ${after[1]}::uuid)`;
  return await tx.rows<StandingRow>(sql`
    select organisation_id, short_name, name, code, region_code, reach, more_to_come,
      acknowledged_at, evidence, affected, help_asked_at
    from (${standings(alertId)}) standing
    where ${conditions[listing]} and ${inRegion} and ${beyond}
    order by name, organisation_id limit ${most}`);
}

/** Of an alert that was corrected, the messages of both its dispatches. */
export async function readPaths(tx: Tx, dispatchIds: readonly string[]): Promise<PathTally[]> {
  return await tx.rows<PathTally>(sql`
    select channel, count(*) as planned,
      count(*) filter (where state in ('held', 'ready') and round = 1) as waiting,
      count(*) filter (where state = 'claimed') as under_way,
      count(*) filter (where state = 'accepted') as accepted,
      count(*) filter (where state = 'delivered') as delivered,
      count(*) filter (where state in ('undelivered', 'rejected', 'expired')) as failed,
      count(*) filter (where state in ('unknown', 'uncertain_closed')) as unknown,
      count(*) filter (where state = 'cancelled') as cancelled
    from dispatch.v_message where dispatch_id = any(${[...dispatchIds]}::uuid[]) group by channel
    order by channel desc`);
}

/** Minutes after the version that asked at which organisations acknowledged, in order. */
export async function readAnswerMinutes(tx: Tx, alertId: string): Promise<number[]> {
  const rows = await tx.rows<{ minute: number }>(sql`
    select greatest(0, extract(epoch from response.acknowledged_at - live.asked_at) / 60)::float8
      as minute
    from responses.v_response response
    join alerts.v_live live on live.alert_id = response.alert_id
    join alerts.v_recipient recipient on recipient.dispatch_id = live.dispatch_id
      and recipient.organisation_id = response.organisation_id and recipient.must_answer
    where response.alert_id = ${alertId} and response.acknowledged_at is not null
    order by 1`);
  return rows.map((row) => row.minute);
}

export type LiveAlert = {
  alertId: string;
  number: number;
  title: string;
  severity: string;
  marking: string;
  what: string;
  doNow: string;
  notKnown: string;
  body: string;
  nextUpdateAt: Date | null;
  state: 'released' | 'closed';
  releasedAt: Date;
  /** Answers from then on count. */
  askedAt: Date;
  closedAt: Date | null;
  dispatchId: string;
  correctionDispatchId: string | null;
  versionNumber: number;
  kind: 'first' | 'update' | 'correction' | 'withdrawal';
  dispatchState: string;
  pauseReason: string | null;
  exercise: boolean;
};

const liveColumns = sql`live.alert_id, live.number, live.title, live.severity, live.marking,
  live.what, live.do_now, live.not_known, live.body, live.next_update_at, live.state,
  live.released_at, live.asked_at, live.closed_at, live.dispatch_id, live.correction_dispatch_id,
  live.version_number, live.kind, dispatch.state as dispatch_state,
  dispatch.pause_reason, dispatch.exercise`;

/** The dispatches of what is out: a correction has two. */
export function dispatchesOf({ dispatchId, correctionDispatchId }: LiveAlert): string[] {
  return correctionDispatchId === null ? [dispatchId] : [dispatchId, correctionDispatchId];
}

export async function findLiveAlert(tx: Tx, alertId: string): Promise<LiveAlert | undefined> {
  return await tx.maybe<LiveAlert>(sql`
    select ${liveColumns} from alerts.v_live live
    join dispatch.v_dispatch dispatch on dispatch.id = live.dispatch_id
    where live.alert_id = ${alertId}`);
}

export async function listLiveAlerts(tx: Tx): Promise<LiveAlert[]> {
  return await tx.rows<LiveAlert>(sql`
    select ${liveColumns} from alerts.v_live live
    join dispatch.v_dispatch dispatch on dispatch.id = live.dispatch_id
    where live.state = 'released' order by live.released_at desc limit 20`);
}

export type RoundRow = { round: number; opensAt: Date | null; openedAt: Date | null };

export async function listRounds(tx: Tx, dispatchId: string): Promise<RoundRow[]> {
  return await tx.rows<RoundRow>(sql`
    select round, opens_at, opened_at from dispatch.v_round
    where dispatch_id = ${dispatchId} order by round`);
}

export type GatewayRow = {
  id: string;
  kind: string;
  channel: 'text' | 'mail';
  weight: number;
  enabled: boolean;
  /** Works, or takes nothing just now, or is on its way back. */
  breakerState: 'closed' | 'open' | 'half_open' | 'ramping';
  ratePerSecond: number;
  burst: number;
  tokens: number;
  pausedUntil: Date | null;
  pauseReason: string | null;
  lastProvenAt: Date | null;
  lastFailureAt: Date | null;
  lastFailureCode: string | null;
};

export async function listGatewayStates(tx: Tx): Promise<GatewayRow[]> {
  return await tx.rows<GatewayRow>(sql`
    select id, kind, channel, weight, enabled, breaker_state, rate_per_second, burst, tokens,
      paused_until, pause_reason, last_proven_at, last_failure_at, last_failure_code
    from dispatch.v_gateway where removed_at is null order by channel desc, id`);
}

export type DeskRow = {
  id: string;
  kind: 'help' | 'not_understood' | 'stop' | 'unknown_sender' | 'guessing';
  state: 'open' | 'claimed';
  alertId: string | null;
  alertNumber: number | null;
  organisationId: string | null;
  organisation: string | null;
  replyId: string | null;
  contentSealed: Buffer | null;
  createdAt: Date;
  claimedBy: string | null;
  claimedByName: string | null;
  claimedAt: Date | null;
};

/** What waits for a person: calls for help first, then the oldest. */
export async function listDesk(tx: Tx, alertId: string | undefined): Promise<DeskRow[]> {
  const ofAlert = alertId === undefined ? sql`true` : sql`item.alert_id = ${alertId}`;
  return await tx.rows<DeskRow>(sql`
    select item.id, item.kind, item.state, item.alert_id, live.number as alert_number,
      item.organisation_id, organisation.name as organisation, item.reply_id,
      reply.content_sealed, item.created_at,
      item.claimed_by, item.claimed_by_name, item.claimed_at
    from responses.v_desk_item item
    left join alerts.v_live live on live.alert_id = item.alert_id
    left join dispatch.v_reply reply on reply.id = item.reply_id
    left join organisations.v_organisation organisation
      on organisation.organisation_id = item.organisation_id
    where item.state <> 'closed' and ${ofAlert}
    order by item.kind = 'help' desc, item.created_at limit 100`);
}

export type WaitingApproval = {
  alertId: string;
  alertNumber: number;
  title: string;
  severity: string;
  submittedByName: string;
  submittedAt: Date;
};

/** Alerts that wait for a second person, longest first. */
export async function listWaitingApprovals(tx: Tx): Promise<WaitingApproval[]> {
  return await tx.rows<WaitingApproval>(sql`
    select alert_id, alert_number, title, severity, submitted_by_name, submitted_at
    from alerts.v_waiting order by submitted_at limit 20`);
}

export async function findRegionName(tx: Tx, code: string): Promise<string> {
  const found = await tx.maybe<{ name: string }>(sql`
    select name from organisations.v_region where code = ${code}`);
  return found?.name ?? code;
}
