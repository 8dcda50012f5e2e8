import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as holds, double, integer, property } from 'fast-check';
import { forecastRounds, type Capacity } from './forecast.ts';

/** Notify's limiter, full, with nothing before us. */
const notify: Capacity = { ratePerSecond: 50, burst: 999, tokens: 999, pausedForMs: 0, ahead: 0 };

const seconds = (texts: number, capacity: Partial<Capacity> = {}) =>
  forecastRounds({ ...notify, ...capacity }, [{ opensAfterMs: 0, texts }])[0]! / 1000;

test('a full bucket and no queue: (n - burst) / rate', () => {
  for (const [texts, expected] of [
    [0, 0],
    [999, 0],
    [1000, 0.02],
    [2500, 30.02],
    [5000, 80.02],
    [50_000, 980.02],
  ] as const)
    assert.equal(seconds(texts), expected, String(texts));
});

test('what waits before, an empty bucket and a pause each cost their time', () => {
  assert.equal(seconds(1, { tokens: 0, ahead: 100 }), 2.02);
  assert.equal(seconds(0, { pausedForMs: 60_000 }), 60);
  assert.equal(seconds(51, { tokens: 1, pausedForMs: 60_000 }), 61);
  assert.equal(seconds(999, { tokens: -10 }), 19.98);
});

test('the bucket fills between rounds; a round that opens early waits for the one before', () => {
  const rounds = (gapMs: number, texts: number) =>
    forecastRounds(notify, [
      { opensAfterMs: 0, texts: 1999 },
      { opensAfterMs: gapMs, texts },
    ]).map((ms) => ms / 1000);
  assert.deepEqual(rounds(10_000, 500), [20, 30]);
  assert.deepEqual(rounds(900_000, 999), [20, 900]);
  assert.deepEqual(rounds(25_000, 999), [20, 39.98]);
});

test('never sooner with more texts, never before a round opens', () => {
  const load = integer({ min: 0, max: 20_000 });
  holds(
    property(
      load,
      load,
      integer({ min: 0, max: 2_000_000 }),
      double({ min: 0, max: 999, noNaN: true }),
      (first, second, gapMs, tokens) => {
        const ends = (texts: number) =>
          forecastRounds({ ...notify, tokens }, [
            { opensAfterMs: 0, texts },
            { opensAfterMs: gapMs, texts: second },
          ]);
        const [few, many] = [ends(first), ends(first + 1)];
        assert.ok(few[1]! >= gapMs && few[0]! >= 0);
        assert.ok(many[0]! >= few[0]! && many[1]! >= few[1]!);
      },
    ),
  );
});
