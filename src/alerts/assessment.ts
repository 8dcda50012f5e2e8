/** How severe an alert was judged to be, by which answers, and why otherwise. Pure. */
import {
  axisNames,
  proposeSeverity,
  severityById,
  type OperatingModel,
} from '#operating-model/index.ts';
import type { Wording } from './model.ts';

/** As pages show it. */
export type AssessmentView = {
  readonly answers: readonly { readonly label: string; readonly answer: string }[];
  readonly proposed: string;
  readonly because: string;
  /** What was chosen instead; undefined where it is the proposed one. */
  readonly chosen: string | undefined;
  readonly reason: string;
};

/** Undefined where the severity was chosen without the matrix, or the model does not know why. */
export function assessmentOf(
  { severity, content: { assessment } }: Wording,
  model: OperatingModel,
): AssessmentView | undefined {
  const proposal = assessment === null ? undefined : proposeSeverity(model, assessment);
  if (assessment === null || proposal === undefined) return undefined;
  const isOther = proposal.severity.id !== severity;
  return {
    answers: axisNames.map((axis) => {
      const { label, answers } = model.severityMatrix[axis];
      return { label, answer: answers[assessment[axis]]! };
    }),
    proposed: proposal.severity.label,
    because: proposal.because,
    chosen: isOther ? (severityById(model, severity)?.label ?? severity) : undefined,
    reason: assessment.reason,
  };
}

/** What is missing before this severity may be submitted; undefined where nothing is. */
export function checkAssessment(wording: Wording, model: OperatingModel): string | undefined {
  if (wording.content.assessment === null) return undefined;
  const view = assessmentOf(wording, model);
  if (view === undefined)
    return 'The answers are not those of today’s operating model: give them anew';
  if (view.chosen === undefined || view.reason !== '') return undefined;
  return `Your answers propose ${view.proposed}. Say why it is ${view.chosen}`;
}
