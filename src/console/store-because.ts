/** The facts that the rules were applied to, for an alert that is out. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { RulesMove } from '#operating-model/index.ts';

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
