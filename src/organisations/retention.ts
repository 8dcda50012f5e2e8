/** What the directory keeps for a while only. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { sweepRuns } from './imports/import-run.ts';
import { forgetOldImages } from './imports/store-image.ts';
import { forgetLeft, forgetUnused } from './store-retention.ts';

const BATCH = 200;
const PAUSE_MS = 250;

/** Files nobody came back for, and what the undo of an old import would need. */
export async function forgetImports(
  database: Database,
  { importsMs, now }: { readonly importsMs: number; readonly now: Date },
): Promise<void> {
  await sweepRuns(database, now);
  const before = new Date(now.getTime() - importsMs);
  await database.withActor(system('retention'), async (tx) => {
    const rows = await forgetOldImages(tx, before);
    const subject = { kind: 'database', id: 'retention' };
    if (rows > 0) await record(tx, { action: 'imports.forgotten', subject, detail: { rows } });
  });
}

/** Contacts who left so long ago, a batch at a time; says how many went. */
export async function forgetContactsLeft(
  database: Database,
  { leftMs }: { readonly leftMs: number },
): Promise<number> {
  let gone = 0;
  for (;;) {
    const deleted = await database.withActor(system('retention'), async (tx) => {
      const contacts = await forgetLeft(tx, { olderThanMs: leftMs, most: BATCH });
      const subject = { kind: 'database', id: 'retention' };
      if (contacts > 0)
        await record(tx, { action: 'contacts.forgotten', subject, detail: { contacts } });
      return contacts;
    });
    if (deleted === 0) return gone;
    gone += deleted;
    await delay(PAUSE_MS);
  }
}

/** Numbers that somebody typed and nobody proved, and those of a file that was undone. */
export async function forgetUnusedPoints(database: Database): Promise<void> {
  await database.withActor(system('retention'), async (tx) => {
    const points = await forgetUnused(tx);
    const subject = { kind: 'database', id: 'retention' };
    if (points > 0) await record(tx, { action: 'points.forgotten', subject, detail: { points } });
  });
}
