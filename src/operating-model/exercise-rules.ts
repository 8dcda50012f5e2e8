/** What a model says of exercises. */
import type { QuietHours } from '#kernel/quiet-hours.ts';

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
