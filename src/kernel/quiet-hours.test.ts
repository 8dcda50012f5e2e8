import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  afterQuiet,
  formatMinute,
  longestQuietMs,
  outOfQuiet,
  parseMinute,
  type QuietHours,
} from './quiet-hours.ts';

const night: QuietHours = { fromMinute: 22 * 60, untilMinute: 6 * 60 + 30 };

const from = (iso: string, quiet = night) =>
  new Date(afterQuiet(Date.parse(iso), quiet)).toISOString();

test('a moment in the night waits for the morning of London, another does not', () => {
  assert.equal(from('2026-11-23T21:59:59Z'), '2026-11-23T21:59:59.000Z');
  assert.equal(from('2026-11-23T22:00:00Z'), '2026-11-24T06:30:00.000Z');
  assert.equal(from('2026-11-24T05:00:00Z'), '2026-11-24T06:30:00.000Z');
  assert.equal(from('2026-11-24T06:30:00Z'), '2026-11-24T06:30:00.000Z');
  // In summer the morning comes an hour earlier by UTC.
  assert.equal(from('2026-07-01T21:30:00Z'), '2026-07-02T05:30:00.000Z');
  assert.equal(from('2026-07-01T20:59:00Z'), '2026-07-01T20:59:00.000Z');
});

test('the night in which clocks change ends when the clock says so', () => {
  assert.equal(from('2026-10-24T23:00:00Z'), '2026-10-25T06:30:00.000Z');
  assert.equal(from('2027-03-27T23:00:00Z'), '2027-03-28T05:30:00.000Z');
  const early = { fromMinute: 0, untilMinute: 90 };
  assert.equal(from('2026-10-25T00:20:00Z', early), '2026-10-25T01:30:00.000Z');
  assert.equal(from('2027-03-28T00:20:00Z', early), '2027-03-28T01:30:00.000Z');
});

test('hours within one day are quiet too', () => {
  const noon = { fromMinute: 12 * 60, untilMinute: 13 * 60 };
  assert.equal(from('2026-11-23T12:30:00Z', noon), '2026-11-23T13:00:00.000Z');
  assert.equal(from('2026-11-23T13:00:00Z', noon), '2026-11-23T13:00:00.000Z');
});

test('steps that waited keep their distance, and no step ever falls into the night', () => {
  const at = Date.parse('2026-11-23T21:45:00Z');
  const steps = outOfQuiet([at, at + 30 * 60_000, at + 90 * 60_000], night);
  assert.deepEqual(
    steps.map((ms) => new Date(ms).toISOString()),
    ['2026-11-23T21:45:00.000Z', '2026-11-24T06:30:00.000Z', '2026-11-24T07:30:00.000Z'],
  );
  const minute = fc.integer({ min: 0, max: 24 * 60 - 1 });
  fc.assert(
    fc.property(
      fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2028-01-01') }),
      fc.array(fc.integer({ min: 0, max: 30 * 3_600_000 }), { minLength: 1, maxLength: 5 }),
      minute,
      minute,
      (startMs, waits, fromMinute, untilMinute) => {
        fc.pre(fromMinute !== untilMinute);
        const quiet = { fromMinute, untilMinute };
        let sum = startMs;
        const planned = waits.map((wait) => (sum += wait));
        const held = outOfQuiet(planned, quiet);
        held.forEach((ms, i) => {
          assert.equal(afterQuiet(ms, quiet), ms, 'in quiet hours');
          const before = i === 0 ? 0 : held[i - 1]! - planned[i - 1]!;
          assert.ok(ms - planned[i]! >= before, 'nearer to the step before');
          assert.ok(ms - planned[i]! - before <= longestQuietMs(quiet), 'waits too long');
        });
      },
    ),
  );
});

test('nothing waits where no hours are quiet', () => {
  assert.deepEqual(outOfQuiet([5, 7], undefined), [5, 7]);
});

test('a time of the day is read and written', () => {
  assert.equal(parseMinute('22:30'), 1350);
  assert.equal(formatMinute(1350), '22:30');
  for (const wrong of ['24:00', '7:00', '07:60', '']) assert.equal(parseMinute(wrong), undefined);
});
