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
import { maskPersonalData, record } from '#audit/index.ts';
import { planDispatch, sealDispatch } from '#dispatch/index.ts';
import { requestApproval } from '#identity/index.ts';
import { pinVersion, proposeSeverity, severityFor, stepsOf } from '#operating-model/index.ts';
import {
  listSavers,
  matchesOrganisation,
  matchesToldNow,
  resolveQuestion,
  type AudienceQuestion,
} from '#organisations/index.ts';
import { findFollowed, planFollowing, type Followed } from './correct.ts';
import { assessmentOf, checkAssessment } from './assessment.ts';
import { readKevFacts } from './kev/catalogue.ts';
import { canonicalKev } from './kev/model.ts';
import { canonicalWording, missingForSubmission } from './model.ts';
import { checkClearLine, checkOwnText, checkText, unfilledBlanks } from './parse.ts';
import { absent, lacks, overtaken } from './policy.ts';
import { readerField, unfitReaderWords } from './readers/form.ts';
import { LONGEST_NAME, renderingFor, unchasedReaders, type AlertContext } from './rendering.ts';
import { outOfHours, unfitAudience, unfitSeverity } from './exercise.ts';
import { lockExercises } from './store-exercise.ts';
import { copyRecipients } from './store-correct.ts';
import { freezeReaders, freezeRecipients, freezeRounds, hashRecipients } from './store-freeze.ts';
import { listShapers } from './store-editor.ts';
import { insertSubmission } from './store-submission.ts';
import { planApproval } from './owed.ts';
import {
  findLiveVersion,
  findVersion,
  listEditors,
  moveVersion,
  type VersionRow,
} from './store.ts';
import {
  type Along,
  asFirst,
  renderAlong,
  type Rendering,
  renderRounds,
  textsOf,
} from './texts.ts';

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
  await lockExercises(tx, 'shared');
  const version = await findVersion(tx, submission.alertId);
  if (version === undefined) return absent;
  if (version.state === 'submitted' && version.revision === submission.revision)
    return refused('conflict', 'It is submitted already, and waits for its approval.');
  const wrong = checkForSubmission(version, context, submission.now);
  if (wrong) return wrong;
  const closed = outOfHours(version, context.model, submission.now);
  if (closed) return closed;
  if (version.number === 1) {
    const known = await resolveQuestion(tx, version.audience as AudienceQuestion);
    if (!known.ok) return known;
  }
  const raised = await checkRaised(tx, version, context);
  if (raised) return raised;
  const { id: versionId } = version;
  const { revision } = submission;
  // Under the rules, and with the catalogue, of now: others may have come since it was begun.
  const modelVersion = await pinVersion(tx, context.model);
  const kev = await readKevFacts(tx, version.content.cves);
  const move = { from: 'draft', to: 'submitted', revision, frozen: { modelVersion, kev } } as const;
  if (!(await moveVersion(tx, { id: versionId, ...move })))
    return refused('conflict', 'This draft changed after you opened it. Look at it once more.');
  return await freeze(tx, context, { ...version, kev }, submission.now);
}

/** Who answered to a lower severity has not answered to this one. */
async function checkRaised(
  tx: Tx,
  version: VersionRow,
  { model }: AlertContext,
): Promise<Refused | undefined> {
  if (version.number === 1 || version.asksAgain) return undefined;
  const live = await findLiveVersion(tx, version.alertId);
  const rank = (id: string) => model.severities.findIndex((one) => one.id === id);
  if (live === undefined || rank(version.severity) >= rank(live.severity)) return undefined;
  const why = 'A higher severity asks everybody again: tick that everybody answers again';
  return refused('invalid', 'The alert is not complete yet.', { asksAgain: why });
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
  const unfit = unfitSeverity(version, context.model);
  const fields: Record<string, string> = {
    ...(unfit !== undefined && { severity: unfit }),
    ...missingForSubmission(kind, version, now),
    ...unfilledBlanks(version),
  };
  const problem = checkOwnText(version, rendering);
  if (problem !== undefined) fields['ownText'] = problem;
  for (const { reader, text } of textsOf(kind, version, rendering)) {
    const why = checkText(text, LONGEST_NAME);
    if (why !== undefined)
      fields[reader === null ? 'ownText' : readerField(reader, 'what')] ??= why;
  }
  Object.assign(fields, unfitReaderWords(version, context.model));
  const clearLine = checkClearLine(version, context.model);
  if (clearLine !== undefined) fields['clearLine'] = clearLine;
  const assessment = checkAssessment(version, context.model);
  if (assessment !== undefined) fields['assessment'] = assessment;
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
  const rendering = renderingFor(version, context);
  if (rendering === undefined) return overtaken;
  const found = await findFollowed(tx, version);
  if (!found.ok) return found;
  const followed = found.value;
  const submissionId = newId();
  const dispatchId = newId();
  const hands = await listHands(tx, version);
  const first = await freezeFirst(tx, { submissionId, dispatchId, version, rendering, followed });
  const barred = await unfitAudience(tx, version, { submissionId, model: context.model, now });
  if (barred) return barred;
  const { kind, severity } = version;
  const following =
    followed !== undefined && (kind === 'update' || kind === 'correction')
      ? await planFollowing(tx, { submissionId, version, kind, followed, rendering })
      : undefined;
  const messages = first + (following?.messages ?? 0);
  if (messages === 0) return refused('invalid', 'Nobody would get this.', { audience: NOBODY });
  const along = renderAlong(version, rendering);
  const covers = await alsoCoveredBy(tx, version, { id: submissionId, along });
  const followingHash = following && (await sealDispatch(tx, following.dispatchId, ''));
  const hash = await sealDispatch(tx, dispatchId, covers + (followingHash ?? ''));
  const subject = { kind: 'alert_version', id: version.id };
  const approval = await requestApproval(tx, { hash, subject, shapedBy: hands, now });
  if (!approval.ok) return approval;
  const { submittedAt } = await insertSubmission(tx, {
    id: submissionId,
    versionId: version.id,
    dispatchId,
    correctionDispatchId: following?.dispatchId ?? null,
    approvalId: approval.value,
    contentHash: hash,
    callListAfterMs: severityFor(context.model, version)?.callListAfterMs ?? null,
    along,
    readerSetId: await freezeReaders(tx, submissionId),
    submittedBy: actorId(tx.actor),
    submittedByName: nameOf(tx.actor),
  });
  await planApproval(tx, context.model, { id: submissionId, severity, submittedAt });
  await recordOverride(tx, version, context.model);
  await record(tx, {
    action: 'alert.submitted',
    subject: { kind: 'alert', id: version.alertId },
    detail: { hash, messages, shapedBy: await shapedBy(tx, version.id) },
  });
  return ok({ messages, hash });
}

