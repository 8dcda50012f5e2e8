/**
 * The verbs of saved audiences: save, change, retire, bring back. A change makes a new version, of
 * those that build on it too. Each runs in the caller's transaction and leaves an entry.
 */
import { isDeepStrictEqual } from 'node:util';
import { actorId, may, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import {
  spellingKey,
  unknownCodeErrors,
  type AskedQuestion,
  type AudienceQuestion,
} from '../model.ts';
import { listUnknownCodes } from '../store-places.ts';
import {
  findAudience,
  findAudienceByKey,
  insertAudience,
  insertAudienceVersion,
  keepMembers,
  listAudiences,
  listParts,
  lockAudiences,
  raiseAudience,
  setRetired,
  type AudienceRow,
} from './store-saved.ts';

/** Audiences inside one another, counted through: more would not be understood by anybody. */
const INSIDE_MAX = 100;

const absent = refused('not_found', 'There is no such audience.');

/** The question with the questions of the audiences that it names inside it. */
export async function resolveParts(
  tx: Tx,
  asked: AskedQuestion,
): Promise<Outcome<AudienceQuestion>> {
  const found = asked.audiences.length === 0 ? [] : await listParts(tx, asked.audiences);
  const audiences = asked.audiences.flatMap(({ how, id, version }) => {
    const part = found.find((one) => one.id === id && (version ?? one.version) === one.version);
    return part === undefined ? [] : [{ how, ...part }];
  });
  if (audiences.length < asked.audiences.length)
    return refusedParts('One of the audiences is not there: choose again');
  if (countInside(audiences) > INSIDE_MAX)
    return refusedParts(`More than ${INSIDE_MAX} audiences would stand inside one another`);
  return ok({ ...asked, audiences });
}

function refusedParts(why: string): Refused {
  return refused('invalid', why, { audiences: why });
}

/**
 * The same for a question that is to be kept. Refused where it names what the directory does not
 * have: a slip of one letter would leave an organisation out, and nobody would be told.
 */
export async function resolveQuestion(
  tx: Tx,
  asked: AskedQuestion,
): Promise<Outcome<AudienceQuestion>> {
  const question = await resolveParts(tx, asked);
  const errors = unknownCodeErrors(await listUnknownCodes(tx, asked));
  if (Object.keys(errors).length === 0) return question;
  const why = 'The audience names what is not in the directory.';
  return refused('invalid', why, { ...errors, ...(question.ok ? {} : question.fields) });
}

function countInside(parts: AudienceQuestion['audiences']): number {
  return parts.reduce((sum, { question }) => sum + 1 + countInside(question.audiences), 0);
}

export type NewAudience = {
  /** That of the form: posted twice it is one audience. */
  readonly id: string;
  readonly name: string;
  readonly question: AskedQuestion;
  readonly now: Date;
};

/** Saves a question under a name that no other audience has. */
export async function saveAudience(tx: Tx, audience: NewAudience): Promise<Outcome<AudienceRow>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  await lockAudiences(tx);
  const question = await resolveQuestion(tx, audience.question);
  if (!question.ok) return question;
  const existing = await findAudience(tx, audience.id);
  if (existing !== undefined) return sameOrConflict(existing, audience.name, question.value);
  const { id, now } = audience;
  const taken = await checkName(tx, audience);
  if (taken !== undefined) return taken;
  const { name } = audience;
  await insertAudience(tx, { id, name, nameKey: spellingKey(name), now });
  await keepVersion(tx, { id, number: 1, question: question.value, now, followedId: null });
  await record(tx, { action: 'audience.saved', subject: { kind: 'audience', id } });
  return ok((await findAudience(tx, id))!);
}

function sameOrConflict(
  existing: AudienceRow,
  name: string,
  question: AudienceQuestion,
): Outcome<AudienceRow> {
  const isSame = existing.name === name && isDeepStrictEqual(existing.question, question);
  if (isSame) return ok(existing);
  return refused('conflict', 'This audience was saved already, with another question.');
}

export type ChangedAudience = {
  readonly id: string;
  /** The version that was read. */
  readonly version: number;
  readonly name: string;
  readonly question: AskedQuestion;
  readonly now: Date;
};

/** Another question, or another name, as the next version. */
export async function changeAudience(
  tx: Tx,
  change: ChangedAudience,
): Promise<Outcome<AudienceRow>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  await lockAudiences(tx);
  const before = await findAudience(tx, change.id);
  if (before === undefined) return absent;
  const all = await listAudiences(tx);
  const cycle = findCycle(all, change);
  if (cycle !== undefined) return refused('invalid', cycle, { audiences: cycle });
  // Those of today, whatever version the form still named.
  const parts = change.question.audiences.map(({ how, id }) => ({ how, id }));
  const question = await resolveQuestion(tx, { ...change.question, audiences: parts });
  if (!question.ok) return question;
  const taken = await checkName(tx, change);
  if (taken !== undefined) return taken;
  if (before.version !== change.version) return overtaken(before);
  const { id, name, version, now } = change;
  if (name === before.name && isDeepStrictEqual(before.question, question.value)) return ok(before);
  const number = version + 1;
  const raised = { id, from: version, to: number, name, nameKey: spellingKey(name) };
  if (!(await raiseAudience(tx, raised))) return overtaken(before);
  await keepVersion(tx, { id, number, question: question.value, now, followedId: null });
  await record(tx, {
    action: 'audience.changed',
    subject: { kind: 'audience', id },
    detail: { version: number },
  });
  await followChange(tx, id, now);
  return ok((await findAudience(tx, id))!);
}

