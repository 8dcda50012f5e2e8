/** What the running engine does when it is steered, frozen, or given what it cannot read. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { openDatabase } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  quickGateway,
  quickWaits,
  release,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  type Simulator,
  until as untilSoon,
} from '../../test/support/dispatch.ts';
import { cancelDispatch, pauseDispatch, resumeDispatch } from './actions.ts';
import type { EngineOptions } from './engine.ts';
import { Lease, systemClocks } from './lease.ts';
import { Settler } from './settler.ts';

/** Two cores are shared with every other test. */
const until = <T>(look: () => Promise<T>, holds: (seen: T) => boolean) =>
  untilSoon(look, holds, 40_000);

describe('a lease', () => {
  it('ends on the monotonic clock, and when one clock jumps against the other', () => {
    let [monotonic, wall] = [1_000, 50_000];
    const lease = new Lease(10_000, { monotonicMs: () => monotonic, wallMs: () => wall });
    const pass = (ms: number) => ((monotonic += ms), (wall += ms));
    assert.ok(lease.outlasts(9_999));
    assert.ok(!lease.outlasts(10_000));
    pass(4_000);
    assert.ok(lease.outlasts(5_999));
    assert.ok(!lease.outlasts(6_000));
    for (const jump of [6_000, -6_000]) {
      wall += jump;
      assert.ok(!lease.outlasts(1), `a jump of ${jump} ms`);
      wall -= jump;
    }
    // A machine that slept: the wall clock went on, the monotonic one may not have.
    wall += 4_000;
    assert.ok(lease.outlasts(1), 'a small step is a correction of the time');
    pass(6_001);
    assert.ok(!lease.outlasts(0));
  });
});

