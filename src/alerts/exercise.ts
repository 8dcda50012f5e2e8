/** When an exercise may go: what the operating model says of it, beside all that holds for alerts. */
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  EXERCISES_WITHIN_MS,
  exerciseHours,
  isExerciseHour,
  roundTimes,
  severityFor,
  type OperatingModel,
} from '#operating-model/index.ts';
import {
  countExercises,
  findWaitingLive,
  listExercisedOften,
  listFrozen,
  listOverExercised,
  listUnmarked,
  lockExercises,
  type Unmarked,
} from './store-exercise.ts';
import type { VersionRow } from './store.ts';

/** Why an exercise of this severity cannot be held; undefined where it can, or it is none. */
export function unfitSeverity(
  { exercise, severity }: Pick<VersionRow, 'exercise' | 'severity'>,
  { exercises, severities }: OperatingModel,
): string | undefined {
  if (!exercise || exercises.exercisedSeverities.includes(severity)) return undefined;
  const allowed = severities.filter(({ id }) => exercises.exercisedSeverities.includes(id));
  if (allowed.length === 0) return 'The operating model allows no exercises';
  return `Exercises are held as ${allowed.map(({ label }) => label).join(', ')}`;
}

/** Why an exercise cannot go at this time; undefined where it can, or it is none. */
export function outOfHours(
  { exercise }: Pick<VersionRow, 'exercise'>,
  { exercises }: OperatingModel,
  now: Date,
): Refused | undefined {
  if (!exercise || isExerciseHour(exercises, now)) return undefined;
  return refused('conflict', `Exercises are sent ${exerciseHours(exercises)} only.`);
}

/**
 * Why those that it is for, or the centre, have had exercises enough; undefined where they have
 * not, or it is none. Whoever has one is told of its end, so later versions are not counted.
 */
async function tooManyExercises(
  tx: Tx,
  { exercise, number, alertId }: Pick<VersionRow, 'exercise' | 'number' | 'alertId'>,
  asked: { readonly submissionId: string; readonly model: OperatingModel; readonly now: Date },
): Promise<Refused | undefined> {
  if (!exercise || number > 1) return undefined;
  const { submissionId, now } = asked;
  const { mostOfCentre, mostPerOrganisation: most } = asked.model.exercises;
  const since = new Date(now.getTime() - EXERCISES_WITHIN_MS);
  const held = await countExercises(tx, { alertId, since });
  if (held >= mostOfCentre)
    return refused('conflict', `The centre sent ${held} exercises in 30 days, as many as it may.`);
  const over = await listOverExercised(tx, { alertId, submissionId, since, most });
  const [first, ...others] = over;
  if (first === undefined) return undefined;
  const who = others.length === 0 ? first : `${first} and ${others.length} more`;
  const why = `${who} had ${most} in 30 days, as many as the operating model allows`;
  return refused('conflict', `${why}. Take them out of the audience, or wait.`, { audience: why });
}

/** Why those that it is for can have no exercise now; undefined where they can, or it is none. */
export async function unfitAudience(
  tx: Tx,
  version: VersionRow,
  asked: { readonly submissionId: string; readonly model: OperatingModel; readonly now: Date },
): Promise<Refused | undefined> {
  return (await tooManyExercises(tx, version, asked)) ?? (await besideUnmarked(tx, version, asked));
}

/**
 * Why an exercise cannot go to those that it is for: before its rounds are over a live alert sends
 * something to them that is frozen, and does not say that it is real.
 */
