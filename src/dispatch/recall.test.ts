/** The recall window: nothing leaves in it, and whoever recalls or hurries learns who won. */
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
  type Simulator,
} from '../../test/support/dispatch.ts';
import { pauseDispatch } from './actions.ts';
import { openDueRounds } from './rounds.ts';
import { recallDispatch, sendNow } from './recall.ts';

const actor = system('test');

describe('the recall window', () => {
  let db: Clone;
  let simulator: Simulator;

  before(async () => {
    db = await cloneDatabase();
    simulator = await startQuickSimulator();
    await seedNotify(db.worker);
  });

  after(async () => {
    await simulator.close();
    await db.drop();
  });

  const recall = (dispatchId: string) =>
    db.web.attempt(actor, (tx) => recallDispatch(tx, { dispatchId, reason: 'wrong text' }));
  const hurry = (dispatchId: string) => db.web.attempt(actor, (tx) => sendNow(tx, dispatchId));

  /** Released with so long to recall it. */
  async function released(recallFor: string, laterRoundsMs: number[] = []): Promise<string> {
    const id = await makeDispatch(db.owner, { messages: 3, laterRoundsMs });
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.dispatch set recall_for = ${recallFor}::interval
        where id = ${id}`),
    );
    await release(db.web, id);
    return id;
  }

  const minutesToRounds = (id: string) =>
    db.owner.withActor(actor, async (tx) => {
      const rows = await tx.rows<{ minutes: number }>(sql`
        select round(extract(epoch from opens_at - now()) / 60)::int as minutes
        from dispatch.round where dispatch_id = ${id} order by round`);
      return rows.map(({ minutes }) => minutes);
    });

  it('holds every round back, and a recall sends nothing', async () => {
    const id = await released('2 minutes', [900_000]);
    assert.deepEqual(await minutesToRounds(id), [2, 17]);
    const before_ = simulator.simulation.counts.accepted;
    const engine = startEngine(db.worker, [notifyGateway(simulator)]);
    try {
      assert.equal(await openDueRounds(db.worker), 0);
      assert.ok((await recall(id)).ok);
      assert.deepEqual(await statesOf(db.owner, id), { cancelled: 6 });
      assert.equal((await recall(id)).ok, false, 'once');
      assert.equal((await hurry(id)).ok, false, 'too late');
    } finally {
      await engine.stop();
    }
    assert.equal(simulator.simulation.counts.accepted, before_);
  });

  it('ends by itself, and then nothing can be recalled', async () => {
    const id = await released('300 milliseconds');
    const engine = startEngine(db.worker, [notifyGateway(simulator)]);
    try {
      await until(
        () => statesOf(db.owner, id),
        ({ accepted = 0, delivered = 0 }) => accepted + delivered === 3,
      );
    } finally {
      await engine.stop();
    }
    const late = await recall(id);
    assert.ok(!late.ok && late.message.startsWith('It is leaving already'));
  });

  it('“send now” opens the first round and brings the others forward, once', async () => {
    const id = await released('2 minutes', [900_000]);
    const [first, second] = await Promise.all([hurry(id), hurry(id)]);
    assert.equal([first, second].filter(({ ok }) => ok).length, 1);
    assert.deepEqual(await minutesToRounds(id), [0, 15]);
    assert.deepEqual(await statesOf(db.owner, id), { ready: 3, held: 3 });
    assert.equal((await recall(id)).ok, false);
  });

  it('is refused to whoever wants to send what is paused, and can still be recalled', async () => {
    const id = await released('2 minutes');
    await db.web.attempt(actor, (tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.equal((await hurry(id)).ok, false);
    assert.ok((await recall(id)).ok);
  });

  it('a recall and the opening of the round in the same moment: one of them wins', async () => {
    let recalled = 0;
    for (let i = 0; i < 40; i++) {
      const id = await released('0 seconds');
      // As if the window ended in this moment: due, and not open yet.
      await db.owner.withActor(actor, async (tx) => {
        await tx.run(sql`update dispatch.round set opened_at = null, opens_at = now()
          where dispatch_id = ${id}`);
        await tx.run(sql`update dispatch.message set state = 'held', due_at = null
          where dispatch_id = ${id}`);
      });
      const [taken, opened] = await Promise.all([recall(id), openDueRounds(db.worker)]);
      const states = await statesOf(db.owner, id);
      if (taken.ok) {
        recalled += 1;
        assert.equal(opened, 0);
        assert.deepEqual(states, { cancelled: 3 });
      } else {
        assert.equal(opened, 3);
        assert.deepEqual(states, { ready: 3 });
      }
      await db.owner.withActor(actor, (tx) =>
        tx.run(sql`update dispatch.dispatch set state = 'cancelled', ended_at = now()
          where id = ${id}`),
      );
    }
    assert.ok(recalled > 0, 'the recall wins now and then');
  });
});
