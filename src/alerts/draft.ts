/** Writing an alert: create, save, give up. Each runs in the caller's transaction. */
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { pinVersion, type OperatingModel } from '#operating-model/index.ts';
import { resolveQuestion, type AskedQuestion } from '#organisations/index.ts';
import { clockTime } from '#web/index.ts';
import { wasOut } from './content/store.ts';
import { changedParts } from './drafts/changed.ts';
import { wordsOf, type Wording } from './model.ts';
import { absent, lacks, mayNotMark } from './policy.ts';
import { addEditor, findLastEditor, isStillEditing } from './store-editor.ts';
import { findVersion, insertAlert, insertVersion, updateDraft } from './store.ts';

/** Saving it pins the saved audiences that it names: what they ask is kept with the alert. */
export type Draft = { readonly wording: Wording; readonly audience: AskedQuestion };

/**
 * Begins an alert under the operating model of today. `id` is that of the form: the same draft with
 * the same id is the same alert, and another draft with it a conflict. An exercise is one from here
 * on, and nothing makes a live alert of it (P11).
 */
export async function createAlert(
  tx: Tx,
  model: OperatingModel,
  {
    id = newId(),
    exercise = false,
    ...draft
  }: Draft & { readonly id?: string; readonly exercise?: boolean },
): Promise<Outcome<{ id: string; number: number }>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const unproved = mayNotMark(tx.actor, draft.wording.marking);
  if (unproved) return unproved;
  const audience = await resolveQuestion(tx, draft.audience);
  if (!audience.ok) return audience;
  const unknown = await checkSuperseded(tx, draft.wording, { exercise });
  if (unknown) return unknown;
  const pinned = { wording: wordsOf('first', draft.wording), audience: audience.value };
  const versionId = newId();
  await pinVersion(tx, model);
  const number = await insertAlert(tx, { id, exercise, createdBy: actorId(tx.actor) });
  if (number === undefined) return await findSame(tx, { id, exercise }, pinned);
  await insertVersion(tx, {
    id: versionId,
    alertId: id,
    number: 1,
    kind: 'first',
    ...pinned,
    modelVersion: model.version,
  });
  const parts = changedParts(undefined, pinned);
  await addEditor(tx, { versionId, personId: actorId(tx.actor), parts });
  await record(tx, {
    action: 'alert.created',
    subject: { kind: 'alert', id },
    detail: exercise ? { exercise } : {},
  });
  return ok({ id, number });
}

async function findSame(
  tx: Tx,
  { id, exercise }: { readonly id: string; readonly exercise: boolean },
  draft: Draft,
): Promise<Outcome<{ id: string; number: number }>> {
  const version = await findVersion(tx, id);
  const isSame =
    version !== undefined &&
    version.exercise === exercise &&
    changedParts({ wording: version, audience: version.audience }, draft).length === 0;
  if (isSame) return ok({ id, number: version.alertNumber });
  return refused(
    'conflict',
    'This draft was saved already, with other words. Your words are below: compare them with what is saved now, then save again.',
  );
}

/** Saves a draft, if nobody else saved it since `revision` was read. */
export async function saveDraft(
  tx: Tx,
  draft: Draft & { readonly alertId: string; readonly revision: number },
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const unproved = mayNotMark(tx.actor, draft.wording.marking);
  if (unproved) return unproved;
  const version = await findVersion(tx, draft.alertId);
  if (version === undefined) return absent;
  if (version.state !== 'draft')
    return refused('conflict', 'This is not a draft any more. Take it back before you change it.');
  // Whom a later version is for is settled: everybody the version before was for.
  const isFirst = version.number === 1;
  const asked = isFirst ? await resolveQuestion(tx, draft.audience) : ok(version.audience);
  if (!asked.ok) return asked;
  const unknown = await checkSuperseded(tx, draft.wording, version);
  if (unknown) return unknown;
  const { id: versionId } = version;
  const saved = { wording: wordsOf(version.kind, draft.wording), audience: asked.value };
  if (!(await updateDraft(tx, { ...saved, id: versionId, revision: draft.revision })))
    return await overtakenBy(tx, versionId);
  const parts = changedParts({ wording: version, audience: version.audience }, saved);
  await noteEdit(tx, { alertId: draft.alertId, versionId, parts });
  return ok(undefined);
}

/**
 * Saves of one person without so long a pause, with nobody else's between them, are one stretch of
 * editing: a draft saves itself every few seconds, and an entry for each would bury all others.
 */
const STRETCH_PAUSE_MS = 30 * 60_000;

/**
 * One entry for each stretch, with its first save, so that it is in the transaction of a change.
 * All parts that somebody changed are kept with the editor, and stand in that of the submission.
 */
async function noteEdit(
  tx: Tx,
  edit: { readonly alertId: string; readonly versionId: string; readonly parts: readonly string[] },
): Promise<void> {
  const editing = { versionId: edit.versionId, personId: actorId(tx.actor) };
  const isSameStretch = await isStillEditing(tx, { ...editing, withinMs: STRETCH_PAUSE_MS });
  await addEditor(tx, { ...editing, parts: edit.parts });
  if (isSameStretch) return;
  await record(tx, {
    action: 'alert.edited',
    subject: { kind: 'alert', id: edit.alertId },
    detail: { first: edit.parts.join(' ') },
  });
}

/** Only what was out can be replaced, by its like, and nothing replaces itself. */
async function checkSuperseded(
  tx: Tx,
  { content: { supersedes } }: Wording,
  own: { readonly exercise: boolean; readonly alertNumber?: number },
): Promise<Refused | undefined> {
  const { alertNumber, exercise } = own;
  if (supersedes === null) return undefined;
  if (supersedes !== alertNumber && (await wasOut(tx, { number: supersedes, exercise })))
    return undefined;
  const why =
    supersedes === alertNumber
      ? 'An alert cannot take the place of itself: a later version does'
      : `No ${exercise ? 'exercise' : 'alert'} ${supersedes} was ever out`;
  return refused('invalid', 'There is a problem with what was entered', { supersedes: why });
}

/** Who saved it meanwhile, and when: it may be the same person in another window. */
async function overtakenBy(tx: Tx, versionId: string): Promise<Refused> {
  const last = await findLastEditor(tx, versionId);
  const isSelf = last?.id === actorId(tx.actor);
  const who = isSelf
    ? 'You saved this draft in another window'
    : `${last?.name ?? 'Somebody else'} saved this draft`;
  const when = last === undefined ? 'after you opened it' : `at ${clockTime(last.at)}`;
  return refused(
    'conflict',
    `${who} ${when}. Your words are below: compare them with what is saved now, then save again.`,
  );
}
