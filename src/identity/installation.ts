import type { Tx } from '#db/database.ts';
import { selectInstallationKind } from './store.ts';

/** Whether real phones can ring: asked of the database, so that no wiring can get it wrong. */
export async function isLive(tx: Tx): Promise<boolean> {
  return (await selectInstallationKind(tx))?.kind === 'live';
}
