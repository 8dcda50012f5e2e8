import { isUuid } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import { findPersonalData, type EntryPage, type NewEntry, type Subject } from './model.ts';
import { insertEntries, selectEntries } from './store.ts';

export { findPersonalData, maskPersonalData } from './model.ts';
export type { Entry, EntryPage, NewEntry, Subject } from './model.ts';

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

export type ListEntriesOptions = {
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: Subject | undefined;
  /** Entries a page, 50 unless told. */
  readonly limit?: number;
};

/** Entries, newest first. An unknown or malformed cursor gives an empty page. */
export async function listEntries(tx: Tx, options: ListEntriesOptions = {}): Promise<EntryPage> {
  const { cursor, action, subject, limit = 50 } = options;
  if (cursor !== undefined && !isUuid(cursor)) return { entries: [] };
  // One more than asked for tells whether there is a next page.
  const found = await selectEntries(tx, { cursor, action, subject, limit: limit + 1 });
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return found.length > limit && last ? { entries, nextCursor: last.id } : { entries };
}
