/** Which column is which in a file: as somebody says now, or as it was said of one like it. */
import { actorId } from '#kernel/actor.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { headerHash, mappingFromWords, type Mapping } from './columns.ts';
import type { ImportKind } from '../model.ts';
import { readHead } from './sheet.ts';
import { findMapping, saveMapping } from './store-mapping.ts';

export type Said = {
  readonly kind: ImportKind;
  readonly bytes: Uint8Array;
  /** By our name the name in the file, or `=value`. */
  readonly words: Readonly<Record<string, string>>;
  readonly now: Date;
  /** Whether what is said holds for the next file with the same columns. */
  readonly remembers: boolean;
};

/** Undefined where the names of the columns say it. */
export async function settleMapping(
  tx: Tx,
  { kind, bytes, words, now, remembers }: Said,
): Promise<Outcome<Mapping | undefined>> {
  const head = readHead(bytes, 1);
  if (!head.ok) return head;
  const first = head.value[0]!.cells;
  const headerSha256 = headerHash(first);
  if (Object.keys(words).length === 0) return ok(await findMapping(tx, kind, headerSha256));
  const mapping = mappingFromWords(kind, first, words);
  if (!mapping.ok || !remembers) return mapping;
  const savedBy = actorId(tx.actor);
  await saveMapping(tx, { kind, headerSha256, mapping: mapping.value, savedAt: now, savedBy });
  return mapping;
}
