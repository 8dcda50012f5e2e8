/** Many unknowns at once, and what looking up finds beside the text that was asked for. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import {
  DEFAULT_API_KEYS,
  installation,
  makeDispatch,
  notifyGateway,
  putInState,
  quiet,
  referenceOf,
  release,
  rowsOf,
  seedGateway,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import type { Gateway } from './gateways/gateway.ts';
import { openNotifyGateway } from './gateways/notify.ts';
import { reconcile } from './reconcile.ts';

const GAP_MS = 15_000;

async function openScene(context: TestContext) {
  const db = await cloneDatabase();
  const simulator = await startQuickSimulator();
  context.after(async () => {
    await simulator.close();
    await db.drop();
  });
  await seedNotify(db.worker);
  const real = notifyGateway(simulator);
  let pages = 0;
  let questions = 0;
  const gateway: Gateway = {
    id: real.id,
    channel: real.channel,
    window: real.window,
    can: real.can,
    sendMaxMs: real.sendMaxMs,
    send: (message) => real.send(message),
    find: (reference) => ((questions += 1), real.find!(reference)),
    list: (olderThan) => ((pages += 1), real.list!(olderThan)),
    meaningOf: (status) => real.meaningOf(status),
    close: () => real.close(),
  };
  context.after(() => real.close());
  const own = <T>(act: (tx: Tx) => Promise<T>) => db.owner.withActor(system('test'), act);
  return {
    db,
    simulator,
    gateway,
    own,
    asked: () => ({ pages, questions }),
    /** Unknown messages of a dispatch, due to be looked up. */
    unknown: async (messages: number): Promise<{ dispatchId: string; ids: string[] }> => {
      const dispatchId = await makeDispatch(db.owner, { messages });
      await release(db.web, dispatchId);
      const ids = await own(async (tx) => {
        const rows = await rowsOf(tx, dispatchId);
        for (const { id } of rows) await putInState(tx, id, 'unknown', { owner: newId() });
        return rows.map(({ id }) => id);
      });
      return { dispatchId, ids };
    },
    send: async (reference: string): Promise<void> => {
      const outgoing = { reference, address: '447700900123', subject: null, body: 'text' };
      const { class: end } = await real.send(outgoing);
      assert.equal(end, 'accepted');
    },
    /** Everything is due now; looks up until nothing is. */
    lookUp: async (): Promise<void> => {
      await own((tx) =>
        tx.run(sql`update dispatch.message set check_at = now() - interval '1 ms'
          where check_at is not null`),
      );
      const options = { database: db.worker, installation, log: quiet, lookupGapMs: GAP_MS };
      while ((await reconcile(options, gateway)) > 0);
    },
    alarms: () =>
      own((tx) =>
        tx.rows<{ kind: string; messageId: string }>(sql`
          select kind, message_id from dispatch.v_alarm order by kind`),
      ),
  };
}

