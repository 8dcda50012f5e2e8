/**
 * Submitting: the audience is frozen, every round's text is rendered into held messages, and a
 * second person is asked over the hash of exactly that (P5). Run it by `Database.attempt`: a
 * refusal half-way takes back what was frozen.
 */
import { createHash } from 'node:crypto';
import { actorId, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { planDispatch, sealDispatch } from '#dispatch/index.ts';
import { requestApproval } from '#identity/index.ts';
import {
  matchesOrganisation,
  matchesToldNow,
  resolveQuestion,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { findFollowed, planFollowing } from './correct.ts';
import { canonicalWording, missingForSubmission } from './model.ts';
import { checkLinks, checkOwnText, checkTextLength } from './parse.ts';
import { absent, lacks, overtaken } from './policy.ts';
import { LONGEST_NAME, renderingFor, unchasedReaders, type AlertContext } from './rendering.ts';
import { copyRecipients } from './store-correct.ts';
import { freezeRecipients, freezeRounds, hashRecipients } from './store-freeze.ts';
import {
  findVersion,
  insertSubmission,
  listEditors,
  moveVersion,
  type VersionRow,
} from './store.ts';
import { asFirst, renderRounds, textsOf } from './texts.ts';

export type Submission = {
  readonly alertId: string;
  /** The revision that the submitter saw. */
  readonly revision: number;
  readonly now: Date;
};

/**
 * Freezes the audience, renders every round's text into held messages, and asks for a second
 * person over the hash of exactly that (P5).
 */
export async function submitAlert(
  tx: Tx,
  context: AlertContext,
  submission: Submission,
): Promise<Outcome<{ messages: number; hash: string }>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const version = await findVersion(tx, submission.alertId);
  if (version === undefined) return absent;
  if (version.state === 'submitted' && version.revision === submission.revision)
    return refused('conflict', 'It is submitted already, and waits for its approval.');
  const wrong = checkForSubmission(version, context, submission.now);
  if (wrong) return wrong;
  if (version.number === 1) {
    const known = await resolveQuestion(tx, version.audience as AudienceQuestion);
    if (!known.ok) return known;
  }
  const { id: versionId } = version;
  const { revision } = submission;
  if (!(await moveVersion(tx, { id: versionId, from: 'draft', to: 'submitted', revision })))
    return refused('conflict', 'This draft changed after you opened it. Look at it once more.');
  return await freeze(tx, context, version, submission.now);
}

/** What keeps these words from being submitted now; undefined where nothing does. */
export function checkForSubmission(
  version: VersionRow,
  context: AlertContext,
  now: Date,
): Refused | undefined {
  const rendering = renderingFor(version, context);
  if (rendering === undefined)
    return refused('invalid', 'The operating model has no such severity any more.', {
      severity: 'Choose a severity',
    });
  const { kind } = version;
  const fields = missingForSubmission(kind, version, now);
  const texts = textsOf(kind, version, rendering);
  const problem =
    checkOwnText(version, rendering) ?? checkLinks(texts) ?? checkTextLength(texts, LONGEST_NAME);
  if (problem !== undefined) fields['ownText'] = problem;
  if (Object.keys(fields).length === 0) return undefined;
  return refused('invalid', 'The alert is not complete yet.', fields);
}

const NOBODY = 'Nobody would get this: no contact of these organisations can be reached';

async function freeze(
  tx: Tx,
  context: AlertContext,
  version: VersionRow,
  now: Date,
): Promise<Outcome<{ messages: number; hash: string }>> {
  const audience = version.audience as AudienceQuestion;
  const rendering = renderingFor(version, context);
  if (rendering === undefined) return overtaken;
  const { severity } = rendering;
  const found = await findFollowed(tx, version);
  if (!found.ok) return found;
  const followed = found.value;
  const submissionId = newId();
  const dispatchId = newId();
  const editors = await listEditors(tx, version.id);
  await planDispatch(tx, {
    id: dispatchId,
    label: `Alert ${version.alertNumber}`,
    lane: severity.lane,
    exercise: false,
    expiresAfterMs: severity.sendExpiresAfterMs,
    perNumber: context.model.textsPerNumber,
    // A correction leaves at once: each minute somebody acts on the wrong words. So does an update:
    // a recall would have to bring back what it superseded.
    recallForMs: followed === undefined ? severity.recallWindowMs : 0,
    receiptAsksMs: severity.askForReceiptAfterMs,
    uncertainAfterMs: severity.decideUncertainAfterMs,
    rounds: severity.rounds.map(({ afterMs }, i) => ({ round: i + 1, opensAfterMs: afterMs })),
  });
  const organisations =
    followed === undefined
      ? await freezeRecipients(tx, { submissionId, where: matchesOrganisation(audience) })
      : await copyRecipients(tx, { from: followed.submission.id, submissionId });
  const words = followed === undefined ? version : asFirst(version);
  const first = await freezeRounds(tx, {
    submissionId,
    dispatchId,
    organisations,
    templates: renderRounds(words, rendering),
    contacts: matchesToldNow(audience),
    unchased: unchasedReaders(context.model),
  });
  const { kind } = version;
  const following =
    followed === undefined || kind === 'first'
      ? undefined
      : await planFollowing(tx, { submissionId, version, kind, followed, rendering });
  const messages = first + (following?.messages ?? 0);
  if (messages === 0) return refused('invalid', 'Nobody would get this.', { audience: NOBODY });
  const covers = await alsoCoveredBy(tx, version, submissionId);
  const followingHash = following && (await sealDispatch(tx, following.dispatchId, ''));
  const hash = await sealDispatch(tx, dispatchId, covers + (followingHash ?? ''));
  const subject = { kind: 'alert_version', id: version.id };
  const approval = await requestApproval(tx, { hash, subject, shapedBy: editors, now });
  if (!approval.ok) return approval;
  await insertSubmission(tx, {
    id: submissionId,
    versionId: version.id,
    dispatchId,
    correctionDispatchId: following?.dispatchId ?? null,
    approvalId: approval.value,
    contentHash: hash,
    submittedBy: actorId(tx.actor),
    submittedByName: nameOf(tx.actor),
  });
  await record(tx, {
    action: 'alert.submitted',
    subject: { kind: 'alert', id: version.alertId },
    detail: { hash, messages },
  });
  return ok({ messages, hash });
}

/** What the hash covers beside the messages: the words of the page and the frozen audience. */
export async function alsoCoveredBy(
  tx: Tx,
  version: VersionRow,
  submissionId: string,
): Promise<string> {
  const words = createHash('sha256').update(canonicalWording(version)).digest('hex');
  return words + (await hashRecipients(tx, submissionId));
}
