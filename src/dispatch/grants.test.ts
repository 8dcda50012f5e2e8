/** What PostgreSQL itself refuses to the web process, and to the worker (P9). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nobody, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, putInState, rowsOf, seedNotify } from '../../test/support/dispatch.ts';
import { insertReplies } from './store-inbox.ts';
import { pauseBucket } from './store-bucket.ts';
import { claimMessages, expireLeases, settleMessages } from './store-send.ts';

const FORBIDDEN = { code: '42501' };

describe('grants', () => {
  let db: Clone;
  let message: string;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    const id = await makeDispatch(db.owner, { messages: 1 });
    await db.owner.withActor(system('test'), async (tx) => {
      message = (await rowsOf(tx, id))[0]!.id;
      await putInState(tx, message, 'claimed', { owner: newId() });
    });
  });

  after(async () => {
    await db.drop();
  });

  const asWeb = (statement: Sql) => db.web.withActor(system('test'), (tx) => tx.run(statement));
  const asWorker = (statement: Sql) =>
    db.worker.withActor(system('test'), (tx) => tx.run(statement));

  it('the web process cannot claim, settle, end a lease or pause a bucket', async () => {
    const owner = newId();
    const claim = { gatewayId: 'notify', channel: 'text', owner, leaseMs: 1, most: 1 } as const;
    const statements: ((tx: Tx) => Promise<unknown>)[] = [
      (tx) => claimMessages(tx, claim),
      (tx) => settleMessages(tx, owner, []),
      (tx) => expireLeases(tx, 1),
      (tx) => pauseBucket(tx, { gatewayId: 'notify', forMs: 1, reason: 'x', tooFast: false }),
    ];
    for (const statement of statements)
      await assert.rejects(db.web.withActor(system('test'), statement), FORBIDDEN);
  });

  const forbidden: [string, () => Sql][] = [
    ['write a lease', () => sql`update dispatch.message set lease_owner = ${newId()}`],
    ['count an attempt', () => sql`update dispatch.message set attempt = 2`],
    ['change an address', () => sql`update dispatch.message set address_sealed = 'x'`],
    ['change a recipient', () => sql`update dispatch.message set contact_point_id = ${newId()}`],
    ['name a provider id', () => sql`update dispatch.message set provider_id = 'x'`],
    ['delete a message', () => sql`delete from dispatch.message`],
    [
      'write an attempt',
      () => sql`insert into dispatch.attempt
      (message_id, epoch, number, gateway_id, owner)
      values (${message}, 1, 2, 'notify', ${newId()})`,
    ],
    [
      'write the end of one',
      () => sql`insert into dispatch.attempt_end
      (message_id, epoch, number, class) values (${message}, 1, 1, 'accepted')`,
    ],
    [
      'write a look-up',
      () => sql`insert into dispatch.lookup (message_id, reference, answer)
      values (${message}, 'x', 'absent')`,
    ],
    ['handle a receipt', () => sql`update dispatch.receipt_inbox set handled_at = now()`],
    ['read the secrets of a gateway', () => sql`select settings_sealed from dispatch.gateway`],
    ['open a gateway', () => sql`update dispatch.gateway set callback_token_hashes = '{}'`],
    ['fill a bucket', () => sql`update dispatch.bucket set tokens = 1e9`],
    ['change a lane', () => sql`update dispatch.dispatch set lane = 0`],
    ['prolong a dispatch', () => sql`update dispatch.dispatch set expires_after = '1 year'`],
  ];
  for (const [name, statement] of forbidden) {
    it(`the web process cannot ${name}`, async () => {
      await assert.rejects(asWeb(statement()), FORBIDDEN);
    });
  }

  it('the planner fills messages that are held, with none of the engine’s columns', async () => {
    await assert.rejects(
      asWeb(sql`insert into dispatch.message (state) values ('ready')`),
      FORBIDDEN,
    );
    await assert.rejects(asWeb(sql`insert into dispatch.v_in_recipient (state) values ('ready')`));
  });

  const appendOnly = ['attempt', 'attempt_end', 'lookup'];
  it('nobody at run time changes or deletes an attempt, its end or a look-up (P9)', async () => {
    for (const table of appendOnly) {
      const name = { ...sql``, strings: [`delete from dispatch.${table}`] };
      await assert.rejects(asWorker(name), FORBIDDEN);
      const set = { ...sql``, strings: [`update dispatch.${table} set message_id = message_id`] };
      await assert.rejects(asWorker(set), FORBIDDEN);
    }
    await assert.rejects(asWorker(sql`delete from dispatch.message`), FORBIDDEN);
    await assert.rejects(asWorker(sql`delete from dispatch.receipt_inbox`), FORBIDDEN);
  });

  it('whoever is not of the centre sees no message, no credit and no reply (P8)', async () => {
    await db.web.withActor(system('test'), (tx) =>
      insertReplies(tx, 'notify', [
        {
          id: newId(),
          providerId: 'p',
          addressIndex: Buffer.from('i'),
          addressSealed: Buffer.from('a'),
          contentSealed: Buffer.from('c'),
          sentAt: null,
        },
      ]),
    );
    for (const [actor, expected] of [
      [system('test'), [1, 1, 1]],
      [nobody, [0, 0, 0]],
    ] as const) {
      const counts = await db.web.withActor(actor, (tx) =>
        tx.one<{ messages: number; credits: number; replies: number }>(sql`
          select (select count(*) from dispatch.v_message) as messages,
            (select count(*) from dispatch.v_credit) as credits,
            (select count(*) from dispatch.v_reply) as replies`),
      );
      assert.deepEqual([counts.messages, counts.credits, counts.replies], expected);
    }
  });
});
