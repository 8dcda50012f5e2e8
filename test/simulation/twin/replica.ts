/** Twins of `src/dispatch/store-replica.ts`, and of `may_claim()`. */
import type { Replica } from '#dispatch/store-replica.ts';
import { historyIsWhole } from './continuity.ts';
import type { Base } from './rows.ts';
import type { ContinuityRow } from './server.ts';

function rowOf(base: Base): ContinuityRow {
  return base.tables.continuity.get('history')!;
}

function change(base: Base, columns: Partial<ContinuityRow>): true {
  base.writes += 1;
  Object.assign(rowOf(base), columns);
  return true;
}

const notAlone = { aloneSince: null, aloneReason: null };

/** Twin of the function of the database: part of every claim. */
export function mayClaim(base: Base): boolean {
  const { replicaAwaySince, aloneSince } = rowOf(base);
  return historyIsWhole(base) && (replicaAwaySince === null || aloneSince !== null);
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

/** The simulated server asks for no replicas, as that of the tests. */
export function readReplica(base: Base): Replica {
  const { replicaAwaySince, aloneSince, aloneReason } = rowOf(base);
  const since = { awaySince: dateOf(replicaAwaySince), aloneSince: dateOf(aloneSince) };
  return { isAsked: false, ...since, aloneReason };
}

export function markReplicaAway(base: Base): boolean {
  if (rowOf(base).replicaAwaySince !== null) return false;
  return change(base, { replicaAwaySince: base.now });
}

export function markReplicaBack(base: Base): boolean {
  if (rowOf(base).replicaAwaySince === null) return false;
  return change(base, { replicaAwaySince: null, ...notAlone });
}

export function markAlone(base: Base, reason: string): boolean {
  const { replicaAwaySince, aloneSince } = rowOf(base);
  if (replicaAwaySince === null || aloneSince !== null) return false;
  return change(base, { aloneSince: base.now, aloneReason: reason });
}

export function markNotAlone(base: Base): boolean {
  if (rowOf(base).aloneSince === null) return false;
  return change(base, notAlone);
}
