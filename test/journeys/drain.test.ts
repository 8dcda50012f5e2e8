/**
 * SIGTERM to the real worker in the middle of sending, as every restart and update does it: what it
 * had claimed ends as sent or goes back, and nothing is left for a look-up.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../support/database.ts';
import {
  DEFAULT_API_KEYS,
  makeDispatch,
  release,
  sealingKey,
  startQuickSimulator,
  statesOf,
  until,
  type Simulator,
} from '../support/dispatch.ts';
import {
  prepareGround,
  startWorkerProcess,
  type Ground,
  type WorkerProcess,
} from '../support/program.ts';

const MESSAGES = 1_000;
/** What the sender gives requests that are under way (`DRAIN_MS` of sender.ts). */
const LIMIT_MS = 20_000;

let db: Clone;
let simulator: Simulator;
let ground: Ground;
let worker: WorkerProcess | undefined;

before(async () => {
  db = await cloneDatabase();
  simulator = await startQuickSimulator();
  ground = await prepareGround();
});

after(async () => {
  worker?.signal('SIGKILL');
  await worker?.ended;
  await simulator.close();
  await db.drop();
  ground.remove();
});

/** A data folder whose first start was cut short after its keys: those of the test. */
function writeKeys(folder: string): void {
  const key = sealingKey.key.toString('base64');
  const addressKey = { id: String(sealingKey.id), key };
  mkdirSync(folder, { mode: 0o700 });
  const secrets = { addressKey, blindIndexKey: key, cookieKey: key };
  writeFileSync(path.join(folder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
}

function urlOf({ host, port, user, database }: Clone['superuser']): string {
  return `postgres://${user}@localhost:${port ?? 5432}/${database}?host=${encodeURIComponent(host!)}`;
}

test('a worker that is told to stop leaves nothing claimed and nothing unknown', async () => {
  writeKeys(ground.folder);
  worker = await startWorkerProcess({
    TOCSIN_DATA_DIR: ground.folder,
    DATABASE_URL: urlOf(db.superuser),
    NOTIFY_API_KEY: DEFAULT_API_KEYS.live,
    NOTIFY_BASE_URL: simulator.notifyUrl,
  });
  await simulator.addFault({ fault: 'slow', delayMs: 500, on: 'send' });
  const id = await makeDispatch(db.owner, { messages: MESSAGES });
  await release(db.web, id);
  const accepted = () => simulator.simulation.counts.accepted;
  await until(
    () => Promise.resolve(accepted()),
    (count) => count >= 100,
    30_000,
  );
  const toldAt = performance.now();
  worker.signal('SIGTERM');
  assert.equal(await worker.ended, 0);
  const tookMs = performance.now() - toldAt;
  assert.ok(tookMs < LIMIT_MS, `ended after ${tookMs} ms`);

  const { accepted: gone = 0, ready = 0, ...others } = await statesOf(db.owner, id);
  assert.deepEqual(others, {}, 'sent or given back');
  assert.equal(gone, accepted(), 'the provider says the same');
  assert.ok(ready > 0 && gone + ready === MESSAGES, `${gone} gone, ${ready} given back`);
  const { open } = await db.owner.withActor(system('test'), (tx) =>
    tx.one<{ open: number }>(sql`
      select count(*) as open from dispatch.attempt attempt
      where not exists (select from dispatch.attempt_end ended
        where ended.message_id = attempt.message_id and ended.epoch = attempt.epoch
          and ended.number = attempt.number)`),
  );
  assert.equal(open, 0, 'attempts without an end');
});
