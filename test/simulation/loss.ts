/** The database comes back as it was some moments ago; what people and providers did stays done. */
import type { Evidence } from './evidence.ts';
import type { Tables } from './twin/rows.ts';
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
  { kept, isPromoted }: { readonly kept: Kept; readonly isPromoted: boolean },
): void {
  for (const [key, end] of base.tables.attemptEnd) evidence.lostEnds.set(key, end);
  evidence.answered.splice(kept.answers);
  evidence.losses.push({
    at: now,
    after: evidence.attempts.length,
    isPromoted,
    known: new Set(kept.tables.attempt.keys()),
    goneOnAfter: undefined,
  });
  base.tables = kept.tables;
  if (isPromoted) base.server = { ...base.server, timeline: nextTimeline(base.server.timeline) };
}

function nextTimeline(timeline: string): string {
  return (Number.parseInt(timeline, 16) + 1).toString(16).padStart(8, '0').toUpperCase();
}
