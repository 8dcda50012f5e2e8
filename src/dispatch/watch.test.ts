import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { quiet, seedGateway, until } from '../../test/support/dispatch.ts';
import type { BreakerStep } from './breaker.ts';
import type { Gateway } from './gateways/gateway.ts';
import { moveBreaker, readBreaker } from './store-breaker.ts';
import { Watch } from './watch.ts';

const OPEN: BreakerStep = {
  state: 'open',
  rung: null,
  reason: 'failing',
  openings: 1,
  retryInMs: 0,
  rowsLeft: null,
};

describe('watching a gateway', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedGateway(db.worker, { id: 'a' });
  });

  after(() => db.drop());

  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);

  it('writes what a trial came to at once, and goes on by it', async (context) => {
    await work((tx) => moveBreaker(tx, { gatewayId: 'a', turn: 1, step: OPEN }));
    const watch = new Watch({
      database: db.worker,
      gateway: { id: 'a', window: 8, sendMaxMs: 1_000 } as Gateway,
      log: quiet,
      onOpen: () => {},
      pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
    });
    watch.start();
    context.after(() => watch.stop());
    const read = async () => (await work((tx) => readBreaker(tx, 'a')))!;
    const { turn } = await until(read, ({ state, rung }) => state === 'half_open' && rung === 0);
    const trial = watch.begin({ turn, dispatchId: null });
    await until(
      () => Promise.resolve(watch.window),
      (window) => window === 8,
    );
    const endedAt = performance.now();
    await watch.end(trial, { class: 'accepted', providerId: 'x' }, false);
    await until(read, ({ rung }) => rung === 1);
    const tookMs = performance.now() - endedAt;
    assert.ok(tookMs < 900, `${tookMs} ms: with the next second`);
  });

  describe('after a row of failures', () => {
    const failed = { class: 'unknown', code: 'UND_ERR_SOCKET' } as const;
    const answered = { class: 'accepted', providerId: 'x' } as const;
    const read = async () => (await work((tx) => readBreaker(tx, 'b')))!;

    before(() => seedGateway(db.worker, { id: 'b' }));

    /** What all eight requests of its window came to: nothing. */
    async function broken(context: TestContext) {
      const watch = new Watch({
        database: db.worker,
        gateway: { id: 'b', window: 8, sendMaxMs: 1_000 } as Gateway,
        log: quiet,
        onOpen: () => {},
        pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
      });
      watch.start();
      context.after(() => watch.stop());
      const { turn, answered: before } = await read();
      const begin = () => watch.begin({ turn, dispatchId: null });
      // Once this is written it has read where the breaker stands.
      await watch.end(begin(), answered, false);
      await until(read, (breaker) => breaker.answered > before);
      const eight = Array.from({ length: 8 }, begin);
      for (const one of eight) await watch.end(one, failed, false);
      return { watch, begin };
    }

    it('goes one by one, and as before once one is answered', async (context) => {
      const { watch, begin } = await broken(context);
      assert.equal(watch.window, 1);
      await watch.end(begin(), answered, false);
      assert.equal(watch.window, 8);
      assert.equal((await read()).state, 'closed');
    });

    it('five more, one by one, open the breaker at once', async (context) => {
      const { watch, begin } = await broken(context);
      const startedAt = performance.now();
      for (let i = 0; i < 5; i++) await watch.end(begin(), failed, false);
      await until(read, ({ state }) => state === 'open');
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs < 900, `${tookMs} ms: with the next second`);
      assert.equal(watch.window, 0);
    });
  });
});