/** Everybody who wrote a part of it, or saved an audience that it goes to. */
export async function listHands(
  tx: Tx,
  version: Pick<VersionRow, 'id' | 'audience'>,
): Promise<string[]> {
  const { audiences } = version.audience as AudienceQuestion;
  return [...(await listEditors(tx, version.id)), ...(await listSavers(tx, audiences))];
}

/** Everybody with the parts that they changed, in words of the code. */
async function shapedBy(tx: Tx, versionId: string): Promise<Record<string, string>> {
  const shapers = await listShapers(tx, versionId);
  return Object.fromEntries(shapers.map(({ id, parts }) => [id, parts.join(' ')]));
}

/** A severity that is not the proposed one stays explained for ever. */
async function recordOverride(
  tx: Tx,
  version: VersionRow,
  model: AlertContext['model'],
): Promise<void> {
  const { assessment } = version.content;
  if (assessment === null || assessmentOf(version, model)?.chosen === undefined) return;
  await record(tx, {
    action: 'alert.severity_overridden',
    subject: { kind: 'alert', id: version.alertId },
    detail: {
      proposed: proposeSeverity(model, assessment)!.severity.id,
      chosen: version.severity,
      reason: maskPersonalData(assessment.reason),
    },
  });
}

/** The audience, and every round of the alert to whoever has nothing yet; says how many messages. */
async function freezeFirst(
  tx: Tx,
  first: {
    readonly submissionId: string;
    readonly dispatchId: string;
    readonly version: VersionRow;
    readonly rendering: Rendering;
    readonly followed: Followed | undefined;
  },
): Promise<number> {
  const { submissionId, dispatchId, version, rendering, followed } = first;
  const { severity, model } = rendering;
  const audience = version.audience as AudienceQuestion;
  await planDispatch(tx, {
    id: dispatchId,
    label: `Alert ${version.alertNumber}`,
    lane: severity.lane,
    exercise: version.exercise,
    expiresAfterMs: severity.sendExpiresAfterMs,
    perNumber: model.textsPerNumber,
    quietHours: severity.quietHours,
    // A correction leaves at once: each minute somebody acts on the wrong words. So does an update:
    // a recall would have to bring back what it superseded.
    recallForMs: followed === undefined ? severity.recallWindowMs : 0,
    receiptAsksMs: severity.askForReceiptAfterMs,
    uncertainAfterMs: severity.decideUncertainAfterMs,
    rounds: stepsOf(severity).map(({ afterMs, reminds }, i) => ({
      round: i + 1,
      opensAfterMs: afterMs,
      reminds,
    })),
  });
  const organisations =
    followed === undefined
      ? await freezeRecipients(tx, { submissionId, where: matchesOrganisation(audience) })
      : await copyRecipients(tx, { from: followed.submission.id, submissionId });
  return await freezeRounds(tx, {
    submissionId,
    dispatchId,
    organisations,
    templates: renderRounds(followed === undefined ? version : asFirst(version), rendering),
    contacts: matchesToldNow(audience),
    unchased: unchasedReaders(model),
  });
}

/**
 * What the hash covers beside the messages: the words of the page, those that are approved along,
 * and the frozen audience.
 */
export async function alsoCoveredBy(
  tx: Tx,
  version: VersionRow,
  submission: { readonly id: string; readonly along: Along },
): Promise<string> {
  const { withdrawal, closing } = submission.along;
  const along = [withdrawal, closing].map(({ text, subject, mail }) => [text, subject, mail]);
  const words = createHash('sha256')
    .update(canonicalWording(version))
    .update(JSON.stringify(canonicalKev(version.kev)))
    .update(JSON.stringify(along))
    .digest('hex');
  return words + (await hashRecipients(tx, submission.id));
}
