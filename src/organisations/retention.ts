/** What the directory keeps for a while only. */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { sweepRuns } from './imports/import-run.ts';
import { forgetOldImages } from './imports/store-image.ts';

/** Files nobody came back for, and what the undo of an old import would need. */
export async function forgetImports(
  database: Database,
  { importsMs, now }: { readonly importsMs: number; readonly now: Date },
): Promise<void> {
  await sweepRuns(database, now);
  const before = new Date(now.getTime() - importsMs);
  await database.withActor(system('retention'), (tx) => forgetOldImages(tx, before));
}
