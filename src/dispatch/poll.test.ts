/** A site that nothing can call: no callback at all, and yet statuses and answers arrive in time. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { open } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  DEFAULT_API_KEYS,
  makeDispatch,
  notifyGateway,
  quiet,
  release,
  sealingKey,
  seals,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
  type Simulator,
} from '../../test/support/dispatch.ts';
import type { Gateway } from './gateways/gateway.ts';
import { REPLY_TASK } from './inbox.ts';
import { addToken, dropTokens, saveGateway } from './manage-gateways.ts';
import { poll, type PollOptions } from './poll.ts';
import { claimPoll, finishPoll, type Polled, type PollRequest } from './store-poll.ts';

describe('where no callback can come', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await save();
  });

  after(() => db.drop());

  async function save(change: object = {}) {
    const settings = { apiKey: DEFAULT_API_KEYS.live, perMinute: 600_000, ...change };
    const gateway = { id: 'notify', kind: 'notify', channel: 'text', settings } as const;
    const saved = await db.worker.withActor(system('test'), (tx) =>
      saveGateway(tx, gateway, () => Buffer.from('unused in tests')),
    );
    assert.ok(saved.ok);
  }

  const owner = <T>(work: Parameters<Clone['owner']['withActor']>[1]) =>
    db.owner.withActor(system('test'), work) as Promise<T>;

  type Kept = { texts: string[]; jobs: number };
  async function kept(): Promise<Kept> {
    const rows = await owner<{ id: string; contentSealed: Buffer }[]>((tx) =>
      tx.rows(sql`select id, content_sealed from dispatch.reply_inbox order by sent_at, id`),
    );
    const { jobs } = await owner<{ jobs: number }>((tx) =>
      tx.one(sql`select count(*) as jobs from graphile_worker.jobs
        where task_identifier = ${REPLY_TASK}`),
    );
    const words = rows.map(({ id, contentSealed }) =>
      open([sealingKey], `reply_content|${id}`, contentSealed),
    );
    return { texts: words, jobs };
  }

  async function engineAt(context: TestContext, simulator: Simulator): Promise<void> {
    const engine = startEngine(db.worker, [notifyGateway(simulator)]);
    context.after(() => engine.stop());
  }

  it('two workers: receipts and an answer arrive within ten seconds, each once', async (context) => {
    const simulator = await startQuickSimulator();
    context.after(() => simulator.close());
    await engineAt(context, simulator);
    await engineAt(context, simulator);
    const id = await makeDispatch(db.owner, { messages: 60 });
    await release(db.web, id);
    await until(
      () => Promise.resolve(simulator.simulation.counts.accepted),
      (accepted) => accepted === 60,
    );
    const acceptedAt = performance.now();
    await until(
      () => statesOf(db.owner, id),
      ({ delivered }) => delivered === 60,
      15_000,
    );
    const behindMs = [performance.now() - acceptedAt];
    const { texts: before } = await kept();
    for (const text of ['4821', '4821 HELP']) {
      await simulator.simulation.reply('447700000007', text);
      const begun = performance.now();
      await until(kept, ({ texts }) => texts.includes(text), 15_000);
      behindMs.push(performance.now() - begun);
    }
    assert.ok(Math.max(...behindMs) <= 10_000, `${behindMs.join(', ')} ms behind`);
    // Another round of questions brings nothing twice.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const { texts, jobs } = await kept();
    assert.deepEqual(texts, [...before, '4821', '4821 HELP']);
    assert.equal(jobs, texts.length);
  });

  describe('one worker, and a list of statuses that is long or hangs', () => {
    /** 40 pages of 300 ms; where it hangs, nothing until the test is over. */
    function slowList(context: TestContext) {
      const over = new AbortController();
      const waits = { hangs: false };
      context.after(() => over.abort());
      const after = (ms: number) =>
        sleep(ms, undefined, { signal: over.signal }).catch(() => undefined);
      const list = async (olderThan = '0') => {
        await after(waits.hangs ? 60_000 : 300);
        const page = Number(olderThan) + 1;
        const one = { reference: null, status: 'sending', createdAt: new Date() };
        return over.signal.aborted || page > 40 ? [] : [{ providerId: String(page), ...one }];
      };
      return { list, waits };
    }

    it('receipts of what left lately come within ten seconds, behind 15,000 texts', async (context) => {
      await reset();
      const startedAt = Date.now();
      const final = new Set<number>();
      const reference = 'tocsin-00000000-00000000-0000-4000-8000-000000000000-1-1';
      // Ten minutes of texts, 25 a second: sixty pages.
      const list = async (olderThan = '-1') => {
        await sleep(300);
        const first = Number(olderThan) + 1;
        return Array.from({ length: Math.min(250, 15_000 - first) }, (_, i) => ({
          providerId: String(first + i),
          reference,
          status: final.has(first + i) ? 'delivered' : 'sending',
          createdAt: new Date(startedAt - 40 * (first + i)),
        }));
      };
      const simulator = await startQuickSimulator();
      context.after(() => simulator.close());
      const engine = startEngine(db.worker, [Object.assign(notifyGateway(simulator), { list })]);
      context.after(() => engine.stop());
      await release(db.web, await makeDispatch(db.owner, { messages: 1 }));
      const behindMs: number[] = [];
      for (const secondsOld of [30, 2, 20]) {
        const text = secondsOld * 25;
        final.add(text);
        const begun = performance.now();
        await until(
          () =>
            owner<{ receipts: number }>((tx) =>
              tx.one(sql`select count(*) as receipts from dispatch.receipt_inbox
                where provider_id = ${String(text)}`),
            ),
          ({ receipts }) => receipts === 1,
          60_000,
        );
        behindMs.push(Math.round(performance.now() - begun));
      }
      context.diagnostic(`${behindMs.join(', ')} ms behind`);
      assert.ok(Math.max(...behindMs) <= 10_000, `${behindMs.join(', ')} ms behind`);
    });

    it('texts come within ten seconds all the same', async (context) => {
      await owner((tx) => tx.run(sql`delete from dispatch.poll`));
      const simulator = await startQuickSimulator();
      context.after(() => simulator.close());
      const { list, waits } = slowList(context);
      const engine = startEngine(db.worker, [Object.assign(notifyGateway(simulator), { list })]);
      context.after(() => engine.stop());
      await release(db.web, await makeDispatch(db.owner, { messages: 1 }));
      const behindMs: number[] = [];
      for (const text of ['4821 one', '4821 two', '4821 three']) {
        // The last one comes while the list hangs, and has for a while.
        waits.hangs = text === '4821 three';
        if (waits.hangs) await sleep(6_000);
        await simulator.simulation.reply('447700000007', text);
        const begun = performance.now();
        await until(kept, ({ texts }) => texts.includes(text), 40_000);
        behindMs.push(Math.round(performance.now() - begun));
      }
      context.diagnostic(`${behindMs.join(', ')} ms behind`);
      assert.ok(Math.max(...behindMs) <= 10_000, `${behindMs.join(', ')} ms behind`);
    });
  });

  const both = ['statuses', 'texts'] as const;
  const request = (change: Partial<PollRequest> = {}): PollRequest => ({
    gatewayId: 'notify',
    what: 'statuses',
    owner: newId(),
    leaseMs: 30_000,
    liveMs: 4_000,
    idleMs: 60_000,
    liveForMs: 86_400_000,
    ...change,
  });
  /** Which of the two there was to ask. */
  const claim = async (change: Partial<PollRequest> = {}) => {
    const claims = await Promise.all(
      both.map(async (what) => {
        const wanted = request({ ...change, what });
        const due = await db.worker.withActor(system('test'), (tx) => claimPoll(tx, wanted));
        return due === undefined ? [] : [what];
      }),
    );
    return claims.flat();
  };
  const reset = () => owner((tx) => tx.run(sql`delete from dispatch.poll`));
  const age = (seconds: number) =>
    owner((tx) =>
      tx.run(sql`update dispatch.poll set lease_until = null,
        polled_at = now() - ${seconds} * interval '1 second'`),
    );

  it('one worker asks at a time; one that died is relieved, and cannot finish it', async () => {
    await reset();
    const dead = newId();
    const claims = await Promise.all([
      claim({ owner: dead, leaseMs: 0 }),
      claim(),
      claim(),
      claim(),
    ]);
    assert.ok(claims.flat().length <= 4, 'taken by more than those whose lease had ended');
    await reset();
    assert.deepEqual(await claim({ owner: dead, leaseMs: 1 }), both);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(await claim(), both);
    for (const what of both)
      await db.worker.withActor(system('test'), (tx) =>
        finishPoll(tx, { gatewayId: 'notify', what, owner: dead, olderThan: null }),
      );
    assert.deepEqual(await claim(), [], 'still leased by the one who took over');
  });

  it('asks often while a dispatch is live, else seldom; routine makes nothing live', async () => {
    await reset();
    await owner((tx) =>
      tx.run(sql`update dispatch.dispatch set released_at = now() - interval '2 days'
      where lane in (1, 2, 4) and released_at is not null`),
    );
    assert.deepEqual(await claim(), both);
    await age(5);
    assert.deepEqual(await claim(), []);
    await release(db.web, await makeDispatch(db.owner, { messages: 1, lane: 3 }));
    assert.deepEqual(await claim(), []);
    await age(61);
    assert.deepEqual(await claim(), both);
    await age(5);
    await makeDispatch(db.owner, { messages: 1 });
    assert.deepEqual(await claim(), [], 'a held one is not live');
    await release(db.web, await makeDispatch(db.owner, { messages: 1 }));
    assert.deepEqual(await claim(), both);
    await age(3);
    assert.deepEqual(await claim(), []);
  });

  it('is asked only where callbacks do not come, or where its settings say so', async () => {
    await reset();
    const act = <T>(work: Parameters<Clone['worker']['withActor']>[1]) =>
      db.worker.withActor(system('test'), work) as Promise<T>;
    await act((tx) => addToken(tx, 'notify', 'a-callback-token'));
    assert.deepEqual(await claim(), []);
    await save({ outboundOnly: true });
    assert.deepEqual(await claim(), both);
    await save();
    await reset();
    assert.deepEqual(await claim(), []);
    await act((tx) => dropTokens(tx, 'notify', 'all'));
    assert.deepEqual(await claim(), both);
  });

  describe('page by page', () => {
    const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000);
    const options = (gateway: Partial<Gateway>): PollOptions => ({
      database: db.worker,
      gateways: new Map([['notify', { id: 'notify', ...gateway } as Gateway]]),
      seals,
      log: quiet,
      owner: newId(),
    });

    const ofStatuses: Polled = { gatewayId: 'notify', what: 'statuses' };
    const ofTexts: Polled = { gatewayId: 'notify', what: 'texts' };

    it('takes twelve new pages of statuses a turn, and goes on behind them, whoever has it', async () => {
      await reset();
      const reference = 'tocsin-00000000-00000000-0000-4000-8000-000000000000-1-1';
      const asked: number[] = [];
      const list = (olderThan = '0') => {
        const page = Number(olderThan) + 1;
        asked.push(page);
        // Only the oldest ones are final; what is behind the 25th is older than ten minutes.
        const status = page > 24 ? 'delivered' : 'sending';
        const createdAt = at(page > 25 ? 601 : page);
        return Promise.resolve([{ providerId: String(page), reference, status, createdAt }]);
      };
      const gateway = { list, meaningOf: (status: string) => status as 'delivered' };
      const turns: number[][] = [];
      for (let turn = 0; turn < 3; turn++) {
        await poll(ofStatuses, options(gateway));
        turns.push(asked.splice(0));
      }
      const pages = (first: number, last: number) =>
        Array.from({ length: last - first + 1 }, (_, i) => first + i);
      assert.deepEqual(turns, [pages(1, 20), [...pages(1, 12), ...pages(21, 26)], []]);
      const found = await owner<{ receipts: number }>((tx) =>
        tx.one(sql`select count(*) as receipts from dispatch.receipt_inbox
          where provider_id in ('25', '26')`),
      );
      assert.equal(found.receipts, 2);
      await age(61);
      await poll(ofStatuses, options(gateway));
      assert.equal(asked[0], 1, 'after its end from the newest again');
    });

    it('takes texts until a page without news, the oldest first, none older than the gateway', async () => {
      await reset();
      const pages = [at(-3), at(-2), at(-1)]
        .toReversed()
        .map((dateReceived, i) => [
          { id: newId(), sourceNumber: '447700900123', message: `page ${i}`, dateReceived },
        ]);
      const old = {
        id: newId(),
        sourceNumber: '447700900123',
        message: 'old',
        dateReceived: at(9e6),
      };
      const list = [...pages, [old], [old]];
      let asked = 0;
      const listTexts = (olderThan?: string) => {
        asked += 1;
        const next =
          olderThan === undefined ? 0 : list.findIndex(([one]) => one!.id === olderThan) + 1;
        return Promise.resolve(list[next] ?? []);
      };
      const gateway = { listTexts };
      await poll(ofTexts, options(gateway));
      const { texts } = await kept();
      assert.deepEqual(new Set(texts.filter((text) => text.startsWith('page'))).size, 3);
      assert.ok(!texts.includes('old'));
      assert.equal(asked, 4);
      await reset();
      asked = 0;
      await poll(ofTexts, options(gateway));
      assert.equal(asked, 1, 'the newest page had nothing new');
    });

    it('what cannot be told, or fails, is asked again and stops nothing', async () => {
      await reset();
      const fails = {
        list: () => Promise.reject(new Error('x')),
        listTexts: () => Promise.resolve(undefined),
      };
      for (const polled of [ofStatuses, ofTexts]) await poll(polled, options(fails));
      const rows = await owner<{ open: number }>((tx) =>
        tx.one(sql`select count(*) as open from dispatch.poll where lease_until is not null`),
      );
      assert.equal(rows.open, 0);
    });
  });
});
