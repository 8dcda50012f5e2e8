/** Working the duty desk: one owner at a time, and an outcome at the end. */
import { actorId, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { claimDeskItem, closeDeskItem, notifyResponse } from './store.ts';
import { findDeskItem } from './store-read.ts';

/** Takes it: from here on everybody sees who deals with it. */
export async function claimItem(tx: Tx, id: string): Promise<Outcome<void>> {
  const by = actorId(tx.actor);
  const byName = nameOf(tx.actor);
  if (!(await claimDeskItem(tx, { id, by, byName })))
    return refused('conflict', 'Somebody else took it first.');
  return await recordAndTell(tx, id, 'desk.claimed');
}

/** Ends it with what came of it. Only who has it may. */
export async function closeItem(tx: Tx, id: string, outcome: string): Promise<Outcome<void>> {
  if (outcome === '' || outcome.length > 1000)
    return refused('invalid', 'Say what came of it.', {
      outcome: 'Say what came of it, in 1,000 characters or fewer',
    });
  const item = await findDeskItem(tx, id);
  const isMine = item?.claimedBy === actorId(tx.actor);
  // The button was pressed twice: what it says is done.
  if (isMine && item.state === 'closed' && item.outcome === outcome) return ok(undefined);
  if (!isMine) return refused('conflict', 'Take it first; then you can close it.');
  const byName = nameOf(tx.actor);
  if (!(await closeDeskItem(tx, { id, byName, outcome })))
    return refused('conflict', 'It is closed already, with other words.');
  return await recordAndTell(tx, id, 'desk.closed');
}

async function recordAndTell(tx: Tx, id: string, action: string): Promise<Outcome<void>> {
  await record(tx, { action, subject: { kind: 'desk_item', id } });
  const item = await findDeskItem(tx, id);
  await notifyResponse(tx, item?.alertId ?? id);
  return ok(undefined);
}
