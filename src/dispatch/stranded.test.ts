/** When texts of an alert that are due and go nowhere are a breach, and when they only wait. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, rehearse, release, seedNotify } from '../../test/support/dispatch.ts';
import { countStranded } from './store-audit.ts';
import { pauseBucket } from './store-bucket.ts';

describe('what is due of an alert', () => {
  let db: Clone;
  let dispatchId: string;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    dispatchId = await makeDispatch(db.owner, { messages: 4 });
    await release(db.web, dispatchId);
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set due_at = now() - interval '61 seconds'
        where state = 'ready'`),
    );
  });

  after(() => db.drop());

  const count = (tx: Tx, row: Sql) =>
    tx.run(sql`insert into dispatch.tally (gateway_id, turn, dispatch_id, accepted, failed, at)
      values ('notify', 1, ${row})`);
  const bucket = (tx: Tx, change: Sql) => tx.run(sql`update dispatch.bucket set ${change}`);
  const dispatch = (tx: Tx, change: Sql) =>
    tx.run(sql`update dispatch.dispatch set ${change} where id = ${dispatchId}`);

  const cells: [string, 0 | 1, (tx: Tx) => Promise<unknown>][] = [
    ['nothing leaves', 1, () => Promise.resolve()],
    ['only a probe left', 1, (tx) => count(tx, sql`null, 1, 0, now()`)],
    ['requests fail', 1, (tx) => count(tx, sql`${newId()}, 0, 9, now()`)],
    ['one left a while ago', 1, (tx) => count(tx, sql`${newId()}, 5, 0, now() - interval '61 s'`)],
    ['a long line moves', 0, (tx) => count(tx, sql`${newId()}, 40, 0, now() - interval '30 s'`)],
    [
      'a pace of one text in two minutes',
      0,
      async (tx) => {
        await count(tx, sql`${newId()}, 1, 0, now() - interval '3 minutes'`);
        await bucket(tx, sql`rate_per_second = 1.0 / 120`);
      },
    ],
    [
      'the provider asked us to wait for an hour',
      0,
      (tx) =>
        bucket(
          tx,
          sql`paused_at = now() - interval '5 minutes', pause_reason = 'test',
            paused_until = now() + interval '55 minutes'`,
        ),
    ],
    [
      'the provider asks again and again for two seconds',
      1,
      (tx) =>
        bucket(
          tx,
          sql`paused_at = now() - interval '1 second', pause_reason = 'test',
            paused_until = now() + interval '1 second'`,
        ),
    ],
    [
      'the limit of a day is reached: asked again each minute, and nothing leaves',
      1,
      (tx) =>
        pauseBucket(tx, { gatewayId: 'notify', forMs: 60_000, reason: '429', tooFast: false }),
    ],
    [
      'every gateway is off',
      1,
      async (tx) => {
        await tx.run(sql`update dispatch.gateway set enabled = false`);
        await bucket(
          tx,
          sql`paused_at = now(), paused_until = now() + interval '1 h', pause_reason = 'test'`,
        );
      },
    ],
    ['let go on just now', 0, (tx) => dispatch(tx, sql`refusals_from = now()`)],
    [
      'a person stopped it',
      0,
      (tx) => dispatch(tx, sql`state = 'paused', paused_at = now(), pause_reason = 'test'`),
    ],
    ['it is routine', 0, (tx) => dispatch(tx, sql`lane = 3`)],
    [
      'mail of it waits for texts on one bucket',
      0,
      async (tx) => {
        await tx.run(sql`insert into dispatch.gateway (id, kind, channel, bucket_id,
            settings_sealed, can_be_asked, takes_replies)
          values ('mail', 'notify', 'mail', 'notify', '', true, true)`);
        await tx.run(sql`update dispatch.message set channel = 'mail'`);
        await count(tx, sql`${newId()}, 40, 0, now()`);
      },
    ],
    [
      'mail of it has no gateway, while texts leave',
      1,
      async (tx) => {
        await tx.run(sql`update dispatch.message set channel = 'mail'`);
        await count(tx, sql`${newId()}, 40, 0, now()`);
      },
    ],
  ];

  for (const [name, breaches, act] of cells)
    it(`${name}: ${breaches === 1 ? 'a breach' : 'no breach'}`, async () => {
      const found = await rehearse(db.owner, async (tx) => {
        await act(tx);
        return await countStranded(tx);
      });
      assert.deepEqual(found, { breaches, sample: breaches === 1 ? dispatchId : null });
    });
});
