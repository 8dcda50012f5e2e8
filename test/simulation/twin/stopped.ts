/** Twins of `src/dispatch/store-stopped.ts`. */
import { historyIsWhole } from './continuity.ts';
import type { Base, MessageRow } from './rows.ts';

/** Twin of the fragment of the same name. */
export function isStopped(base: Base, { contactPointId }: MessageRow): boolean {
  return base.tables.stopped.has(contactPointId);
}

export function lockStopped(_base: Base): void {}

export function notifyStopped(base: Base): void {
  base.notify('tocsin_steer', 'stopped');
}

export function insertStopped(base: Base, contactPointIds: readonly string[]): void {
  for (const contactPointId of contactPointIds) {
    if (base.tables.stopped.has(contactPointId)) continue;
    base.writes += 1;
    base.tables.stopped.set(contactPointId, { contactPointId, stoppedAt: base.now });
  }
}

export function deleteStoppedBut(base: Base, kept: readonly string[]): number {
  const opened = [...base.tables.stopped.keys()].filter((id) => !kept.includes(id));
  for (const id of opened) base.tables.stopped.delete(id);
  base.writes += opened.length;
  return opened.length;
}

export function suppressStopped(base: Base): string[] {
  if (!historyIsWhole(base)) return [];
  const found = [...base.tables.message.values()].filter((message) => {
    const isRunning = ['held', 'sending', 'paused'].includes(base.dispatchOf(message).state);
    return isRunning && isUnsent(message) && isStopped(base, message);
  });
  for (const message of found)
    base.update(message, { state: 'suppressed', finalAt: base.now, failureCode: 'cut_off' });
  return found.map(({ dispatchId }) => dispatchId);
}

function isUnsent({ state }: MessageRow): boolean {
  return state === 'held' || state === 'ready';
}
