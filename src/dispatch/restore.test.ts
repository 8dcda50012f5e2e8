/**
 * History that was lost (P10), with real servers: a disk turned back to an earlier state and a
 * replica promoted without the last commits. The judge is the provider: what it accepted.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { makeDispatch, release, statesOf, until } from '../../test/support/dispatch.ts';
import { LONG_MS, openScene, taken } from '../../test/support/restore.ts';
import { readHold } from './store-resume.ts';

describe('history that was lost', () => {
  it('a disk turned back sends nothing by itself, and nothing twice', async (context) => {
    const scene = await openScene(context);
    const { copies, simulator, owner, web } = scene;
    await simulator.addFault({ fault: 'slow', delayMs: 300, on: 'send' });
    const known = await makeDispatch(owner, { messages: 600 });
    const released = await makeDispatch(owner, { messages: 40 });
    await release(web, known);
    await scene.sent(200);
    await copies.keepCopy();
    // All of this is about to be forgotten: texts, a release, and a dispatch nobody knows of then.
    await scene.sent(scene.accepted() + 50);
    await release(web, released);
    const unknown = await makeDispatch(owner, { messages: 30 });
    await release(web, unknown);
    await until(() => statesOf(owner, unknown), taken(30), LONG_MS);
    await until(() => statesOf(owner, released), taken(40), LONG_MS);
    await scene.stopEngine();
    await copies.turnBack();
    const atTurn = scene.accepted();
    scene.startEngine();
    const hold = await scene.looked();
    assert.equal(scene.accepted(), atTurn, 'it sent by itself');
    assert.equal(hold?.withoutMessage, 30);
    assert.ok(hold.adopted > 60, `${hold.adopted} adopted`);
    assert.ok(taken(40)(await statesOf(owner, released)), 'believed to be held');
    await scene.goOn();
    await until(() => statesOf(owner, known), taken(600), LONG_MS);
    scene.assertEachOnce(670);
  });

  for (const [what, keep, restore, reason] of [
    ['a dump', 'keepDatabase', 'restoreDatabase', /another database/],
    ['the rows alone', 'keepRows', 'restoreRows', /notify has sent texts/],
  ] as const)
    it(`${what} restored into the same server: nothing is accepted twice`, async (context) => {
      const scene = await openScene(context);
      const { copies, owner, web } = scene;
      const id = await makeDispatch(owner, { messages: 47 });
      await scene.stopEngine();
      await release(web, id);
      await copies[keep]();
      scene.startEngine();
      await until(() => statesOf(owner, id), taken(47), LONG_MS);
      await scene.stopEngine();
      await copies[restore]();
      assert.deepEqual(await statesOf(owner, id), { ready: 47 });
      scene.startEngine();
      const hold = await scene.looked();
      assert.match(hold!.heldReason!, reason);
      assert.deepEqual([scene.accepted(), hold!.adopted], [47, 47]);
      await scene.goOn();
      const next = await makeDispatch(owner, { messages: 5 });
      await release(web, next);
      await until(() => statesOf(owner, next), taken(5), LONG_MS);
      scene.assertEachOnce(52);
    });

  it('the same without the reading of pages is noticed', async (context) => {
    const scene = await openScene(context);
    const { copies, owner, web, worker } = scene;
    const id = await makeDispatch(owner, { messages: 60 });
    await copies.keepCopy();
    await release(web, id);
    await until(() => statesOf(owner, id), taken(60), LONG_MS);
    await scene.stopEngine();
    await copies.turnBack();
    await worker.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.continuity set proven_start = pg_postmaster_start_time()`),
    );
    scene.startEngine({ list: undefined });
    await release(web, id);
    await until(() => statesOf(owner, id), taken(60), LONG_MS);
    assert.equal(scene.accepted(), 120, 'this fault proves nothing: nothing went twice');
  });

  it('a server killed and started again goes on by itself, each once', async (context) => {
    const scene = await openScene(context);
    const { copies, simulator, owner, web } = scene;
    await simulator.addFault({ fault: 'slow', delayMs: 60, on: 'send' });
    const id = await makeDispatch(owner, { messages: 600 });
    await release(web, id);
    await scene.sent(150);
    await copies.primary.kill();
    await copies.primary.start();
    // With what holds it, if anything does: a failure has to say more than how far it came.
    await until(
      async () => ({
        states: await statesOf(owner, id).catch(() => ({})),
        hold: await owner.withActor(system('test'), readHold).catch(() => 'no database'),
      }),
      ({ states }) => taken(600)(states),
      LONG_MS,
    );
    scene.assertEachOnce(600);
  });

  it('a promoted replica that lacks the last commits: each is accepted once', async (context) => {
    const scene = await openScene(context);
    const { copies, simulator, owner, web } = scene;
    await simulator.addFault({ fault: 'slow', delayMs: 500, on: 'send' });
    const id = await makeDispatch(owner, { messages: 1_500 });
    const replica = await copies.startReplica();
    await release(web, id);
    await scene.sent(64);
    await copies.cutOff(replica);
    await scene.sent(scene.accepted() + 300);
    await copies.promote(replica);
    const hold = await scene.looked();
    assert.match(hold!.heldReason!, /another database, server or timeline/);
    assert.ok(hold!.adopted > 0, 'the replica lacked nothing, so this proves nothing');
    const atHold = scene.accepted();
    await simulator.clearFaults();
    await scene.goOn();
    await until(() => statesOf(owner, id), taken(1_500), LONG_MS);
    assert.ok(atHold < 1_500);
    scene.assertEachOnce(1_500);
  });
});
