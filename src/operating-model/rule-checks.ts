/** Rules that can never hold, that contradict each other, or that lead nowhere. */
import { formatDuration } from './durations.ts';
import type { ModelFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';
import { combinationsOf, ruleFor } from './matrix.ts';
import { axisNames } from './judging.ts';
import { notKnown } from './nearest.ts';

/** Every combination of answers has a severity, and every rule has a combination. */
export function checkMatrix({ severity_matrix: matrix, severities }: ModelFile): Remark[] {
  const at = (...path: (string | number)[]) => ['severity_matrix', ...path];
  const named = Object.keys(severities);
  const remarks: Remark[] = axisNames
    .filter((axis) => Object.keys(matrix[axis].answers).length === 0)
    .map((axis) => error(at(axis, 'answers'), 'needs at least one entry'));
  matrix.rules.forEach((rule, i) => {
    if (!named.includes(rule.severity))
      remarks.push(error(at('rules', i, 'severity'), notKnown(rule.severity, named)));
    for (const axis of axisNames) {
      const answers = Object.keys(matrix[axis].answers);
      for (const id of (rule[axis] ?? []).filter((one) => !answers.includes(one)))
        remarks.push(error(at('rules', i, axis), notKnown(id, answers)));
    }
  });
  if (remarks.length > 0) return remarks;
  const combinations = combinationsOf(matrix);
  const used = combinations.map((answers) => ruleFor(matrix.rules, answers));
  combinations.forEach((answers, i) => {
    if (used[i] !== -1) return;
    const cell = axisNames.map((axis) => `${axis} ${answers[axis]}`).join(', ');
    remarks.push(error(at('rules'), `no rule names a severity for ${cell}`));
  });
  matrix.rules.forEach((_, i) => {
    if (!used.includes(i))
      remarks.push(error(at('rules', i), 'never holds: the rules before it answer for all of it'));
  });
  const reached = new Set(used.map((i) => matrix.rules[i]?.severity));
  for (const id of named.filter((one) => !reached.has(one)))
    remarks.push(warning(['severities', id], 'no answers of the severity matrix lead to it'));
  return remarks;
}

/** Scales and their levels are chosen from lists: an empty one is a question without an answer. */
export function checkScales({ declared_scales: scales }: ModelFile): Remark[] {
  return Object.entries(scales)
    .filter(([, { levels }]) => Object.keys(levels).length === 0)
    .map(([id]) => error(['declared_scales', id, 'levels'], 'needs at least one entry'));
}

/** More urgent is never slower: in the order of the file, waits and lanes only grow. */
export function checkOrder({ severities }: ModelFile): Remark[] {
  const entries = Object.entries(severities);
  return entries.slice(1).flatMap(([id, severity], i) => {
    const [beforeId, before] = entries[i]!;
    const remarks: Remark[] = [];
    for (const key of ['acknowledge_within', 'next_update_within'] as const) {
      if (severity[key] >= before[key]) continue;
      const [less, more] = [formatDuration(severity[key]), formatDuration(before[key])];
      const why = `${less} is shorter than that of ‘${beforeId}’ (${more}), which is more urgent`;
      remarks.push(warning(['severities', id, key], why));
    }
    if (severity.lane < before.lane) {
      const why = `overtakes ‘${beforeId}’ (lane ${before.lane}), which is more urgent`;
      remarks.push(warning(['severities', id, 'lane'], why));
    }
    return remarks;
  });
}

/** A line for texts, where no text goes, and a ladder without a step. */
export function checkLeadsNowhere(file: ModelFile): Remark[] {
  const { clear_line_for: named, severities } = file;
  const ladder = file.promises.approval;
  const at = ['promises', 'approval'];
  const remarks: Remark[] = named
    .filter((id) => severities[id]?.channels.includes('text') === false)
    .map((id) => warning(['clear_line_for'], `‘${id}’ sends no texts: its line is never used`));
  if (ladder.severities.length > 0 && ladder.steps.length === 0)
    remarks.push(error([...at, 'steps'], 'has no step: nobody would be woken'));
  if (ladder.severities.length === 0 && ladder.steps.length > 0)
    remarks.push(warning([...at, 'severities'], 'names none: no step is ever taken'));
  return remarks;
}

export function checkClearLineFor({ clear_line_for: named, severities }: ModelFile): Remark[] {
  return named
    .filter((id) => !Object.hasOwn(severities, id))
    .map((id) => error(['clear_line_for'], notKnown(id, Object.keys(severities))));
}
