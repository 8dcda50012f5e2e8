/** What an import finds and what it leaves, kept around each of its statements for the undo. */
import type { Tx } from '#db/database.ts';
import { keepPlaces, markPlaces, type Places } from './store-image.ts';

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
