/** By which gateway a message leaves: one sender for each person, and none is stepped over. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  release,
  rowsOf,
  seedGateway,
} from '../../test/support/dispatch.ts';
import { insertSingleMessages } from './store-answer.ts';
import { shiftSlow } from './store-breaker.ts';
import { applyReceipts } from './store-inbox.ts';
import { findHomes } from './store-home.ts';
import { claimMessages } from './store-send.ts';

describe('the home of a message', () => {
  let db: Clone;
  const clones: Clone[] = [];

  // Senders are for good, so each test has a database of its own.
  beforeEach(async () => {
    db = await cloneDatabase();
    clones.push(db);
  });

  after(async () => {
    await Promise.all(clones.map((clone) => clone.drop()));
  });

  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);
  const run = (statement: Sql) => db.owner.withActor(system('test'), (tx) => tx.run(statement));
  const claim = (gatewayId: string, most: number) =>
    work((tx) =>
      claimMessages(tx, { gatewayId, channel: 'text', owner: newId(), leaseMs: 60_000, most }),
    );

  /** How many messages of the dispatch have which home. */
  async function homesOf(dispatchId: string): Promise<Record<string, number>> {
    const rows = await work((tx) =>
      tx.rows<{ home: string; messages: number }>(sql`
        select coalesce(home_gateway_id, 'none') as home, count(*) as messages
        from dispatch.message where dispatch_id = ${dispatchId} group by 1 order by 1`),
    );
    return Object.fromEntries(rows.map(({ home, messages }) => [home, messages]));
  }

  async function sending(messages: number): Promise<string> {
    const id = await makeDispatch(db.owner, { messages });
    await release(db.web, id);
    return id;
  }

  /** A second dispatch to the people of the first, in another order. */
  async function again(first: string): Promise<string> {
    const id = await makeDispatch(db.owner, { messages: 0 });
    await run(sql`
      insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
        channel, round, rank, code, body, address_sealed)
      select kernel.uuid_v7(), ${id}, contact_point_id, organisation_id, channel, round, rank,
        code, body, address_sealed
      from dispatch.message where dispatch_id = ${first} order by contact_point_id desc`);
    await release(db.web, id);
    return id;
  }

  const moved = async (first: string, second: string) =>
    (
      await work((tx) =>
        tx.one<{ moved: number }>(sql`
          select count(*) as moved from dispatch.message one
          join dispatch.message two using (contact_point_id)
          where one.dispatch_id = ${first} and two.dispatch_id = ${second}
            and one.home_gateway_id <> two.home_gateway_id`),
      )
    ).moved;

  it('is the only gateway where there is one, and nothing is remembered', async () => {
    await seedGateway(db.worker, { id: 'a' });
    assert.deepEqual(await homesOf(await sending(20)), { a: 20 });
    assert.equal(await run(sql`select from dispatch.sender`), 0);
  });

  it('follows the weights, and stays the same for each person when they change', async () => {
    for (const id of ['a', 'b', 'c', 'reserve']) await seedGateway(db.worker, { id });
    await run(sql`update dispatch.gateway set
      weight = case id when 'a' then 300 when 'b' then 100 else 0 end`);
    const first = await sending(400);
    const { a = 0, b = 0, ...others } = await homesOf(first);
    assert.deepEqual(others, {});
    assert.ok(a > 260 && a < 340 && a + b === 400, `${a} and ${b} of 400 by 300 to 100`);
    await run(sql`update dispatch.gateway set weight = 500 where id = 'c'`);
    assert.equal(await moved(first, await again(first)), 0);
  });

  it('stays with those who were written to before there was a second gateway', async () => {
    await seedGateway(db.worker, { id: 'old' });
    const first = await sending(40);
    await claim('old', 20);
    await seedGateway(db.worker, { id: 'new' });
    assert.deepEqual(await homesOf(await again(first)), { old: 40 });
    const strangers = await homesOf(await sending(200));
    assert.ok(strangers['new']! > 60 && strangers['old']! > 60, JSON.stringify(strangers));
  });

  it('is another one while the sender somebody knows is off, and that one again after', async () => {
    for (const id of ['a', 'b']) await seedGateway(db.worker, { id });
    const first = await sending(60);
    await run(sql`update dispatch.gateway set enabled = false where id = 'a'`);
    assert.deepEqual(await homesOf(await again(first)), { b: 60 });
    await run(sql`update dispatch.gateway set enabled = true where id = 'a'`);
    assert.equal(await moved(first, await again(first)), 0);
  });

  it('shares alike among reserves where there is nothing else', async () => {
    for (const id of ['a', 'b']) await seedGateway(db.worker, { id });
    await run(sql`update dispatch.gateway set weight = 0`);
    const { a = 0, b = 0 } = await homesOf(await sending(200));
    assert.ok(a > 60 && b > 60, `${a} and ${b}`);
  });

  it('is found by the beat for what became ready before there was a gateway', async () => {
    const id = await sending(30);
    assert.deepEqual(await homesOf(id), { none: 30 });
    assert.equal(await work((tx) => findHomes(tx, 100)), 0);
    await seedGateway(db.worker, { id: 'mail', channel: 'mail' });
    assert.equal(await work((tx) => findHomes(tx, 100)), 0);
    await seedGateway(db.worker, { id: 'a' });
    assert.equal(await work((tx) => findHomes(tx, 20)), 20);
    assert.equal(await work((tx) => findHomes(tx, 20)), 10);
    assert.deepEqual(await homesOf(id), { a: 30 });
  });

  it('keeps gateways apart when they claim, and loses nothing when one is off', async () => {
    for (const id of ['a', 'b']) await seedGateway(db.worker, { id });
    const dispatch = await sending(100);
    const homes = await homesOf(dispatch);
    assert.equal((await claim('a', 1_000)).length, homes['a']);
    assert.equal((await claim('a', 1_000)).length, 0);
    const early = await claim('b', 5);
    assert.equal(early.length, 5);
    await run(sql`update dispatch.gateway set enabled = false where id = 'b'`);
    assert.equal((await claim('b', 1_000)).length, 0);
    assert.equal((await claim('a', 1_000)).length, homes['b']! - 5);
    const asked = await work((tx) =>
      tx.rows<{ gatewayId: string; messages: number }>(sql`
        select gateway_id, count(*) as messages from dispatch.attempt group by 1 order by 1`),
    );
    assert.deepEqual(asked, [
      { gatewayId: 'a', messages: 95 },
      { gatewayId: 'b', messages: 5 },
    ]);
  });

  it('of an answer is the gateway where the text came in, if it is on', async () => {
    for (const id of ['a', 'b']) await seedGateway(db.worker, { id });
    const answer = async (gatewayId: string) => {
      const contactPointId = newId();
      const text = { addressSealed: Buffer.from('sealed'), code: '4821', body: 'Got it.' };
      const because = { rule: 'texts.after_reply', version: '0'.repeat(64), fact: 'answered' };
      const one = { ...text, id: newId(), contactPointId, because, gatewayId, perHourMax: 5 };
      await work((tx) => insertSingleMessages(tx, [one]));
      const { home } = await work((tx) =>
        tx.one<{ home: string }>(sql`select home_gateway_id as home from dispatch.message
          where contact_point_id = ${contactPointId}`),
      );
      return home;
    };
    const answers = (gatewayId: string) =>
      Promise.all(Array.from({ length: 12 }, () => answer(gatewayId)));
    assert.deepEqual(new Set(await answers('b')), new Set(['b']));
    await run(sql`update dispatch.gateway set enabled = false where id = 'b'`);
    assert.deepEqual(new Set(await answers('b')), new Set(['a']));
  });

  it('shifts ten of a hundred away from a gateway whose receipts come late, and back', async () => {
    for (const id of ['a', 'b']) await seedGateway(db.worker, { id });
    await run(sql`update dispatch.gateway set weight = 0 where id = 'b'`);
    const first = await sending(400);
    assert.deepEqual(await homesOf(first), { a: 400 });
    const receipts = (slow: number) =>
      run(sql`insert into dispatch.tally (gateway_id, turn, receipts, slow_receipts)
        values ('a', 0, 100, ${slow})`);
    const minutesLater = (minutes: number) =>
      run(sql`update dispatch.breaker set shifted_at = now() - ${minutes} * interval '1 minute'`);
    const shift = async () => {
      await work((tx) => shiftSlow(tx));
      const { points } = await work((tx) =>
        tx.one<{ points: number }>(sql`select shift as points from dispatch.breaker
          where gateway_id = 'a'`),
      );
      return points;
    };
    await receipts(14);
    await minutesLater(1);
    assert.equal(await shift(), 0, '14 of 100 are few enough');
    await receipts(16);
    assert.equal(await shift(), 10);
    assert.equal(await shift(), 10, 'once a minute at most');
    const tenth = await again(first);
    const { b = 0 } = await homesOf(tenth);
    assert.ok(b > 15 && b < 70, `${b} of 400 by ten points`);
    await minutesLater(1);
    assert.equal(await shift(), 20);
    assert.ok((await homesOf(await again(first)))['b']! > b);
    await run(sql`delete from dispatch.tally`);
    await minutesLater(1);
    assert.equal(await shift(), 20, 'back once in five minutes');
    for (const points of [10, 0, 0]) {
      await minutesLater(5);
      assert.equal(await shift(), points);
    }
    assert.deepEqual(await homesOf(await again(first)), { a: 400 });
  });

  it('counts the receipts of each gateway, and those later than five minutes', async () => {
    await seedGateway(db.worker, { id: 'notify' });
    const id = await sending(4);
    const rows = await work((tx) => rowsOf(tx, id));
    for (const { id: message } of rows)
      await db.owner.withActor(system('test'), (tx) =>
        putInState(tx, message, 'accepted', { owner: newId() }),
      );
    await run(sql`update dispatch.message set accepted_at = now() - interval '6 minutes'
      where id = ${rows[0]!.id}`);
    const receipt = (message: string) => ({
      gatewayId: 'notify',
      messageId: message,
      attempt: 1,
      providerId: newId(),
      to: 'delivered' as const,
    });
    const told = rows.slice(0, 3).map((row) => receipt(row.id));
    // The second time nothing moves, so nothing is counted.
    for (let i = 0; i < 2; i++) await work((tx) => applyReceipts(tx, told));
    const counted = await work((tx) =>
      tx.rows(sql`select gateway_id, receipts, slow_receipts from dispatch.tally`),
    );
    assert.deepEqual(counted, [{ gatewayId: 'notify', receipts: 3, slowReceipts: 1 }]);
  });
});
