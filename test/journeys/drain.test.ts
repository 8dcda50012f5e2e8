/**
 * The real worker ends in the middle of sending, as every restart and update has it: what it had
 * claimed ends as sent or goes back, and nothing is left for a look-up.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../support/database.ts';
import {
  DEFAULT_API_KEYS,
  makeDispatch,
  release,
  startQuickSimulator,
  statesOf,
  until,
  type Simulator,
} from '../support/dispatch.ts';
import { keepSealingKey } from '../support/keys.ts';
import { prepareGround, startWorkerProcess, type WorkerProcess } from '../support/program.ts';

const MESSAGES = 1_000;
/** What the sender gives requests that are under way (`DRAIN_MS` of sender.ts). */
const LIMIT_MS = 20_000;

/** A data folder whose first start was cut short after its keys: those of the test. */
async function writeKeys(folder: string, db: Clone): Promise<void> {
  mkdirSync(folder, { mode: 0o700 });
  const secrets = { keyEncryptionKeys: [await keepSealingKey(db)] };
  writeFileSync(path.join(folder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
}

function urlOf({ host, port, user, database }: Clone['superuser']): string {
  return `postgres://${user}@localhost:${port ?? 5432}/${database}?host=${encodeURIComponent(host!)}`;
}

type Scene = {
  readonly db: Clone;
  readonly simulator: Simulator;
  readonly worker: WorkerProcess;
  readonly dispatchId: string;
};

/** A worker that has sent a tenth, and has more under way. */
async function sendSome(context: TestContext): Promise<Scene> {
  const db = await cloneDatabase();
  const simulator = await startQuickSimulator();
  const ground = await prepareGround();
  await writeKeys(ground.folder, db);
  const worker = await startWorkerProcess({
    TOCSIN_DATA_DIR: ground.folder,
    DATABASE_URL: urlOf(db.superuser),
    NOTIFY_API_KEY: DEFAULT_API_KEYS.live,
    NOTIFY_BASE_URL: simulator.notifyUrl,
  });
  context.after(async () => {
    worker.signal('SIGKILL');
    await worker.ended;
    await simulator.close();
    await db.drop();
    ground.remove();
  });
  await simulator.addFault({ fault: 'slow', delayMs: 500, on: 'send' });
  const dispatchId = await makeDispatch(db.owner, { messages: MESSAGES });
  // No alert stands behind it: the worker is told that it was proved.
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into dispatch.proof (dispatch_id, approval_id, part, is_alone)
      values (${dispatchId}, ${dispatchId}, 'first', false)`),
  );
  await release(db.web, dispatchId);
  await until(
    () => Promise.resolve(simulator.simulation.counts.accepted),
    (count) => count >= MESSAGES / 10,
    30_000,
  );
  return { db, simulator, worker, dispatchId };
}

async function assertNothingIsOpen({ db, simulator, dispatchId }: Scene): Promise<void> {
  const {
    accepted = 0,
    delivered = 0,
    ready = 0,
    ...others
  } = await statesOf(db.owner, dispatchId);
  // On a slow machine their receipts have come already.
  const gone = accepted + delivered;
  assert.deepEqual(others, {}, 'sent or given back');
  assert.equal(gone, simulator.simulation.counts.accepted, 'the provider says the same');
  assert.ok(ready > 0 && gone + ready === MESSAGES, `${gone} gone, ${ready} given back`);
  const { open } = await db.owner.withActor(system('test'), (tx) =>
    tx.one<{ open: number }>(sql`
      select count(*) as open from dispatch.attempt attempt
      where not exists (select from dispatch.attempt_end ended
        where ended.message_id = attempt.message_id and ended.epoch = attempt.epoch
          and ended.number = attempt.number)`),
  );
  assert.equal(open, 0, 'attempts without an end');
}

test('a worker that is told to stop leaves nothing claimed and nothing unknown', async (context) => {
  const scene = await sendSome(context);
  const toldAt = performance.now();
  scene.worker.signal('SIGTERM');
  assert.equal(await scene.worker.ended, 0);
  const tookMs = performance.now() - toldAt;
  assert.ok(tookMs < LIMIT_MS, `ended after ${tookMs} ms`);
  await assertNothingIsOpen(scene);
});

test('a worker whose database a newer version has migrated ends the same way, and says so', async (context) => {
  const scene = await sendSome(context);
  await scene.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into kernel.migration (number, name, sha256)
      values (9999, '9999_of_tomorrow', '')`),
  );
  assert.equal(await scene.worker.ended, 1);
  assert.match(scene.worker.printed(), /A newer Tocsin has changed .*9999_of_tomorrow/);
  await assertNothingIsOpen(scene);
});
