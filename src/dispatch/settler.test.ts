import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  release,
  rowsOf,
  seedNotify,
  untilOneWaits,
} from '../../test/support/dispatch.ts';
import { Settler } from './settler.ts';
import { claimMessages, type Claimed, type Settlement } from './store-send.ts';

let db: Clone;
let superuser: Database;

before(async () => {
  db = await cloneDatabase();
  superuser = openDatabase(db.superuser);
  await seedNotify(db.worker);
});

after(async () => {
  await superuser.end();
  await db.drop();
});

it('is the victim of a deadlock, and writes what it has once more', async () => {
  const owner = newId();
  const dispatchId = await makeDispatch(db.owner, { messages: 2 });
  await release(db.web, dispatchId);
  const claimed = await claimAll(owner);
  const [first, second] = claimed.map(({ id }) => id).toSorted();
  const errors: unknown[] = [];
  const settler = new Settler({
    database: db.worker,
    owner,
    onFenced: (count) => assert.fail(`${count} fenced`),
    onError: (error) => errors.push((error as { code?: string }).code),
  });
  // Somebody holds the last row when the settler comes for both, and then wants the first.
  await superuser.withActor(system('test'), async (tx) => {
    // Not they but the settler finds out, and is the one that is turned away.
    await tx.run(sql`set local deadlock_timeout = '30s'`);
    const lock = (id: string) =>
      tx.run(sql`select from dispatch.message where id = ${id} for update`);
    await lock(second!);
    for (const one of claimed) settler.add(acceptedOf(one));
    await untilOneWaits(db.owner);
    await lock(first!);
  });
  await settler.drain(30_000);
  assert.deepEqual(errors, ['40P01']);
  const rows = await db.worker.withActor(system('test'), (tx) => rowsOf(tx, dispatchId));
  assert.deepEqual(
    rows.map(({ state, providerId, id }) => [state, providerId === `at the provider ${id}`]),
    [
      ['accepted', true],
      ['accepted', true],
    ],
  );
});

it('gathers what comes while it writes, and shortly after', async () => {
  const owner = newId();
  const dispatchId = await makeDispatch(db.owner, { messages: 3 });
  await release(db.web, dispatchId);
  const [first, ...others] = await claimAll(owner);
  const writing = Promise.withResolvers<void>();
  let writes = 0;
  const withActor: Database['withActor'] = async (actor, work) => {
    writes += 1;
    writing.resolve();
    const result = await db.worker.withActor(actor, work);
    // Soon after the first was written; the second came meanwhile.
    if (writes === 1) setTimeout(() => settler.add(acceptedOf(others[1]!)), 1);
    return result;
  };
  const settler: Settler = new Settler({
    database: { ...db.worker, withActor },
    owner,
    onFenced: (count) => assert.fail(`${count} fenced`),
    onError: (error) => assert.fail(String(error)),
  });
  settler.add(acceptedOf(first!));
  await writing.promise;
  settler.add(acceptedOf(others[0]!));
  const deadline = Date.now() + 10_000;
  for (;;) {
    const rows = await db.worker.withActor(system('test'), (tx) => rowsOf(tx, dispatchId));
    if (rows.every(({ state }) => state === 'accepted')) break;
    assert.ok(Date.now() < deadline, 'not settled');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(writes, 2);
});

async function claimAll(owner: string): Promise<Claimed[]> {
  const request = { gatewayId: 'notify', channel: 'text', owner, leaseMs: 60_000 } as const;
  return await db.worker.withActor(system('test'), (tx) =>
    claimMessages(tx, { ...request, most: 10 }),
  );
}

function acceptedOf({ id, epoch, attempt }: Claimed): Settlement {
  const providerId = `at the provider ${id}`;
  return {
    id,
    epoch,
    attempt,
    class: 'accepted',
    code: null,
    providerId,
    againInMs: 120_000,
  };
}
