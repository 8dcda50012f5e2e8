/**
 * An answer and the escalation of the same organisation, in the same moment and from many sides:
 * exactly one of the two wins. Either its next in line was called off and nothing left, or it left
 * once.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  notifyGateway,
  release,
  seedNotify,
  startEngine,
  startQuickSimulator,
  until,
  type Simulator,
} from '../../test/support/dispatch.ts';
import { standDown } from './actions.ts';
import { openDueRounds } from './rounds.ts';

const ORGANISATIONS = 240;
const ANSWERING = 8;
const ENGINES = 3;

let db: Clone;
let simulator: Simulator;

before(async () => {
  db = await cloneDatabase();
  simulator = await startQuickSimulator({ receiptDelayMs: [600_000, 600_000] });
  await seedNotify(db.worker);
});

after(async () => {
  await simulator.close();
  await db.drop();
});

const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);

type Fate = { organisationId: string; state: string; attempts: number; isSettled: boolean };

/** What became of the second round, organisation by organisation. */
async function fatesOf(dispatchId: string): Promise<Fate[]> {
  return await own((tx) =>
    tx.rows<Fate>(sql`
      select message.organisation_id, message.state,
        (select count(*) from dispatch.attempt attempt
          where attempt.message_id = message.id)::int as attempts,
        exists (select from dispatch.settled settled
          where settled.dispatch_id = message.dispatch_id
            and settled.organisation_id = message.organisation_id) as is_settled
      from dispatch.message message
      where message.dispatch_id = ${dispatchId} and message.round = 2`),
  );
}

/** Opens in parts of a few, as three workers do that have a million. */
async function escalateAll(): Promise<void> {
  for (let ready = 1; ready > 0;)
    ready = Math.max(
      ...(await Promise.all(Array.from({ length: ENGINES }, () => openDueRounds(db.worker, 20)))),
    );
}

async function answerAll(dispatchId: string, ids: readonly string[]): Promise<void> {
  for (const organisationId of ids)
    await db.web.withActor(system('test'), (tx) =>
      standDown(tx, { dispatchId, organisationIds: [organisationId] }),
    );
}

it('of an answer and an escalation that meet exactly one wins', async () => {
  const engines = Array.from({ length: ENGINES }, () =>
    startEngine(db.worker, [notifyGateway(simulator)]),
  );
  const id = await makeDispatch(db.owner, { messages: ORGANISATIONS, laterRoundsMs: [86_400_000] });
  await release(db.web, id);
  const accepted = () =>
    own((tx) =>
      tx.one<{ count: number }>(sql`select count(*) from dispatch.message
        where dispatch_id = ${id} and round = 1 and state = 'accepted'`),
    );
  await until(accepted, ({ count }) => count === ORGANISATIONS);
  const organisations = (await fatesOf(id)).map(({ organisationId }) => organisationId);
  await own((tx) =>
    tx.run(sql`update dispatch.round set opens_at = now() where dispatch_id = ${id} and round = 2`),
  );
  // Each organisation answers twice, from two sides, while its next in line is told.
  const sides = Array.from({ length: ANSWERING }, (_, side) =>
    organisations.filter((_, i) => i % (ANSWERING / 2) === side % (ANSWERING / 2)),
  );
  await Promise.all([escalateAll(), ...sides.map((ids) => answerAll(id, ids))]);
  const fates = await until(
    () => fatesOf(id),
    (all) => all.every(({ state }) => state === 'cancelled' || state === 'accepted'),
  );
  for (const engine of engines) await engine.stop();
  assert.equal(fates.length, ORGANISATIONS);
  for (const { state, attempts, isSettled } of fates) {
    assert.ok(isSettled);
    // Called off is never requested, told is requested once.
    assert.equal(attempts, state === 'accepted' ? 1 : 0, state);
  }
  const won = Object.groupBy(fates, ({ state }) => state);
  assert.ok((won['accepted']?.length ?? 0) > 0, 'no escalation won: they did not meet');
  assert.ok((won['cancelled']?.length ?? 0) > 0, 'no answer won: they did not meet');
});
