/**
 * What one model changes of another, in sentences for the person who has to approve it. Pure. What
 * has no sentence of its own is said by its place, so that nothing changes in silence.
 */
import { permissions } from '#kernel/actor.ts';
import { walk, type Change } from './diff-walk.ts';
import { differences, oneSeverity, instead } from './diff-severity.ts';
import { combinationsOf, proposeSeverity, type Answers } from './matrix.ts';
import { axisNames } from './judging.ts';
import { severityById, type OperatingModel, type Role } from './model.ts';

export type { Change } from './diff-walk.ts';

/** Every change of meaning; none where comments or blanks alone changed. */
export function diffModels(before: OperatingModel, after: OperatingModel): Change[] {
  const named = (part: string, sentences: readonly string[]): Change[] =>
    sentences.map((says) => ({ part, says }));
  return [
    ...named('severities', severityChanges(before, after)),
    ...named('severity_matrix', matrixChanges(before, after)),
    ...named('roles', roleChanges(before, after)),
    ...walk(restOf(before), restOf(after)),
  ];
}

/** A list as a table by id, so that one that comes in front does not change all behind it. */
function byId<T extends { readonly id: string }>(list: readonly T[]) {
  return Object.fromEntries(list.map(({ id, ...one }) => [id, one]));
}

/** All that has no sentences of its own; a severity that a part holds is there by its id. */
function restOf(model: OperatingModel): Record<string, unknown> {
  const { version: _v, source: _s, severities: _a, roles: _r, severityMatrix: _m, ...rest } = model;
  const { name, audienceLookAheadMs: lookAheadMs, importedAloneADay: aloneADay, ...others } = rest;
  const { holding, knownExploited, ...parts } = others;
  return {
    // By the keys of the file, where the model has others.
    model: name,
    audiences: { lookAheadMs },
    imports: { aloneADay },
    ...parts,
    reportingClocks: byId(rest.reportingClocks),
    holding: { ...holding, severity: holding.severity.id, texts: byId(holding.texts) },
    knownExploited: { ...knownExploited, severity: knownExploited.severity.id },
  };
}

function renamed(before: string, after: string, shown = after): string[] {
  return before === after ? [] : [`${before} is called ${shown}`];
}

function severityChanges(before: OperatingModel, after: OperatingModel): string[] {
  const gone = before.severities.filter(({ id }) => severityById(after, id) === undefined);
  const sentences = after.severities.flatMap((severity) => {
    const old = severityById(before, severity.id);
    if (old === undefined) return [`${severity.label} is a new severity`];
    return [
      ...renamed(old.label, severity.label),
      ...oneSeverity(old, severity).map((says) => `${severity.label}: ${says}`),
    ];
  });
  const orderOf = (model: OperatingModel, other: OperatingModel) =>
    model.severities.filter(({ id }) => severityById(other, id)).map(({ id }) => id);
  if (orderOf(before, after).join() !== orderOf(after, before).join()) {
    const labels = after.severities.map(({ label }) => label).join(', ');
    sentences.push(`The order, most urgent first, is now ${labels}`);
  }
  return [...gone.map(({ label }) => `${label} is gone`), ...sentences];
}

/** By its outcomes, whatever the rules look like; then names, and reasons where nothing else. */
function matrixChanges(before: OperatingModel, after: OperatingModel): string[] {
  const [old, now] = [before.severityMatrix, after.severityMatrix];
  const names = axisNames.flatMap((axis) => [
    ...renamed(`‘${old[axis].label}’`, `‘${now[axis].label}’`),
    ...differences(Object.keys(old[axis].answers), Object.keys(now[axis].answers)).gone.map(
      (id) => `${now[axis].label}: the answer ‘${old[axis].answers[id]}’ is gone`,
    ),
    ...Object.entries(now[axis].answers).flatMap(([id, label]) => {
      const was = old[axis].answers[id];
      if (was === undefined) return [`${now[axis].label}: ‘${label}’ is a new answer`];
      return renamed(
        `${now[axis].label}: ‘${was}’`,
        `${now[axis].label}: ‘${label}’`,
        `‘${label}’`,
      );
    }),
  ]);
  const outcomes = combinationsOf(now).flatMap((answers) => outcomeChange(answers, before, after));
  if (names.length + outcomes.length > 0) return [...names, ...outcomes];
  const isSame = JSON.stringify(old.rules) === JSON.stringify(now.rules);
  return isSame ? [] : ['The rules propose what they did; their reasons or their order changed'];
}

function outcomeChange(answers: Answers, before: OperatingModel, after: OperatingModel): string[] {
  const was = proposeSeverity(before, answers)?.severity;
  const is = proposeSeverity(after, answers)!.severity;
  if (was === undefined || was.id === is.id) return [];
  const words = axisNames.map((axis) => {
    const { label, answers: labels } = after.severityMatrix[axis];
    return `${label} ‘${labels[answers[axis]]}’`;
  });
  return [`${words.join(', ')}: ${is.label} instead of ${was.label}`];
}

function roleChanges(before: OperatingModel, after: OperatingModel): string[] {
  const { gone, fresh, both } = differences(Object.keys(before.roles), Object.keys(after.roles));
  const sentence = (permission: Role['may'][number]) => permissions[permission];
  return [
    ...gone.map((id) => `${before.roles[id]!.label} is gone: whoever holds it may no longer act`),
    ...fresh.map((id) => {
      const { label, may } = after.roles[id]!;
      return `${label} is a new role: ${may.map(sentence).join('; ')}`;
    }),
    ...both.flatMap((id) => {
      const [old, now] = [before.roles[id]!, after.roles[id]!];
      const may = differences(old.may, now.may);
      return [
        ...renamed(old.label, now.label),
        ...may.fresh.map((one) => `${now.label} may also: ${sentence(one)}`),
        ...may.gone.map((one) => `${now.label} may no longer: ${sentence(one)}`),
        ...instead(
          `${now.label} is given for`,
          old.givenFor ?? 'the centre',
          now.givenFor ?? 'the centre',
        ),
      ];
    }),
  ];
}
