/** Refusals that are no accident: the dispatch stops by itself, and a person lets it go on. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { seal } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  quickGateway,
  quickWaits,
  release,
  rowsOf,
  sealingKey,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until as untilSoon,
} from '../../test/support/dispatch.ts';
import { resumeDispatch } from './actions.ts';
import { findDispatch } from './store-history.ts';

/** Two cores are shared with every other test. */
const until = <T>(look: () => Promise<T>, holds: (seen: T) => boolean) =>
  untilSoon(look, holds, 40_000);

let db: Clone;

before(async () => {
  db = await cloneDatabase();
  await seedNotify(db.worker);
});

after(async () => {
  await db.drop();
});

/**
 * A dispatch where the last so many numbers are none, with a second round an hour later: the first
 * would be most of what has ended at the first look.
 */
async function sending(messages: number, bad: number): Promise<string> {
  const id = await makeDispatch(db.owner, { messages, laterRoundsMs: [3_600_000] });
  await db.owner.withActor(system('test'), async (tx) => {
    for (const row of (await rowsOf(tx, id)).slice(messages - bad, messages)) {
      const { point } = await tx.one<{ point: string }>(sql`
        select contact_point_id as point from dispatch.message where id = ${row.id}`);
      await tx.run(sql`update dispatch.message
        set address_sealed = ${seal(sealingKey, `contact_point|${point}`, '12')}
        where id = ${row.id}`);
    }
  });
  await release(db.web, id);
  return id;
}

const found = (id: string) => db.web.withActor(system('test'), (tx) => findDispatch(tx, id));

it('a dispatch pauses itself, says why, and is not paused again for the same', async (context) => {
  const simulator = await startQuickSimulator();
  const engine = startEngine(db.worker, [quickGateway(simulator.notifyUrl)], {
    ...quickWaits.engine,
    pauseWhenRefused: { share: 0.3, atLeast: 20 },
  });
  context.after(async () => {
    await engine.stop();
    await simulator.close();
  });

  /** Round 1 is through, and two pulses and beats have passed. */
  async function ended(id: string): Promise<string> {
    await until(
      () => statesOf(db.owner, id),
      ({ ready = 0, claimed = 0 }) => ready + claimed === 0,
    );
    await delay(2_500);
    return (await found(id))!.state;
  }

  const [few, small] = [await sending(150, 15), await sending(19, 19)];
  assert.equal(await ended(few), 'sending', '15 of 150 are fewer than 30 of a hundred');
  assert.equal(await ended(small), 'sending', '19 are fewer than 20');

  const many = await sending(40, 20);
  const paused = await until(
    () => found(many),
    (dispatch) => dispatch?.state === 'paused',
  );
  assert.match(paused!.pauseReason!, /^\d+ of \d+ were refused for good \(400 \w+\)$/);
  const { entries } = await db.owner.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'dispatch.paused' }),
  );
  assert.deepEqual(
    entries.map(({ subjectId }) => subjectId),
    [many],
  );
  const resumed = await db.web.withActor(system('test'), (tx) =>
    resumeDispatch(tx, { dispatchId: many, reason: 'the numbers are wrong, the text is right' }),
  );
  assert.ok(resumed.ok);
  assert.equal(await ended(many), 'sending', 'paused again for the same refusals');
});
