/** What the record of an incident keeps for a while only: words about people. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { forgetNotes } from './store-retention.ts';

const BATCH = 1_000;
const PAUSE_MS = 250;

/** Empties all that is due, a batch at a time; says how many. */
export async function forgetOldNotes(
  database: Database,
  { notesMs }: { readonly notesMs: number },
): Promise<number> {
  let gone = 0;
  for (;;) {
    const emptied = await database.withActor(system('retention'), async (tx) => {
      const notes = await forgetNotes(tx, { olderThanMs: notesMs, most: BATCH });
      if (notes > 0) await record(tx, { action: 'notes.forgotten', subject, detail: { notes } });
      return notes;
    });
    if (emptied === 0) return gone;
    gone += emptied;
    await delay(PAUSE_MS);
  }
}

const subject = { kind: 'database', id: 'retention' };
