/** Giving drafts up, and taking them up again: nothing that was written is lost. */
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { absent, lacks, overtaken } from '#alerts/policy.ts';
import { findVersion, moveVersion } from '#alerts/store.ts';
import { findGivenUp, findOwnDraft } from './store-drafts.ts';

/** Gives up a draft. It stays readable to the centre and is never sent. */
export async function abandonAlert(tx: Tx, alertId: string): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const version = await findVersion(tx, alertId);
  if (version === undefined) return absent;
  return await abandon(tx, { alertId, versionId: version.id });
}

async function abandon(
  tx: Tx,
  draft: { readonly alertId: string; readonly versionId: string; readonly revision?: number },
): Promise<Outcome<void>> {
  const { alertId, versionId: id, revision } = draft;
  const move = { id, from: 'draft', to: 'abandoned' } as const;
  const moved = await moveVersion(tx, revision === undefined ? move : { ...move, revision });
  if (!moved) return overtaken;
  await record(tx, { action: 'alert.abandoned', subject: { kind: 'alert', id: alertId } });
  return ok(undefined);
}

/** A draft as its author saw it when choosing it. */
export type ChosenDraft = { readonly alertId: string; readonly revision: number };

/**
 * Gives up one's own drafts as they were seen; says how many. What somebody saved meanwhile, or has
 * submitted, stays.
 */
export async function giveUpDrafts(
  tx: Tx,
  chosen: readonly ChosenDraft[],
): Promise<Outcome<{ readonly givenUp: number }>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  let givenUp = 0;
  for (const { alertId, revision } of chosen) {
    const own = await findOwnDraft(tx, alertId);
    if (own === undefined) continue;
    const done = await abandon(tx, { alertId, versionId: own.id, revision });
    if (done.ok) givenUp += 1;
  }
  return ok({ givenUp });
}

/** A draft again, with the words that it had, where nothing took its place meanwhile. */
export async function takeUpDraft(tx: Tx, alertId: string): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const version = await findGivenUp(tx, alertId);
  if (version === undefined) return (await findVersion(tx, alertId)) ? overtaken : absent;
  if (!(await moveVersion(tx, { id: version.id, from: 'abandoned', to: 'draft' })))
    return overtaken;
  await record(tx, { action: 'alert.taken_up', subject: { kind: 'alert', id: alertId } });
  return ok(undefined);
}
