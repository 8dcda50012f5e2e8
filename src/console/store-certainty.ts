/** Reads of what the engine is not certain of: decisions that wait, copies, holes in history. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** How many messages are uncertain past their deadline: somebody has to decide. */
export async function countUncertain(tx: Tx, dispatchIds: readonly string[]): Promise<number> {
  const { messages } = await tx.one<{ messages: number }>(sql`
    select count(*) as messages from dispatch.v_uncertain
    where dispatch_id = any(${[...dispatchIds]}::uuid[])`);
  return messages;
}

/** `kind` is one of `alarms` in dispatch/model.ts. */
export type AlarmCount = { readonly kind: string; readonly messages: number };

/** What the engine raised an alarm about, and of how many messages of the dispatch. */
export async function countAlarms(tx: Tx, dispatchId: string): Promise<AlarmCount[]> {
  return await tx.rows<AlarmCount>(sql`
    select kind, count(distinct message_id) as messages from dispatch.v_alarm
    where dispatch_id = ${dispatchId} group by kind order by kind`);
}

/** What is wrong with the database that sends; times are null where that is well. */
export type Hold = {
  /** Why nothing is sent, where our history has a hole. */
  readonly heldReason: string | null;
  /** Since when the replicas have not answered without which nothing is sent. */
  readonly replicaAwaySince: Date | null;
  /** Since when it is sent without them all the same, and why. */
  readonly aloneSince: Date | null;
  readonly aloneReason: string | null;
};

/** Why nothing is sent at all, or is sent at a risk; undefined where all is well. */
export async function findHold(tx: Tx): Promise<Hold | undefined> {
  return await tx.maybe<Hold>(sql`
    select held_reason, replica_away_since, alone_since, alone_reason
    from dispatch.v_continuity
    where held_since is not null or replica_away_since is not null`);
}
