/**
 * Following up an alert that is out: a new version of it, written and approved like the first, goes
 * as an update or a correction to everybody who may have had the one before, and as a first alert
 * to who had nothing.
 */
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Approved } from '#kernel/approved.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { releaseCorrection } from '#dispatch/index.ts';
import { pinVersion, type OperatingModel } from '#operating-model/index.ts';
import { planOneRound } from './one-round.ts';
import { absent, lacks, overtaken } from './policy.ts';
import { freezeFollowing, listSent, lockVersions, nextVersionNumber } from './store-correct.ts';
import { findSubmission, type SubmissionRow } from './store-submission.ts';
import { addEditor } from './store-editor.ts';
import {
  findLiveVersion,
  findVersion,
  insertVersion,
  moveVersion,
  type VersionRow,
} from './store.ts';
import { renderFollowing, type Following, type Rendering } from './texts.ts';

/** Begins the next version as a draft with the words of the one that is out. */
export async function beginVersion(
  tx: Tx,
  model: OperatingModel,
  { alertId, kind }: { readonly alertId: string; readonly kind: Following['kind'] },
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  await lockVersions(tx, alertId);
  const newest = await findVersion(tx, alertId);
  if (newest === undefined) return absent;
  if (newest.state === 'draft' || newest.state === 'submitted')
    return refused('conflict', 'The next version of this alert is being written already.');
  const live = await findLiveVersion(tx, alertId);
  if (live === undefined)
    return refused('conflict', 'This alert is not out, so there is nothing to follow up.');
  const id = newId();
  await pinVersion(tx, model);
  await insertVersion(tx, {
    id,
    alertId,
    number: await nextVersionNumber(tx, alertId),
    kind,
    // Own texts and words for other readers are said anew: nobody sees at once that they are old.
    wording: {
      ...live,
      ownText: null,
      readerWords: {},
      ifActed: '',
      asksAgain: kind === 'correction',
    },
    audience: live.audience,
    modelVersion: model.version,
  });
  await addEditor(tx, { versionId: id, personId: actorId(tx.actor), parts: [] });
  await record(tx, {
    action: `alert.${kind}_begun`,
    subject: { kind: 'alert', id: alertId },
    detail: { follows: live.number },
  });
  return ok(undefined);
}

/** The version that is out, and what it was submitted as. */
export type Followed = { readonly version: VersionRow; readonly submission: SubmissionRow };

/** What a version would take the place of; undefined where it is the first. */
export async function findFollowed(
  tx: Tx,
  version: VersionRow,
): Promise<Outcome<Followed | undefined>> {
  if (version.number === 1) return ok(undefined);
  const live = await findLiveVersion(tx, version.alertId);
  const submission = live && (await findSubmission(tx, live.id));
  if (live === undefined || submission === undefined)
    return refused(
      'conflict',
      'What this follows up is not out any more: it was closed meanwhile.',
    );
  return ok({ version: live, submission });
}

/** Holds the text of the update or correction; says its dispatch and how many it may be. */
export async function planFollowing(
  tx: Tx,
  plan: {
    readonly submissionId: string;
    readonly version: VersionRow;
    readonly kind: Following['kind'];
    readonly followed: Followed;
    readonly rendering: Rendering;
  },
): Promise<{ dispatchId: string; messages: number }> {
  const { submissionId, version, kind, followed, rendering } = plan;
  const dispatchId = newId();
  const { severity, model } = rendering;
  const label = `Alert ${version.alertNumber}, ${kind}`;
  await planOneRound(tx, {
    id: dispatchId,
    label,
    severity,
    exercise: version.exercise,
    model,
    canWait: kind === 'update',
  });
  const followsAt = followed.version.releasedAt ?? version.updatedAt;
  const template = renderFollowing(version, rendering, { kind, followsAt });
  const messages = await freezeFollowing(tx, {
    submissionId,
    dispatchId,
    earlierIds: await listSent(tx, version.alertId),
    template,
    own: template.own,
  });
  return { dispatchId, messages };
}

/** Supersedes what is out, and lets the new text and the first alert go, each to its own. */
export async function supersede(
  tx: Tx,
  release: {
    readonly version: VersionRow;
    readonly submission: SubmissionRow & { readonly correctionDispatchId: string };
    readonly approved: Approved;
    readonly alsoCovers: (correctionHash: string) => string;
  },
): Promise<Outcome<void>> {
  const { version, submission, approved, alsoCovers } = release;
  const followed = await findFollowed(tx, version);
  if (!followed.ok) return followed;
  const earlierIds = await listSent(tx, version.alertId);
  const live = followed.value;
  const moved =
    live !== undefined &&
    (await moveVersion(tx, { id: live.version.id, from: 'released', to: 'superseded' }));
  if (!moved) return overtaken;
  return await releaseCorrection(tx, {
    earlierIds,
    correctionId: submission.correctionDispatchId,
    firstId: submission.dispatchId,
    chaseOfId: version.asksAgain ? null : live.submission.dispatchId,
    approved,
    alsoCovers,
  });
}
