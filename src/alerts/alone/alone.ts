/**
 * Letting a holding alert go with one person, and somebody else's look at it afterwards (P5). Run
 * these by `Database.attempt`: a refusal takes back what was written before it.
 */
import { actorId, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { releaseDispatch } from '#dispatch/index.ts';
import { letGoAlone, listPeopleBehind, planWaking, type FindOwed } from '#identity/index.ts';
import { fillBlanks, rulesOf, singleReason } from '#operating-model/index.ts';
import { findAudience, findSaver, type AudienceQuestion } from '#organisations/index.ts';
import { announce } from '#alerts/announce.ts';
import {
  blanksFor,
  dueWords,
  planNextUpdate,
  planRegions,
  type WakingWords,
} from '#alerts/owed.ts';
import { absent, lacks, overtaken } from '#alerts/policy.ts';
import type { AlertContext } from '#alerts/rendering.ts';
import { countRecipients } from '#alerts/store-frozen.ts';
import { decideSubmission, findSubmission } from '#alerts/store-submission.ts';
import { findVersion, listEditors, moveVersion, type VersionRow } from '#alerts/store.ts';
import { alsoCoveredBy } from '#alerts/submit.ts';
import { onlyAudienceOf, whyNotAlone } from './model.ts';
import {
  countAlone,
  findAlone,
  insertAlone,
  markReviewed,
  type AloneRow,
  type Finding,
} from './store-alone.ts';

export type Going = {
  readonly alertId: string;
  /** The hash of what was shown. */
  readonly hash: string;
  /** How many organisations it goes to, as whoever lets it go typed it. */
  readonly organisations: number;
  readonly now: Date;
};

/** One person lets it go; all officers are told, and somebody else owes a look at it. */
export async function releaseAlone(
  tx: Tx,
  context: AlertContext,
  { alertId, hash, organisations, now }: Going,
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write') ?? lacks(tx.actor, 'alert.approve');
  if (lacking) return lacking;
  const version = await findVersion(tx, alertId);
  if (version === undefined) return absent;
  const submission = await findSubmission(tx, version.id);
  if (version.state !== 'submitted' || submission?.state !== 'waiting') return overtaken;
  const standing = await standingAlone(tx, context, version);
  if (standing.why !== undefined) return refused('forbidden', standing.why);
  const counts = await countRecipients(tx, submission);
  if (counts.organisations !== organisations)
    return refused('invalid', 'Put right what is marked below.', {
      organisations: 'Type the number of organisations that it goes to, as it stands above',
    });
  const gone = await letGoAlone(tx, { id: submission.approvalId, hash, now });
  if (!gone.ok) return gone;
  const released = await releaseDispatch(tx, {
    dispatchId: submission.dispatchId,
    approved: gone.value,
    alsoCovers: await alsoCoveredBy(tx, version, submission),
  });
  if (!released.ok) return released;
  const by = { by: actorId(tx.actor), byName: nameOf(tx.actor) };
  const { id } = submission;
  const decided = await decideSubmission(tx, {
    id,
    from: 'waiting',
    state: 'released',
    reason: null,
    ...by,
  });
  const moved = await moveVersion(tx, { id: version.id, from: 'submitted', to: 'released' });
  if (!decided || !moved) return overtaken;
  await promiseReview(tx, context, version, now);
  await record(tx, {
    action: 'alert.released_alone',
    subject: { kind: 'alert', id: alertId },
    detail: { hash, submittedBy: submission.submittedBy },
  });
  return ok(undefined);
}

async function promiseReview(
  tx: Tx,
  { model }: AlertContext,
  { id: versionId, alertId, nextUpdateAt }: VersionRow,
  now: Date,
): Promise<void> {
  await planNextUpdate(tx, model, { versionId, nextUpdateAt, now });
  await planRegions(tx, alertId);
  await announce(tx, { alertId, what: 'sent_alone' });
  const { review } = model.promises;
  const { at, reviewDueAt } = await insertAlone(tx, {
    alertId,
    by: actorId(tx.actor),
    byName: nameOf(tx.actor),
    reviewWithinMs: review.withinMs,
  });
  await planWaking(tx, review.steps, {
    kind: 'review',
    id: alertId,
    madeAt: at,
    dueAt: reviewDueAt,
  });
}

/** Whether this may go with one person now, and how many more may in this time. */
export async function standingAlone(
  tx: Tx,
  { model }: Pick<AlertContext, 'model'>,
  version: VersionRow,
): Promise<{ readonly why: string | undefined; readonly left: number; readonly most: number }> {
  const { alone } = model.holding;
  if (version.exercise) return { why: REHEARSED, left: 0, most: alone?.most ?? 0 };
  const by = actorId(tx.actor);
  const isOfAnother = await isSavedByAnother(tx, version, { by, name: model.holding.audience });
  // Recalled, and submitted anew: there is time for a second person.
  const why =
    (await findAlone(tx, version.alertId)) === undefined
      ? whyNotAlone(version, model, { isOfAnother })
      : ONCE;
  if (alone === undefined || why !== undefined) return { why, left: 0, most: alone?.most ?? 0 };
  const left = Math.max(0, alone.most - (await countAlone(tx, alone.withinMs)));
  return { why: left > 0 ? undefined : SPENT, left, most: alone.most };
}

const REHEARSED = 'An exercise is approved by a second person, always.';

const ONCE = 'It went with one person before. A second person has to approve it now.';

const SPENT = 'As many went with one person as the rules allow. A second person has to approve it.';

/** The audience that the rules name, in a version that somebody else saved. */
export async function isSavedByAnother(
  tx: Tx,
  version: VersionRow,
  { by, name }: { readonly by: string; readonly name: string },
): Promise<boolean> {
  const only = onlyAudienceOf(version.audience as AudienceQuestion);
  const saved = only && (await findAudience(tx, only.id));
  if (only === undefined || saved === undefined) return false;
  if (saved.name !== name || saved.version !== only.version) return false;
  const saver = await findSaver(tx, only);
  // Saved by a key of theirs it is their own list as well.
  return saver !== undefined && !(await listPeopleBehind(tx, [saver])).includes(by);
}

export type Review = {
  readonly alertId: string;
  readonly finding: Finding;
  readonly remark: string;
};

/** Longest remark of a review, in characters. */
const REMARK_MAX = 1_000;

/** Somebody else looked at it: it was right to let it go, or not. */
export async function reviewAlone(tx: Tx, review: Review): Promise<Outcome<void>> {
  const gone = await findAlone(tx, review.alertId);
  if (gone === undefined) return absent;
  const barred = await whyNotReview(tx, gone);
  if (barred !== undefined) return refused('forbidden', barred);
  const remark = review.remark.trim();
  const fields = {
    ...(review.finding === 'wrong' && remark === '' && { remark: 'Say what was wrong' }),
    ...(remark.length > REMARK_MAX && { remark: `Use ${REMARK_MAX} characters or fewer` }),
  };
  if (Object.keys(fields).length > 0)
    return refused('invalid', 'Put right what is marked below.', fields);
  const { alertId, finding } = review;
  const by = { by: actorId(tx.actor), byName: nameOf(tx.actor) };
  if (!(await markReviewed(tx, { alertId, finding, remark, ...by })))
    return refused('conflict', 'Somebody looked at it already.');
  await record(tx, {
    action: 'alert.reviewed',
    subject: { kind: 'alert', id: alertId },
    detail: { finding, remark: maskPersonalData(remark) },
  });
  return ok(undefined);
}

/** Why this actor may not look at it for the others; undefined where it may. */
export async function whyNotReview(tx: Tx, { alertId, by }: AloneRow): Promise<string | undefined> {
  if (tx.actor.kind !== 'person') return 'Only a person can look at it.';
  const lacking = lacks(tx.actor, 'alert.approve');
  if (lacking) return lacking.message;
  if (tx.actor.id === by) return 'You let it go, so somebody else has to look at it.';
  const version = await findVersion(tx, alertId);
  const shapers = version === undefined ? [] : await listEditors(tx, version.id);
  return shapers.includes(tx.actor.id)
    ? 'You shaped a part of it, so somebody else has to look at it.'
    : undefined;
}

/** A look at what one person let go. Whoever let it go cannot, and sleeps. */
export function owedReview({ model: inForce, whenOf }: WakingWords): FindOwed {
  return async (tx, alertId) => {
    const gone = await findAlone(tx, alertId);
    if (gone === undefined || gone.reviewedAt !== null) return undefined;
    const model = await rulesOf(tx, gone.modelVersion, inForce);
    const { reviewDueAt } = gone;
    return {
      dueAt: reviewDueAt,
      ownerId: null,
      except: [gone.by],
      ladder: model.promises.review,
      text: (isLate) =>
        fillBlanks(model.texts.reviewPlease, {
          ...blanksFor(model, gone),
          due: dueWords(whenOf(reviewDueAt), isLate),
        }),
      because: singleReason(
        model,
        'promises.review',
        `one person sent alert ${gone.alertNumber}, a look at it is due ${whenOf(reviewDueAt)}`,
      ),
      subject: { kind: 'alert', id: alertId },
    };
  };
}
