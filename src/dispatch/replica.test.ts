/** Synchronous replicas, with real servers: nothing leaves that could be lost with the primary. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { makeDispatch, release, rowsOf, statesOf, until } from '../../test/support/dispatch.ts';
import { ask, untilFollowed } from '../../test/support/postgres-replica.ts';
import { LONG_MS, openScene, taken } from '../../test/support/restore.ts';
import { pauseDispatch, resumeDispatch } from './actions.ts';
import { sendWithoutReplica, waitForReplica } from './replica.ts';
import { readReplica } from './store-replica.ts';

/** Some times of what it takes: nothing here may wait for a replica that is away. */
const AT_ONCE_MS = 2_000;
const STILL_MS = 3_000;

async function openReplicated(context: TestContext) {
  const scene = await openScene(context);
  const { copies, owner, web } = scene;
  const primary = copies.primary.place;
  const replica = await copies.startReplica();
  await untilFollowed(primary);
  await ask(primary, `alter system set synchronous_standby_names = '*'`);
  await ask(primary, 'select pg_reload_conf()');
  const isSynchronous = async () =>
    await until(
      () => ask(primary, `select from pg_stat_replication where sync_state = 'sync'`),
      (rows) => rows.length === 1,
      LONG_MS,
    );
  await isSynchronous();
  const act = async <T>(work: (tx: Tx) => Promise<T>) => await web.withActor(system('test'), work);
  return {
    ...scene,
    act,
    primary,
    replica,
    isSynchronous,
    /** As soon as it is known whether the replica answers. */
    away: async (isAway: boolean) =>
      await until(
        () => owner.withActor(system('test'), readReplica),
        ({ awaySince }) => (awaySince !== null) === isAway,
        LONG_MS,
      ),
    /** Makes a dispatch and releases it as the page does; nothing of that may wait. */
    releaseNow: async (messages: number) => {
      const id = await makeDispatch(owner, { messages });
      const from = performance.now();
      await release(web, id);
      assert.ok(performance.now() - from < AT_ONCE_MS, 'the release waited');
      return id;
    },
    assertStill: async () => {
      const before = scene.accepted();
      await new Promise((resolve) => setTimeout(resolve, STILL_MS));
      assert.equal(scene.accepted(), before, 'something left');
    },
    actions: async () =>
      await owner.withActor(system('test'), async (tx) => {
        const rows = await tx.rows<{ action: string }>(sql`
          select action from audit.entry where subject_kind = 'database' order by id`);
        return rows.map(({ action }) => action);
      }),
  };
}

describe('synchronous replicas', () => {
  it('nothing leaves without one, unless a person lets it; each once', async (context) => {
    const scene = await openReplicated(context);
    const { act, owner, replica } = scene;
    const first = await scene.releaseNow(20);
    await until(() => statesOf(owner, first), taken(20), LONG_MS);
    await replica.kill();
    const killedAt = performance.now();
    const lost = await scene.releaseNow(30);
    await scene.away(true);
    assert.ok(performance.now() - killedAt < 20_000, 'it was not shown within seconds');
    await scene.assertStill();
    assert.deepEqual(await until(() => statesOf(owner, lost), isReady(30)), { ready: 30 });
    const steered = { dispatchId: lost, reason: 'test' };
    assert.ok((await act((tx) => pauseDispatch(tx, steered))).ok);
    assert.ok((await act((tx) => resumeDispatch(tx, steered))).ok);
    assert.ok((await act((tx) => sendWithoutReplica(tx, 'cannot wait'))).ok);
    await until(() => statesOf(owner, lost), taken(30), LONG_MS);
    assert.ok((await act((tx) => waitForReplica(tx))).ok);
    const waiting = await scene.releaseNow(10);
    await scene.assertStill();
    assert.ok((await act((tx) => sendWithoutReplica(tx, 'cannot wait'))).ok);
    await until(() => statesOf(owner, waiting), taken(10), LONG_MS);
    await replica.start();
    const back = await scene.away(false);
    assert.equal(back.aloneSince, null, 'the switch outlived its need');
    const last = await scene.releaseNow(5);
    await until(() => statesOf(owner, last), taken(5), LONG_MS);
    await replica.kill();
    await scene.away(true);
    await scene.releaseNow(5);
    await scene.assertStill();
    scene.assertEachOnce(65);
    assert.deepEqual(await scene.actions(), [
      'dispatch.replica_away',
      'dispatch.sends_without_replica',
      'dispatch.waits_for_replica',
      'dispatch.sends_without_replica',
      'dispatch.replica_back',
      'dispatch.replica_away',
    ]);
  });

  it('one that is frozen under its connection holds no lock, and goes on where it was', async (context) => {
    const scene = await openReplicated(context);
    const { owner, primary, replica, worker } = scene;
    const [receiver] = await ask<{ pid: number }>(
      replica.place,
      'select pid from pg_stat_wal_receiver',
    );
    process.kill(receiver!.pid, 'SIGSTOP');
    const id = await scene.releaseNow(40);
    // Claimed by now, and kept from its provider: who pauses must not wait for that either.
    await until(
      () => statesOf(owner, id),
      ({ claimed = 0 }) => claimed > 0,
      LONG_MS,
    );
    const from = performance.now();
    await scene.act((tx) => pauseDispatch(tx, { dispatchId: id, reason: 'test' }));
    assert.ok(performance.now() - from < AT_ONCE_MS, 'the pause waited');
    await scene.away(true);
    await until(() => statesOf(owner, id), isReady(40), LONG_MS);
    assert.equal(scene.accepted(), 0, 'requested, and the replica did not have the claim');
    const [message] = await owner.withActor(system('test'), (tx) => rowsOf(tx, id));
    assert.equal(message!.failureCode, 'replica_away');
    await scene.stopEngine();
    // Whoever ends the wait in PostgreSQL makes it look like a commit that came through.
    const askedAt = performance.now();
    const answer = worker.isReplicated();
    await until(
      () =>
        ask(
          primary,
          `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`,
        ),
      (rows) => rows.length > 0,
    );
    assert.equal(await answer, false, 'a wait that was cancelled counted as an answer');
    assert.ok(performance.now() - askedAt < AT_ONCE_MS, 'it was not what was cancelled');
    scene.startEngine();
    process.kill(receiver!.pid, 'SIGCONT');
    await scene.away(false);
    await scene.act((tx) => resumeDispatch(tx, { dispatchId: id, reason: 'test' }));
    await until(() => statesOf(owner, id), taken(40), LONG_MS);
    scene.assertEachOnce(40);
  });

  it('promoted, it lacks no text that was sent', async (context) => {
    const scene = await openReplicated(context);
    const { copies, owner, replica, simulator } = scene;
    await simulator.addFault({ fault: 'slow', delayMs: 300, on: 'send' });
    const id = await scene.releaseNow(1_500);
    await scene.sent(64);
    await copies.cutOff(replica);
    await scene.away(true);
    await copies.promote(replica);
    const hold = await scene.looked();
    assert.deepEqual([hold!.adopted, hold!.withoutMessage], [0, 0]);
    await simulator.clearFaults();
    await scene.goOn();
    await until(() => statesOf(owner, id), taken(1_500), LONG_MS);
    scene.assertEachOnce(1_500);
  });
});

const isReady = (messages: number) => (states: Record<string, number>) =>
  states['ready'] === messages;
