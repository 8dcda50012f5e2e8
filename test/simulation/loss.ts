/** The database comes back as it was some moments ago; what people and providers did stays done. */
import type { Evidence } from './evidence.ts';
import type { Tables } from './twin/rows.ts';
import type { Server } from './twin/server.ts';
import type { World } from './world.ts';

/** What a replica or a disk holds of a moment. */
export type Kept = { readonly tables: Tables; readonly answers: number };

export function keepHistory({ base, answered }: Evidence): Kept {
  return { tables: base.copy(), answers: answered.length };
}

/** What was answered in the lost time is lost too; how attempts ended then stays true. */
export function loseHistory(
  { base, now }: World,
  evidence: Evidence,
  { kept, kind }: { readonly kept: Kept; readonly kind: keyof typeof elsewhere },
): void {
  for (const [key, end] of base.tables.attemptEnd) evidence.lostEnds.set(key, end);
  evidence.answered.splice(kept.answers);
  evidence.losses.push({
    at: now,
    after: evidence.attempts.length,
    isElsewhere: kind !== 'disk_turned_back',
    known: new Set(kept.tables.attempt.keys()),
    goneOnAfter: undefined,
  });
  base.tables = kept.tables;
  base.server = { ...base.server, ...elsewhere[kind](base.server) };
}

/** How what serves afterwards differs from what served before, besides its start. */
const elsewhere = {
  disk_turned_back: () => ({}),
  replica_promoted: ({ timeline }: Server) => ({ timeline: nextTimeline(timeline) }),
  backup_restored: () => ({ systemIdentifier: '7000000000000000002', databaseId: '6-16401' }),
};

function nextTimeline(timeline: string): string {
  return (Number.parseInt(timeline, 16) + 1).toString(16).padStart(8, '0').toUpperCase();
}
