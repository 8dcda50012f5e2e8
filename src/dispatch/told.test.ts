import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { listen, type Listener } from '#db/listen.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  release,
  rowsOf,
  seedNotify,
  until,
} from '../../test/support/dispatch.ts';
import type { MessageState } from './model.ts';
import { adoptMessages, requeueMessages } from './store-check.ts';
import { cancelLeftovers, endDispatches, expireLeases, expireMessages } from './store-send.ts';

describe('what moves without a person or a request', () => {
  let db: Clone;
  let listener: Listener;
  const heard = new Set<string>();

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    listener = listen({
      config: db.config,
      channels: ['tocsin_dispatch'],
      onNotify: (_channel, payload) => heard.add(payload.split(' ')[0]!),
      onGap() {},
    });
    await listener.ready;
  });

  after(async () => {
    await listener.stop();
    await db.drop();
  });

  const past = sql`now() - interval '1 second'`;
  type Move = [string, MessageState, Sql, (tx: Tx, id: string) => Promise<unknown>];
  const moves: Move[] = [
    ['a lease that ended', 'claimed', sql`lease_until = ${past}`, (tx) => expireLeases(tx, 0)],
    ['a message past its use', 'ready', sql`expires_at = ${past}`, (tx) => expireMessages(tx)],
    [
      'an unknown that was found',
      'unknown',
      sql`check_at = ${past}`,
      (tx, id) => adoptMessages(tx, [{ id, attempt: 1, foundAttempt: 1, providerId: 'it' }]),
    ],
    [
      'an unknown that is absent',
      'unknown',
      sql`check_at = ${past}`,
      (tx, id) => requeueMessages(tx, [{ id, attempt: 1 }]),
    ],
    [
      'what a cancelled dispatch still holds',
      'ready',
      sql`due_at = ${past}`,
      async (tx) => {
        await tx.run(sql`update dispatch.dispatch set state = 'cancelled', cleared = false,
          ended_at = now() where lane <> 0 and state = 'sending'`);
        return await cancelLeftovers(tx, 10);
      },
    ],
    ['the end of a dispatch', 'delivered', sql`due_at = ${past}`, (tx) => endDispatches(tx)],
  ];

  for (const [name, state, change, move] of moves)
    it(`${name}: boards are told`, async () => {
      const dispatchId = await makeDispatch(db.owner, { messages: 1 });
      await release(db.web, dispatchId);
      const id = await db.owner.withActor(system('test'), async (tx) => {
        const [row] = await rowsOf(tx, dispatchId);
        await putInState(tx, row!.id, state, { owner: newId() });
        await tx.run(sql`update dispatch.message set ${change} where id = ${row!.id}`);
        return row!.id;
      });
      const isHeard = () => Promise.resolve(heard.has(dispatchId));
      // The release was told as well, before this.
      await until(isHeard, Boolean);
      heard.clear();
      await db.worker.withActor(system('test'), (tx) => move(tx, id));
      assert.ok(await until(isHeard, Boolean, 2_000));
    });
});
