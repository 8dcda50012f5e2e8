/** A small budget of histories; `npm run simulate -- --differential --seeds 20000` is the large. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Database } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../support/database.ts';
import { listFiles } from '../../guards/repository.ts';
import { plantedBugs } from '../planted-bugs.ts';
import { runHistory } from './differential.ts';
import { calls } from './calls.ts';
import { twin } from './index.ts';
import { openUnderClock } from './postgres.ts';

const HISTORIES = 120;

/** The auditor, and its twins: nothing in them comes from anywhere else. */
const AUDIT = [
  ['src/dispatch/store-audit.ts', /^import (?!type |\{ sql, type Sql \} from '#db\/sql\.ts')/m],
  ['test/simulation/twin/audit.ts', /^import (?!type )/m],
] as const;

/** The other functions of a store make parts of SQL. */
const isStatement = (value: unknown) => Object(value).constructor.name === 'AsyncFunction';

const WITHOUT_TWINS: ReadonlySet<string> = new Set([
  // By the owner of the tables, for one person: nothing that sends runs these.
  'src/dispatch/store-subject.ts',
  // By the night's sweep, of what never left: nothing that sends runs it.
  'src/dispatch/store-frozen.ts',
  // They move nothing: who approved is asked of slices that are not simulated (proof.test.ts).
  'src/dispatch/store-proof.ts',
]);

describe('statements and their twins', () => {
  let clone: Clone;
  let database: Database;

  before(async () => {
    clone = await cloneDatabase();
    database = await openUnderClock(clone);
  });

  after(async () => {
    await database.end();
    await clone.drop();
  });

  it('agree on random histories', async () => {
    for (let seed = 1; seed <= HISTORIES; seed++)
      assert.equal((await runHistory(database, seed)).difference, undefined);
  });

  for (const what of ['a settlement without a fence', 'a receipt moves a message back']) {
    it(`differ where one has a bug: ${what}`, async () => {
      const bug = plantedBugs.find((planted) => planted.what === what)!;
      for (let seed = 1; seed <= HISTORIES; seed++)
        if ((await runHistory(database, seed, bug.engine.twin)).difference !== undefined) return;
      assert.fail('nothing was noticed');
    });
  }

  it('of the auditor share nothing with those of the engine', () => {
    for (const [path, shared] of AUDIT)
      assert.doesNotMatch(readFileSync(path, 'utf8'), shared, path);
  });

  it('stand side by side, each statement with its twin', async () => {
    const missing: string[] = [];
    for (const { path } of listFiles('src/dispatch', /^store.*(?<!\.test)\.ts$/)) {
      if (WITHOUT_TWINS.has(path)) continue;
      const store = (await import(`#${path.slice('src/'.length)}`)) as Record<string, unknown>;
      for (const [name, value] of Object.entries(store))
        if (isStatement(value) && !(name in calls && name in twin))
          missing.push(`${path}: ${name}`);
    }
    assert.deepEqual(missing, []);
  });
});
