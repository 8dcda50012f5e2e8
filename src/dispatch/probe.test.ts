/** Probes: a gateway shows that it works, and that it works again, with no person's message. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  quickGateway,
  quickWaits,
  seedNotify,
  startEngine,
  startQuickSimulator,
  until as untilSoon,
} from '../../test/support/dispatch.ts';
import { rulesWith } from '../../test/support/rules.ts';
import { parseReference } from './model.ts';
import { probeTo, type Probing } from './probe.ts';
import { claimProbe, readBreaker } from './store-breaker.ts';

/** Two cores are shared with every other test. */
const until = <T>(look: () => Promise<T>, holds: (seen: T) => boolean) =>
  untilSoon(look, holds, 40_000);

const OURS = '447700900999';
const probing: Probing = {
  everyMs: rulesWith(['probe_every: PT5M', 'probe_every: PT10M']).sending.probeEveryMs,
  addresses: new Map([['notify', OURS]]),
  wordsAt: () => ({ subject: 'Test', body: 'This path works.' }),
};

describe('a probe', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker, { ratePerSecond: 1, burst: 5 });
  });

  after(async () => {
    await db.drop();
  });

  const work = <T>(act: (tx: Tx) => Promise<T>) => db.worker.withActor(system('test'), act);
  const run = (statement: Sql) => db.owner.withActor(system('test'), (tx) => tx.run(statement));
  const claim = () =>
    work((tx) => claimProbe(tx, { gatewayId: 'notify', everyMs: probing.everyMs }));
  const due = async () => (await work((tx) => readBreaker(tx, 'notify')))!.probeIsDue;
  const back = () =>
    run(sql`update dispatch.breaker set state = 'closed', reason = null, rung = null,
      rows_left = null, retry_at = null, probe_at = now(), turn = turn + 1`);

  it('is sent by one worker, in its time, and pays its token', async () => {
    assert.equal(await due(), true);
    const claims = await Promise.all(Array.from({ length: 6 }, claim));
    assert.deepEqual(
      claims.filter((turn) => turn !== undefined),
      [1],
    );
    assert.equal(await due(), false);
    const { minutes } = await work((tx) =>
      tx.one<{ minutes: number }>(sql`
        select round(extract(epoch from probe_at - tried_at) / 60)::int as minutes
        from dispatch.breaker`),
    );
    assert.equal(minutes, 10);
    const tokens = () =>
      work((tx) => tx.one<{ tokens: number }>(sql`select tokens from dispatch.bucket`));
    assert.equal(Math.floor((await tokens()).tokens), 4);
    // A time far ahead was set before the clock jumped back.
    await run(sql`update dispatch.breaker set probe_at = now() + interval '2 days'`);
    assert.equal(await due(), true);
    await run(sql`update dispatch.bucket set tokens = 0.2, refilled_at = clock_timestamp(),
      rate_per_second = 0.001`);
    assert.equal(await claim(), undefined);
    await run(sql`update dispatch.bucket set tokens = 5, paused_at = now(), pause_reason = 'x',
      paused_until = now() + interval '1 minute'`);
    assert.equal(await claim(), undefined);
    await run(sql`update dispatch.bucket set paused_at = null, pause_reason = null,
      paused_until = null`);
    await run(sql`update dispatch.breaker set state = 'open', reason = 'failing',
      retry_at = now() + interval '1 minute'`);
    assert.deepEqual([await due(), await claim()], [false, undefined]);
    await back();
  });

  it('has the reference of no attempt, so nothing mistakes it for a message', () => {
    const { reference, address } = probeTo({ id: newId(), address: OURS }, probing, new Date());
    assert.equal(parseReference(reference), undefined);
    assert.match(reference, /^tocsin-probe-/);
    assert.equal(address, OURS);
  });

  it('proves the gateway, and lets one that failed climb back, without any message', async (c) => {
    await run(sql`update dispatch.bucket set tokens = 5`);
    await run(sql`update dispatch.breaker set state = 'open', reason = 'failing', turn = turn + 1,
      retry_at = now(), changed_at = now()`);
    const simulator = await startQuickSimulator();
    const gateway = quickGateway(simulator.notifyUrl);
    const engine = startEngine(db.worker, [gateway], { ...quickWaits.engine, probing });
    c.after(async () => {
      await engine.stop();
      await simulator.close();
    });
    const breaker = await until(
      async () => (await work((tx) => readBreaker(tx, 'notify')))!,
      ({ state, rung }) => state === 'half_open' && rung === 1,
    );
    assert.equal(breaker.turn > 1, true);
    const [sent, ...more] = simulator.simulation.notifications.all();
    assert.deepEqual(more, [], 'one probe');
    assert.match(sent!.reference!, /^tocsin-probe-/);
    const { proven } = await work((tx) =>
      tx.one<{ proven: boolean }>(sql`
        select last_proven_at > now() - interval '1 minute' as proven from dispatch.gateway`),
    );
    assert.equal(proven, true);
    // No board, no ledger, no figure of the hour knows of it (P11).
    for (const table of [
      sql`dispatch.message`,
      sql`dispatch.attempt`,
      sql`dispatch.v_gateway_hour`,
    ])
      assert.equal(await run(sql`select from ${table}`), 0);
  });
});
