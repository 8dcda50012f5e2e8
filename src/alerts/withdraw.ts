/**
 * Withdrawing what is out: it does not hold any more, and nothing takes its place. The words were
 * approved along with the release, so one person lets them go, and at once (P5). Run it by
 * `Database.attempt`: a refusal takes back what was written before it.
 */
import { actorId, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { releaseEnding, sealDispatch } from '#dispatch/index.ts';
import { approvedAlong } from '#identity/index.ts';
import { rulesOf, severityFor } from '#operating-model/index.ts';
import { announce } from './announce.ts';
import { planOneRound } from './one-round.ts';
import { absent, lacks, overtaken } from './policy.ts';
import type { AlertContext } from './rendering.ts';
import {
  copyRecipients,
  freezeFollowing,
  listSent,
  lockVersions,
  nextVersionNumber,
} from './store-correct.ts';
import {
  decideSubmission,
  findSubmission,
  insertSubmission,
  type SubmissionRow,
} from './store-submission.ts';
import { noContent } from './content/model.ts';
import {
  findLiveVersion,
  findVersion,
  insertVersion,
  moveVersion,
  type VersionRow,
} from './store.ts';

/** Longest reason, in characters; it is for the audit alone. */
export const REASON_MAX = 500;

export type WithdrawalAsked = {
  readonly alertId: string;
  readonly reason: string;
};

/** Tells everybody who may have had the alert, calls off the rest, and closes it. */
export async function withdrawReleased(
  tx: Tx,
  context: AlertContext,
  { alertId, reason }: WithdrawalAsked,
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'dispatch.steer');
  if (lacking) return lacking;
  const words = reason.trim();
  if (words === '' || words.length > REASON_MAX) {
    const why = words === '' ? 'Say why, for the audit' : `Use ${REASON_MAX} characters or fewer`;
    return refused('invalid', 'Put right what is marked below.', { reason: why });
  }
  const found = await findOut(tx, alertId);
  if (!found.ok) return found;
  const { version, submission } = found.value;
  const approved = await approvedAlong(tx, {
    id: submission.approvalId,
    hash: submission.contentHash,
  });
  if (!approved.ok) return approved;
  const earlierIds = await listSent(tx, alertId);
  const planned = await plan(tx, context, { version, submission, earlierIds });
  if (!planned.ok) return planned;
  const gone = await releaseEnding(tx, {
    earlierIds,
    endingId: planned.value,
    approved: approved.value,
  });
  if (!gone.ok) return gone;
  await announce(tx, { alertId, what: 'withdrawn' });
  await record(tx, {
    action: 'alert.withdrawal_released',
    subject: { kind: 'alert', id: alertId },
    detail: { reason: maskPersonalData(words), approvedBy: approved.value.approvedBy },
  });
  return ok(undefined);
}

export type Out = { readonly version: VersionRow; readonly submission: SubmissionRow };

/** What is out, where nothing stands in the way of ending it. */
export async function findOut(tx: Tx, alertId: string): Promise<Outcome<Out>> {
  const version = await findLiveVersion(tx, alertId);
  if (version === undefined)
    return (await findVersion(tx, alertId)) ? refused('conflict', NOT_OUT) : absent;
  const submission = await findSubmission(tx, version.id);
  if (submission === undefined) return absent;
  const newest = await findVersion(tx, alertId);
  if (newest?.state === 'submitted') return refused('conflict', WAITING);
  return ok({ version, submission });
}

const NOT_OUT = 'This alert is not out, so there is nothing to end.';
const WAITING = 'Its next version waits for approval. Return it or take it back first.';

/** The version that says so, closed as soon as it is out; the id of its dispatch. */
async function plan(
  tx: Tx,
  { model }: AlertContext,
  { version, submission, earlierIds }: Out & { readonly earlierIds: readonly string[] },
): Promise<Outcome<string>> {
  // What is out is ended under the rules it began under, whatever holds for new alerts by now.
  const rules = await rulesOf(tx, version.modelVersion, model);
  const severity = severityFor(rules, version);
  if (severity === undefined) return overtaken;
  const [versionId, submissionId, dispatchId] = [newId(), newId(), newId()];
  const { alertId } = version;
  await lockVersions(tx, alertId);
  // First of all: whoever presses in the same moment waits here, and finds it gone.
  const isMine = await moveVersion(tx, { id: version.id, from: 'released', to: 'superseded' });
  if (!isMine) return overtaken;
  const newest = await findVersion(tx, alertId);
  if (newest?.state === 'draft')
    await moveVersion(tx, { id: newest.id, from: 'draft', to: 'abandoned' });
  await insertVersion(tx, {
    id: versionId,
    alertId,
    number: await nextVersionNumber(tx, alertId),
    kind: 'withdrawal',
    wording: { ...version, ...NOTHING_MORE },
    audience: version.audience,
    modelVersion: version.modelVersion,
  });
  const label = `Alert ${version.alertNumber}, withdrawal`;
  await planOneRound(tx, {
    id: dispatchId,
    label,
    severity,
    exercise: version.exercise,
    model: rules,
    canWait: false,
  });
  await copyRecipients(tx, { from: submission.id, submissionId });
  const { along } = submission;
  const template = along.withdrawal;
  await freezeFollowing(tx, { submissionId, dispatchId, earlierIds, template });
  const contentHash = await sealDispatch(tx, dispatchId, '');
  await insertSubmission(tx, {
    id: submissionId,
    versionId,
    dispatchId,
    correctionDispatchId: null,
    approvalId: submission.approvalId,
    contentHash,
    callListAfterMs: null,
    along,
    readerSetId: submission.readerSetId,
    submittedBy: actorId(tx.actor),
    submittedByName: nameOf(tx.actor),
  });
  const decided = await decideSubmission(tx, {
    id: submissionId,
    from: 'waiting',
    state: 'released',
    by: actorId(tx.actor),
    byName: nameOf(tx.actor),
    reason: null,
  });
  const moves = [
    { id: versionId, from: 'draft', to: 'submitted' },
    { id: versionId, from: 'submitted', to: 'released' },
    { id: versionId, from: 'released', to: 'closed' },
  ] as const;
  for (const move of moves) if (!(await moveVersion(tx, move))) return overtaken;
  return decided ? ok(dispatchId) : overtaken;
}

/** What was said stays readable as what it was; nothing is asked any more. */
const NOTHING_MORE = {
  doNow: '',
  ifActed: '',
  clearLine: '',
  notKnown: '',
  nextUpdateAt: null,
  body: '',
  ownText: null,
  readerWords: {},
  asksAgain: false,
  content: noContent,
} as const;
