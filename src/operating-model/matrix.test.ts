import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkOperatingModel } from './parse.ts';
import { combinationsOf, proposeSeverity, ruleFor } from './matrix.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const { model } = checkOperatingModel(shipped);
assert.ok(model);

/** What the file says with one thing changed: its findings, as path and message. */
function saidOf(from: string | RegExp, to: string): string[] {
  const text = shipped.replace(from, () => to);
  assert.notEqual(text, shipped, `nothing to change: ${from}`);
  return checkOperatingModel(text).findings.map(
    ({ level, path, message }) => `${level} ${path}: ${message}`,
  );
}

test('three answers propose a severity and say why; the first rule that fits counts', () => {
  const worst = { impact: 'stopped', spread: 'sector', confidence: 'confirmed' };
  assert.equal(proposeSeverity(model, worst)?.severity.id, 'critical');
  const guessed = proposeSeverity(model, { ...worst, confidence: 'possible' });
  assert.equal(guessed?.severity.id, 'high');
  assert.equal(guessed?.because, 'Patients may come to harm.');
  assert.equal(proposeSeverity(model, { ...worst, spread: 'galaxy' }), undefined);
});

test('every combination of answers has a severity', () => {
  const combinations = combinationsOf(model.severityMatrix);
  assert.equal(combinations.length, 27);
  for (const answers of combinations) assert.ok(proposeSeverity(model, answers), answers.impact);
  const named = { impact: ['stopped'], severity: 'x', because: 'y' };
  assert.equal(ruleFor([named], { impact: 'none', spread: 'a', confidence: 'b' }), -1);
});

test('a rule changed in the file is another proposal', () => {
  const changed = checkOperatingModel(
    shipped.replace(
      '{ impact: [stopped], severity: high,',
      '{ impact: [stopped], severity: critical,',
    ),
  ).model;
  assert.ok(changed);
  const answers = { impact: 'stopped', spread: 'one', confidence: 'possible' };
  assert.equal(proposeSeverity(model, answers)?.severity.id, 'high');
  assert.equal(proposeSeverity(changed, answers)?.severity.id, 'critical');
});

const wrong: readonly (readonly [name: string, from: string | RegExp, to: string, said: RegExp])[] =
  [
    [
      'a combination that no rule answers',
      '    - { severity: low, because: Care is not touched. }\n',
      '',
      /^error severity_matrix\.rules: no rule names a severity for impact untouched, spread sector, confidence likely$/,
    ],
    [
      'a rule that never holds',
      '    - { severity: low, because',
      '    - { severity: low, because: All else. }\n    - { severity: low, because',
      /^error severity_matrix\.rules\[6\]: never holds/,
    ],
    [
      'a severity that is not there, with the one that was meant',
      'severity: medium, because: Care goes on.',
      'severity: medum, because: Care goes on.',
      /rules\[3\]\.severity: ‘medum’ is not known, did you mean ‘medium’\?; allowed: critical/,
    ],
    [
      'an answer that is not there',
      'spread: [sector, some]',
      'spread: [sectr, some]',
      /rules\[0\]\.spread: ‘sectr’ is not known, did you mean ‘sector’\?; allowed: sector, some, one/,
    ],
    [
      'a severity that no answers lead to',
      '{ severity: low, because',
      '{ severity: medium, because',
      /^warning severities\.low: no answers of the severity matrix lead to it$/,
    ],
    [
      'less urgent, and sooner',
      'acknowledge_within: PT48H',
      'acknowledge_within: P6D',
      /^warning severities\.medium\.acknowledge_within: P5D is shorter than that of ‘high’ \(P6D\)/,
    ],
    [
      'a ladder without a step',
      /    steps:\n(?: {6}- \{ wake: \[approver.*\n)+/,
      '    steps: []\n',
      /^error promises\.approval\.steps: has no step: nobody would be woken$/,
    ],
    [
      'a line for texts where no text goes',
      'clear_line_for: [critical]',
      'clear_line_for: [critical, low]',
      /^warning clear_line_for: ‘low’ sends no texts/,
    ],
    [
      'a scale without a level',
      /    levels:\n(?: {6}level_.*\n)+/,
      '    levels: {}\n',
      /^error declared_scales\.eprr_level\.levels: needs at least one entry$/,
    ],
  ];

for (const [name, from, to, said] of wrong) {
  test(`found: ${name}`, () => {
    const all = saidOf(from, to);
    assert.ok(
      all.some((one) => said.test(one)),
      all.join('\n'),
    );
  });
}
