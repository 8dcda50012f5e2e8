import { isUuid } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import type { EntryPage, EntrySearch, Subject } from './model.ts';
import { selectEntries } from './store.ts';

export type ListEntriesOptions = EntrySearch & {
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  readonly subject?: Subject | undefined;
  /** Entries a page, 50 unless told. */
  readonly limit?: number;
};

/** Entries, newest first. An unknown or malformed cursor gives an empty page. */
export async function listEntries(tx: Tx, options: ListEntriesOptions = {}): Promise<EntryPage> {
  const { cursor, subject, limit = 50, ...search } = options;
  if (cursor !== undefined && !isUuid(cursor)) return { entries: [] };
  const about = subject && { subjectKinds: [subject.kind], subjectId: subject.id };
  // One more than asked for tells whether there is a next page.
  const found = await selectEntries(tx, { ...search, ...about, cursor, limit: limit + 1 });
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return found.length > limit && last ? { entries, nextCursor: last.id } : { entries };
}
