/** A small budget of what `npm run simulate` does for long (docs/testing.md). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crashEverywhere, crashScenarios } from './crashes.ts';
import { plantedBugs } from './planted-bugs.ts';
import { runScenario } from './run.ts';
import { drawCalmScenario, drawScenario } from './scenario.ts';

const SEEDS = 100;
const SEEDS_FOR_A_BUG = 600;

/** Seeds that once found a bug, of the engine or of the simulation, each with what it was. */
const once: Readonly<Record<number, string>> = {
  5134: 'an attempt whose reference was used again after its record was lost',
  7290: 'an office that could die left its dispatch paused for ever',
  11832: 'a claim in the very millisecond of a resumption',
  143: 'a message counted as never sent, and a copy of it had been risked',
  3586: 'a text that was adopted as created, and taken out by its provider afterwards',
  34508: 'two absences, with a clock of the database set back between them',
};

function breachesOf(seed: number): readonly string[] {
  return runScenario(drawScenario(seed)).breaches;
}

describe('the simulation', () => {
  it('keeps every promise, seed after seed', () => {
    for (let seed = 1; seed <= SEEDS; seed++)
      assert.deepEqual(breachesOf(seed), [], `seed ${seed}`);
  });

  for (const [seed, what] of Object.entries(once))
    it(`seed ${seed}: ${what}`, () => assert.deepEqual(breachesOf(Number(seed)), []));

  it('keeps them when a single step goes wrong', () => {
    for (const scenario of crashScenarios(2)) {
      const { runs, failed } = crashEverywhere(scenario, 15);
      assert.ok(runs > 30);
      assert.deepEqual(failed, []);
    }
  });

  it('gives the same run for the same seed', () => {
    const play = () => runScenario(drawScenario(9), { traces: true });
    assert.deepEqual(play(), play());
  });

  describe('finds a planted bug', () => {
    for (const { what, engine, isCalm, from } of plantedBugs) {
      it(what, () => {
        const draw = isCalm ? drawCalmScenario : drawScenario;
        for (let seed = from; seed < from + SEEDS_FOR_A_BUG; seed++)
          if (runScenario(draw(seed), { engine }).breaches.length > 0) return;
        assert.fail(`${SEEDS_FOR_A_BUG} seeds, and nothing was noticed`);
      });
    }
  });
});
