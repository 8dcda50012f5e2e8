/**
 * The engine under the faults of notification-peers 6.15, with real processes: killed, frozen, its
 * database restarted, receipts lost and doubled. The judge is the provider: what it accepted.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { openDataFolder } from '#db/data-folder.ts';
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts';
import { migrate } from '#db/migrate.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  patientWaits,
  quickGateway,
  release,
  seedNotify,
  spawnWorker,
  startEngine,
  startQuickSimulator,
  statesOf,
  type Simulator,
  until,
} from '../../test/support/dispatch.ts';
import { startSite } from '../../test/support/page-client.ts';
import { callbackRoutes } from './routes.ts';
import { upsertGateway } from './store-gateway.ts';

/** Far more than it takes on two idle cores: they are shared with every other test. */
const LONG_MS = 200_000;

/** Not all sent yet when a machine that is busy comes round to freeze the worker. */
const MANY = 2_000;

/** How often the provider accepted each message; the reference names it and its attempt. */
function acceptedByMessage(simulator: Simulator): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { reference } of simulator.simulation.notifications.all()) {
    const message = reference!.split('-').slice(2, 7).join('-');
    counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  return counts;
}

async function assertEachOnce(scene: Scene, messages: number): Promise<void> {
  const counts = acceptedByMessage(scene.simulator);
  const twice = [...counts].filter(([, times]) => times > 1).map(([message]) => message);
  const told = await Promise.all(twice.slice(0, 3).map((message) => storyOf(scene, message)));
  assert.equal(scene.simulator.simulation.counts.accepted, messages, told.join('\n'));
  assert.equal(counts.size, messages, 'messages that were accepted');
}

/** What both sides know of a message, by time: whose fault a second text was. */
async function storyOf({ owner, simulator }: Scene, message: string): Promise<string> {
  const ours = await owner.withActor(system('test'), (tx) =>
    tx.rows<{ at: Date; what: string }>(sql`
      select claimed_at as at, 'claimed as ' || number || ' by ' || owner as what
      from dispatch.attempt where message_id = ${message}
      union all select ended_at, class || coalesce(' ' || code, '') from dispatch.attempt_end
      where message_id = ${message}
      union all select at, 'looked up ' || reference || ': ' || answer from dispatch.lookup
      where message_id = ${message}`),
  );
  const theirs = simulator.simulation.notifications
    .all()
    .filter(({ reference }) => reference!.includes(message))
    .map(({ createdAt, reference }) => ({
      at: new Date(createdAt / 1_000),
      what: `accepted ${reference}`,
    }));
  return [...ours, ...theirs]
    .sort((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ at, what }) => `${at.toISOString()} ${what}`)
    .join('\n');
}

const settledStates = ['accepted', 'delivered'];
const allTaken = (messages: number) => (states: Record<string, number>) =>
  settledStates.reduce((sum, state) => sum + (states[state] ?? 0), 0) === messages;

type Scene = { readonly owner: Database; readonly simulator: Simulator };

async function openScene(context: TestContext): Promise<{ db: Clone; simulator: Simulator }> {
  const db = await cloneDatabase();
  const simulator = await startQuickSimulator();
  context.after(async () => {
    await simulator.close();
    await db.drop();
  });
  await seedNotify(db.worker);
  return { db, simulator };
}

function endWith(context: TestContext, child: ChildProcess): void {
  context.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
}

const accepted = (simulator: Simulator) => Promise.resolve(simulator.simulation.counts.accepted);

