/** The part `exercises` of the file as the model has it. */
import type { ExerciseRules } from './exercise-rules.ts';
import type { ModelFile } from './file-schema.ts';

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
