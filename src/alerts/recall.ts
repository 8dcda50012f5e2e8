/**
 * The recall window of a release: taken back whole, or let go at once. Run these by
 * `Database.attempt`: a refusal takes back what was written before it.
 */
import { actorId, nameOf } from '#kernel/actor.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { recallDispatch, sendNow } from '#dispatch/index.ts';
import { absent, lacks, overtaken } from './policy.ts';
import { decideSubmission, findSubmission } from './store-submission.ts';
import { findLiveVersion, moveVersion } from './store.ts';

/** Nothing left yet, and nothing will: the alert is a draft again. */
export async function recallAlert(
  tx: Tx,
  { alertId, reason }: { alertId: string; reason: string },
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'dispatch.steer');
  if (lacking) return lacking;
  const version = await findLiveVersion(tx, alertId);
  const submission = version && (await findSubmission(tx, version.id));
  if (version === undefined || submission === undefined) return absent;
  const recalled = await recallDispatch(tx, { dispatchId: submission.dispatchId, reason });
  if (!recalled.ok) return recalled;
  const decided = await decideSubmission(tx, {
    id: submission.id,
    from: 'released',
    state: 'recalled',
    by: actorId(tx.actor),
    byName: nameOf(tx.actor),
    reason: null,
  });
  const moved = await moveVersion(tx, { id: version.id, from: 'released', to: 'draft' });
  if (!decided || !moved) return overtaken;
  await record(tx, { action: 'alert.recalled', subject: { kind: 'alert', id: alertId } });
  return ok(undefined);
}

/** Waits no longer: the first texts leave now. */
export async function sendAlertNow(tx: Tx, alertId: string): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'dispatch.steer');
  if (lacking) return lacking;
  const version = await findLiveVersion(tx, alertId);
  const submission = version && (await findSubmission(tx, version.id));
  if (submission === undefined) return absent;
  return await sendNow(tx, submission.dispatchId);
}
