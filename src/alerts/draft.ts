/** Writing an alert: create, save, give up. Each runs in the caller's transaction. */
import { isDeepStrictEqual } from 'node:util';
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listEntries, record } from '#audit/index.ts';
import { findPerson } from '#identity/index.ts';
import { pinVersion, type OperatingModel } from '#operating-model/index.ts';
import { resolveQuestion, type AskedQuestion } from '#organisations/index.ts';
import { clockTime } from '#web/index.ts';
import { wasOut } from './content/store.ts';
import { canonicalWording, wordsOf, type Wording } from './model.ts';
import { absent, lacks, overtaken } from './policy.ts';
import {
  addEditor,
  findVersion,
  insertAlert,
  insertVersion,
  moveVersion,
  updateDraft,
} from './store.ts';

/** Saving it pins the saved audiences that it names: what they ask is kept with the alert. */
export type Draft = { readonly wording: Wording; readonly audience: AskedQuestion };

/**
 * Begins an alert under the operating model of today. `id` is that of the form: the same draft with
 * the same id is the same alert, and another draft with it a conflict.
 */
export async function createAlert(
  tx: Tx,
  model: OperatingModel,
  { id = newId(), ...draft }: Draft & { readonly id?: string },
): Promise<Outcome<{ id: string; number: number }>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const audience = await resolveQuestion(tx, draft.audience);
  if (!audience.ok) return audience;
  const unknown = await checkSuperseded(tx, draft.wording, undefined);
  if (unknown) return unknown;
  const pinned = { wording: wordsOf('first', draft.wording), audience: audience.value };
  const versionId = newId();
  await pinVersion(tx, model);
  const number = await insertAlert(tx, { id, createdBy: actorId(tx.actor) });
  if (number === undefined) return await findSame(tx, id, pinned);
  await insertVersion(tx, {
    id: versionId,
    alertId: id,
    number: 1,
    kind: 'first',
    ...pinned,
    modelVersion: model.version,
  });
  await addEditor(tx, versionId, actorId(tx.actor));
  await record(tx, { action: 'alert.created', subject: { kind: 'alert', id } });
  return ok({ id, number });
}

async function findSame(
  tx: Tx,
  id: string,
  draft: Draft,
): Promise<Outcome<{ id: string; number: number }>> {
  const version = await findVersion(tx, id);
  const isSame =
    version !== undefined &&
    canonicalWording(version) === canonicalWording(draft.wording) &&
    isDeepStrictEqual(version.audience, draft.audience);
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
  const version = await findVersion(tx, draft.alertId);
  if (version === undefined) return absent;
  if (version.state !== 'draft')
    return refused('conflict', 'This is not a draft any more. Take it back before you change it.');
  // Whom a later version is for is settled: everybody the version before was for.
  const isFirst = version.number === 1;
  const asked = isFirst ? await resolveQuestion(tx, draft.audience) : ok(version.audience);
  if (!asked.ok) return asked;
  const unknown = await checkSuperseded(tx, draft.wording, version.alertNumber);
  if (unknown) return unknown;
  const wording = wordsOf(version.kind, draft.wording);
  if (!(await updateDraft(tx, { ...draft, wording, audience: asked.value, id: version.id })))
    return await overtakenBy(tx, draft.alertId);
  await addEditor(tx, version.id, actorId(tx.actor));
  await record(tx, { action: 'alert.edited', subject: { kind: 'alert', id: draft.alertId } });
  return ok(undefined);
}

/** Only what was out can be replaced, and nothing replaces itself. */
async function checkSuperseded(
  tx: Tx,
  { content: { supersedes } }: Wording,
  own: number | undefined,
): Promise<Refused | undefined> {
  if (supersedes === null || (supersedes !== own && (await wasOut(tx, supersedes))))
    return undefined;
  const why =
    supersedes === own
      ? 'An alert cannot take the place of itself: a later version does'
      : `No alert ${supersedes} was ever out`;
  return refused('invalid', 'There is a problem with what was entered', { supersedes: why });
}

/** Who saved it meanwhile, and when: it may be the same person in another window. */
async function overtakenBy(tx: Tx, alertId: string): Promise<Refused> {
  const subject = { kind: 'alert', id: alertId };
  const { entries } = await listEntries(tx, { action: 'alert.edited', subject, limit: 1 });
  const [last] = entries;
  const isSelf = last?.actorId === actorId(tx.actor);
  const person = last?.actorKind === 'person' ? await findPerson(tx, last.actorId) : undefined;
  const who = isSelf
    ? 'You saved this draft in another window'
    : `${person?.name ?? 'Somebody else'} saved this draft`;
  const when = last === undefined ? 'after you opened it' : `at ${clockTime(last.at)}`;
  return refused(
    'conflict',
    `${who} ${when}. Your words are below: compare them with what is saved now, then save again.`,
  );
}

/** Gives up a draft. It stays readable to the centre and is never sent. */
export async function abandonAlert(tx: Tx, alertId: string): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const version = await findVersion(tx, alertId);
  if (version === undefined) return absent;
  if (!(await moveVersion(tx, { id: version.id, from: 'draft', to: 'abandoned' })))
    return overtaken;
  await record(tx, { action: 'alert.abandoned', subject: { kind: 'alert', id: alertId } });
  return ok(undefined);
}
