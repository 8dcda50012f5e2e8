/** Reading the providers after a restart of the server: all at once. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import { installation, quiet, referenceOf, until } from '../../test/support/dispatch.ts';
import { beginFirstLook, keepContinuity } from './continuity.ts';
import type { Gateway } from './gateways/gateway.ts';
import { readHold } from './store-resume.ts';

it('a lost text at one provider is found while the list of another one hangs', async (context) => {
  const db = await cloneDatabase();
  context.after(() => db.drop());
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.continuity set proven_start = '2026-01-01'`),
  );
  const over = Promise.withResolvers<undefined>();
  const createdAt = new Date();
  const text = { providerId: newId(), reference: referenceOf(newId()), status: 'delivered' };
  const gateways = [
    { id: 'hangs', list: () => over.promise },
    {
      id: 'other',
      list: (olderThan?: string) =>
        Promise.resolve(olderThan === undefined ? [{ ...text, createdAt }] : []),
    },
  ] as unknown as Gateway[];
  const kept = keepContinuity({
    database: db.worker,
    gateways: new Map(gateways.map((gateway) => [gateway.id, gateway])),
    installation,
    log: quiet,
    settleMs: 0,
    firstLook: beginFirstLook(0),
    isStopping: () => false,
    onUnread: () => {},
  });
  const { heldReason } = await until(
    () => db.owner.withActor(system('test'), readHold),
    (hold) => hold.heldReason !== null,
  ).finally(() => over.resolve(undefined));
  assert.equal(heldReason, 'other has sent texts that this database does not know');
  assert.equal(await kept, false);
});
