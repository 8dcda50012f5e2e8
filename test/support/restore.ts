/** A real server whose copies may take its place, an engine on it, and a provider that judges. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { readHold, resumeAfterRestore, type Engine } from '#dispatch/index.ts';
import {
  quickGateway,
  quickWaits,
  seedNotify,
  startEngine,
  startQuickSimulator,
  until,
} from './dispatch.ts';
import { openCopyScene } from './postgres-copies.ts';

/** Far more than it takes on two idle cores: they are shared with every other test. */
export const LONG_MS = 95_000;

/** A provider whose answers come late for want of a core is tried again at once. */
const rest = { leastMs: 1_000, mostMs: 5_000 };

export async function openScene(context: TestContext) {
  const copies = await openCopyScene();
  const simulator = await startQuickSimulator();
  const [owner, web, worker] = (['tocsin_owner', 'tocsin_web', 'tocsin_worker'] as const).map(
    (role) => copies.open(role),
  ) as [Database, Database, Database];
  const gateway = quickGateway(simulator.notifyUrl);
  let engine: Engine | undefined = startEngine(worker, [gateway], { ...quickWaits.engine, rest });
  const stopEngine = async () => {
    const running = engine;
    engine = undefined;
    await running?.stop();
  };
  context.after(async () => {
    await stopEngine();
    await copies.end();
    await simulator.close();
  });
  await seedNotify(worker);
  const accepted = () => simulator.simulation.counts.accepted;
  return {
    copies,
    simulator,
    owner,
    web,
    worker,
    accepted,
    /** Waits for so many accepted requests; where they do not come, its error says what holds. */
    sent: async (count: number) =>
      await until(
        async () => ({
          accepted: accepted(),
          hold: await owner.withActor(system('test'), readHold).catch(() => 'no database'),
          breaker: await owner
            .withActor(system('test'), (tx) =>
              tx.rows(sql`select state, reason, openings from dispatch.breaker`),
            )
            .catch(() => 'no database'),
        }),
        (now) => now.accepted >= count,
        LONG_MS,
      ),
    stopEngine,
    startEngine: (changes: { list?: undefined } = {}) => {
      const changed = Object.assign(quickGateway(simulator.notifyUrl), changes);
      engine = startEngine(worker, [changed], { ...quickWaits.engine, rest });
    },
    /** The hold, as soon as every provider has been read. */
    looked: async () =>
      await until(
        () => owner.withActor(system('test'), readHold).catch(() => undefined),
        (hold) => hold?.lookedAt instanceof Date,
        LONG_MS,
      ),
    goOn: async () => {
      const resumed = await worker.attempt(system('test'), (tx) =>
        resumeAfterRestore(tx, { reason: 'test', inDoubt: 'send_again', unread: 'refuse' }),
      );
      assert.ok(resumed.ok);
    },
    assertEachOnce: (messages: number) => {
      const references = [...simulator.simulation.notifications.all()].map(({ reference }) =>
        reference!.split('-').slice(2, 7).join('-'),
      );
      assert.equal(accepted(), messages, 'accepted requests');
      assert.equal(new Set(references).size, messages, 'messages that were accepted');
    },
  };
}

/** Whether of so many messages all were taken by the provider. */
export const taken = (messages: number) => (states: Record<string, number>) =>
  (states['accepted'] ?? 0) + (states['delivered'] ?? 0) === messages;
