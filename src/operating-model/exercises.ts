/**
 * Exercises: the rules of the centre for them, and a severity as an exercise goes by it. Pure. An
 * exercise runs on the engine of live alerts, so all that differs is here (P11).
 */
import { afterQuiet, formatMinute } from '#kernel/quiet-hours.ts';
import type { ExerciseRules } from './exercise-rules.ts';
import type { OperatingModel, Severity } from './model.ts';

/** How far back exercises are counted for those who get them. */
export const EXERCISES_WITHIN_MS = 30 * 24 * 3_600_000;

/** The lane of exercises, which no file can give to anything else. */
export const EXERCISE_LANE = 4;

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
  return {
    ...severity,
    lane: EXERCISE_LANE,
    quietHours,
    ...(pagesRegions && tellRegion && { tellRegion }),
  };
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
