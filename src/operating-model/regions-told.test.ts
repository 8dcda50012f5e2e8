import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { diffModels } from './diff.ts';
import { explainSeverity } from './explain-model.ts';
import { ladderOf, regionTime, roundTimes } from './ladder.ts';
import { severityById } from './model.ts';
import { checkOperatingModel } from './parse.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

const CRITICAL = 'tell_region: { wake: [regional_lead], after: PT40M }';

function checked(to: string) {
  assert.ok(shipped.includes(CRITICAL));
  return checkOperatingModel(shipped.replace(CRITICAL, to));
}

const wrong: readonly (readonly [what: string, to: string, said: string])[] = [
  [
    'a role that is not there',
    'tell_region: { wake: [mayor], after: PT40M }',
    'error severities.critical.tell_region.wake: ‘mayor’ is not known; allowed: regional_lead',
  ],
  [
    'a role of the centre',
    'tell_region: { wake: [approver], after: PT40M }',
    'error severities.critical.tell_region.wake: ‘approver’ is not given for regions',
  ],
  [
    'a region that learns of it after the answers were due',
    'tell_region: { wake: [regional_lead], after: PT2H }',
    'warning severities.critical.tell_region.after: is after the answers are due (PT1H): the region learns of it too late to help',
  ],
];

for (const [what, to, said] of wrong)
  test(`is found: ${what}`, () => {
    const found = checked(to).findings.map(
      ({ level, path, message }) => `${level} ${path}: ${message}`,
    );
    assert.deepEqual(found, [said]);
  });

test('when regions are told is a step of the ladder, a sentence, and a change in words', () => {
  const { model } = checkOperatingModel(shipped);
  const later = checked('tell_region: { wake: [regional_lead], after: PT50M }').model;
  const critical = severityById(model!, 'critical')!;
  const rung = ladderOf(critical).find(({ rule }) => rule.endsWith('.tell_region'));
  assert.equal(rung?.atMs, 40 * 60_000);
  assert.ok(
    explainSeverity(model!, critical).includes(
      'After 40 min, where organisations of a region are silent: its regional lead, by text.',
    ),
  );
  assert.deepEqual(
    diffModels(model!, later!).map(({ says }) => says),
    [
      'Critical: regions are told: regional_lead after 50 min instead of regional_lead after 40 min',
    ],
  );
});

test('it waits as rounds do: where the first round waits for the morning, so does the region', () => {
  const critical = severityById(checkOperatingModel(shipped).model!, 'critical')!;
  const night = { ...critical, quietHours: { fromMinute: 22 * 60, untilMinute: 6 * 60 } };
  const released = Date.parse('2026-11-23T23:00:00Z');
  const [first] = roundTimes(night, released);
  assert.equal(first, Date.parse('2026-11-24T06:00:00Z'));
  assert.equal(regionTime(night, released), Date.parse('2026-11-24T06:40:00Z'));
  assert.equal(regionTime(critical, released), released + 40 * 60_000);
});
