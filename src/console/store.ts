/** Reads for boards and the duty desk, over the views that the other slices publish. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Marking } from '#kernel/marking.ts';
import type { PathTally } from './model.ts';

/** Messages alike, and how many there are. */
export type Heap = {
  channel: 'text' | 'mail';
  /** By which they are to leave while they have not. */
  home: string | null;
  /** That was asked last, or is to be asked. */
  gateway: string | null;
  isFirst: boolean;
  state: string;
  messages: number;
};

export type HeapsRead = { snapshot: string; heaps: readonly Heap[] };

/** The messages of these dispatches, and the transactions that were counted. */
export async function readHeaps(tx: Tx, dispatchIds: readonly string[]): Promise<HeapsRead> {
  return await tx.one<HeapsRead>(sql`
    select pg_current_snapshot()::text as snapshot, coalesce(json_agg(json_build_object(
      'channel', channel, 'home', home, 'gateway', gateway, 'isFirst', is_first, 'state', state,
      'messages', messages)), '[]') as heaps
    from (
      select channel, home_gateway_id as home, coalesce(gateway_id, home_gateway_id) as gateway,
        round = 1 as is_first, state, count(*) as messages
      from dispatch.v_message where dispatch_id = any(${[...dispatchIds]}::uuid[])
      group by 1, 2, 3, 4, 5
    ) heap`);
}

/** Those of them that workers hold: few, and found by an index of their own. */
export async function readClaimed(tx: Tx, dispatchIds: readonly string[]): Promise<Heap[]> {
  return await tx.rows<Heap>(sql`
    select channel, home_gateway_id as home, gateway_id as gateway, round = 1 as is_first,
      'claimed' as state, count(*) as messages
    from dispatch.v_claimed where dispatch_id = any(${[...dispatchIds]}::uuid[])
    group by 1, 2, 3, 4`);
}

/**
 * The messages by channel as they stood at a minute. States of before are not kept, the moments
 * are: whatever had not been taken by then counts as waiting.
 */
export async function readPathsAt(
  tx: Tx,
  { dispatchIds, at }: { readonly dispatchIds: readonly string[]; readonly at: Date },
): Promise<PathTally[]> {
  const isOver = sql`final_at is not null and final_at <= ${at}`;
  return await tx.rows<PathTally>(sql`
    select channel, null::text as gateway_id, count(*) as planned,
      count(*) filter (where round = 1 and not (${isOver})
        and (accepted_at is null or accepted_at > ${at})) as waiting,
      0 as under_way,
      count(*) filter (where accepted_at <= ${at} and not (${isOver})) as accepted,
      count(*) filter (where ${isOver} and state = 'delivered') as delivered,
      count(*) filter (where ${isOver} and state in ('undelivered', 'rejected', 'expired'))
        as failed,
      count(*) filter (where ${isOver} and state = 'uncertain_closed') as unknown,
      count(*) filter (where ${isOver} and state = 'cancelled') as cancelled
    from dispatch.v_message where dispatch_id = any(${[...dispatchIds]}::uuid[])
    group by channel order by channel desc`);
}

export type LiveAlert = {
  alertId: string;
  versionId: string;
  number: number;
  title: string;
  severity: string;
  marking: Marking;
  what: string;
  doNow: string;
  ifActed: string;
  /** What to do now in words that anybody may read. */
  clearLine: string;
  notKnown: string;
  /** JSON of the alerts: what is said of the threat and of its CVEs, and words for some. */
  content: unknown;
  kev: unknown;
  readerWords: unknown;
  nextUpdateAt: Date | null;
  state: 'released' | 'closed';
  releasedAt: Date;
  /** Answers from then on count. */
  askedAt: Date;
  /** Who was reached and is silent is to be rung from then on; null: once their chain has ended. */
  callListAt: Date | null;
  closedAt: Date | null;
  dispatchId: string;
  correctionDispatchId: string | null;
  versionNumber: number;
  kind: 'first' | 'update' | 'correction' | 'withdrawal';
  /** The rules it began under. */
  modelVersion: string;
  dispatchState: string;
  pauseReason: string | null;
  exercise: boolean;
  /** Whoever owes its next update. */
  ownedByName: string;
};

const liveColumns = sql`live.alert_id, live.version_id, live.number, words.title, live.severity,
  live.marking, words.what, words.do_now, words.if_acted, live.clear_line, words.not_known,
  words.content, words.kev, words.reader_words, live.next_update_at, live.state, live.released_at,
  live.asked_at, live.call_list_at, live.closed_at, live.dispatch_id, live.correction_dispatch_id,
  live.version_number, live.kind, live.model_version, dispatch.state as dispatch_state,
  dispatch.pause_reason, dispatch.exercise, live.owned_by_name`;

