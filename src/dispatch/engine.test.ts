import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  notifyGateway,
  release,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';

describe('the engine', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  it('sends each message once and hears of its delivery', async () => {
    await using scene = await openScene(db);
    const id = await makeDispatch(db.owner, { messages: 120 });
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      (states) => states['accepted'] === 120,
    );
    assert.equal(acceptedCount(scene.simulator), 120);
    assert.equal(scene.simulator.simulation.handsets.count, 120);
  });

  it('never sends before release', async () => {
    await using scene = await openScene(db);
    const id = await makeDispatch(db.owner, { messages: 5 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(await statesOf(db.owner, id), { held: 5 });
    assert.equal(acceptedCount(scene.simulator), 0);
  });

  it('an answer lost after acceptance becomes unknown, is found and adopted, not sent again', async () => {
    await using scene = await openScene(db);
    await scene.simulator.addFault({ fault: 'accept_then_drop', times: 3 });
    const id = await makeDispatch(db.owner, { messages: 10 });
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      (states) => states['unknown'] === 3 && states['accepted'] === 7,
    );
    await askNow(db, id);
    await until(
      () => statesOf(db.owner, id),
      (states) => states['accepted'] === 7 && states['delivered'] === 3,
    );
    assert.equal(acceptedCount(scene.simulator), 10);
  });

  it('a 429 stops everybody for a while and loses nothing', async () => {
    await using scene = await openScene(db);
    await scene.simulator.addFault({ fault: 'rate_limited', times: 1 });
    const id = await makeDispatch(db.owner, { messages: 3 });
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      (states) => states['accepted'] === 3,
    );
    assert.equal(acceptedCount(scene.simulator), 3);
  });
});

type OpenScene = Awaited<ReturnType<typeof openScene>>;

async function openScene(db: Clone) {
  const simulator = await startQuickSimulator();
  const engine = startEngine(db.worker, [notifyGateway(simulator)]);
  return {
    simulator,
    engine,
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await simulator.close();
    },
  };
}

/** What the simulator really accepted, asked by another key than ours would need. */
function acceptedCount(simulator: OpenScene['simulator']): number {
  return simulator.simulation.counts.accepted;
}

/** Brings the next look-up forward: the quiet period is 35 s. */
async function askNow(db: Clone, dispatchId: string): Promise<void> {
  await db.worker.withActor(system('test'), (tx) =>
    tx.run(sql`
      update dispatch.message set check_at = now()
      where dispatch_id = ${dispatchId} and state = 'unknown'`),
  );
}
