import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  breakerMoves,
  breakerStates,
  nextStep,
  rungs,
  windowOf,
  type Breaker,
  type BreakerFacts,
  type BreakerOf,
  type BreakerState,
} from './breaker.ts';

const gateway: BreakerOf = { canProbe: false, leaseMs: 40_000 };
const withProbe: BreakerOf = { ...gateway, canProbe: true };
const quiet: BreakerFacts = { answered: 0, failed: 0, inARow: 0, acceptedLate: 0 };
const closed: Breaker = {
  state: 'closed',
  rung: null,
  reason: null,
  openings: 0,
  ageMs: 1_000_000,
  retryInMs: null,
  tries: 0,
  triedMs: null,
};
const open: Breaker = {
  ...closed,
  state: 'open',
  reason: 'no_answer',
  openings: 1,
  ageMs: 1_000,
  retryInMs: 9_000,
};
const on = (rung: number): Breaker => ({
  ...closed,
  state: rungs[rung]!.state,
  rung,
  reason: 'no_answer',
  openings: 1,
  ageMs: 1_000,
});

describe('the breaker', () => {
  const cells: [string, Breaker, Partial<BreakerFacts>, string | undefined][] = [
    ['works', closed, { answered: 500 }, undefined],
    ['four in a row', closed, { failed: 4, inARow: 4 }, undefined],
    ['five in a row', closed, { failed: 5, inARow: 5 }, 'open'],
    ['nine of nineteen', closed, { answered: 10, failed: 9 }, undefined],
    ['all of nineteen, not in a row', closed, { failed: 19, inARow: 1 }, undefined],
    ['ten of twenty', closed, { answered: 10, failed: 10 }, 'open'],
    ['nine of twenty', closed, { answered: 11, failed: 9 }, undefined],
    ['rests', open, {}, undefined],
    ['has rested', { ...open, retryInMs: 0 }, {}, 'half_open 0'],
    ['was only slow', open, { acceptedLate: 1 }, 'half_open 0'],
    ['failed half, one more came', { ...open, reason: 'failing' }, { acceptedLate: 1 }, undefined],
    ['the clock jumped back', { ...open, ageMs: -1, retryInMs: 4e6 }, {}, 'half_open 0'],
    ['nothing to try yet', { ...on(0), ageMs: 1e6 }, {}, undefined],
    ['the trial is under way', { ...on(0), tries: 1, triedMs: 43_000 }, {}, undefined],
    ['the trial was lost', { ...on(0), tries: 1, triedMs: 43_001 }, {}, 'half_open 0'],
    [
      'one of five was lost',
      { ...on(1), tries: 5, triedMs: 43_001 },
      { answered: 4 },
      'half_open 1',
    ],
    ['the trial failed', { ...on(0), tries: 1, triedMs: 5 }, { failed: 1, inARow: 1 }, 'open'],
    ['the trial passed', { ...on(0), tries: 1, triedMs: 5 }, { answered: 1 }, 'half_open 1'],
    ['four of five passed', { ...on(1), tries: 5, triedMs: 5 }, { answered: 4 }, undefined],
    ['one of five failed', { ...on(1), tries: 5 }, { answered: 4, failed: 1 }, 'open'],
    ['five passed', on(1), { answered: 5 }, 'ramping 2'],
    ['calm for a minute', { ...on(1), ageMs: 60_000 }, {}, 'ramping 2'],
    ['ramping, few failures', on(2), { answered: 4, failed: 3 }, undefined],
    ['ramping, half fails', on(2), { answered: 3, failed: 3 }, 'open'],
    ['ramping, in a row', on(3), { answered: 40, failed: 5, inARow: 5 }, 'open'],
    ['ten passed', on(2), { answered: 10, failed: 1 }, 'ramping 3'],
    ['fifty passed', on(3), { answered: 50 }, 'closed'],
    ['calm for half a minute', { ...on(3), ageMs: 30_000 }, {}, 'closed'],
    ['half a minute with a failure', { ...on(3), ageMs: 30_000 }, { failed: 1 }, undefined],
  ];
  for (const [name, breaker, facts, expected] of cells) {
    it(`${breaker.state}, ${name}: ${expected ?? 'stays'}`, () => {
      const step = nextStep(breaker, { ...quiet, ...facts }, gateway);
      assert.equal(
        step && [step.state, step.rung].filter((part) => part !== null).join(' '),
        expected,
      );
    });
  }

  it('waits 10 s, then twice as long each time, two minutes at most', () => {
    const waits = [0, 1, 2, 3, 4, 30].map(
      (openings) => nextStep({ ...on(0), openings }, { ...quiet, failed: 1 }, gateway)!.retryInMs,
    );
    assert.deepEqual(waits, [10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
    const failing = { ...quiet, inARow: 5 };
    assert.equal(nextStep({ ...closed, openings: 4 }, failing, gateway)!.openings, 1);
    assert.equal(nextStep({ ...closed, openings: 4, ageMs: 9 }, failing, gateway)!.openings, 5);
  });

  it('tries a handset of ours first, where it has one', () => {
    const rested = { ...open, retryInMs: 0 };
    assert.equal(nextStep(rested, quiet, withProbe)!.rowsLeft, 0);
    assert.equal(nextStep(rested, quiet, gateway)!.rowsLeft, 1);
    assert.equal(nextStep(on(0), { ...quiet, answered: 1 }, withProbe)!.rowsLeft, 5);
    assert.equal(nextStep(on(1), { ...quiet, answered: 5 }, withProbe)!.rowsLeft, null);
  });

  it('gives the window of its rung, never none but while open', () => {
    assert.deepEqual(
      [closed, open, on(0), on(1), on(2), on(3)].map((breaker) => windowOf(breaker, 64)),
      [64, 0, 64, 64, 6, 32],
    );
    assert.equal(windowOf(on(2), 5), 1);
    assert.equal(windowOf(undefined, 64), 64);
  });

  it('makes every move of the table and no other', () => {
    const breakers = fc.record({
      at: fc.constantFrom(closed, open, on(0), on(1), on(2), on(3)),
      ageMs: fc.integer({ min: -5, max: 2e6 }),
      retryInMs: fc.integer({ min: -5, max: 2e5 }),
      openings: fc.nat(40),
      tries: fc.nat(6),
      triedMs: fc.option(fc.nat(90_000)),
    });
    const some = fc.record({
      answered: fc.nat(60),
      failed: fc.nat(30),
      inARow: fc.nat(7),
      acceptedLate: fc.nat(2),
    });
    const made = new Set<string>();
    fc.assert(
      fc.property(breakers, some, ({ at, retryInMs, ...rest }, facts) => {
        const breaker = { ...at, ...rest, retryInMs: at.state === 'open' ? retryInMs : null };
        const step = nextStep(breaker, facts, gateway);
        if (step === undefined) return;
        made.add(`${at.state} to ${step.state}`);
        assert.equal(step.state === 'open', step.retryInMs !== null);
        assert.equal(step.state === 'half_open', step.rowsLeft !== null);
        assert.equal(['half_open', 'ramping'].includes(step.state), step.rung !== null);
        assert.equal(step.state === 'closed', step.reason === null);
      }),
      { numRuns: 5_000 },
    );
    const legal = (Object.keys(breakerStates) as BreakerState[]).flatMap((from) =>
      breakerMoves[from].map((to) => `${from} to ${to}`),
    );
    assert.deepEqual([...made].sort(), legal.sort());
  });
});
