/**
 * Correcting an alert that is out: a new version of it, written and approved like the first, goes
 * as a correction to everybody who may have had the one before, and as a first alert to who had
 * nothing.
 */
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Approved } from '#kernel/approved.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { planDispatch, releaseCorrection } from '#dispatch/index.ts';
import { pinVersion, type OperatingModel } from '#operating-model/index.ts';
import { renderCorrection, type Rendering } from './model.ts';
import { absent, lacks, overtaken } from './policy.ts';
import { freezeCorrection, listSent, nextVersionNumber } from './store-correct.ts';
import {
  addEditor,
  findLiveVersion,
  findSubmission,
  findVersion,
  insertVersion,
  moveVersion,
  type SubmissionRow,
  type VersionRow,
} from './store.ts';

/** Begins the next version as a draft with the words of the one that is out. */
export async function beginCorrection(
  tx: Tx,
  model: OperatingModel,
  alertId: string,
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const newest = await findVersion(tx, alertId);
  if (newest === undefined) return absent;
  if (newest.state === 'draft' || newest.state === 'submitted')
    return refused('conflict', 'The next version of this alert is being written already.');
  const live = await findLiveVersion(tx, alertId);
  if (live === undefined)
    return refused('conflict', 'This alert is not out, so there is nothing to correct.');
  const id = newId();
  await pinVersion(tx, model);
  await insertVersion(tx, {
    id,
    alertId,
    number: await nextVersionNumber(tx, alertId),
    wording: live,
    audience: live.audience,
    modelVersion: model.version,
  });
  await addEditor(tx, id, actorId(tx.actor));
  await record(tx, {
    action: 'alert.correction_begun',
    subject: { kind: 'alert', id: alertId },
    detail: { corrects: live.number },
  });
  return ok(undefined);
}

/** The version that is out, and what it was submitted as. */
export type Corrected = { readonly version: VersionRow; readonly submission: SubmissionRow };

/** What a version would correct; undefined where it is the first. */
export async function findCorrected(
  tx: Tx,
  version: VersionRow,
): Promise<Outcome<Corrected | undefined>> {
  if (version.number === 1) return ok(undefined);
  const live = await findLiveVersion(tx, version.alertId);
  const submission = live && (await findSubmission(tx, live.id));
  if (live === undefined || submission === undefined)
    return refused('conflict', 'What this corrects is not out any more: it was closed meanwhile.');
  return ok({ version: live, submission });
}

/** Holds the correction itself beside the first alert; says its dispatch and how many it may be. */
export async function planCorrection(
  tx: Tx,
  plan: {
    readonly submissionId: string;
    readonly version: VersionRow;
    readonly corrected: Corrected;
    readonly rendering: Rendering;
  },
): Promise<{ dispatchId: string; messages: number }> {
  const { submissionId, version, corrected, rendering } = plan;
  const dispatchId = newId();
  const { severity } = rendering;
  await planDispatch(tx, {
    id: dispatchId,
    label: `Alert ${version.alertNumber}, correction`,
    lane: severity.lane,
    exercise: false,
    expiresAfterMs: severity.sendExpiresAfterMs,
    receiptAsksMs: severity.askForReceiptAfterMs,
    uncertainAfterMs: severity.decideUncertainAfterMs,
    perNumber: rendering.model.textsPerNumber,
    rounds: [{ round: 1, opensAfterMs: 0 }],
  });
  const correctedAt = corrected.version.releasedAt ?? version.updatedAt;
  const messages = await freezeCorrection(tx, {
    submissionId,
    dispatchId,
    earlierIds: await listSent(tx, version.alertId),
    template: renderCorrection(version, rendering, correctedAt),
  });
  return { dispatchId, messages };
}

/** Supersedes what is out, and lets the correction and the first alert go, each to its own. */
export async function supersede(
  tx: Tx,
  release: {
    readonly version: VersionRow;
    readonly submission: SubmissionRow & { readonly correctionDispatchId: string };
    readonly approved: Approved;
    readonly alsoCovers: (correctionHash: string) => string;
    readonly clock: string;
  },
): Promise<Outcome<void>> {
  const { version, submission, approved, alsoCovers, clock } = release;
  const corrected = await findCorrected(tx, version);
  if (!corrected.ok) return corrected;
  const earlierIds = await listSent(tx, version.alertId);
  const live = corrected.value?.version.id;
  const moved =
    live !== undefined && (await moveVersion(tx, { id: live, from: 'released', to: 'superseded' }));
  if (!moved) return overtaken;
  return await releaseCorrection(tx, {
    earlierIds,
    correctionId: submission.correctionDispatchId,
    firstId: submission.dispatchId,
    approved,
    alsoCovers,
    clock,
  });
}
