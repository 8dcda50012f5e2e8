/** Twins of `src/dispatch/store-space.ts`. */
import type { MessageState } from '#dispatch/model.ts';
import { historyIsWhole } from './continuity.ts';
import type { Base } from './rows.ts';

/** What has not reached the number and will not, or is not due yet. */
const UNCOUNTED = new Set<MessageState>(['held', 'rejected', 'cancelled', 'expired', 'suppressed']);

export function spaceMessages(
  base: Base,
  of: { dispatchId: string; ids: readonly string[] },
): number {
  const { numberMost: most, numberWithin: withinMs } =
    base.tables.dispatch.get(of.dispatchId) ?? {};
  if (typeof most !== 'number' || typeof withinMs !== 'number') return 0;
  const from = base.now - withinMs;
  const opened = [...base.tables.round.values()].filter((r) => (r.openedAt ?? -Infinity) > from);
  if (most >= opened.length) return 0;
  const lately = new Set(opened.map((r) => r.dispatchId));
  const crowded = base
    .messagesOf(of.dispatchId)
    .filter((m) => of.ids.includes(m.id) && m.channel === 'text' && m.state === 'ready')
    .flatMap((message) => {
      const [due] = [...base.tables.message.values()]
        .filter(
          (other) =>
            lately.has(other.dispatchId) &&
            other.contactPointId === message.contactPointId &&
            other.channel === 'text' &&
            other.id !== message.id &&
            (other.dueAt ?? -Infinity) > from &&
            !UNCOUNTED.has(other.state),
        )
        .map((other) => other.dueAt!)
        .toSorted((a, b) => b - a)
        .slice(most - 1);
      return due === undefined ? [] : [{ message, freeAt: due + withinMs }];
    })
    .filter(({ freeAt }) => freeAt > base.now);
  for (const { message, freeAt } of crowded) {
    const inTime = message.expiresAt !== null && freeAt < message.expiresAt;
    const waits = inTime || !historyIsWhole(base);
    base.update(message, {
      failureCode: 'number_limit',
      state: waits ? 'ready' : 'suppressed',
      dueAt: freeAt,
      finalAt: waits ? null : base.now,
    });
  }
  return crowded.length;
}