describe('looking up', () => {
  it('many are found on pages, absent twice goes back, in a handful of requests', async (context) => {
    const { db, unknown, send, lookUp, asked } = await openScene(context);
    const { dispatchId, ids } = await unknown(600);
    const taken = ids.filter((_, i) => i % 3 !== 0);
    for (let i = 0; i < taken.length; i += 50)
      await Promise.all(taken.slice(i, i + 50).map((id) => send(referenceOf(id))));
    await lookUp();
    const once = await statesOf(db.owner, dispatchId);
    assert.equal(once['unknown'], 200, 'absent once is no proof');
    assert.equal((once['accepted'] ?? 0) + (once['delivered'] ?? 0), 400);
    await lookUp();
    assert.equal((await statesOf(db.owner, dispatchId))['ready'], 200);
    assert.equal(asked().questions, 0);
    assert.ok(asked().pages <= 10, `${asked().pages} pages`);
  });

  it('a page whose answer was lost is asked for again', async (context) => {
    const { db, gateway, unknown, send, lookUp, asked } = await openScene(context);
    const { dispatchId, ids } = await unknown(600);
    for (let i = 0; i < ids.length; i += 50)
      await Promise.all(ids.slice(i, i + 50).map((id) => send(referenceOf(id))));
    const list = gateway.list!.bind(gateway);
    let lost = 0;
    Object.assign(gateway, {
      list: async (olderThan?: string) =>
        olderThan !== undefined && lost++ === 0 ? undefined : await list(olderThan),
    });
    await lookUp();
    assert.equal(lost > 1, true, 'a later page failed once');
    const { unknown: left } = await statesOf(db.owner, dispatchId);
    assert.equal(left, undefined);
    assert.equal(asked().questions, 0);
  });

  it('what a page tells is kept before the next one is read', async (context) => {
    const { db, gateway, own, unknown, send, lookUp, alarms } = await openScene(context);
    const { dispatchId, ids } = await unknown(300);
    const twice = ids[0]!;
    await own(async (tx) => {
      await tx.run(sql`insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
        select message_id, epoch, 2, gateway_id, owner from dispatch.attempt
        where message_id = ${twice}`);
      await tx.run(sql`update dispatch.message set attempt = 2 where id = ${twice}`);
    });
    await send(referenceOf(twice, 1));
    for (const id of ids.slice(1)) await send(referenceOf(id));
    await send(referenceOf(twice, 2));
    const goOn = Promise.withResolvers<undefined>();
    const list = gateway.list!.bind(gateway);
    Object.assign(gateway, {
      list: async (olderThan?: string) => {
        if (olderThan !== undefined) await goOn.promise;
        return await list(olderThan);
      },
    });
    const looking = lookUp();
    const early = await until(
      () => statesOf(db.owner, dispatchId),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered > 0,
    );
    assert.equal(early['unknown'], 50, 'those of the second page');
    assert.deepEqual(await alarms(), []);
    goOn.resolve(undefined);
    await looking;
    assert.equal((await statesOf(db.owner, dispatchId))['unknown'], undefined);
    assert.deepEqual(await alarms(), [{ kind: 'accepted_twice', messageId: twice }]);
  });

  it('the last few are asked for, not sought on page after page', async (context) => {
    const { db, unknown, send, lookUp, asked } = await openScene(context);
    const { dispatchId, ids } = await unknown(21);
    for (let i = 0; i < 400; i++) await send(`foreign-${i}`);
    for (const id of ids.slice(1)) await send(referenceOf(id));
    await lookUp();
    assert.equal((await statesOf(db.owner, dispatchId))['unknown'], 1);
    assert.deepEqual(asked(), { pages: 1, questions: 1 });
  });

  it('doubts that lie deep are asked for beside the pages, and kept', async (context) => {
    const { db, gateway, unknown, send, lookUp } = await openScene(context);
    const { dispatchId, ids } = await unknown(400);
    for (const id of ids) await send(referenceOf(id));
    const over = Promise.withResolvers<undefined>();
    let pages = 0;
    const now = Date.now();
    // A busy hour of somebody else's texts lies above ours; the reading never comes to its end.
    const foreign = (age: number) => {
      const createdAt = new Date(now - age);
      return { providerId: `f${age}`, reference: null, status: 'sending', createdAt };
    };
    Object.assign(gateway, {
      list: async () => {
        pages += 1;
        if (pages > 30) await over.promise;
        return pages > 30 ? undefined : [foreign(2 * pages), foreign(2 * pages + 1)];
      },
    });
    const looking = lookUp();
    // Eight beside each page from the twenty-first on, the one that hangs too.
    await until(
      () => statesOf(db.owner, dispatchId),
      ({ unknown: open }) => open === 400 - 8 * 11,
    );
    over.resolve(undefined);
    await looking;
    // As many more as the pages took time; the rest when it is due again.
    assert.equal((await statesOf(db.owner, dispatchId))['unknown'], 400 - 8 * 31 - 8 * 10);
  });

  it('pages of one provider that hang do not hold up what another one has', async (context) => {
    const { db, gateway, own, unknown } = await openScene(context);
    const elsewhere = await startQuickSimulator();
    const settings = { baseUrl: elsewhere.notifyUrl, apiKey: DEFAULT_API_KEYS.live };
    const other = openNotifyGateway('other', settings);
    await seedGateway(db.worker, { id: 'other' });
    await unknown(25);
    const { dispatchId, ids } = await unknown(25);
    await own(async (tx) => {
      await tx.run(sql`update dispatch.attempt set gateway_id = 'other'
        where message_id = any(${ids}::uuid[])`);
      await tx.run(sql`update dispatch.message set gateway_id = 'other', home_gateway_id = 'other'
        where id = any(${ids}::uuid[])`);
      await tx.run(sql`update dispatch.message set check_at = now() - interval '1 ms'`);
    });
    for (const id of ids) {
      const outgoing = { address: '447700900123', subject: null, body: 'text' };
      await other.send({ reference: referenceOf(id), ...outgoing });
    }
    const over = Promise.withResolvers<undefined>();
    let isHanging = false;
    const list = (olderThan?: string) => {
      const one = { providerId: 'p', reference: null, status: 'sending' };
      const page = [0, 1].map((age) => ({ ...one, createdAt: new Date(Date.now() - age) }));
      if (olderThan === undefined) return Promise.resolve(page);
      isHanging = true;
      return over.promise;
    };
    const startedAt = performance.now();
    const hanging = Object.assign(gateway, { list, close: () => Promise.resolve() });
    const engine = startEngine(db.worker, [hanging, other]);
    try {
      await until(() => Promise.resolve(isHanging), Boolean);
      await until(
        () => statesOf(db.owner, dispatchId),
        ({ accepted = 0, delivered = 0 }) => accepted + delivered === 25,
        20_000,
      );
    } finally {
      over.resolve(undefined);
      await engine.stop();
      await elsewhere.close();
    }
    const tookMs = Math.round(performance.now() - startedAt);
    assert.ok(tookMs <= 5_000, `${tookMs} ms`);
  });

  it('where pages do not reach back far enough it asks one by one', async (context) => {
    const { db, gateway, unknown, send, lookUp, asked } = await openScene(context);
    const { dispatchId, ids } = await unknown(30);
    await Promise.all(ids.slice(0, 10).map((id) => send(referenceOf(id))));
    const list = gateway.list!.bind(gateway);
    Object.assign(gateway, {
      list: async (olderThan?: string) =>
        olderThan === undefined ? await list() : await Promise.resolve(undefined),
    });
    await lookUp();
    await lookUp();
    const states = await statesOf(db.owner, dispatchId);
    assert.equal(states['ready'], 20);
    assert.equal(asked().questions, 40, 'twenty, twice');
  });

  it('an attempt believed absent that is there after all is adopted', async (context) => {
    const { own, unknown, send, lookUp, alarms } = await openScene(context);
    const { ids } = await unknown(25);
    await own(async (tx) => {
      await tx.run(sql`insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
        select message_id, epoch, 2, gateway_id, owner from dispatch.attempt`);
      await tx.run(sql`update dispatch.message set attempt = 2`);
    });
    const [once, twice] = [ids[0]!, ids[1]!];
    await send(referenceOf(once, 1));
    await send(referenceOf(twice, 1));
    await send(referenceOf(twice, 2));
    await lookUp();
    await lookUp();
    const rows = await own((tx) =>
      tx.rows<{ id: string; attempt: number }>(sql`
        select id, attempt from dispatch.message
        where state in ('accepted', 'delivered') order by id`),
    );
    const first = [once, twice].sort().map((id) => ({ id, attempt: 1 }));
    assert.deepEqual(rows, first);
    assert.deepEqual(await alarms(), [{ kind: 'accepted_twice', messageId: twice }]);
  });

  it('a later attempt than we know of is not taken for absence', async (context) => {
    const { db, unknown, send, lookUp } = await openScene(context);
    const { dispatchId, ids } = await unknown(25);
    await send(referenceOf(ids[0]!, 2));
    await lookUp();
    await lookUp();
    assert.deepEqual(await statesOf(db.owner, dispatchId), { ready: 24, unknown: 1 });
  });

  it('the same reference twice is one message and one alarm, asked alone too', async (context) => {
    const { db, unknown, send, lookUp, alarms } = await openScene(context);
    const { dispatchId, ids } = await unknown(1);
    for (let i = 0; i < 2; i++) await send(referenceOf(ids[0]!));
    await lookUp();
    await lookUp();
    const { accepted = 0, delivered = 0 } = await statesOf(db.owner, dispatchId);
    assert.equal(accepted + delivered, 1);
    assert.deepEqual(await alarms(), [{ kind: 'accepted_twice', messageId: ids[0] }]);
  });

  it('created is not adopted, and after ten minutes an operator is told', async (context) => {
    const { db, gateway, own, unknown, lookUp, alarms } = await openScene(context);
    const { dispatchId, ids } = await unknown(1);
    Object.assign(gateway, {
      find: () => Promise.resolve({ answer: 'found', providerId: 'p', status: 'created' }),
    });
    await lookUp();
    assert.deepEqual(await statesOf(db.owner, dispatchId), { unknown: 1 });
    assert.deepEqual(await alarms(), []);
    await own((tx) =>
      tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '11 minutes'`),
    );
    for (let i = 0; i < 3; i++) await lookUp();
    assert.deepEqual(await statesOf(db.owner, dispatchId), { unknown: 1 });
    assert.deepEqual(await alarms(), [{ kind: 'stuck_at_provider', messageId: ids[0] }]);
  });

  it('what was accepted and is not there any more is told, once', async (context) => {
    const { db, own, unknown, lookUp, alarms } = await openScene(context);
    const { dispatchId, ids } = await unknown(2);
    await own(async (tx) => {
      for (const id of ids) await putInState(tx, id, 'accepted', { owner: newId() });
      await tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '4 days'
        where message_id = ${ids[1]}`);
    });
    for (let i = 0; i < 2; i++) await lookUp();
    assert.deepEqual(await statesOf(db.owner, dispatchId), { accepted: 2 });
    assert.deepEqual(await alarms(), [{ kind: 'missing_at_provider', messageId: ids[0] }]);
  });

  it('absent proves nothing of what the provider no longer keeps', async (context) => {
    const { db, own, unknown, lookUp } = await openScene(context);
    const { dispatchId } = await unknown(1);
    await own((tx) =>
      tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '4 days'`),
    );
    for (let i = 0; i < 3; i++) await lookUp();
    assert.deepEqual(await statesOf(db.owner, dispatchId), { unknown: 1 });
  });
});
