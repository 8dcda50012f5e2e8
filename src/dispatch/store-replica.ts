/** Statements about the synchronous replicas of a site, without which nothing is claimed. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type Replica = {
  /** The server waits for synchronous replicas where a commit asks for it. */
  isAsked: boolean;
  /** Since when none has answered; null: they answer, or none is asked for. */
  awaySince: Date | null;
  /** Since when claims go on without them, as a person decided, and why. */
  aloneSince: Date | null;
  aloneReason: string | null;
};

export async function readReplica(tx: Tx): Promise<Replica> {
  return await tx.one<Replica>(sql`
    select current_setting('synchronous_standby_names') <> '' as is_asked,
      replica_away_since as away_since, alone_since, alone_reason
    from dispatch.continuity`);
}

/** Nothing is claimed any more; false where that is known already. */
export async function markReplicaAway(tx: Tx): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity set replica_away_since = now()
      where replica_away_since is null`)) === 1
  );
}

/** Claims go on, and wait for the replicas again; false where they did already. */
export async function markReplicaBack(tx: Tx): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity
      set replica_away_since = null, alone_since = null, alone_reason = null
      where replica_away_since is not null`)) === 1
  );
}

/** Claims go on without replicas; false where these answer, or it was decided already. */
export async function markAlone(tx: Tx, reason: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity set alone_since = now(), alone_reason = ${reason}
      where replica_away_since is not null and alone_since is null`)) === 1
  );
}

/** Claims wait for the replicas again; false where they do. */
export async function markNotAlone(tx: Tx): Promise<boolean> {
  return (
    (await tx.run(sql`
      update dispatch.continuity set alone_since = null, alone_reason = null
      where alone_since is not null`)) === 1
  );
}
