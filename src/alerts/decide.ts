/**
 * Deciding over what was submitted: approve and release, return, take back. Run these by
 * `Database.attempt`: a refusal takes back what was written before it.
 */
import { actorId, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Approved } from '#kernel/approved.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { cancelDispatch, releaseDispatch } from '#dispatch/index.ts';
import { approve, consumeApproval, returnRequest, voidApproval } from '#identity/index.ts';
import { announce } from './announce.ts';
import { supersede } from './correct.ts';
import { whyNotReleased } from './exercise.ts';
import { dispatchesOf } from './model.ts';
import { planNextUpdate, planRegions } from './owed.ts';
import { absent, lacks, overtaken } from './policy.ts';
import type { AlertContext } from './rendering.ts';
import { returnedWordsOf } from './returned.ts';
import { alsoCoveredBy } from './submit.ts';
import {
  decideSubmission,
  findSubmission,
  type ReturnedWords,
  type SubmissionRow,
} from './store-submission.ts';
import { findVersion, moveVersion, type VersionRow } from './store.ts';

export type Decision = {
  readonly alertId: string;
  /** The hash of what the approver saw. */
  readonly hash: string;
  readonly now: Date;
};

/**
 * A second person approves exactly what was shown, and it goes: one transaction, so that an
 * approval without release does not exist. Pressing twice releases once.
 */
export async function approveAndRelease(
  tx: Tx,
  context: AlertContext,
  decision: Decision,
): Promise<Outcome<void>> {
  const found = await findWaiting(tx, decision.alertId);
  if (!found.ok) return found;
  const { version, submission } = found.value;
  const { now, hash } = decision;
  const given = { id: submission.approvalId, hash, now, model: context.model };
  const barred = await whyNotReleased(tx, version, {
    submissionId: submission.id,
    model: context.model,
    now,
  });
  if (barred) return barred;
  const approved = await approve(tx, { ...given, askedWith: 'alert.write' });
  if (!approved.ok) return approved;
  const used = await consumeApproval(tx, given);
  if (!used.ok) return used;
  const released = await release(tx, found.value, used.value);
  if (!released.ok) return released;
  const decided = await decide(tx, submission, 'released', { reason: null });
  const moved = await moveVersion(tx, { id: version.id, from: 'submitted', to: 'released' });
  if (!decided || !moved) return overtaken;
  const { id: versionId, alertId, nextUpdateAt, kind } = version;
  await planNextUpdate(tx, context.model, { versionId, nextUpdateAt, now });
  await planRegions(tx, alertId);
  if (kind === 'correction') await announce(tx, { alertId, what: 'corrected' });
  await record(tx, {
    action: 'alert.released',
    subject: { kind: 'alert', id: alertId },
    detail: { hash, submittedBy: submission.submittedBy },
  });
  return ok(undefined);
}

/** The first version of an alert goes; a later one supersedes what is out. */
async function release(
  tx: Tx,
  { version, submission }: Waiting,
  approved: Approved,
): Promise<Outcome<void>> {
  const covers = await alsoCoveredBy(tx, version, submission);
  const { dispatchId, correctionDispatchId } = submission;
  if (correctionDispatchId === null)
    return await releaseDispatch(tx, { dispatchId, approved, alsoCovers: covers });
  return await supersede(tx, {
    version,
    submission: { ...submission, correctionDispatchId },
    approved,
    alsoCovers: (correctionHash) => covers + correctionHash,
  });
}

/** Longest reason of a return, in characters. */
const REASON_MAX = 1_000;

/** Back to the author, with the reason. What was frozen is thrown away. */
export async function returnAlert(
  tx: Tx,
  back: { alertId: string; reason: string; now: Date },
): Promise<Outcome<void>> {
  const found = await findWaiting(tx, back.alertId);
  if (!found.ok) return found;
  const { submission } = found.value;
  const { reason, now } = back;
  if (reason.length > REASON_MAX)
    return refused('invalid', 'Put right what is marked below.', {
      reason: `Use ${REASON_MAX} characters or fewer`,
    });
  const returned = await returnRequest(tx, { id: submission.approvalId, reason, now });
  if (!returned.ok) return returned;
  return await undoSubmission(tx, found.value, { state: 'returned', reason: reason.trim() });
}

/** The author takes it back to change it; the approval that was asked for is void. */
export async function withdrawAlert(
  tx: Tx,
  back: { alertId: string; now: Date },
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const found = await findWaiting(tx, back.alertId);
  if (!found.ok) return found;
  const { approvalId } = found.value.submission;
  const reason = 'taken back to be changed';
  const voided = await voidApproval(tx, { id: approvalId, reason, now: back.now });
  if (!voided.ok) return voided;
  return await undoSubmission(tx, found.value, { state: 'withdrawn', reason: null });
}

type Waiting = { readonly version: VersionRow; readonly submission: SubmissionRow };

async function findWaiting(tx: Tx, alertId: string): Promise<Outcome<Waiting>> {
  const version = await findVersion(tx, alertId);
  if (version === undefined) return absent;
  const submission = await findSubmission(tx, version.id);
  if (version.state !== 'submitted' || submission?.state !== 'waiting')
    return refused('conflict', 'This does not wait for approval any more.');
  return ok({ version, submission });
}

async function undoSubmission(
  tx: Tx,
  { version, submission }: Waiting,
  undo: { state: 'returned' | 'withdrawn'; reason: string | null },
): Promise<Outcome<void>> {
  const reason = undo.reason ?? 'taken back';
  for (const dispatchId of dispatchesOf(submission))
    await cancelDispatch(tx, { dispatchId, reason });
  const decided = await decide(tx, submission, undo.state, {
    reason: undo.reason,
    ...(undo.state === 'returned' && { returnedWords: returnedWordsOf(version) }),
  });
  const moved = await moveVersion(tx, { id: version.id, from: 'submitted', to: 'draft' });
  if (!decided || !moved) return overtaken;
  await record(tx, {
    action: `alert.${undo.state}`,
    subject: { kind: 'alert', id: version.alertId },
    detail: undo.reason === null ? {} : { reason: maskPersonalData(undo.reason) },
  });
  return ok(undefined);
}

async function decide(
  tx: Tx,
  submission: SubmissionRow,
  state: 'returned' | 'withdrawn' | 'released',
  why: { readonly reason: string | null; readonly returnedWords?: ReturnedWords },
): Promise<boolean> {
  return await decideSubmission(tx, {
    id: submission.id,
    from: 'waiting',
    state,
    by: actorId(tx.actor),
    byName: nameOf(tx.actor),
    ...why,
  });
}
