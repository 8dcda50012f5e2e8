import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { listen } from '#db/listen.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  referenceOf,
  release,
  rowsOf,
  seedNotify,
} from '../../test/support/dispatch.ts';
import type { Gateway } from './gateways/gateway.ts';
import { notifyStatuses } from './gateways/notify-contract.ts';
import { applyWaitingReceipts, keepReceipts } from './inbox.ts';
import type { MessageState } from './model.ts';
import { Signal } from './signal.ts';

/** Only what a status means is asked of it here. */
const notify = { id: 'notify', meaningOf: (status: string) => notifyStatuses[status] } as Gateway;
const gateways = new Map([['notify', notify]]);

describe('receipts', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);

  async function messageIn(state: MessageState, attempt = 1): Promise<string> {
    const dispatchId = await makeDispatch(db.owner, { messages: 1 });
    await release(db.web, dispatchId);
    return await db.owner.withActor(system('test'), async (tx) => {
      const [row] = await rowsOf(tx, dispatchId);
      await putInState(tx, row!.id, state, { owner: newId() });
      await tx.run(sql`update dispatch.message set attempt = ${attempt} where id = ${row!.id}`);
      await tx.run(sql`insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
        select ${row!.id}, 1, number, 'notify', ${newId()}
        from generate_series(2, ${attempt}::int) number`);
      return row!.id;
    });
  }

  type Told = { status: string; reference: string | null; id?: string };

  const doorOf = (id: string) => ({ id, kind: 'notify' as const, callbackTokenHashes: [] });
  const keep = ({ status, reference, id = newId() }: Told) =>
    db.web.withActor(system('callback'), (tx) =>
      keepReceipts(tx, doorOf('notify'), [{ id, reference, status }]),
    );
  const apply = () => applyWaitingReceipts(db.worker, gateways);
  const stateOf = async (id: string) =>
    (
      await work((tx) =>
        tx.one<{ state: string }>(sql`select state from dispatch.message where id = ${id}`),
      )
    ).state;
  const outcomes = async () =>
    (
      await work((tx) =>
        tx.rows<{ outcome: string | null }>(sql`
          select outcome from dispatch.receipt_inbox order by received_at, status`),
      )
    ).map((row) => row.outcome);

  /** Keeps and applies them one after the other; gives the state after each. */
  async function stepsOf(id: string, ...statuses: string[]): Promise<string[]> {
    const seen = [];
    for (const status of statuses) {
      await keep({ status, reference: referenceOf(id) });
      await apply();
      seen.push(await stateOf(id));
    }
    return seen;
  }

  it('a final one moves an accepted message, one without news moves nothing', async () => {
    for (const [status, meaning] of Object.entries(notifyStatuses)) {
      const id = await messageIn('accepted');
      assert.deepEqual(await stepsOf(id, status), [meaning === 'retained' ? 'accepted' : meaning]);
    }
    const id = await messageIn('accepted');
    for (const status of ['a word of tomorrow', 'constructor']) {
      assert.deepEqual(await keep({ status, reference: referenceOf(id) }), []);
      assert.equal(await apply(), 0, 'nothing was kept');
    }
    assert.equal(await stateOf(id), 'accepted');
  });

  it('boards are told which dispatch it was', async () => {
    const heard: string[] = [];
    const news = new Signal();
    const listener = listen({
      config: db.config,
      channels: ['tocsin_dispatch'],
      onNotify(_channel, payload) {
        heard.push(payload.split(' ')[0]!);
        news.wake();
      },
      onGap() {},
    });
    await listener.ready;
    const id = await messageIn('accepted');
    heard.length = 0;
    await stepsOf(id, 'delivered');
    await news.wait(5_000);
    await listener.stop();
    const { dispatchId } = await work((tx) =>
      tx.one<{ dispatchId: string }>(
        sql`select dispatch_id from dispatch.message where id = ${id}`,
      ),
    );
    assert.ok(heard.includes(dispatchId));
  });

  it('doubled and reordered ones never move back (P6)', async () => {
    assert.deepEqual(
      await stepsOf(await messageIn('accepted'), 'delivered', 'delivered', 'temporary-failure'),
      ['delivered', 'delivered', 'delivered'],
    );
    assert.deepEqual(
      await stepsOf(await messageIn('accepted'), 'temporary-failure', 'sending', 'delivered'),
      ['undelivered', 'undelivered', 'delivered'],
    );
  });

  it('one that comes early, before our own answer or look-up, is believed', async () => {
    for (const state of ['claimed', 'unknown'] as const) {
      assert.deepEqual(await stepsOf(await messageIn(state), 'delivered'), ['delivered']);
      assert.deepEqual(await stepsOf(await messageIn(state), 'permanent-failure'), ['undelivered']);
    }
  });

  it('one that comes after a wrong "absent" keeps the message from going twice (P2)', async () => {
    assert.deepEqual(await stepsOf(await messageIn('ready'), 'delivered'), ['delivered']);
  });

  it('one that comes after we gave up is believed', async () => {
    assert.deepEqual(await stepsOf(await messageIn('uncertain_closed'), 'delivered'), [
      'delivered',
    ]);
  });

  it('moves nothing that was never requested or refused for good', async () => {
    for (const state of ['held', 'rejected', 'cancelled', 'expired', 'suppressed'] as const)
      assert.deepEqual(await stepsOf(await messageIn(state), 'delivered'), [state]);
  });

  it('of an attempt nobody made, or of an earlier one, moves nothing that was sent', async () => {
    const id = await messageIn('accepted', 2);
    for (const attempt of [1, 3, 0]) {
      await keep({ status: 'delivered', reference: referenceOf(id, attempt) });
      await apply();
      assert.equal(await stateOf(id), 'accepted');
    }
  });

  it('of an earlier attempt does not hide that of the current one', async () => {
    const id = await messageIn('accepted', 2);
    await keep({ status: 'delivered', reference: referenceOf(id, 1) });
    await keep({ status: 'permanent-failure', reference: referenceOf(id, 2) });
    assert.equal(await apply(), 2);
    assert.equal(await stateOf(id), 'undelivered');
  });

  it('of an earlier attempt keeps what waits or is unknown from going again (P2)', async () => {
    for (const state of ['ready', 'unknown', 'uncertain_closed'] as const) {
      const id = await messageIn(state, 2);
      await keep({ status: 'delivered', reference: referenceOf(id, 1) });
      await apply();
      assert.equal(await stateOf(id), 'delivered');
    }
  });

  const alarmsOf = async (id: string) =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ kind: string; entries: number }>(sql`
        select kind, (select count(*) from audit.entry
          where action = 'message.accepted_twice' and subject_id = ${id}::text) as entries
        from dispatch.v_alarm where message_id = ${id}`),
    );

  it('that shows a second text is told to an operator, once', async () => {
    const absent = await messageIn('accepted', 2);
    const id = newId();
    for (let i = 0; i < 2; i++)
      for (const status of ['temporary-failure', 'delivered'])
        await keep({ id, status, reference: referenceOf(absent, 1) });
    await apply();
    assert.deepEqual(await alarmsOf(absent), [{ kind: 'accepted_twice', entries: 1 }]);
    // Under one reference: somebody between us and the provider repeated the request.
    const repeated = await messageIn('accepted');
    for (let i = 0; i < 2; i++) await stepsOf(repeated, 'delivered');
    assert.deepEqual(await alarmsOf(repeated), [{ kind: 'accepted_twice', entries: 1 }]);
  });

  it('that came late to what never left again is no alarm', async () => {
    const id = await messageIn('ready', 2);
    await stepsOf(id, 'delivered');
    assert.deepEqual(await alarmsOf(id), []);
  });

  it('of two in one batch the stronger counts, whichever came first', async () => {
    for (const order of [
      ['delivered', 'temporary-failure'],
      ['temporary-failure', 'delivered'],
    ]) {
      const id = await messageIn('accepted');
      for (const status of order) await keep({ status, reference: referenceOf(id) });
      await apply();
      assert.equal(await stateOf(id), 'delivered');
    }
  });

  it('from a gateway that was not asked moves nothing', async () => {
    const id = await messageIn('accepted');
    await db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`insert into dispatch.gateway (id, kind, channel, bucket_id, can_be_asked,
        takes_replies, settings_sealed)
        values ('other', 'notify', 'text', 'notify', true, true, '')`);
    });
    await db.web.withActor(system('callback'), (tx) =>
      keepReceipts(tx, doorOf('other'), [
        { id: newId(), reference: referenceOf(id), status: 'delivered' },
      ]),
    );
    // A process that does not know the gateway leaves the receipt to one that does.
    assert.equal(await apply(), 0);
    const both = new Map([...gateways, ['other', { ...notify, id: 'other' } as Gateway]]);
    assert.equal(await applyWaitingReceipts(db.worker, both), 1);
    assert.equal(await stateOf(id), 'accepted');
  });

  it('is kept once, and says what came of it', async () => {
    await work((tx) => apply().then(() => tx.run(sql`select 1`)));
    await db.owner.withActor(system('test'), (tx) => tx.run(sql`truncate dispatch.receipt_inbox`));
    const message = await messageIn('accepted');
    const receipt = { status: 'delivered', reference: referenceOf(message), id: newId() };
    for (let i = 0; i < 3; i++) await keep(receipt);
    assert.deepEqual(await outcomes(), [null]);
    assert.equal(await apply(), 1);
    assert.equal(await apply(), 0);
    await keep(receipt);
    assert.equal(await apply(), 0, 'a repetition is not news');
    await keep({ ...receipt, id: newId() });
    await keep({ ...receipt, id: newId(), reference: null });
    await keep({ ...receipt, id: newId(), reference: 'somebody-else-1' });
    await keep({ ...receipt, id: newId(), reference: referenceOf(newId()) });
    assert.equal(await apply(), 4);
    assert.deepEqual((await outcomes()).map(String).sort(), [
      'applied',
      'repeated',
      'repeated',
      'unmatched',
      'unmatched',
    ]);
  });

  it('two appliers at the same time move each message once', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => messageIn('accepted')));
    for (const id of ids) await keep({ status: 'delivered', reference: referenceOf(id) });
    const counts = await Promise.all([apply(), apply(), apply()]);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      20,
    );
    for (const id of ids) assert.equal(await stateOf(id), 'delivered');
  });
});
