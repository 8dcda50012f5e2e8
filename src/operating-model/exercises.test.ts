/** The rules of exercises: what the check finds, what the page and the diff say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { becauseExercise } from './because.ts';
import { diffModels } from './diff.ts';
import { isExerciseHour, severityFor } from './exercises.ts';
import { checkOperatingModel } from './parse.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');

function checked(from: string, to: string) {
  assert.ok(shipped.includes(from), from);
  return checkOperatingModel(shipped.replace(from, to));
}

const HOURS = 'hours: { from: "08:00", until: "18:00" }';

const wrong: [from: string, to: string, found: RegExp][] = [
  ['medium, low]\n  hours', 'medium, lowest]\n  hours', /‘lowest’ is not known/],
  ['medium, low]\n  hours', 'medium, medium]\n  hours', /‘medium’ stands there twice/],
  [HOURS, 'hours: { from: "18:00", until: "08:00" }', /must be later on the same day/],
  [HOURS, 'hours: { from: "08:00", until: "08:00" }', /must be later on the same day/],
  ['real_mark: "REAL, NOT', 'real_mark: "EXERCISE', /begins as that of an exercise/],
  ['mark: EXERCISE', 'mark: THIS IS AN EXERCISE AND NOT REAL', /20/],
];

for (const [from, to, found] of wrong)
  test(`found: ${to}`, () => {
    const { model, findings } = checked(from, to);
    assert.equal(model, undefined);
    assert.match(findings.map(({ message }) => message).join('\n'), found);
  });

test('warned: none may be held, a limit that never holds, regions that nobody tells', () => {
  const none = checked(
    'severities: [critical, high, medium, low]\n  hours',
    'severities: []\n  hours',
  );
  assert.match(none.findings.map(({ message }) => message).join('\n'), /no exercise can be held/);
  const more = checked('{ organisation: 2, centre: 4 }', '{ organisation: 5, centre: 4 }');
  assert.match(more.findings[0]?.message ?? '', /never holds: the centre sends 4/);
});

test('a longer mark is counted in every text', () => {
  const { findings } = checked('mark: EXERCISE', 'mark: EXERCISE ONLY A TEST');
  assert.match(findings.map(({ message }) => message).join('\n'), /2 fragments as an exercise/);
});

test('an exercise goes in its lane and hours, and tells regions only where it may', () => {
  const { model } = checkOperatingModel(shipped);
  const critical = severityFor(model!, { severity: 'critical', exercise: true })!;
  assert.deepEqual(
    [critical.lane, critical.quietHours, critical.tellRegion],
    [4, { fromMinute: 18 * 60, untilMinute: 8 * 60 }, undefined],
  );
  assert.equal(severityFor(model!, { severity: 'critical', exercise: false })!.lane, 1);
  const told = checked('regions: false', 'regions: true').model!;
  assert.ok(severityFor(told, { severity: 'critical', exercise: true })!.tellRegion);
  // Summer time: 07:30 UTC is 08:30 in London.
  assert.ok(isExerciseHour(model!.exercises, new Date('2026-07-01T07:30:00Z')));
  assert.ok(!isExerciseHour(model!.exercises, new Date('2026-12-01T07:30:00Z')));
});

test('said in words, and in a difference', () => {
  const { model } = checkOperatingModel(shipped);
  assert.match(
    becauseExercise(model!).says,
    /^An exercise is marked ‘EXERCISE’, leaves from 08:00 until 18:00 only, .* nobody .* is woken$/,
  );
  const other = checked('mark: EXERCISE', 'mark: DRILL').model!;
  assert.deepEqual(
    diffModels(model!, other).map(({ part, says }) => `${part}: ${says}`),
    ['exercises: Exercises, Mark: DRILL instead of EXERCISE'],
  );
  const later = checked(HOURS, 'hours: { from: "09:00", until: "18:00" }').model!;
  assert.deepEqual(
    diffModels(model!, later).map(({ says }) => says),
    ['Exercises, Closed hours, Until minute: 09:00 instead of 08:00'],
  );
});
