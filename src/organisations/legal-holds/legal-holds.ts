/** Legal holds on an organisation or a contact: nothing of theirs goes for its age (audit). */
import { may } from '#kernel/actor.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { everything, putLegalHold } from '#audit/index.ts';
import { findTargetName, listHeldIds, lockHeld, type HoldTarget } from './store-legal-holds.ts';

export type Holding = {
  /** Null: everything. */
  readonly target: HoldTarget | null;
  readonly reason: string;
  readonly reviewOn: string;
};

/** Puts one; what comes to its target later is held as it comes. Says its id. */
export async function putHold(
  tx: Tx,
  { target, reason, reviewOn }: Holding,
  now: Date,
): Promise<Outcome<string>> {
  if (target === null) return await putLegalHold(tx, { ...everything, reason, reviewOn }, now);
  if (!may(tx.actor, 'directory.read'))
    return refused('forbidden', 'Your role may not read the directory.');
  if ((await findTargetName(tx, target)) === undefined)
    return refused('not_found', 'There is nobody of that name on file.');
  await lockHeld(tx);
  const held = await listHeldIds(tx, target);
  const hold = { kind: target.kind, heldId: target.id, held, reason, reviewOn };
  return await putLegalHold(tx, hold, now);
}
