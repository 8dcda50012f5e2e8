/** What an import finds and what it leaves, kept around each of its statements for the undo. */
import type { Tx } from '#db/database.ts';
import { keepContacts, keepPlaces, markContacts, markPlaces, type Places } from './store-image.ts';

export async function aroundContacts(
  tx: Tx,
  about: {
    readonly importId: string;
    /** Those of them that are stored already. */
    readonly storedIds: readonly string[];
    readonly contactIds: readonly string[];
  },
  write: () => Promise<void>,
): Promise<void> {
  const { importId, storedIds: contactIds } = about;
  if (contactIds.length > 0) await keepContacts(tx, { importId, contactIds });
  await write();
  await markContacts(tx, about);
}

/** Returns what `write` says. */
export async function aroundPlaces(
  tx: Tx,
  about: Places,
  write: () => Promise<number>,
): Promise<number> {
  await keepPlaces(tx, about);
  const written = await write();
  await markPlaces(tx, about);
  return written;
}
