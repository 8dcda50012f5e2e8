import type { Tx } from '#db/database.ts';
import { findPersonalData, type NewEntry } from './model.ts';
import { insertEntries } from './store.ts';

/**
 * Writes one entry in the transaction of the change it tells of. Actor, time and id come from the
 * database. Throws where the entry holds what looks like a phone number or a mail address: that
 * is a bug of the caller, and an audit that cannot be changed is the worst place to leave one.
 */
export async function record(tx: Tx, entry: NewEntry): Promise<void> {
  await recordAll(tx, [entry]);
}

/** The same for changes that are made together. */
export async function recordAll(tx: Tx, entries: readonly NewEntry[]): Promise<void> {
  for (const { action, subject, detail } of entries) {
    const found = findPersonalData({ id: subject.id, detail: detail ?? {} });
    if (found !== undefined)
      throw new Error(`audit ${action}: looks like a number or an address at ${found}`);
  }
  await insertEntries(tx, entries);
}
