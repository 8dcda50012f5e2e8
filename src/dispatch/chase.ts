/**
 * Two decisions about a message whose round is open, as values: whether anybody still needs it, and
 * when its number may have it. The database carries them out for all messages at once (`isSettled`
 * of store-settled.ts, `spaceMessages`); a rehearsal asks them here, and that the two agree is
 * tested. Pure.
 */
import type { NumberLimit } from './model.ts';

/**
 * Round 1 goes out whatever happens; a later one is called off where every organisation that it
 * counts for has answered (P1, P7).
 */
export function isNeeded(
  message: { readonly round: number; readonly organisationIds: readonly string[] },
  hasAnswered: (organisationId: string) => boolean,
): boolean {
  return message.round === 1 || !message.organisationIds.every(hasAnswered);
}

/**
 * When a text that becomes ready now may leave: later where its number had its share of them, and
 * never where that is past its use.
 * @param earlierMs when the other texts to the number were due, in any order
 */
export function spacedDue(
  limit: NumberLimit,
  text: {
    readonly nowMs: number;
    readonly expiresAtMs: number;
    readonly earlierMs: readonly number[];
  },
): { readonly dueMs: number } | 'suppressed' {
  const { nowMs, expiresAtMs, earlierMs } = text;
  const lately = earlierMs
    .filter((dueMs) => dueMs > nowMs - limit.withinMs)
    .toSorted((a, b) => b - a);
  const decisive = lately[limit.most - 1];
  if (decisive === undefined) return { dueMs: nowMs };
  const freeMs = decisive + limit.withinMs;
  return freeMs < expiresAtMs ? { dueMs: freeMs } : 'suppressed';
}
