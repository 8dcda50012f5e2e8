/**
 * A correction against workers that claim and send: whoever may have had the first gets the
 * correction, whoever had nothing the first alert of the new version, nobody both, nobody neither.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Approved } from '#kernel/approved.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  notifyGateway,
  putInState,
  release,
  rowsOf,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import { planDispatch, sealDispatch } from './actions.ts';
import { hashOfCorrection, releaseCorrection } from './correct.ts';
import { markHeld } from './store-continuity.ts';
import type { MessageState } from './model.ts';

const actor = system('test');

describe('a correction', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(async () => {
    await db.drop();
  });

  /** A dispatch to the contact points of another, its texts beginning with `words`. */
  async function copyOf(earlierId: string, words: string): Promise<string> {
    const id = newId();
    await db.owner.withActor(actor, async (tx) => {
      const rounds = [{ round: 1, opensAfterMs: 0 }];
      const plan = { id, label: words, lane: 1, exercise: false, expiresAfterMs: 3_600_000 };
      const receiptAsksMs = [120_000];
      await planDispatch(tx, { ...plan, receiptAsksMs, uncertainAfterMs: 300_000, rounds });
      await tx.run(sql`
        insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
          channel, round, rank, code, body, address_sealed)
        select kernel.uuid_v7(), ${id}, contact_point_id, organisation_id, channel, 1, rank, code,
          ${words} || body, address_sealed
        from dispatch.message where dispatch_id = ${earlierId} and round = 1`);
    });
    return id;
  }

  async function planned(earlierId: string) {
    return {
      correctionId: await copyOf(earlierId, 'CORRECTED '),
      firstId: await copyOf(earlierId, 'FIRST '),
    };
  }

  const correct = (
    earlierIds: string[],
    { correctionId, firstId }: { correctionId: string; firstId: string },
    meddle: (tx: Tx) => Promise<unknown> = () => Promise.resolve(),
  ) =>
    db.web.attempt(actor, async (tx) => {
      await sealDispatch(tx, correctionId, '');
      const hash = await sealDispatch(tx, firstId, `x${await hashOfCorrection(tx, correctionId)}`);
      await db.owner.withActor(actor, meddle);
      return await releaseCorrection(tx, {
        chaseOfId: null,
        earlierIds,
        correctionId,
        firstId,
        approved: { hash, approvedBy: newId(), approvedAt: new Date() } as Approved,
        alsoCovers: (correctionHash) => `x${correctionHash}`,
      });
    });

  /** What each state of a message says of its reader; `wire`: what a worker holds. */
  const told: Record<MessageState, boolean> = {
    held: false,
    ready: false,
    claimed: true,
    unknown: true,
    accepted: true,
    delivered: true,
    undelivered: true,
    rejected: false,
    cancelled: false,
    expired: false,
    suppressed: false,
    uncertain_closed: true,
  };

  it('goes to gone and unknown, on the wire too; the never sent get the first alert', async () => {
    const states = Object.keys(told) as MessageState[];
    const earlier = await makeDispatch(db.owner, { messages: states.length });
    await release(db.web, earlier);
    await db.owner.withActor(actor, async (tx) => {
      for (const [i, { id }] of (await rowsOf(tx, earlier)).entries())
        await putInState(tx, id, states[i]!, { owner: newId() });
    });
    const plans = await planned(earlier);
    assert.ok((await correct([earlier], plans)).ok);
    const outcome = await db.owner.withActor(actor, (tx) =>
      tx.rows<{ before: string; correction: string; first: string; i: number }>(sql`
        select old.state as before, correction.state as correction, first.state as first
        from dispatch.message old
        join dispatch.message correction on correction.contact_point_id = old.contact_point_id
          and correction.dispatch_id = ${plans.correctionId}
        join dispatch.message first on first.contact_point_id = old.contact_point_id
          and first.dispatch_id = ${plans.firstId}
        where old.dispatch_id = ${earlier} order by old.id`),
    );
    for (const [i, row] of outcome.entries()) {
      const expected = told[states[i]!] ? ['ready', 'cancelled'] : ['cancelled', 'ready'];
      assert.deepEqual([row.correction, row.first], expected, states[i] ?? '');
    }
    // Nothing of the first waits any more.
    const left = await statesOf(db.owner, earlier);
    assert.deepEqual([left['held'], left['ready']], [undefined, undefined]);
  });

  it('is refused as a whole where either half is not what was approved, and twice', async () => {
    const earlier = await makeDispatch(db.owner, { messages: 3 });
    await release(db.web, earlier);
    for (const half of ['correctionId', 'firstId'] as const) {
      const plans = await planned(earlier);
      const meddle = (tx: Tx) =>
        tx.run(sql`update dispatch.message set body = 'x' where dispatch_id = ${plans[half]}`);
      // The transaction holds no lock on messages before it releases.
      assert.equal((await correct([earlier], plans, meddle)).ok, false, half);
      assert.deepEqual(await statesOf(db.owner, earlier), { ready: 3 });
      assert.deepEqual(await statesOf(db.owner, plans.firstId), { held: 3 });
    }
    const plans = await planned(earlier);
    const both = await Promise.all([correct([earlier], plans), correct([earlier], plans)]);
    assert.equal(both.filter(({ ok }) => ok).length, 1);
    assert.deepEqual(await statesOf(db.owner, plans.firstId), { ready: 3 });
  });

  it('is refused as a whole while it is not known who had the earlier text', async () => {
    const earlier = await makeDispatch(db.owner, { messages: 3 });
    await release(db.web, earlier);
    const plans = await planned(earlier);
    const hold = (tx: Tx) => markHeld(tx, { reason: 'test', readFrom: null });
    assert.equal(await db.worker.withActor(actor, hold), true);
    const refusedOne = await correct([earlier], plans);
    assert.equal(!refusedOne.ok && refusedOne.kind, 'conflict');
    assert.deepEqual(await statesOf(db.owner, earlier), { ready: 3 });
    assert.deepEqual(await statesOf(db.owner, plans.correctionId), { held: 3 });
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.continuity
        set held_since = null, held_reason = null, held_start = null`),
    );
    assert.ok((await correct([earlier], plans)).ok);
    assert.deepEqual(await statesOf(db.owner, plans.firstId), { ready: 3 });
  });

  it('a message that a claim holds in that moment is corrected, never told twice', async () => {
    const earlier = await makeDispatch(db.owner, { messages: 3 });
    await release(db.web, earlier);
    const held = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    // In the middle of a claim: the message is taken, and the dispatch will be wanted.
    const claiming = db.owner.withActor(actor, async (tx) => {
      const [row] = await rowsOf(tx, earlier);
      await putInState(tx, row!.id, 'claimed', { owner: newId() });
      held.resolve();
      await done.promise;
      await tx.run(sql`update dispatch.dispatch set last_claimed_at = now() where id = ${earlier}`);
    });
    await held.promise;
    const plans = await planned(earlier);
    assert.ok((await correct([earlier], plans)).ok);
    done.resolve();
    await claiming;
    assert.deepEqual(await statesOf(db.owner, earlier), { claimed: 1, cancelled: 2 });
    assert.deepEqual(await statesOf(db.owner, plans.correctionId), { ready: 1, cancelled: 2 });
    assert.deepEqual(await statesOf(db.owner, plans.firstId), { ready: 2, cancelled: 1 });
  });

  it('while two workers send: every phone gets the correction or a first alert, never both', async (context) => {
    const simulator = await startQuickSimulator();
    // What the tests before left over goes to the same phones.
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.message set state = 'cancelled', final_at = now(),
        lease_owner = null, lease_until = null, check_at = null
        where state in ('held', 'ready', 'claimed', 'unknown', 'accepted')`),
    );
    const engines = [1, 2].map(() => startEngine(db.worker, [notifyGateway(simulator)]));
    context.after(async () => {
      await Promise.all(engines.map((engine) => engine.stop()));
      await simulator.close();
    });
    await simulator.addFault({ fault: 'slow', delayMs: 5, on: 'send' });
    for (const afterMs of [0, 60, 150, 300]) {
      const before_ = [...simulator.simulation.notifications.all()].length;
      const total = 800;
      const earlier = await makeDispatch(db.owner, { messages: total });
      const plans = await planned(earlier);
      await release(db.web, earlier);
      await delay(afterMs);
      assert.ok((await correct([earlier], plans)).ok);
      const settled = ({ held, ready, claimed, unknown }: Record<string, number>) =>
        (held ?? ready ?? claimed ?? unknown) === undefined;
      for (const id of [earlier, plans.correctionId, plans.firstId])
        await until(() => statesOf(db.owner, id), settled, 30_000);
      const texts = new Map<string, string[]>();
      for (const one of [...simulator.simulation.notifications.all()].slice(before_)) {
        const kind = /^(?:CORRECTED|FIRST)/.exec(one.body)?.[0] ?? 'old';
        texts.set(one.to, [...(texts.get(one.to) ?? []), kind]);
      }
      assert.equal(texts.size, total, 'nobody gets nothing');
      for (const [phone, kinds] of texts) {
        const said = kinds.join(' ');
        // A correction without the old text: it was in a worker's hands, and was given back.
        assert.match(said, /^(?:FIRST|CORRECTED|old CORRECTED|CORRECTED old)$/, phone);
      }
    }
  });
});
