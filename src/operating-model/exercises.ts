/**
 * Exercises: the rules of the centre for them, and a severity as an exercise goes by it. Pure. An
 * exercise runs on the engine of live alerts, so all that differs is here (P11).
 */
import { afterQuiet, formatMinute, type QuietHours } from '#kernel/quiet-hours.ts';
import type { ModelFile } from './file-schema.ts';
import type { OperatingModel, Severity } from './model.ts';

export type ExerciseRules = {
  /** Stands before every text, subject and mail of an exercise: `EXERCISE`. */
  readonly mark: string;
  /** Stands before those of a live alert that is submitted while an exercise is out. */
  readonly realMark: string;
  /** Ids of severities at which an exercise may be held; none: no exercise at all. */
  readonly exercisedSeverities: readonly string[];
  /** When none goes, by the clock of the centre: all but the hours that the file names. */
  readonly closedHours: QuietHours;
  /** Exercises that went out within `EXERCISES_WITHIN_MS`. */
  readonly mostPerOrganisation: number;
  readonly mostOfCentre: number;
  /** Whether the leads of regions are texted that organisations of theirs are silent. */
  readonly pagesRegions: boolean;
  /** Whether people of the centre are woken for approvals, next updates and calls. */
  readonly pagesCentre: boolean;
};

/** How far back exercises are counted for those who get them. */
export const EXERCISES_WITHIN_MS = 30 * 24 * 3_600_000;

/** The lane of exercises, which no file can give to anything else. */
const LANE = 4;

export function exercisesOf({ exercises: rules }: ModelFile): ExerciseRules {
  const { from, until } = rules.hours;
  return {
    mark: rules.mark,
    realMark: rules.real_mark,
    exercisedSeverities: rules.severities,
    closedHours: { fromMinute: until, untilMinute: from },
    mostPerOrganisation: rules.most_in_30_days.organisation,
    mostOfCentre: rules.most_in_30_days.centre,
    pagesRegions: rules.pages.regions,
    pagesCentre: rules.pages.centre,
  };
}

/**
 * The severity by which an alert goes; undefined where the model has none of that name. That of an
 * exercise has the lane of exercises, waits for their hours, and tells regions only where the rules
 * say so.
 */
export function severityFor(
  model: OperatingModel,
  alert: { readonly severity: string; readonly exercise: boolean },
): Severity | undefined {
  const found = model.severities.find(({ id }) => id === alert.severity);
  if (found === undefined || !alert.exercise) return found;
  const { closedHours: quietHours, pagesRegions } = model.exercises;
  const { tellRegion, ...severity } = found;
  return { ...severity, lane: LANE, quietHours, ...(pagesRegions && tellRegion && { tellRegion }) };
}

/** A text about an alert: that of an exercise says so first. */
export function marked(model: OperatingModel, isExercise: boolean, text: string): string {
  return isExercise ? `${model.exercises.mark} ${text}` : text;
}

/** `from 08:00 until 18:00`: when exercises may be sent. */
export function exerciseHours({ closedHours }: ExerciseRules): string {
  const { fromMinute, untilMinute } = closedHours;
  return `from ${formatMinute(untilMinute)} until ${formatMinute(fromMinute)}`;
}

export function isExerciseHour({ closedHours }: ExerciseRules, at: Date): boolean {
  return afterQuiet(at.getTime(), closedHours) === at.getTime();
}
