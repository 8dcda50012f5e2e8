/** Addresses where nothing goes for now: their network is in foreign hands. */
import type { Tx } from '#db/database.ts';
import { notifyDispatch } from './store-plan.ts';
import {
  deleteStoppedBut,
  insertStopped,
  lockStopped,
  notifyStopped,
  suppressStopped,
} from './store-stopped.ts';

/**
 * From the commit on nothing is claimed for these contact points: what waits for them is
 * suppressed, in dispatches that run too, and what is written for them later never leaves. What
 * workers have claimed goes back, and is called off there; only a request that is being made in
 * this moment may still arrive. Says how many messages are suppressed.
 */
export async function stopAddresses(tx: Tx, contactPointIds: readonly string[]): Promise<number> {
  await lockStopped(tx);
  await insertStopped(tx, contactPointIds);
  const dispatchIds = await suppressStopped(tx);
  for (const dispatchId of new Set(dispatchIds)) await notifyDispatch(tx, dispatchId);
  await notifyStopped(tx);
  return dispatchIds.length;
}

/** Opens all but these again. What was suppressed stays so: its time is over. */
export async function openAddressesBut(tx: Tx, contactPointIds: readonly string[]): Promise<void> {
  await lockStopped(tx);
  await deleteStoppedBut(tx, contactPointIds);
}
