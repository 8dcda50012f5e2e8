/** The person who lets sending go on after history was lost, as with `bin/tocsin history`. */
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { readHold, resumeAfterRestore } from '#dispatch/index.ts';
import { pause } from './part.ts';

const LOOK_MS = 300;
/** Who gives up leaves everything held, and with that the run broken. */
const PATIENCE_MS = 240_000;

/**
 * Waits until the product holds and has read the providers, and then lets it go on; says how many
 * texts it found that the database did not know.
 */
export async function letItGoOn(database: Database): Promise<number> {
  const until = performance.now() + PATIENCE_MS;
  let wasHeld = false;
  let found = 0;
  while (performance.now() < until) {
    // The database may be under another fault: then the next look tells what became of it.
    const hold = await database.withActor(system('chaos'), readHold).catch(() => undefined);
    if (wasHeld && hold?.heldSince === null) return found;
    wasHeld ||= hold?.heldSince instanceof Date;
    if (hold !== undefined) found = Math.max(found, hold.adopted + hold.withoutMessage);
    if (hold?.lookedAt instanceof Date) await goOn(database).catch(() => {});
    else await pause(LOOK_MS);
  }
  return found;
}

async function goOn(database: Database): Promise<void> {
  await database.attempt(system('chaos'), (tx) =>
    resumeAfterRestore(tx, { reason: 'chaos', inDoubt: 'send_again', unread: 'refuse' }),
  );
}
