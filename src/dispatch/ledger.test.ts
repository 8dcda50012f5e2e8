/** The ledger while workers send: it adds up at every moment, and a cancellation tells the truth. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  notifyGateway,
  putInState,
  rehearse,
  release,
  rowsOf,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
  type Simulator,
} from '../../test/support/dispatch.ts';
import { cancelDispatch, pauseDispatch } from './actions.ts';
import { ledgerPartOf, ledgerSentence } from './ledger.ts';
import type { MessageState } from './model.ts';
import { readLedger, type Ledger } from './store-ledger.ts';
import { cancelUnsent, moveDispatch } from './store-plan.ts';

const actor = system('test');

function assertAddsUp({ messages, organisations }: Ledger, total: number): void {
  for (const counts of [messages, organisations]) {
    const { gone, unknown, waiting, neverSent } = counts;
    assert.equal(gone + unknown + waiting + neverSent, counts.total);
    assert.equal(counts.total, total);
  }
}

const SOON_MS = 5_000;

describe('the ledger', () => {
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

  const ledgerOf = (id: string) => db.web.withActor(actor, (tx) => readLedger(tx, id));

  it('adds up at every moment of a send by two workers, and is true soon after a cancellation', async () => {
    const total = 3_000;
    await simulator.addFault({ fault: 'slow', delayMs: 60, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: total });
    await release(db.web, id);
    const gateways = [notifyGateway(simulator), notifyGateway(simulator)];
    const engines = gateways.map((gateway) => startEngine(db.worker, [gateway]));
    try {
      const readings: Ledger[] = [];
      await until(
        async () => {
          readings.push(await ledgerOf(id));
          return readings.at(-1)!.messages.gone;
        },
        (gone) => gone > 600,
      );
      const cancelled = await db.web.attempt(actor, (tx) =>
        cancelDispatch(tx, { dispatchId: id, reason: 'test' }),
      );
      const cancelledAt = performance.now();
      assert.ok(cancelled.ok);
      const requested = () => simulator.simulation.counts.accepted;
      const atCommit = requested();
      readings.push(await ledgerOf(id));
      const settled = await until(
        async () => {
          readings.push(await ledgerOf(id));
          return readings.at(-1)!;
        },
        ({ messages }) => messages.unknown === 0 && messages.waiting === 0,
      );
      const tookMs = performance.now() - cancelledAt;
      // A second is what `cancel_ledger` of the bench asks; here other tests run beside it.
      assert.ok(tookMs < SOON_MS, `true after ${tookMs} ms`);
      const window = gateways.reduce((sum, gateway) => sum + gateway.window, 0);
      assert.ok(requested() - atCommit <= window, `${requested() - atCommit} left after it`);
      for (const reading of readings) assertAddsUp(reading, total);
      assert.equal(settled.messages.gone, requested(), 'the provider says the same');
      assert.equal(settled.messages.neverSent, total - requested());
      assert.ok(readings.length > 5, 'was looked at while workers sent');
      const { gone, neverSent } = settled.messages;
      assert.ok(gone >= 600 && neverSent > 0);
    } finally {
      await Promise.all(engines.map((engine) => engine.stop()));
      await simulator.clearFaults();
    }
  });

  it('counts each state where the table of the model puts it', async () => {
    const states = Object.keys(ledgerPartOf) as MessageState[];
    const id = await makeDispatch(db.owner, { messages: states.length });
    await release(db.web, id);
    await rehearse(db.owner, async (tx) => {
      const rows = await rowsOf(tx, id);
      for (const [i, row] of rows.entries())
        await putInState(tx, row.id, states[i]!, { owner: newId() });
      const { messages } = await readLedger(tx, id);
      for (const part of ['gone', 'unknown', 'waiting', 'neverSent'] as const)
        assert.equal(
          messages[part],
          states.filter((state) => ledgerPartOf[state] === part).length,
          part,
        );
    });
  });

  it('takes for an organisation the furthest of what counts for it, shared numbers too', async () => {
    const id = await makeDispatch(db.owner, { messages: 4 });
    await release(db.web, id);
    await rehearse(db.owner, async (tx) => {
      const [one, two, three, four] = await rowsOf(tx, id);
      const [hospital, surgery] = [newId(), newId()];
      await tx.run(sql`update dispatch.message set organisation_id = ${hospital}
        where dispatch_id = ${id}`);
      await tx.run(sql`insert into dispatch.message_credit (message_id, organisation_id)
        values (${three!.id}, ${surgery})`);
      await putInState(tx, one!.id, 'cancelled', { owner: newId() });
      await putInState(tx, two!.id, 'unknown', { owner: newId() });
      await putInState(tx, three!.id, 'delivered', { owner: newId() });
      await putInState(tx, four!.id, 'ready', { owner: newId() });
      const { organisations } = await readLedger(tx, id);
      assert.deepEqual(organisations, {
        total: 2,
        gone: 2,
        unknown: 0,
        waiting: 0,
        neverSent: 0,
      });
      await putInState(tx, three!.id, 'expired', { owner: newId() });
      const later = await readLedger(tx, id);
      assert.deepEqual(later.organisations, {
        total: 2,
        gone: 0,
        unknown: 1,
        waiting: 0,
        neverSent: 1,
      });
    });
  });

  it('calls what waits in a paused dispatch waiting, and in a cancelled one never sent', async () => {
    const id = await makeDispatch(db.owner, { messages: 3, laterRoundsMs: [60_000] });
    await release(db.web, id);
    const steer = { dispatchId: id, reason: 'test' };
    await db.web.attempt(actor, (tx) => pauseDispatch(tx, steer));
    assert.equal((await ledgerOf(id)).messages.waiting, 6);
    await db.web.attempt(actor, (tx) => cancelDispatch(tx, steer));
    const { messages } = await ledgerOf(id);
    assert.deepEqual([messages.waiting, messages.neverSent], [0, 6]);
  });

  it('a cancellation leaves the rest of a large one to the beat, and says the truth at once', async () => {
    const id = await makeDispatch(db.owner, { messages: 50 });
    await release(db.web, id);

    await db.web.withActor(actor, async (tx) => {
      const move = { id, from: ['sending'], to: 'cancelled', reason: null } as const;
      assert.ok(await moveDispatch(tx, move));
      assert.equal(await cancelUnsent(tx, id, 20), 20);
    });
    assert.equal((await ledgerOf(id)).messages.neverSent, 50);
    const engine = startEngine(db.worker, []);
    try {
      await until(
        () => statesOf(db.owner, id),
        (states) => states['cancelled'] === 50,
      );
    } finally {
      await engine.stop();
    }
  });

  it('is said in one sentence', () => {
    const counts = { gone: 812, unknown: 7, waiting: 0, neverSent: 4181 };
    assert.equal(ledgerSentence(counts), 'gone 812, unknown 7, never sent 4,181');
    assert.match(ledgerSentence({ ...counts, waiting: 3 }), /waiting 3/);
  });
});
