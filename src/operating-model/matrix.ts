/** The matrix that proposes a severity: three answers, and the first rule that fits them. Pure. */
import { axisNames, type AxisName, type MatrixRule } from './judging.ts';
import type { OperatingModel, Severity } from './model.ts';

/** An answer to each question, by the ids of the model. */
export type Answers = Readonly<Record<AxisName, string>>;

export type Proposal = { readonly severity: Severity; readonly because: string };

/** The index of the first rule that fits; -1 where none does. */
export function ruleFor(rules: readonly MatrixRule[], answers: Answers): number {
  return rules.findIndex((rule) =>
    axisNames.every((axis) => rule[axis] === undefined || rule[axis].includes(answers[axis])),
  );
}

/**
 * What the matrix says to these answers; undefined where the model does not know one of them, as
 * after a change of its names. Every combination that it knows fits a rule: the file is checked.
 */
export function proposeSeverity(
  { severityMatrix: matrix, severities }: Pick<OperatingModel, 'severityMatrix' | 'severities'>,
  answers: Answers,
): Proposal | undefined {
  const areKnown = axisNames.every((axis) => Object.hasOwn(matrix[axis].answers, answers[axis]));
  const rule = areKnown ? matrix.rules[ruleFor(matrix.rules, answers)] : undefined;
  const severity = severities.find(({ id }) => id === rule?.severity);
  return rule && severity && { severity, because: rule.because };
}

/** Every combination of answers, the first axis outermost. */
export function combinationsOf(
  matrix: Readonly<Record<AxisName, { readonly answers: object }>>,
): Answers[] {
  const [impacts, spreads, confidences] = axisNames.map((axis) =>
    Object.keys(matrix[axis].answers),
  ) as [string[], string[], string[]];
  return impacts.flatMap((impact) =>
    spreads.flatMap((spread) => confidences.map((confidence) => ({ impact, spread, confidence }))),
  );
}
