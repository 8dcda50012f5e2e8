/** The doors of providers over real HTTP: what is refused changes nothing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { REPLY_TASK } from './inbox.ts';
import { callbackRoutes } from './routes.ts';
import { upsertGateway } from './store-gateway.ts';

const seals = {
  indexNumber: (number: string) => createHash('sha256').update(number).digest(),
  sealNumber: (id: string, number: string) => Buffer.from(`${id}|${number}`),
  sealContent: (id: string, content: string) => Buffer.from(`${id}|${content}`),
};

describe('callbacks', () => {
  let db: Clone;
  let site: Site;

  before(async () => {
    db = await cloneDatabase();
    for (const [gateway, token] of [
      ['notify', 'first-token'],
      ['other', 'other-token'],
      ['mute', null],
    ] as const)
      await seed(gateway, token);
    site = await startSite({ routes: callbackRoutes({ database: db.web, seals }) });
  });

  after(async () => {
    await site.close();
    await db.drop();
  });

  beforeEach(async () => {
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`truncate dispatch.receipt_inbox, dispatch.reply_inbox`),
    );
  });

  async function seed(
    id: string,
    token: string | null,
    kind: 'notify' | 'smtp' = 'notify',
  ): Promise<void> {
    await db.worker.withActor(system('test'), (tx) =>
      upsertGateway(tx, {
        id,
        kind,
        channel: 'text',
        bucket: { id: 'notify', ratePerSecond: 1, burst: 1 },
        canBeAsked: true,
        takesReplies: true,
        settingsSealed: Buffer.from('x'),
        callbackTokenHash: token === null ? null : createHash('sha256').update(token).digest(),
      }),
    );
  }

  async function kept(): Promise<{ receipts: number; replies: number; jobs: number }> {
    return await db.owner.withActor(system('test'), (tx) =>
      tx.one(sql`select (select count(*) from dispatch.receipt_inbox) as receipts,
        (select count(*) from dispatch.reply_inbox) as replies,
        (select count(*) from graphile_worker.jobs where task_identifier = ${REPLY_TASK}) as jobs`),
    );
  }

  type Post = { to?: string; token?: string | null; scheme?: string; type?: string };

  async function post(body: unknown, options: Post = {}): Promise<number> {
    const { to = 'notify/receipts', token = 'first-token', scheme = 'Bearer' } = options;
    const response = await fetch(`${site.address}/callbacks/${to}`, {
      method: 'POST',
      headers: {
        'content-type': options.type ?? 'application/json',
        ...(token !== null && { authorization: `${scheme} ${token}` }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    await response.text();
    return response.status;
  }

  const receipt = (change: object = {}) => ({
    id: crypto.randomUUID(),
    reference: `tocsin-01234567-${newId()}-1-1`,
    status: 'delivered',
    to: '447700900123',
    notification_type: 'sms',
    created_at: '2026-05-14T12:15:30.000000Z',
    ...change,
  });
  const reply = (change: object = {}) => ({
    id: crypto.randomUUID(),
    source_number: '447700900123',
    destination_number: '07700900998',
    message: '4821 HELP',
    date_received: '2026-05-14T12:15:30.000000Z',
    ...change,
  });
  const nothing = { receipts: 0, replies: 0 };
  const assertNothing = async () => {
    const { receipts, replies } = await kept();
    assert.deepEqual({ receipts, replies }, nothing);
  };

  it('keeps a receipt once, however often it comes', async () => {
    const one = receipt();
    for (let i = 0; i < 3; i++) assert.equal(await post(one), 200);
    assert.equal((await kept()).receipts, 1);
    assert.equal(await post({ ...one, status: 'temporary-failure' }), 200);
    assert.equal((await kept()).receipts, 2);
  });

  it('keeps a reply once, sealed, and tells of it once', async () => {
    const { jobs } = await kept();
    const one = reply();
    const answers = await Promise.all([1, 2, 3].map(() => post(one, { to: 'notify/texts' })));
    assert.deepEqual(answers, [200, 200, 200]);
    const now = await kept();
    assert.deepEqual([now.replies, now.jobs - jobs], [1, 1]);
    for (const change of [{ date_received: null }, { message: '' }, { source_number: 'Vodafone' }])
      assert.equal(await post(reply(change), { to: 'notify/texts' }), 200);
  });

  const refused: [string, number, Post][] = [
    ['no token', 401, { token: null }],
    ['another scheme', 401, { scheme: 'Basic' }],
    ['an empty token', 401, { token: '' }],
    ['a token with a space', 401, { token: 'first-token x' }],
    ['a wrong token', 403, { token: 'wrong' }],
    ['the token of another gateway', 403, { token: 'other-token' }],
    ['a gateway without tokens', 403, { to: 'mute/receipts' }],
    ['a gateway that is not there', 403, { to: 'absent/receipts' }],
    ['a gateway with a name of nonsense', 403, { to: '%27%3B--/receipts' }],
    ['another door', 404, { to: 'notify/other' }],
  ];
  for (const [name, status, options] of refused) {
    it(`${name}: ${status}, and nothing is kept`, async () => {
      assert.equal(await post(receipt(), options), status);
      const texts = (options.to ?? 'notify/receipts').replace('receipts', 'texts');
      assert.equal(await post(reply(), { ...options, to: texts }), status);
      await assertNothing();
    });
  }

  it('takes the scheme in any case', async () => {
    assert.equal(await post(receipt(), { scheme: 'bearer' }), 200);
    assert.equal(await post(receipt(), { scheme: 'BEARER' }), 200);
  });

  const malformed: [string, unknown][] = [
    ['no JSON', '{"id":'],
    ['an empty body', ''],
    ['null', 'null'],
    ['a list', []],
    ['no id', receipt({ id: undefined })],
    ['an id of another form', receipt({ id: '7' })],
    ['no status', receipt({ status: undefined })],
    ['an empty status', receipt({ status: '' })],
    ['a long status', receipt({ status: 'x'.repeat(51) })],
    ['a status with a NUL', receipt({ status: 'a\0' })],
    ['a status that Notify does not have', receipt({ status: 'vanished' })],
    ['a status in other letters', receipt({ status: 'Delivered' })],
    ['a status of letters only', receipt({ status: 'returned-letter' })],
    ['a status with a name of the language', receipt({ status: 'constructor' })],
    ['a long reference', receipt({ reference: 'x'.repeat(1001) })],
    ['a reference with a NUL', receipt({ reference: '\0' })],
    ['a reply', reply()],
  ];
  for (const [name, body] of malformed) {
    it(`${name}: 400, and nothing is kept`, async () => {
      assert.equal(await post(body), 400);
      await assertNothing();
    });
  }

  it('every status that Notify sends for a text is kept', async () => {
    for (const status of [
      'created',
      'sending',
      'pending',
      'sent',
      'delivered',
      'permanent-failure',
      'temporary-failure',
      'technical-failure',
    ])
      assert.equal(await post(receipt({ status })), 200, status);
    assert.equal((await kept()).receipts, 8);
  });

  it('a word that another provider uses is none of this one', async () => {
    await seed('mail', 'mail-token', 'smtp');
    const other = receipt({ status: 'permanent-failure' });
    assert.equal(await post(other, { to: 'mail/receipts', token: 'mail-token' }), 400);
    await assertNothing();
  });

  it('a malformed reply: 400, and nothing is kept', async () => {
    for (const change of [
      { id: 1 },
      { source_number: '' },
      { source_number: null },
      { message: 4821 },
      { message: 'x'.repeat(10_001) },
      { date_received: 'yesterday' },
    ])
      assert.equal(await post(reply(change), { to: 'notify/texts' }), 400);
    await assertNothing();
  });

  it('a huge body: 413, and nothing is kept', async () => {
    assert.equal(await post(receipt({ reference: 'x'.repeat(70_000) })), 413);
    await assertNothing();
  });

  it('neither a form nor plain text is a callback', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain'])
      assert.equal(await post('id=1&status=delivered', { type }), 400, type);
    await assertNothing();
  });

  it('while a token is exchanged the two newest open the door', async () => {
    await seed('notify', 'second-token');
    for (const token of ['first-token', 'second-token'])
      assert.equal(await post(receipt(), { token }), 200, token);
    await seed('notify', 'second-token');
    assert.equal(await post(receipt(), { token: 'first-token' }), 200, 'a restart drops none');
    await seed('notify', 'third-token');
    assert.equal(await post(receipt(), { token: 'first-token' }), 403);
    for (const token of ['second-token', 'third-token'])
      assert.equal(await post(receipt(), { token }), 200, token);
    await seed('notify', 'first-token');
  });
});
