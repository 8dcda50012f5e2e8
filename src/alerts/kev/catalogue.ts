/** Bringing a catalogue in, and what it says. Each runs in the caller's transaction. */
import { nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { factOf, type Catalogue, type KevSaid } from './model.ts';
import {
  deleteOthers,
  findEntries,
  findNewestImport,
  insertImport,
  lockCatalogue,
  upsertEntries,
} from './store.ts';

export type KevDone = {
  readonly version: string;
  readonly entries: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
};

/** Takes the place of the catalogue that is there, unless that one is newer. */
export async function importCatalogue(tx: Tx, catalogue: Catalogue): Promise<Outcome<KevDone>> {
  await lockCatalogue(tx);
  const before = await findNewestImport(tx);
  if (before !== undefined && before.catalogueReleasedAt > catalogue.releasedAt)
    return refused(
      'conflict',
      `This is catalogue ${catalogue.version}, older than ${before.catalogueVersion}, which is here already`,
    );
  const { added, changed } = await upsertEntries(tx, catalogue.entries);
  const removed = await deleteOthers(
    tx,
    catalogue.entries.map(({ cve }) => cve),
  );
  const id = newId();
  await insertImport(tx, { id, catalogue, added, changed, removed, byName: nameOf(tx.actor) });
  const { version, entries } = catalogue;
  const counts = { entries: entries.length, added, changed, removed };
  await record(tx, {
    action: 'kev.imported',
    subject: { kind: 'kev_import', id },
    detail: counts,
  });
  return ok({ version, ...counts });
}

/** What the catalogue says of each; null where none was imported, and it says nothing. */
export async function readKevFacts(tx: Tx, cves: readonly string[]): Promise<KevSaid | null> {
  if (cves.length === 0) return null;
  const newest = await findNewestImport(tx);
  if (newest === undefined) return null;
  const entries = await findEntries(tx, cves);
  const facts = cves.map((cve) =>
    factOf(
      cve,
      entries.find((one) => one.cve === cve),
    ),
  );
  const { catalogueVersion: version, catalogueReleasedAt } = newest;
  return { version, releasedAt: catalogueReleasedAt.toISOString(), facts };
}
