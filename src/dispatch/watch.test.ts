import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
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
    assert.ok(tookMs < 500, `${tookMs} ms: with the next second`);
  });

  it('requests nothing more after a row of failures, and has it judged at once', async (context) => {
    await seedGateway(db.worker, { id: 'b' });
    const read = async () => (await work((tx) => readBreaker(tx, 'b')))!;
    const watch = new Watch({
      database: db.worker,
      gateway: { id: 'b', window: 8, sendMaxMs: 1_000 } as Gateway,
      log: quiet,
      onOpen: () => {},
      pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
    });
    watch.start();
    context.after(() => watch.stop());
    const { turn } = await until(read, ({ state }) => state === 'closed');
    // It has read where the breaker stands once something that it counted is written.
    await watch.end(
      watch.begin({ turn, dispatchId: null }),
      { class: 'accepted', providerId: 'x' },
      false,
    );
    await until(read, ({ answered }) => answered === 1);
    const failed = { class: 'unknown', code: 'UND_ERR_SOCKET' } as const;
    const five = Array.from({ length: 5 }, () => watch.begin({ turn, dispatchId: null }));
    for (const one of five.slice(1)) await watch.end(one, failed, false);
    assert.equal(watch.window, 8);
    const endedAt = performance.now();
    await watch.end(five[0]!, failed, false);
    assert.equal(watch.window, 0, 'before anything was judged');
    await until(read, ({ state }) => state === 'open');
    const tookMs = performance.now() - endedAt;
    assert.ok(tookMs < 500, `${tookMs} ms: with the next second`);
    assert.equal(watch.window, 0);
  });
});
