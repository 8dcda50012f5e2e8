/** The facts that the rules were applied to, for an alert that is out. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Dispatched, RulesMove } from '#operating-model/index.ts';

export type Decided = {
  submittedAt: Date;
  submittedByName: string;
  decidedAt: Date | null;
  decidedByName: string | null;
};

export async function findDecided(tx: Tx, versionId: string): Promise<Decided> {
  return await tx.one<Decided>(sql`
    select submitted_at, submitted_by_name, decided_at, decided_by_name
    from alerts.v_live where version_id = ${versionId}`);
}

export type DispatchedRow = Dispatched & { dispatchId: string };

/** What each dispatch of what is out is to its readers, its closing among them. */
export async function listDispatched(tx: Tx, versionId: string): Promise<DispatchedRow[]> {
  return await tx.rows<DispatchedRow>(sql`
    select dispatch_id, kind, marking, asks_again from alerts.v_dispatched
    where version_id = ${versionId}`);
}

export type Alone = {
  at: Date;
  byName: string;
  reviewDueAt: Date;
  reviewedAt: Date | null;
  reviewedByName: string | null;
};

/** One person let it go; undefined where two did. */
export async function findAlone(tx: Tx, alertId: string): Promise<Alone | undefined> {
  return await tx.maybe<Alone>(sql`
    select at, by_name, review_due_at, reviewed_at, reviewed_by_name
    from alerts.v_alone where alert_id = ${alertId}`);
}

export type WokenFor = {
  kind: 'approval' | 'next_update' | 'call_back' | 'announcement' | 'review';
  step: number;
  names: string[];
  at: Date;
};

/** Which people of the centre were texted for an alert that is out, and for which promise. */
export async function listWokenFor(tx: Tx, alertId: string): Promise<WokenFor[]> {
  return await tx.rows<WokenFor>(sql`
    with subject (id) as (
      select submission_id from alerts.v_live where alert_id = ${alertId}
      union all select version_id from alerts.v_live where alert_id = ${alertId}
      union all select id from alerts.v_announcement where alert_id = ${alertId}
      union all select id from responses.v_desk_item where alert_id = ${alertId}
      union all select ${alertId}::uuid)
    select woken.kind, woken.step, min(woken.at) as at,
      array_agg(distinct woken.name order by woken.name) as names
    from identity.v_woken woken
    where woken.subject_id in (select id from subject) and woken.kind <> 'region'
    group by woken.kind, woken.subject_id, woken.due_at, woken.step`);
}

/** The moves of what is out to other rules. */
export async function listRulesMoves(tx: Tx, versionId: string): Promise<RulesMove[]> {
  return await tx.rows<RulesMove>(sql`
    select moved_at, model_version_before from alerts.v_rules_move
    where version_id = ${versionId} order by moved_at`);
}

export type RoundFacts = {
  dispatchId: string;
  round: number;
  opensAt: Date | null;
  openedAt: Date | null;
  /** To those of an earlier round, once more. */
  reminds: boolean;
  messages: number;
  /** Never requested: their organisations had answered, or it was called off. */
  notNeeded: number;
};

/** Each round of these dispatches, with its messages. */
export async function listRoundFacts(
  tx: Tx,
  dispatchIds: readonly string[],
): Promise<RoundFacts[]> {
  return await tx.rows<RoundFacts>(sql`
    select round.dispatch_id, round.round, round.opens_at, round.opened_at, round.reminds,
      count(message.id) as messages,
      count(message.id) filter (where message.state = 'cancelled') as not_needed
    from dispatch.v_round round
    left join dispatch.v_message message on message.dispatch_id = round.dispatch_id
      and message.round = round.round
    where round.dispatch_id = any(${[...dispatchIds]}::uuid[])
    group by round.dispatch_id, round.round, round.opens_at, round.opened_at, round.reminds
    order by round.dispatch_id, round.round`);
}

/** How many are to be rung, and how many calls for help wait of whom the earliest is due when. */
export async function countWaitingFor(
  tx: Tx,
  alertId: string,
): Promise<{ toRing: number; calls: number; nextCallAt: Date | null }> {
  return await tx.one<{ toRing: number; calls: number; nextCallAt: Date | null }>(sql`
    select (select count(*) from responses.v_to_ring to_ring
        where to_ring.alert_id = ${alertId}) as to_ring,
      count(*) as calls, min(item.call_back_at) as next_call_at
    from responses.v_desk_item item
    where item.alert_id = ${alertId} and item.kind = 'help' and item.state <> 'closed'`);
}
