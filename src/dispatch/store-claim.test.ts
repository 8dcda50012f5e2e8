import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
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
  seedNotify,
  statesOf,
  type Scene,
} from '../../test/support/dispatch.ts';
import { rulesWith } from '../../test/support/rules.ts';
import { insertSingleMessages } from './store-answer.ts';
import { moveDispatch } from './store-plan.ts';
import { claimChecks } from './store-check.ts';
import { pauseBucket, reserveTokens, waitForTokenMs } from './store-bucket.ts';
import { claimMessages, type Claimed } from './store-send.ts';

const PLENTY = { ratePerSecond: 1e6, burst: 1e6 };

describe('claiming', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
  });

  after(async () => {
    await db.drop();
  });

  beforeEach(async () => {
    // Each test starts with a full bucket and nothing to send.
    await run(sql`update dispatch.dispatch set state = 'done', ended_at = now()
      where state in ('sending', 'paused') and lane <> 0`);
    await run(sql`update dispatch.bucket set paused_at = null, paused_until = null,
      pause_reason = null, slow_from = null, slow_until = null,
      refilled_at = now(), tokens = 1e6`);
    await seedNotify(db.worker, PLENTY);
  });

  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);
  const run = (statement: Sql) => db.owner.withActor(system('test'), (tx) => tx.run(statement));
  const claimIn = (tx: Tx, most: number, owner = newId()) =>
    claimMessages(tx, { gatewayId: 'notify', channel: 'text', owner, leaseMs: 60_000, most });
  const claim = (most: number) => work((tx) => claimIn(tx, most));

  async function sending(scene: Scene): Promise<string> {
    const id = await makeDispatch(db.owner, scene);
    await release(db.web, id);
    return id;
  }

  const steer = (id: string, to: 'paused' | 'cancelled' | 'sending') =>
    work((tx) =>
      moveDispatch(tx, {
        id,
        from: ['sending', 'paused', 'held'],
        to,
        reason: to === 'paused' ? 'test' : null,
      }),
    );

  it('a worker that stands still before its commit is turned out, and others claim', async () => {
    const id = await sending({ messages: 2 });
    const held = Promise.withResolvers<void>();
    const claimedBoth = Promise.withResolvers<number>();
    const frozen = work(async (tx) => {
      claimedBoth.resolve((await claimIn(tx, 2)).length);
      await held.promise;
    });
    const outcome = assert.rejects(frozen);
    assert.equal(await claimedBoth.promise, 2);
    assert.equal((await claim(2)).length, 2, 'it waited for the bucket until the other was gone');
    held.resolve();
    await outcome;
    assert.equal((await statesOf(db.owner, id))['claimed'], 2);
  });

  it('two claims at the same time never share a message', async () => {
    const id = await sending({ messages: 200 });
    const batches = await Promise.all(Array.from({ length: 8 }, () => claim(25)));
    const ids = batches.flat().map((message) => message.id);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal((await statesOf(db.owner, id))['claimed'], ids.length);
    while ((await claim(25)).length > 0);
    assert.deepEqual(await statesOf(db.owner, id), { claimed: 200 });
  });

  it('one that waits for another, in the same moment, takes what is left', async () => {
    await sending({ messages: 10 });
    const first = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const one = work(async (tx) => {
      const claimed = await claimIn(tx, 6);
      taken.resolve();
      await first.promise;
      return claimed;
    });
    await taken.promise;
    const two = claim(6);
    first.resolve();
    const ids = [...(await one), ...(await two)].map((message) => message.id);
    assert.equal(ids.length, 10);
    assert.equal(new Set(ids).size, 10);
  });

  it('writes the attempt with its epoch before the request', async () => {
    const id = await sending({ messages: 1 });
    await run(sql`update dispatch.dispatch set epoch = 7 where id = ${id}`);
    const owner = newId();
    const [message] = await work((tx) => claimIn(tx, 5, owner));
    assert.deepEqual([message!.epoch, message!.attempt, message!.dispatchId], [7, 1, id]);
    const attempts = await work((tx) =>
      tx.rows(sql`select message_id, epoch, number, gateway_id, owner from dispatch.attempt
        where message_id = ${message!.id}`),
    );
    assert.deepEqual(attempts, [
      { messageId: message!.id, epoch: 7, number: 1, gatewayId: 'notify', owner },
    ]);
  });

  describe('the bucket', () => {
    const bucket = (set: Sql) => run(sql`update dispatch.bucket set ${set} where id = 'notify'`);
    const tokens = async () =>
      (await work((tx) => tx.one<{ tokens: number }>(sql`select tokens from dispatch.bucket`)))
        .tokens;

    it('grants no more than it has, and nothing when it is empty', async () => {
      await sending({ messages: 30 });
      await bucket(sql`rate_per_second = 0.001, burst = 20, tokens = 12.9`);
      assert.equal((await claim(8)).length, 8);
      assert.equal((await claim(8)).length, 4);
      assert.equal((await claim(8)).length, 0);
      assert.ok((await tokens()) < 1);
      assert.ok((await work((tx) => waitForTokenMs(tx, 'notify'))) > 10_000);
    });

    it('refills by time, up to its burst', async () => {
      await sending({ messages: 60 });
      await bucket(sql`rate_per_second = 10, burst = 25, tokens = 0,
        refilled_at = now() - interval '1 second'`);
      const granted = (await claim(100)).length;
      assert.ok(granted === 10 || granted === 11, `${granted} after one second at 10/s`);
      await bucket(sql`tokens = 0, refilled_at = now() - interval '1 hour'`);
      assert.equal((await claim(100)).length, 25);
    });

    it('pays for messages, not for looking', async () => {
      await bucket(sql`burst = 10, tokens = 5, rate_per_second = 0.001`);
      assert.equal((await claim(100)).length, 0);
      assert.equal(Math.floor(await tokens()), 5);
    });

    it('grants nothing while it is paused, and starts empty after it', async () => {
      const id = await sending({ messages: 120 });
      await work((tx) =>
        pauseBucket(tx, { gatewayId: 'notify', forMs: 60_000, reason: '429', tooFast: true }),
      );
      assert.equal((await claim(50)).length, 0);
      assert.deepEqual(await statesOf(db.owner, id), { ready: 120 });
      const waitMs = await work((tx) => waitForTokenMs(tx, 'notify'));
      assert.ok(waitMs > 55_000 && waitMs <= 60_001, `${waitMs} ms`);
      await bucket(sql`rate_per_second = 0.001, paused_until = now() - interval '1 ms',
        refilled_at = now() - interval '1 ms'`);
      assert.equal((await claim(50)).length, 0);
      await bucket(sql`tokens = 3`);
      assert.equal((await claim(50)).length, 3);
    });

    it('keeps the longer of two pauses', async () => {
      for (const forMs of [60_000, 2_000])
        await work((tx) =>
          pauseBucket(tx, { gatewayId: 'notify', forMs, reason: 'test', tooFast: false }),
        );
      assert.ok((await work((tx) => waitForTokenMs(tx, 'notify'))) > 55_000);
      const { stands } = await work((tx) =>
        tx.one<{ stands: boolean }>(sql`
          select paused_until > now() + interval '55 seconds' as stands from dispatch.bucket`),
      );
      assert.ok(stands);
    });

    it('survives a clock that jumped back, without owing and without waiting', async () => {
      await sending({ messages: 20 });
      await bucket(sql`rate_per_second = 10, burst = 20, tokens = 4,
        refilled_at = now() + interval '1 hour'`);
      assert.equal((await claim(100)).length, 4);
      await bucket(sql`refilled_at = refilled_at - interval '0.5 second'`);
      assert.ok((await claim(100)).length >= 5);
    });

    it('does not grant the time twice that a claim spent waiting for another', async () => {
      await sending({ messages: 40 });
      await bucket(sql`rate_per_second = 0.001, burst = 100, tokens = 50`);
      const early = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      // A transaction that begins first and claims last: its now() lies before the other's claim.
      const late = work(async (tx) => {
        begun.resolve();
        await early.promise;
        await claimIn(tx, 1);
      });
      await begun.promise;
      await claim(1);
      const [{ at }] = (await work((tx) =>
        tx.rows<{ at: Date }>(sql`select refilled_at as at from dispatch.bucket`),
      )) as [{ at: Date }];
      early.resolve();
      await late;
      const went = await work((tx) =>
        tx.one<{ back: boolean }>(sql`select refilled_at < ${at} as back from dispatch.bucket`),
      );
      assert.equal(went.back, false);
    });

    it('is held up by a pause only until the clock jumps back before it', async () => {
      await sending({ messages: 5 });
      await work((tx) =>
        pauseBucket(tx, { gatewayId: 'notify', forMs: 2_000, reason: 'x', tooFast: true }),
      );
      assert.equal((await claim(5)).length, 0);
      // As if it were an hour ago again: the pause lies in the future, and would last an hour.
      await bucket(sql`paused_at = paused_at + interval '1 hour', tokens = 3,
        paused_until = paused_until + interval '1 hour',
        slow_from = slow_from + interval '1 hour', slow_until = slow_until + interval '1 hour'`);
      assert.equal((await claim(5)).length, 3);
    });

    it('goes slower for a minute after it was found too fast, then as before', async () => {
      const tokensAfter = async (seconds: number) =>
        (
          await work((tx) =>
            tx.one<{ tokens: number }>(sql`select dispatch.tokens_at(bucket,
              bucket.refilled_at + ${seconds} * interval '1 second') as tokens
              from dispatch.bucket`),
          )
        ).tokens;
      await bucket(sql`rate_per_second = 49.5, burst = 1e6`);
      await work((tx) =>
        pauseBucket(tx, { gatewayId: 'notify', forMs: 2_000, reason: '429', tooFast: true }),
      );
      for (const [seconds, tokens] of [
        [0, 0],
        [1, 45],
        [60, 2_700],
        [61, 2_749.5],
        [120, 5_670],
      ] as const)
        assert.ok(Math.abs((await tokensAfter(seconds)) - tokens) < 0.01, `after ${seconds} s`);
      // A pause for another reason changes nothing of that.
      await work((tx) =>
        pauseBucket(tx, { gatewayId: 'notify', forMs: 1, reason: 'clock', tooFast: false }),
      );
      assert.ok(Math.abs((await tokensAfter(1)) - 45) < 0.01);
    });

    it('keeps a reserve from routine and exercises, whole for an alert', async () => {
      const routine = await sending({ messages: 100, lane: 3 });
      await sending({ messages: 100, lane: 4 });
      await bucket(sql`rate_per_second = 0.001, burst = 100, tokens = 70`);
      const { sending: rules } = rulesWith(['reserve_percent: 85', 'reserve_percent: 40']);
      await work((tx) => reserveTokens(tx, rules.urgentReserveShare));
      assert.equal((await claim(100)).length, 30);
      assert.equal((await claim(100)).length, 0);
      assert.equal((await statesOf(db.owner, routine))['claimed'], 30);
      for (const [lane, most] of [
        [2, 10],
        [1, 30],
      ] as const) {
        await sending({ messages: 30, lane });
        assert.equal((await claim(most)).length, most);
      }
    });

    it('leaves a token for routine, however small it is, and says when there is one', async () => {
      await sending({ messages: 10, lane: 3 });
      await bucket(sql`rate_per_second = 0.1, burst = 5, tokens = 5, reserve_share = 0.85`);
      assert.equal((await claim(10)).length, 1);
      const waitMs = await work((tx) => waitForTokenMs(tx, 'notify'));
      assert.ok(waitMs > 8_000 && waitMs <= 10_000, `${waitMs} ms`);
    });

    it('is never overspent by claims at the same time', async () => {
      await sending({ messages: 100 });
      await bucket(sql`rate_per_second = 0.001, burst = 100, tokens = 37`);
      const batches = await Promise.all(Array.from({ length: 10 }, () => claim(9)));
      assert.equal(batches.flat().length, 37);
    });
  });

  describe('texts and mail on one bucket', () => {
    const claimMail = () =>
      work((tx) =>
        claimMessages(tx, {
          gatewayId: 'notify-mail',
          channel: 'mail',
          owner: newId(),
          leaseMs: 60_000,
          most: 100,
        }),
      );
    const asMail = (id: string) =>
      run(sql`update dispatch.message set channel = 'mail', home_gateway_id = 'notify-mail'
        where dispatch_id = ${id}`);

    it('mail waits for the texts of its lane and below, not for those above', async () => {
      await seedGateway(db.worker, {
        id: 'notify-mail',
        channel: 'mail',
        bucket: { id: 'notify', ...PLENTY },
      });
      const mails = await sending({ messages: 10, lane: 2 });
      await asMail(mails);
      const later = await sending({ messages: 4, lane: 3 });
      assert.equal((await claimMail()).length, 10);
      await asMail(await sending({ messages: 6, lane: 2 }));
      const texts = await sending({ messages: 8, lane: 2 });
      assert.equal((await claimMail()).length, 0);
      await claim(7);
      assert.equal((await claimMail()).length, 0);
      await run(sql`update dispatch.message set due_at = now() + interval '1 minute'
        where dispatch_id = ${texts} and state = 'ready'`);
      assert.equal((await claimMail()).length, 6);
      assert.equal((await statesOf(db.owner, later))['ready'], 4);
    });
  });

  describe('the order', () => {
    const dispatchesOf = (claimed: readonly Claimed[]) => [
      ...new Set(claimed.map((message) => message.dispatchId)),
    ];

    it('takes rank 1 of every organisation before rank 2 of any', async () => {
      const id = await sending({ messages: 30, rank: (i) => 1 + (i % 3) });
      const ranks = await work((tx) =>
        tx.rows<{ id: string; rank: number }>(
          sql`select id, rank from dispatch.message where dispatch_id = ${id}`,
        ),
      );
      const rankOf = new Map(ranks.map((row) => [row.id, row.rank]));
      const seen: number[] = [];
      for (;;) {
        const batch = await claim(4);
        if (batch.length === 0) break;
        seen.push(...batch.map((message) => rankOf.get(message.id)!));
      }
      assert.deepEqual(seen, [...Array(10).fill(1), ...Array(10).fill(2), ...Array(10).fill(3)]);
    });

    it('takes the lower lane first, whenever it came', async () => {
      const routine = await sending({ messages: 20, lane: 3 });
      assert.deepEqual(dispatchesOf(await claim(5)), [routine]);
      const alert = await sending({ messages: 8, lane: 1 });
      assert.deepEqual(dispatchesOf(await claim(5)), [alert]);
      assert.deepEqual(dispatchesOf(await claim(5)), [alert]);
      assert.deepEqual(dispatchesOf(await claim(5)), [routine]);
    });

    it('shares a lane in turns', async () => {
      const ids = [await sending({ messages: 40 }), await sending({ messages: 40 })];
      const turns: string[] = [];
      for (let i = 0; i < 8; i++) turns.push(...dispatchesOf(await claim(5)));
      for (const id of ids) assert.equal(turns.filter((one) => one === id).length, 4);
      for (let i = 2; i < turns.length; i++) assert.equal(turns[i], turns[i - 2]);
    });

    it('answers somebody who texted us before all else', async () => {
      await sending({ messages: 5 });
      const contactPointId = newId();
      const answer = {
        contactPointId,
        addressSealed: Buffer.from('sealed'),
        code: '4821',
        body: 'Got it, thanks.',
        because: { rule: 'texts.after_reply', version: '0'.repeat(64), fact: 'they answered' },
        gatewayId: 'notify',
        perHourMax: 2,
      };
      const queue = () => work((tx) => insertSingleMessages(tx, [{ ...answer, id: newId() }]));
      assert.deepEqual([await queue(), await queue(), await queue()], [1, 1, 0]);
      const claimed = await claim(5);
      assert.deepEqual(
        claimed.map((message) => message.contactPointId),
        [contactPointId, contactPointId],
      );
    });

    it('is not held up by messages that are too old to send', async () => {
      const old = await sending({ messages: 5 });
      await run(sql`update dispatch.message set expires_at = now() where dispatch_id = ${old}`);
      const young = await sending({ messages: 5 });
      assert.deepEqual(dispatchesOf(await claim(5)), [young]);
    });
  });

  it('never grants more in any time than burst and rate allow, to many at once', async () => {
    const [rate, burst] = [49.5, 60];
    await sending({ messages: 600 });
    await run(sql`update dispatch.bucket set rate_per_second = ${rate}, burst = ${burst},
      tokens = ${burst}, refilled_at = clock_timestamp() where id = 'notify'`);
    const granted: { at: number; count: number }[] = [];
    const until = performance.now() + 2_000;
    let tick = 0;
    const claimer = async () => {
      while (performance.now() < until) {
        await work(async (tx) => {
          const { length } = await claimIn(tx, 1 + (tick++ % 17));
          // Under the lock of the bucket still, so the order of grants is the order of times.
          const { at } = await tx.one<{ at: number }>(
            sql`select extract(epoch from refilled_at)::float8 as at from dispatch.bucket`,
          );
          if (length > 0) granted.push({ at, count: length });
        });
      }
    };
    await Promise.all(Array.from({ length: 8 }, claimer));
    assert.ok(granted.reduce((sum, { count }) => sum + count, 0) >= burst + rate);
    granted.sort((a, b) => a.at - b.at);
    for (const [first, { at: from }] of granted.entries()) {
      let sum = 0;
      for (const { at, count } of granted.slice(first)) {
        sum += count;
        const most = burst + rate * (at - from);
        assert.ok(sum <= most + 0.01, `${sum} in ${at - from} s, ${most} allowed`);
      }
    }
  });

  it('an alert finds its burst and the first place behind 20,000 routine messages', async () => {
    for (const lane of [3, 3]) await sending({ messages: 10_000, lane });
    const alert = await makeDispatch(db.owner, { messages: 1_000 });
    // Hardly a token comes while they are claimed, however slow the machine is.
    await run(sql`update dispatch.bucket set rate_per_second = 0.001, burst = 980, tokens = 980,
      reserve_share = default, refilled_at = clock_timestamp() where id = 'notify'`);
    // They are leaving when it is released, and have spent all that they may.
    let routine = 0;
    for (let batch = 1; batch > 0; routine += batch) batch = (await claim(100)).length;
    assert.ok(routine >= 147 && routine < 300, `${routine} routine messages took tokens`);
    await release(db.web, alert);
    const claimed: Claimed[] = [];
    for (let i = 0; i < 10; i++) claimed.push(...(await claim(100)));
    // With 779 of 980 the last of 5,000 leaves 5 % later than alone: (5000 - 779) / (5000 - 980).
    assert.ok(claimed.length >= 779, `${claimed.length} at once`);
    assert.ok(claimed.every(({ dispatchId }) => dispatchId === alert));
  });

  it('takes nothing of a dispatch that is held, paused, cancelled or done', async () => {
    await makeDispatch(db.owner, { messages: 3 });
    const [paused, cancelled] = [await sending({ messages: 3 }), await sending({ messages: 3 })];
    await steer(paused, 'paused');
    await steer(cancelled, 'cancelled');
    const done = await sending({ messages: 3 });
    await run(sql`update dispatch.dispatch set state = 'done' where id = ${done}`);
    assert.deepEqual(await claim(50), []);
    await steer(paused, 'sending');
    assert.equal((await claim(50)).length, 3);
  });

  it('takes nothing before its time, after its time or of another channel', async () => {
    const id = await sending({ messages: 4, laterRoundsMs: [60_000] });
    const rows = await work((tx) => rowsOf(tx, id));
    const set = (i: number, change: Sql) =>
      run(sql`update dispatch.message set ${change} where id = ${rows[i]!.id}`);
    await set(0, sql`due_at = now() + interval '1 minute'`);
    await set(1, sql`expires_at = now()`);
    await set(2, sql`channel = 'mail'`);
    assert.deepEqual(
      (await claim(50)).map((message) => message.id),
      [rows[3]!.id],
    );
  });

  it('asks only for what its own gateways can tell, and no two ask for the same', async () => {
    const id = await sending({ messages: 40 });
    await db.owner.withActor(system('test'), async (tx) => {
      for (const row of await rowsOf(tx, id))
        await putInState(tx, row.id, 'unknown', { owner: newId() });
      await tx.run(sql`update dispatch.message set check_at = now() where dispatch_id = ${id}`);
    });
    const ask = (gatewayIds: string[]) =>
      work((tx) => claimChecks(tx, { gatewayIds, gapMs: 15_000, most: 30 }));
    assert.deepEqual(await ask(['another']), []);
    const asked = (await Promise.all([ask(['notify']), ask(['notify'])])).flat();
    assert.equal(asked.length, 40);
    assert.equal(new Set(asked.map((check) => check.id)).size, 40);
    assert.deepEqual(await ask(['notify']), []);
  });
});
