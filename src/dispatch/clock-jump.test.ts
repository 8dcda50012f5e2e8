/**
 * A machine that is turned back with its memory, database and all, and then has its clock put
 * right: no start, timeline or server tells of it. Here the rows are turned back and the clock
 * jumps.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase } from '../../test/support/database.ts';
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
import { systemClocks } from './lease.ts';
import { readHold } from './store-resume.ts';

async function openScene(context: TestContext) {
  const db = await cloneDatabase();
  const simulator = await startQuickSimulator();
  await seedNotify(db.worker);
  const gateway = notifyGateway(simulator);
  const list = gateway.list!.bind(gateway);
  const world = { jumpMs: 0, isSilent: false };
  const engine = startEngine(
    db.worker,
    [
      Object.assign(gateway, {
        list: (olderThan?: string) =>
          world.isSilent ? Promise.resolve(undefined) : list(olderThan),
      }),
    ],
    { firstLookMs: 500, clocks: { ...systemClocks, wallMs: () => Date.now() + world.jumpMs } },
  );
  context.after(async () => {
    await engine.stop();
    await simulator.close();
    await db.drop();
  });
  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  const id = await makeDispatch(db.owner, { messages: 10 });
  await release(db.web, id);
  await until(
    () => statesOf(db.owner, id),
    ({ accepted = 0, delivered = 0 }) => accepted + delivered === 10,
  );
  return {
    db,
    world,
    own,
    accepted: () => simulator.simulation.counts.accepted,
    /** As before anything left; due in a second, when the clock is right again. */
    turnBack: () =>
      own(async (tx) => {
        await tx.run(sql`delete from dispatch.attempt_end`);
        await tx.run(sql`delete from dispatch.attempt`);
        await tx.run(sql`delete from dispatch.receipt_inbox`);
        await tx.run(sql`update dispatch.message set state = 'ready', attempt = 0,
          due_at = now() + interval '1 second', provider_id = null, accepted_at = null,
          final_at = null, check_at = null`);
        await tx.run(sql`update dispatch.dispatch set state = 'sending', ended_at = null
          where id = ${id}`);
      }),
  };
}

describe('a machine that was turned back with its memory', () => {
  it('holds everything as soon as its clock is put right', async (context) => {
    const { own, world, accepted, turnBack } = await openScene(context);
    await turnBack();
    world.jumpMs = 3_600_000;
    const { heldReason } = await until(
      () => own(readHold),
      (hold) => hold.heldReason !== null,
    );
    assert.match(heldReason!, /notify has sent texts that this database does not know/);
    await sleep(1_500);
    assert.equal(accepted(), 10);
  });

  it('the same without a jump of the clock is not noticed', async (context) => {
    const { accepted, turnBack } = await openScene(context);
    await turnBack();
    await until(
      () => Promise.resolve(accepted()),
      (count) => count === 20,
    );
  });

  it('a clock that jumps lets nothing leave before the provider has answered', async (context) => {
    const { db, own, world, accepted } = await openScene(context);
    world.isSilent = true;
    world.jumpMs = -60_000;
    await release(db.web, await makeDispatch(db.owner, { messages: 5 }));
    await sleep(3_000);
    assert.equal(accepted(), 10);
    world.isSilent = false;
    await until(
      () => Promise.resolve(accepted()),
      (count) => count === 15,
    );
    assert.equal((await own(readHold)).heldReason, null);
  });
});
