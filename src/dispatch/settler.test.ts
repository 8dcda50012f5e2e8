import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { openDatabase, type Database, type Tx } from '#db/database.ts';
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
import { claimMessages } from './store-send.ts';

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
  const worker = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);
  const gateway = { gatewayId: 'notify', channel: 'text' } as const;
  const claimed = await worker((tx) =>
    claimMessages(tx, { ...gateway, owner, leaseMs: 60_000, most: 2 }),
  );
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
    for (const { id, epoch, attempt } of claimed)
      settler.add({
        id,
        epoch,
        attempt,
        class: 'accepted',
        code: null,
        providerId: `at the provider ${id}`,
        againInMs: 120_000,
      });
    await untilOneWaits(db.owner);
    await lock(first!);
  });
  await settler.drain(30_000);
  assert.deepEqual(errors, ['40P01']);
  const rows = await worker((tx) => rowsOf(tx, dispatchId));
  assert.deepEqual(
    rows.map(({ state, providerId, id }) => [state, providerId === `at the provider ${id}`]),
    [
      ['accepted', true],
      ['accepted', true],
    ],
  );
});
