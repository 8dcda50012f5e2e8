import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { becauseCallList } from './because.ts';
import { diffModels } from './diff.ts';
import { explainSeverity } from './explain-model.ts';
import { severityById } from './model.ts';
import { checkOperatingModel } from './parse.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const REGION = '    tell_region: { wake: [regional_lead], after: PT40M }';

const withList = (after: string) =>
  checkOperatingModel(shipped.replace(REGION, `    call_list_after: ${after}\n${REGION}`));

test('nobody is to be rung as silent before the last in line is told', () => {
  assert.deepEqual(
    withList('PT29M').findings.map(({ path, message }) => `${path}: ${message}`),
    ['severities.critical.call_list_after: the last in line is told after PT30M: not before that'],
  );
  assert.deepEqual(withList('PT30M').findings, []);
});

test('when the silent are rung is the rule of it, a sentence, and a change in words', () => {
  const [before, after] = [checkOperatingModel(shipped).model!, withList('PT35M').model!];
  const ruleOf = (model: typeof before) =>
    becauseCallList(model, severityById(model, 'critical')!)?.rule;
  assert.equal(ruleOf(before), 'severities.critical.rounds');
  assert.equal(ruleOf(after), 'severities.critical.call_list_after');
  const says = explainSeverity(after, severityById(after, 'critical')!);
  const sentence = 'Whoever is silent after 35 min stands on the call list';
  assert.ok(says.some((one) => one.includes(sentence)));
  assert.deepEqual(
    diffModels(before, after).map((change) => change.says),
    [
      'Critical: the silent stand on the call list after 35 min instead of once the last round has opened',
    ],
  );
});