function overtaken({ version, savedByName }: AudienceRow): Refused {
  return refused(
    'conflict',
    `${savedByName} saved version ${version} after you opened it. Look at it, then save again.`,
  );
}

/** Every audience that builds on this one, straight or through others, goes on to its new version. */
async function followChange(tx: Tx, changedId: string, now: Date): Promise<void> {
  const builders = (await listAudiences(tx)).filter(({ question }) =>
    buildsOn(question, changedId),
  );
  for (const { id } of builders) {
    // Read anew: one that builds on another of them has followed that one already.
    const { name, version, question } = (await findAudience(tx, id))!;
    const found = await listParts(
      tx,
      question.audiences.map((part) => ({ id: part.id })),
    );
    const audiences = question.audiences.map(({ how, id: partId }) => ({
      how,
      ...found.find((one) => one.id === partId)!,
    }));
    if (isDeepStrictEqual(audiences, question.audiences)) continue;
    const number = version + 1;
    await raiseAudience(tx, { id, from: version, to: number, name, nameKey: spellingKey(name) });
    const next = { ...question, audiences };
    await keepVersion(tx, { id, number, question: next, now, followedId: changedId });
    await record(tx, {
      action: 'audience.followed',
      subject: { kind: 'audience', id },
      detail: { version: number, changed: changedId },
    });
    await followChange(tx, id, now);
  }
}

function buildsOn(question: AudienceQuestion, id: string): boolean {
  return question.audiences.some((part) => part.id === id);
}

/**
 * A sentence that names the circle, where an audience with these parts would be asked about
 * itself; undefined where it would not.
 */
export function findCycle(
  all: readonly Pick<AudienceRow, 'id' | 'name' | 'question'>[],
  change: Pick<ChangedAudience, 'id' | 'name' | 'question'>,
): string | undefined {
  const byId = new Map(all.map((one) => [one.id, one]));
  const wayBack = (id: string, trail: readonly string[]): readonly string[] | undefined => {
    const at = byId.get(id);
    if (id === change.id) return [...trail, change.name];
    if (at === undefined) return undefined;
    for (const part of at.question.audiences) {
      const found = wayBack(part.id, [...trail, at.name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const { id } of change.question.audiences) {
    const trail = wayBack(id, [change.name]);
    if (trail !== undefined)
      return `An audience cannot be built on itself: ${trail.map((name) => `“${name}”`).join(' → ')}`;
  }
  return undefined;
}

async function checkName(
  tx: Tx,
  { id, name }: Pick<NewAudience, 'id' | 'name'>,
): Promise<Refused | undefined> {
  const found = await findAudienceByKey(tx, spellingKey(name));
  if (found === undefined || found.id === id) return undefined;
  const why = found.retiredAt === null ? 'is called so' : 'is called so; it is retired';
  return refused('invalid', 'The name is taken.', { name: `Another audience ${why}` });
}

async function keepVersion(
  tx: Tx,
  saved: {
    id: string;
    number: number;
    question: AudienceQuestion;
    now: Date;
    followedId: string | null;
  },
): Promise<void> {
  const { id: audienceId, ...rest } = saved;
  const organisations = await keepMembers(tx, audienceId, saved.question);
  const [by, byName] = [actorId(tx.actor), nameOf(tx.actor)];
  await insertAudienceVersion(tx, { ...rest, audienceId, by, byName, organisations });
}

/** It is offered no more; alerts and audiences that hold it keep it. */
export async function retireAudience(tx: Tx, id: string, now: Date): Promise<Outcome<void>> {
  return await move(tx, { id, at: now, action: 'audience.retired' });
}

export async function bringBackAudience(tx: Tx, id: string): Promise<Outcome<void>> {
  return await move(tx, { id, at: null, action: 'audience.brought_back' });
}

async function move(
  tx: Tx,
  { id, at, action }: { id: string; at: Date | null; action: string },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if ((await findAudience(tx, id)) === undefined) return absent;
  // Pressed twice it is so already: nothing happened, and nobody is told that something did.
  if (await setRetired(tx, id, at)) await record(tx, { action, subject: { kind: 'audience', id } });
  return ok(undefined);
}

const notAllowed = refused('forbidden', 'Your role may not change the directory.');