/** The dispatches of what is out: a correction has two. */
export function dispatchesOf({ dispatchId, correctionDispatchId }: LiveAlert): string[] {
  return correctionDispatchId === null ? [dispatchId] : [dispatchId, correctionDispatchId];
}

export async function findLiveAlert(tx: Tx, alertId: string): Promise<LiveAlert | undefined> {
  return await tx.maybe<LiveAlert>(sql`
    select ${liveColumns} from alerts.v_live live
    join alerts.v_words words on words.id = live.version_id
    join dispatch.v_dispatch dispatch on dispatch.id = live.dispatch_id
    where live.alert_id = ${alertId}`);
}

export async function findLiveByNumber(tx: Tx, number: number): Promise<LiveAlert | undefined> {
  return await tx.maybe<LiveAlert>(sql`
    select ${liveColumns} from alerts.v_live live
    join alerts.v_words words on words.id = live.version_id
    join dispatch.v_dispatch dispatch on dispatch.id = live.dispatch_id
    where live.number = ${number}`);
}

export async function listLiveAlerts(tx: Tx): Promise<LiveAlert[]> {
  return await tx.rows<LiveAlert>(sql`
    select ${liveColumns} from alerts.v_live live
    join alerts.v_words words on words.id = live.version_id
    join dispatch.v_dispatch dispatch on dispatch.id = live.dispatch_id
    where live.state = 'released' order by live.released_at desc limit 20`);
}

export type RoundRow = {
  round: number;
  opensAt: Date | null;
  openedAt: Date | null;
  /** To those of an earlier round, once more. */
  reminds: boolean;
};

export async function listRounds(tx: Tx, dispatchId: string): Promise<RoundRow[]> {
  return await tx.rows<RoundRow>(sql`
    select round, opens_at, opened_at, reminds from dispatch.v_round
    where dispatch_id = ${dispatchId} order by round`);
}

export type GatewayRow = {
  id: string;
  kind: string;
  channel: 'text' | 'mail';
  bucketId: string;
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
    select id, kind, channel, bucket_id, weight, enabled, breaker_state, rate_per_second, burst,
      tokens, paused_until, pause_reason, last_proven_at, last_failure_at, last_failure_code
    from dispatch.v_gateway where removed_at is null order by channel desc, id`);
}

export type WaitingApproval = {
  alertId: string;
  alertNumber: number;
  title: string;
  exercise: boolean;
  severity: string;
  submittedByName: string;
  submittedAt: Date;
};

export type WaitingRules = { proposedByName: string; proposedAt: Date; reason: string };

/** A change of the operating model that waits for a second person. */
export async function findWaitingRules(tx: Tx): Promise<WaitingRules | undefined> {
  return await tx.maybe<WaitingRules>(sql`
    select proposed_by_name, proposed_at, reason from operating_model.v_waiting`);
}

/** How much of people, keys and sign-ins waits for a second person, and for how long. */
export type WaitingChanges = { count: number; since: Date | null };

export async function countWaitingChanges(tx: Tx, now: Date): Promise<WaitingChanges> {
  return await tx.one<WaitingChanges>(sql`
    select count(*)::int as count, min(proposed_at) as since
    from identity.v_second_person where expires_at > ${now}`);
}

/** Alerts that wait for a second person, longest first. */
export async function listWaitingApprovals(tx: Tx): Promise<WaitingApproval[]> {
  return await tx.rows<WaitingApproval>(sql`
    select alert_id, alert_number, title, exercise, severity, submitted_by_name, submitted_at
    from alerts.v_waiting order by submitted_at limit 20`);
}

export type ReturnedAlert = {
  alertId: string;
  alertNumber: number;
  title: string;
  exercise: boolean;
  decidedByName: string;
  decidedAt: Date;
  returnReason: string;
};

/** Alerts that were sent back and not submitted again, the last returned first. */
export async function listReturned(tx: Tx): Promise<ReturnedAlert[]> {
  return await tx.rows<ReturnedAlert>(sql`
    select alert_id, alert_number, title, exercise, decided_by_name, decided_at, return_reason
    from alerts.v_returned order by decided_at desc limit 20`);
}

/** What the codes of regions and systems are called. */
export async function listPlaces(
  tx: Tx,
): Promise<{ by: 'region' | 'system'; code: string; name: string }[]> {
  return await tx.rows(sql`
    select 'region' as by, code, name from organisations.v_region
    union all select 'system', code, name from organisations.v_system
    order by name`);
}