describe('the running engine', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  async function scene(context: TestContext, options: Partial<EngineOptions> = {}) {
    const simulator = await startQuickSimulator();
    const gateway = quickGateway(simulator.notifyUrl);
    const engine = startEngine(db.worker, [gateway], { ...quickWaits.engine, ...options });
    context.after(async () => {
      await engine.stop();
      await simulator.close();
    });
    return simulator;
  }

  const steering = (dispatchId: string) => ({ dispatchId, reason: 'test' });
  const counted = (simulator: Simulator) => simulator.simulation.counts.accepted;
  // Taken and delivered counts too: where an answer was late, the look-up finds the end of it.
  const allAccepted =
    (n: number) =>
    ({ accepted = 0, delivered = 0 }: Record<string, number>) =>
      accepted + delivered === n;

  it('a pause stops what was claimed; resuming sends the rest, each once', async (context) => {
    const simulator = await scene(context);
    await simulator.addFault({ fault: 'slow', delayMs: 100, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 400 });
    await release(db.web, id);
    await until(
      () => Promise.resolve(counted(simulator)),
      (count) => count >= 64,
    );
    await db.web.withActor(system('test'), (tx) => pauseDispatch(tx, steering(id)));
    const atPause = counted(simulator);
    await until(
      () => statesOf(db.owner, id),
      (states) => states['claimed'] === undefined,
    );
    const gone = counted(simulator);
    assert.ok(gone - atPause <= 128, `${gone - atPause} left after the pause`);
    assert.ok(gone < 400);
    await simulator.clearFaults();
    await db.web.withActor(system('test'), (tx) => resumeDispatch(tx, steering(id)));
    await until(() => statesOf(db.owner, id), allAccepted(400));
    assert.equal(counted(simulator), 400);
  });

  it('a cancellation leaves nothing ready, and says what had gone', async (context) => {
    const simulator = await scene(context);
    await simulator.addFault({ fault: 'slow', delayMs: 100, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 400 });
    await release(db.web, id);
    await until(
      () => Promise.resolve(counted(simulator)),
      (count) => count >= 10,
    );
    await db.web.withActor(system('test'), (tx) => cancelDispatch(tx, steering(id)));
    const states = await until(
      () => statesOf(db.owner, id),
      ({ accepted = 0, delivered = 0, cancelled = 0 }) => accepted + delivered + cancelled === 400,
    );
    assert.equal(400 - states['cancelled']!, counted(simulator));
    assert.ok(states['cancelled']! > 0);
  });

  it('what grew too old on our hands is not requested any more', async (context) => {
    const simulator = await scene(context);
    // Longer than its use: by the time a request of the first window ends, all others are too old.
    await simulator.addFault({ fault: 'slow', delayMs: 1_200, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 200 });
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.dispatch set expires_after = interval '1 second'
        where id = ${id}`),
    );
    await release(db.web, id);
    const states = await until(
      () => statesOf(db.owner, id),
      ({ ready, claimed }) => ready === undefined && claimed === undefined,
    );
    assert.equal(states['expired'], 200 - counted(simulator));
    assert.ok(counted(simulator) <= 64, `${counted(simulator)} were sent`);
  });

  it('steering that overtakes itself ends as the last one said', async (context) => {
    const simulator = await scene(context);
    const id = await makeDispatch(db.owner, { messages: 200 });
    await release(db.web, id);
    for (let i = 0; i < 15; i++)
      for (const steer of [pauseDispatch, resumeDispatch])
        await db.web.withActor(system('test'), (tx) => steer(tx, steering(id)));
    await until(() => statesOf(db.owner, id), allAccepted(200));
    assert.equal(counted(simulator), 200);
  });

  it('a resumption nobody told of is found out, wasting no attempts', async (context) => {
    const simulator = await scene(context);
    await simulator.addFault({ fault: 'slow', delayMs: 50, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 300 });
    await release(db.web, id);
    await until(
      () => Promise.resolve(counted(simulator)),
      (count) => count >= 20,
    );
    await db.web.withActor(system('test'), (tx) => pauseDispatch(tx, steering(id)));
    await until(
      () => statesOf(db.owner, id),
      (states) => states['claimed'] === undefined,
    );
    // Without its NOTIFY: as when the connection that listens was away.
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.dispatch set state = 'sending', pause_reason = null,
        paused_at = null where id = ${id}`),
    );
    await until(() => statesOf(db.owner, id), allAccepted(300));
    const { most } = await db.owner.withActor(system('test'), (tx) =>
      tx.one<{ most: number }>(sql`select max(attempt) as most from dispatch.message
        where dispatch_id = ${id}`),
    );
    assert.ok(most <= 4, `${most} attempts`);
  });

  it('a clock that jumps ends the lease; what was held goes back, sent once', async (context) => {
    let jumpMs = 0;
    const clocks = { ...systemClocks, wallMs: () => Date.now() + jumpMs };
    const simulator = await scene(context, { clocks });
    await simulator.addFault({ fault: 'slow', delayMs: 150, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 300 });
    await release(db.web, id);
    await until(
      () => Promise.resolve(counted(simulator)),
      (count) => count >= 64,
    );
    jumpMs = 60_000;
    await until(() => statesOf(db.owner, id), allAccepted(300));
    assert.equal(counted(simulator), 300);
    // By the sender before a request, or by the engine, which looks at its history again.
    const { back } = await db.owner.withActor(system('test'), (tx) =>
      tx.one<{ back: number }>(sql`select count(*) as back from dispatch.attempt_end
        where code in ('lease_too_short', 'clock_jumped')`),
    );
    assert.ok(back > 0, 'nothing was held when the clock jumped');
  });

  it('an address that cannot be opened is never unknown, and stops no other', async (context) => {
    const simulator = await scene(context);
    const id = await makeDispatch(db.owner, { messages: 5 });
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set address_sealed = 'damaged' where id = (
        select id from dispatch.message where dispatch_id = ${id} limit 1)`),
    );
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      (states) => allAccepted(4)(states) && states['ready'] === 1,
    );
    const row = await db.owner.withActor(system('test'), (tx) =>
      tx.one<{ failureCode: string; later: boolean }>(sql`
        select failure_code, due_at > now() as later from dispatch.message
        where dispatch_id = ${id} and state = 'ready'`),
    );
    assert.deepEqual(row, { failureCode: 'address_unreadable', later: true });
    assert.equal(counted(simulator), 4);
  });
});

describe('the settler', () => {
  it('ends although the database does not come back', async () => {
    const gone = openDatabase({ host: '/nowhere', user: 'x', database: 'x' });
    const errors: unknown[] = [];
    const settler = new Settler({
      database: gone,
      owner: newId(),
      onFenced: () => {},
      onError: (error) => errors.push(error),
    });
    settler.add({
      id: newId(),
      epoch: 1,
      attempt: 1,
      class: 'accepted',
      code: null,
      providerId: null,
      againInMs: 0,
    });
    await settler.drain(1);
    assert.ok(errors.length >= 1);
    await gone.end();
  });
});