describe('the engine under faults', { concurrency: true }, () => {
  it('killed twice in the middle: each of 2,000 is accepted once', async (context) => {
    const { db, simulator } = await openScene(context);
    await simulator.addFault({ fault: 'slow', delayMs: 60, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 2_000 });
    await release(db.web, id);
    const task = { config: db.worker.config, notifyUrl: simulator.notifyUrl, checksLease: true };
    for (const at of [300, 900]) {
      const worker = await spawnWorker(task);
      endWith(context, worker);
      await until(
        () => accepted(simulator),
        (count) => count >= at,
        LONG_MS,
      );
      worker.kill('SIGKILL');
      await once(worker, 'exit');
    }
    const claimed = (await statesOf(db.owner, id))['claimed'] ?? 0;
    assert.ok(claimed > 0, 'the kill left nothing in doubt, so it proves nothing');
    endWith(context, await spawnWorker(task));
    await until(() => statesOf(db.owner, id), allTaken(2_000), LONG_MS);
    await assertEachOnce({ owner: db.owner, simulator }, 2_000);
  });

  /** Freezes a worker past its lease, lets another one finish, wakes the first. */
  async function freeze(context: TestContext, checksLease: boolean): Promise<Scene> {
    const { db, simulator } = await openScene(context);
    await simulator.addFault({ fault: 'slow', delayMs: 200, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: MANY });
    await release(db.web, id);
    const task = { config: db.worker.config, notifyUrl: simulator.notifyUrl };
    const sleeper = await spawnWorker({ ...task, checksLease });
    endWith(context, sleeper);
    await until(
      () => accepted(simulator),
      (count) => count >= 130,
      LONG_MS,
    );
    await freezeWithMessages({ db, simulator, id }, sleeper);
    await simulator.clearFaults();
    endWith(context, await spawnWorker({ ...task, checksLease: true }));
    await until(() => statesOf(db.owner, id), allTaken(MANY), LONG_MS);
    sleeper.kill('SIGCONT');
    return { owner: db.owner, simulator };
  }

  /**
   * Until the worker holds messages that it has not asked the provider to send: frozen with none it
   * would prove nothing.
   */
  async function freezeWithMessages(
    { db, simulator, id }: { db: Clone; simulator: Simulator; id: string },
    worker: ChildProcess,
  ): Promise<void> {
    for (;;) {
      await freezeOutsideTransactions(db, worker);
      await untilAllAnswered(simulator);
      const { ready = 0 } = await statesOf(db.owner, id);
      // Of those that the provider has not accepted, whatever is not ready is held.
      if (MANY - simulator.simulation.counts.accepted > ready) return;
      assert.ok(ready > 0, 'the worker ended before it was frozen with messages in hand');
      worker.kill('SIGCONT');
      await delay(7);
    }
  }

  /** What was on its way is accepted, whether or not anybody listens. */
  async function untilAllAnswered({ simulation }: Simulator): Promise<void> {
    for (let before = -1; before !== simulation.counts.accepted;) {
      before = simulation.counts.accepted;
      await delay(700);
    }
  }

  /**
   * Frozen inside a transaction it would hold its locks until PostgreSQL ends the session, after
   * 30 s. Asked as the superuser: others are not shown whether somebody else's transaction is open.
   */
  async function freezeOutsideTransactions(db: Clone, worker: ChildProcess): Promise<void> {
    const superuser = openDatabase(db.superuser);
    const look = () =>
      superuser.withActor(system('test'), (tx) =>
        tx.one<{ busy: number }>(sql`select count(*) as busy from pg_stat_activity
          where datname = current_database() and usename = 'tocsin_worker'
            and xact_start is not null`),
      );
    for (;;) {
      worker.kill('SIGSTOP');
      await delay(20);
      if ((await look()).busy === 0) break;
      worker.kill('SIGCONT');
      await delay(7);
    }
    await superuser.end();
  }

  it('frozen past its lease: nothing goes twice', async (context) => {
    const scene = await freeze(context, true);
    // Long enough for a worker without the check to send what it holds.
    await delay(1_500);
    await assertEachOnce(scene, MANY);
  });

  it('the same without the check of the lease is noticed', async (context) => {
    const { simulator } = await freeze(context, false);
    const most = () => Promise.resolve(Math.max(...acceptedByMessage(simulator).values()));
    await until(most, (count) => count > 1, LONG_MS);
  });

  it('its PostgreSQL crashes while it sends: each is accepted once', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-restart-'));
    chmodSync(folder, 0o711);
    const dataFolder = openDataFolder({ path: join(folder, 'data'), live: false });
    assert.ok(dataFolder.ok);
    const log = { info() {}, warn() {}, error() {} };
    const embedded = await startEmbeddedPostgres({ dataFolder: dataFolder.value, log });
    assert.ok(embedded.ok);
    const { value: server } = embedded;
    const simulator = await startQuickSimulator();
    const databases: Database[] = [];
    const open = (role: 'tocsin_owner' | 'tocsin_web' | 'tocsin_worker') => {
      const database = openDatabase(server.configFor(role));
      databases.push(database);
      return database;
    };
    assert.ok((await migrate({ config: server.configFor('tocsin_owner') })).ok);
    const [owner, worker] = [open('tocsin_owner'), open('tocsin_worker')];
    await seedNotify(worker);
    await simulator.addFault({ fault: 'slow', delayMs: 60, on: 'send' });
    const id = await makeDispatch(owner, { messages: 1_000 });
    await release(open('tocsin_web'), id);
    const engine = startEngine(
      worker,
      [quickGateway(simulator.notifyUrl, patientWaits)],
      patientWaits.engine,
    );
    context.after(async () => {
      await engine.stop();
      await Promise.all(databases.map((database) => database.end()));
      await server.stop();
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await until(
      () => accepted(simulator),
      (count) => count >= 250,
      LONG_MS,
    );
    const [pid] = readFileSync(join(server.dataPath, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGQUIT');
    const states = () => statesOf(owner, id).catch(() => ({}));
    await until(states, allTaken(1_000), LONG_MS);
    await assertEachOnce({ owner, simulator }, 1_000);
  });

  it('receipts lost, doubled, early and in any order: all end delivered', async (context) => {
    const db = await cloneDatabase();
    const token = 'a-token';
    const none = () => Buffer.alloc(0);
    const seals = { indexNumber: none, sealNumber: none, sealContent: none };
    const routes = callbackRoutes({ database: db.web, seals: seals });
    const site = await startSite({ routes });
    const simulator = await startQuickSimulator({
      callbackUrls: { receipts: `${site.address}/callbacks/notify/receipts` },
      callbackToken: token,
      callbackRetryMs: 200,
    });
    await db.worker.withActor(system('test'), (tx) =>
      upsertGateway(tx, {
        id: 'notify',
        kind: 'notify',
        channel: 'text',
        bucket: { id: 'notify', ratePerSecond: 1e6, burst: 1e6 },
        canBeAsked: true,
        takesReplies: true,
        settingsSealed: Buffer.from(''),
        callbackTokenHash: createHash('sha256').update(token).digest(),
      }),
    );
    // A slow machine adds time-outs to the errors below, and the breaker would rest for minutes.
    const rest = { leastMs: 200, mostMs: 2_000 };
    const engine = startEngine(db.worker, [quickGateway(simulator.notifyUrl, patientWaits)], {
      ...patientWaits.engine,
      rest,
    });
    context.after(async () => {
      await engine.stop();
      await simulator.close();
      await site.close();
      await db.drop();
    });
    for (const fault of [
      { fault: 'receipt_lost', probability: 0.2 },
      { fault: 'receipt_doubled', probability: 0.3, copies: 3 },
      { fault: 'receipt_early', probability: 0.3 },
      { fault: 'receipt_reordered', probability: 0.3, batch: 5, flushAfterMs: 200 },
      { fault: 'receipt_status', probability: 0.2, status: 'temporary-failure' },
      { fault: 'accept_then_500', probability: 0.1 },
    ] as const)
      await simulator.addFault(fault);
    const id = await makeDispatch(db.owner, { messages: 300 });
    await release(db.web, id);
    const ask = () =>
      db.worker.withActor(system('test'), (tx) =>
        tx.run(sql`update dispatch.message set check_at = now()
          where state = 'accepted' and check_at > now() + interval '10 seconds'`),
      );
    const ended = (states: Record<string, number>) =>
      (states['delivered'] ?? 0) + (states['undelivered'] ?? 0) === 300;
    await until(
      async () => {
        await ask();
        return await statesOf(db.owner, id);
      },
      ended,
      LONG_MS,
    );
    await assertEachOnce({ owner: db.owner, simulator }, 300);
    const final = acceptedStates(simulator);
    const { delivered = 0, undelivered = 0 } = await statesOf(db.owner, id);
    assert.deepEqual({ delivered, undelivered }, final);
  });
});

/** What the provider believes of its texts. */
function acceptedStates(simulator: Simulator): { delivered: number; undelivered: number } {
  const counts = { delivered: 0, undelivered: 0 };
  for (const { status } of simulator.simulation.notifications.all())
    counts[status === 'delivered' ? 'delivered' : 'undelivered'] += 1;
  return counts;
}
