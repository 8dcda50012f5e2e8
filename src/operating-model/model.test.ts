import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blanksOf, fillBlanks } from './blanks.ts';
import { formatDuration, parseDurationMs, spokenDuration } from './durations.ts';
import { nearestName } from './nearest.ts';

test('blanks are named once, in order', () => {
  assert.deepEqual(blanksOf('{sender} {code}: reply {code} or {help}'), ['sender', 'code', 'help']);
  assert.deepEqual(blanksOf('no blanks'), []);
});

test('filling a text leaves no blank, and never fills what somebody typed', () => {
  assert.equal(fillBlanks('{a}-{b}-{a}', { a: '1', b: '{a}' }), '1-{a}-1');
  assert.equal(fillBlanks('{a}', { a: '$& $1' }), '$& $1');
  assert.throws(() => fillBlanks('{a} {b}', { a: '1' }), /no value for the blank \{b\}/);
  assert.throws(() => fillBlanks('{toString}', {}), /toString/);
});

test('durations go both ways; years, months and half-written ones are refused', () => {
  const minute = 60_000;
  const forms: [string, number][] = [
    ['PT0M', 0],
    ['PT15M', 15 * minute],
    ['PT1H30M', 90 * minute],
    ['P5D', 5 * 24 * 60 * minute],
    ['P1DT12H', 36 * 60 * minute],
    ['PT1S', 1000],
  ];
  for (const [text, ms] of forms) {
    assert.equal(parseDurationMs(text), ms, text);
    assert.equal(formatDuration(ms), text);
  }
  assert.equal(parseDurationMs('PT48H'), parseDurationMs('P2D'));
  assert.equal(parseDurationMs('P1W'), parseDurationMs('P7D'));
  for (const text of ['', 'P', 'PT', 'P1DT', 'P1Y', 'P1M', '15M', 'PT1.5H', '-PT1H', 'PT1M1H']) {
    assert.equal(parseDurationMs(text), undefined, text);
  }
});

test('a duration is said as people say deadlines, and exactly', () => {
  const said = ['PT0M', 'PT90S', 'PT15M', 'PT1H30M', 'PT48H', 'PT72H', 'P5D', 'P4DT12H', 'PT97H'];
  assert.deepEqual(
    said.map((text) => spokenDuration(parseDurationMs(text)!)),
    [
      'at once',
      '1 min 30 s',
      '15 min',
      '1 h 30 min',
      '48 h',
      '72 h',
      '5 days',
      '4 days 12 h',
      '4 days 1 h',
    ],
  );
});

test('the nearest name is near', () => {
  const names = ['severities', 'sender', 'texts'];
  assert.equal(nearestName('severites', names), 'severities');
  assert.equal(nearestName('Sendr', names), 'sender');
  assert.equal(nearestName('playbooks', names), undefined);
});
