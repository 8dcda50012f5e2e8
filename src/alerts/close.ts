/**
 * Ending an alert that was right: answers are still taken, and nobody is chased any more. Run these
 * by `Database.attempt`.
 */
import { newId } from '#kernel/ids.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { cancelDispatch, releaseEnding, sealDispatch } from '#dispatch/index.ts';
import { approvedAlong } from '#identity/index.ts';
import { rulesOf, severityFor } from '#operating-model/index.ts';
import { announce } from './announce.ts';
import { dispatchesOf } from './model.ts';
import { planOneRound } from './one-round.ts';
import { absent, lacks, overtaken } from './policy.ts';
import type { AlertContext } from './rendering.ts';
import { freezeFollowing, listSent } from './store-correct.ts';
import { findSubmission, setClosingDispatch } from './store-submission.ts';
import { findLiveVersion, findVersion, moveVersion } from './store.ts';
import { findOut } from './withdraw.ts';

/** Without a word to anybody. */
export async function closeAlert(tx: Tx, alertId: string): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const version = await findLiveVersion(tx, alertId);
  if (version === undefined) return (await findVersion(tx, alertId)) ? overtaken : absent;
  if (!(await moveVersion(tx, { id: version.id, from: 'released', to: 'closed' })))
    return overtaken;
  const submission = await findSubmission(tx, version.id);
  // A dispatch that is done has nothing left to call off; its refusal changes nothing.
  for (const dispatchId of dispatchesOf(submission))
    await cancelDispatch(tx, { dispatchId, reason: 'the alert was closed' });
  await announce(tx, { alertId, what: 'closed' });
  await record(tx, { action: 'alert.closed', subject: { kind: 'alert', id: alertId } });
  return ok(undefined);
}

/**
 * Tells everybody who may have had it that it is over, in the words that were approved along with
 * it (P5).
 */
export async function closeAndTell(
  tx: Tx,
  { model }: AlertContext,
  alertId: string,
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write') ?? lacks(tx.actor, 'dispatch.steer');
  if (lacking) return lacking;
  const found = await findOut(tx, alertId);
  if (!found.ok) return found;
  const { version, submission } = found.value;
  const { approvalId, contentHash, along } = submission;
  const approved = await approvedAlong(tx, { id: approvalId, hash: contentHash });
  if (!approved.ok) return approved;
  const rules = await rulesOf(tx, version.modelVersion, model);
  const severity = severityFor(rules, version);
  const isMine = await moveVersion(tx, { id: version.id, from: 'released', to: 'closed' });
  if (severity === undefined || !isMine) return overtaken;
  const endingId = newId();
  const label = `Alert ${version.alertNumber}, closing`;
  await planOneRound(tx, {
    id: endingId,
    label,
    severity,
    exercise: version.exercise,
    model: rules,
    canWait: true,
  });
  const earlierIds = await listSent(tx, alertId);
  await freezeFollowing(tx, {
    submissionId: submission.id,
    dispatchId: endingId,
    earlierIds,
    template: along.closing,
  });
  await sealDispatch(tx, endingId, '');
  await setClosingDispatch(tx, { id: submission.id, dispatchId: endingId });
  const gone = await releaseEnding(tx, {
    earlierIds,
    endingId,
    approved: approved.value,
  });
  if (!gone.ok) return gone;
  await announce(tx, { alertId, what: 'closed' });
  await record(tx, {
    action: 'alert.closed',
    subject: { kind: 'alert', id: alertId },
    detail: { told: endingId, approvedBy: approved.value.approvedBy },
  });
  return ok(undefined);
}