async function besideUnmarked(
  tx: Tx,
  version: Pick<VersionRow, 'exercise' | 'number' | 'severity'>,
  asked: { readonly submissionId: string; readonly model: OperatingModel; readonly now: Date },
): Promise<Refused | undefined> {
  if (!version.exercise || version.number > 1) return undefined;
  const organisationIds = await listFrozen(tx, asked.submissionId);
  const unmarked = await listBeside(tx, version, { ...asked, at: asked.now, organisationIds });
  const [first] = unmarked;
  if (first === undefined) return undefined;
  const others = unmarked.length - 1;
  const who = others === 0 ? first.name : `${first.name} and ${others} more`;
  const why = `Live alert ${first.alertNumber} sends something to ${who} meanwhile, which does not say that it is no exercise`;
  return refused('conflict', `${why}. Take them out of the audience, or wait.`, { audience: why });
}

/** What leaves unmarked while the rounds of an exercise that is released then open. */
async function listBeside(
  tx: Tx,
  alert: Pick<VersionRow, 'exercise' | 'severity'>,
  asked: {
    readonly model: OperatingModel;
    readonly at: Date;
    readonly organisationIds: readonly string[];
  },
): Promise<Unmarked[]> {
  const { model, at, organisationIds } = asked;
  const severity = severityFor(model, alert);
  if (severity === undefined) return [];
  const chain = roundTimes({ ...severity, reminders: [] }, at.getTime());
  const until = new Date(chain.at(-1)!);
  const { realMark } = model.exercises;
  return await listUnmarked(tx, { organisationIds, realMark, from: at, until });
}

/** Why an exercise that waits cannot be released now; undefined where it can, or it is none. */
export async function whyNotReleased(
  tx: Tx,
  version: VersionRow,
  asked: { readonly submissionId: string; readonly model: OperatingModel; readonly now: Date },
): Promise<Refused | undefined> {
  if (!version.exercise) return undefined;
  await lockExercises(tx, 'exclusive');
  const live = await findWaitingLive(tx);
  if (live !== undefined)
    return refused(
      'conflict',
      `Live alert ${live} waits for approval. Decide over it first: its texts do not say that it is no exercise.`,
    );
  return outOfHours(version, asked.model, asked.now) ?? (await unfitAudience(tx, version, asked));
}

/** Why an exercise would not go, as a rehearsal says it; organisations where it is about them. */
export type Forbidden = { readonly says: string; readonly organisationIds: readonly string[] };

/**
 * All that would stand in the way of an exercise that is released then, under these rules: its
 * severity, the hour, and how many there were. Nothing for a live alert.
 */
export async function whatForbids(
  tx: Tx,
  alert: Pick<VersionRow, 'exercise' | 'severity'> & { readonly alertId: string | undefined },
  {
    model,
    at,
    organisationIds,
  }: {
    readonly model: OperatingModel;
    readonly at: Date;
    readonly organisationIds: readonly string[];
  },
): Promise<Forbidden[]> {
  if (!alert.exercise) return [];
  const { alertId } = alert;
  const { mostOfCentre, mostPerOrganisation: most } = model.exercises;
  const since = new Date(at.getTime() - EXERCISES_WITHIN_MS);
  const held = await countExercises(tx, { alertId, since });
  const often = new Set(await listExercisedOften(tx, { alertId, since, most }));
  const over = organisationIds.filter((id) => often.has(id));
  const unmarked = await listBeside(tx, alert, { model, at, organisationIds });
  const toReal = [...new Set(unmarked.map((one) => one.organisationId))];
  const says: readonly (string | false | undefined)[] = [
    unfitSeverity(alert, model),
    outOfHours(alert, model, at)?.message,
    held >= mostOfCentre && `The centre sent ${held} exercises in 30 days, as many as it may`,
    over.length > 0 &&
      `${over.length} had ${most} in 30 days, as many exercises as the rules allow`,
    toReal.length > 0 &&
      `A live alert sends something to ${toReal.length} meanwhile, which does not say that it is no exercise`,
  ];
  const about: Readonly<Record<number, readonly string[]>> = { 3: over, 4: toReal };
  return says.flatMap((one, i) =>
    one ? [{ says: one.replace(/\.$/, ''), organisationIds: about[i] ?? [] }] : [],
  );
}
