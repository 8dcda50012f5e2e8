/** Each breach is made once by hand and found; a sound database, sending or not, breaks nothing. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  notifyGateway,
  putInState,
  quiet,
  referenceOf,
  rehearse,
  release,
  rowsOf,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import { Auditor, invariants, readAudit, type InvariantId } from './auditor.ts';

const actor = system('test');

describe('the auditor', () => {
  let db: Clone;
  let dispatchId: string;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    dispatchId = await makeDispatch(db.owner, { messages: 4, laterRoundsMs: [3_600_000] });
    await release(db.web, dispatchId);
    // No engine sends it, and it is not to look forgotten meanwhile.
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.message set due_at = now() + interval '30 minutes'
        where state = 'ready'`),
    );
  });

  after(async () => {
    await db.drop();
  });

  /** The ids of what does not hold after `act`, which leaves no trace. */
  const brokenAfter = (act: (tx: Tx, ids: string[]) => Promise<unknown>) =>
    rehearse(db.owner, async (tx) => {
      await act(
        tx,
        (await rowsOf(tx, dispatchId)).map(({ id }) => id),
      );
      const broken: string[] = [];
      for (const [id, { count }] of Object.entries(invariants)) {
        const { breaches, sample } = await count(tx);
        assert.equal(breaches > 0, sample !== null, id);
        if (breaches > 0) broken.push(id);
      }
      return broken;
    });

  const owner = newId();
  const put = (tx: Tx, id: string, state: Parameters<typeof putInState>[2]) =>
    putInState(tx, id, state, { owner });
  const attemptAgain = async (tx: Tx, id: string) => {
    await tx.run(sql`insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
      values (${id}, 1, 2, 'notify', ${owner})`);
    await tx.run(sql`update dispatch.message set attempt = 2 where id = ${id}`);
  };
  const end = (tx: Tx, id: string, number: number, providerId: string = newId()) =>
    tx.run(sql`insert into dispatch.attempt_end (message_id, epoch, number, class, provider_id)
      values (${id}, 1, ${number}, 'accepted', ${providerId})`);
  const receive = (
    tx: Tx,
    reference: string,
    status: string,
    outcome: string | null,
    providerId: string = newId(),
  ) =>
    tx.run(sql`insert into dispatch.receipt_inbox (gateway_id, provider_id, status, reference,
        handled_at, outcome)
      values ('notify', ${providerId}, ${status}, ${reference},
        case when ${outcome}::text is not null then now() end, ${outcome})`);
  const alarm = (tx: Tx, id: string, kind: string, age: string) =>
    tx.run(sql`insert into dispatch.alarm (kind, message_id, gateway_id, provider_id, raised_at)
      values (${kind}, ${id}, 'notify', ${newId()}, now() - ${age}::interval)`);

  const breaches: [InvariantId, string, (tx: Tx, ids: string[]) => Promise<unknown>][] = [
    [
      'counted',
      'a message is lost',
      (tx, ids) => tx.run(sql`delete from dispatch.message where id = ${ids[0]!}`),
    ],
    [
      'counted',
      'a message came by another way than an approval',
      async (tx) => {
        await tx.run(sql`alter table dispatch.message disable trigger message_is_planned`);
        await tx.run(sql`insert into dispatch.message (dispatch_id, contact_point_id, channel,
            round, rank, code, body, address_sealed)
          values (${dispatchId}, ${newId()}, 'text', 1, 1, '4821', 'x', 'x')`);
      },
    ],
    [
      'leased',
      'a lease ended, and nobody saw it',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'claimed');
        await tx.run(sql`update dispatch.message set lease_until = now() - interval '6 seconds'
          where id = ${ids[0]!}`);
      },
    ],
    [
      'certain',
      'an unknown is past its use',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'unknown');
        await tx.run(sql`update dispatch.message set expires_at = now() - interval '6 seconds'
          where id = ${ids[0]!}`);
      },
    ],
    [
      'certain',
      'an unknown is not looked up',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'unknown');
        await tx.run(sql`update dispatch.message set check_at = now() - interval '3 minutes'
          where id = ${ids[0]!}`);
      },
    ],
    [
      'opened',
      'a round is due and shut',
      (tx) =>
        tx.run(sql`update dispatch.round set opens_at = now() - interval '6 seconds'
          where dispatch_id = ${dispatchId} and round = 2`),
    ],
    [
      'opened',
      'a round has no time',
      (tx) =>
        tx.run(sql`update dispatch.round set opens_at = null
          where dispatch_id = ${dispatchId} and round = 2`),
    ],
    [
      'accepted_once',
      'two attempts ended in acceptance',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'accepted');
        await attemptAgain(tx, ids[0]!);
        await end(tx, ids[0]!, 1);
        await end(tx, ids[0]!, 2);
      },
    ],
    [
      'accepted_once',
      'a look-up found an attempt, and another one was accepted',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'accepted');
        await attemptAgain(tx, ids[0]!);
        await end(tx, ids[0]!, 2);
        await tx.run(sql`insert into dispatch.lookup (message_id, reference, answer, status)
          values (${ids[0]!}, ${referenceOf(ids[0]!, 1)}, 'found', 'sending')`);
      },
    ],
    [
      'accepted_once',
      'a receipt came for an attempt that was believed absent',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'delivered');
        await attemptAgain(tx, ids[0]!);
        await receive(tx, referenceOf(ids[0]!, 1), 'delivered', 'unmatched');
      },
    ],
    [
      'accepted_once',
      'an alarm was raised within a day',
      (tx, ids) => alarm(tx, ids[0]!, 'accepted_twice', '23 hours'),
    ],
    [
      'accepted_once',
      'a receipt names another text than the answer did, under one reference',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'delivered');
        await end(tx, ids[0]!, 1);
        await receive(tx, referenceOf(ids[0]!, 1), 'delivered', 'repeated');
      },
    ],
    [
      'accepted_once',
      'a receipt names another text than the look-up did, under one reference',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'delivered');
        await tx.run(sql`update dispatch.message set provider_id = 'found' where id = ${ids[0]!}`);
        await receive(tx, referenceOf(ids[0]!, 1), 'delivered', 'repeated');
      },
    ],
    [
      'accepted_once',
      'two receipts name two texts under one reference',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'delivered');
        await receive(tx, referenceOf(ids[0]!, 1), 'delivered', 'applied');
        await receive(tx, referenceOf(ids[0]!, 1), 'sent', 'repeated');
      },
    ],
    [
      'timed',
      'an accepted message is asked for no more',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'accepted');
        await tx.run(sql`update dispatch.message set check_at = null where id = ${ids[0]!}`);
      },
    ],
    ...(['held', 'ready', 'claimed', 'unknown'] as const).map(
      (state) =>
        [
          'finished',
          `a dispatch is done with a message that is ${state}`,
          async (tx: Tx, ids: string[]) => {
            for (const id of ids) await put(tx, id, 'cancelled');
            await put(tx, ids[0]!, state);
            await tx.run(sql`update dispatch.dispatch set state = 'done', ended_at = now()
              where id = ${dispatchId}`);
          },
        ] as [InvariantId, string, (tx: Tx, ids: string[]) => Promise<unknown>],
    ),
    [
      'forward',
      'a delivered message was moved back',
      async (tx, ids) => {
        await receive(tx, referenceOf(ids[0]!), 'delivered', 'applied');
        await put(tx, ids[0]!, 'accepted');
      },
    ],
    [
      'forward',
      'a message that was delivered in the words of SMPP was moved back',
      async (tx, ids) => {
        await receive(tx, referenceOf(ids[0]!), 'DELIVRD', 'applied');
        await put(tx, ids[0]!, 'accepted');
      },
    ],
    [
      'leaving',
      'texts of an alert are due and go nowhere',
      (tx) =>
        tx.run(sql`update dispatch.message set due_at = now() - interval '61 seconds'
          where state = 'ready'`),
    ],
    [
      'whole',
      'history is held',
      (tx) =>
        tx.run(sql`update dispatch.continuity set held_since = now(), held_reason = 'test',
          held_start = pg_postmaster_start_time()`),
    ],
    [
      'replicated',
      'the replica is away',
      (tx) => tx.run(sql`update dispatch.continuity set replica_away_since = now()`),
    ],
    [
      'laned',
      'an exercise is in a live lane',
      async (tx) => {
        await tx.run(sql`alter table dispatch.dispatch drop constraint dispatch_exercise_lane`);
        await tx.run(sql`update dispatch.dispatch set exercise = true where id = ${dispatchId}`);
      },
    ],
    [
      'paced',
      'a bucket was overspent',
      (tx) => tx.run(sql`update dispatch.bucket set tokens = -1 where id = 'notify'`),
    ],
    [
      'heard',
      'a receipt waits for more than a minute',
      async (tx, ids) => {
        await receive(tx, referenceOf(ids[0]!), 'delivered', null);
        await tx.run(sql`update dispatch.receipt_inbox set received_at = now() - interval '2 min'`);
      },
    ],
    [
      'heard',
      'a reply waits for more than a minute',
      (tx) =>
        tx.run(sql`insert into dispatch.reply_inbox (gateway_id, provider_id, address_index,
            address_sealed, content_sealed, received_at)
          values ('notify', 'x', 'x', 'x', 'x', now() - interval '2 minutes')`),
    ],
  ];

  it('finds nothing where all holds', async () => {
    assert.deepEqual(await brokenAfter(() => Promise.resolve()), []);
  });

  const sound: [string, (tx: Tx, ids: string[]) => Promise<unknown>][] = [
    ['an alarm of the day before', (tx, ids) => alarm(tx, ids[0]!, 'accepted_twice', '25 hours')],
    ['an alarm of another kind', (tx, ids) => alarm(tx, ids[0]!, 'stuck_at_provider', '0')],
    [
      'receipts of one text that tell of its way',
      async (tx, ids) => {
        await put(tx, ids[0]!, 'delivered');
        await end(tx, ids[0]!, 1, 'one');
        await receive(tx, referenceOf(ids[0]!, 1), 'sent', 'repeated', 'one');
        await receive(tx, referenceOf(ids[0]!, 1), 'delivered', 'applied', 'one');
      },
    ],
    [
      'a receipt of a gateway that was not asked',
      async (tx, ids) => {
        await seedElsewhere(tx);
        await put(tx, ids[0]!, 'delivered');
        await end(tx, ids[0]!, 1, 'one');
        await receive(tx, referenceOf(ids[0]!, 1), 'delivered', 'applied', 'one');
        await tx.run(sql`insert into dispatch.receipt_inbox (gateway_id, provider_id, status,
            reference, handled_at, outcome)
          values ('elsewhere', 'two', 'sent', ${referenceOf(ids[0]!, 1)}, now(), 'repeated')`);
      },
    ],
  ];
  const seedElsewhere = (tx: Tx) =>
    tx.run(sql`insert into dispatch.gateway (id, kind, channel, bucket_id, settings_sealed,
        can_be_asked, takes_replies)
      values ('elsewhere', 'notify', 'text', 'notify', '', true, true)`);

  for (const [what, act] of sound)
    it(`finds nothing in ${what}`, async () => {
      assert.deepEqual(await brokenAfter(act), []);
    });

  for (const [id, what, act] of breaches)
    it(`finds that ${what}`, async () => {
      assert.deepEqual(await brokenAfter(act), [id]);
    });

  it('every invariant has a breach that is found', () => {
    const tried = new Set(breaches.map(([id]) => id));
    assert.deepEqual([...tried].sort(), Object.keys(invariants).sort());
  });

  const auditor = (options: Partial<ConstructorParameters<typeof Auditor>[0]> = {}) =>
    new Auditor({ database: db.worker, log: quiet, everyMs: 0, againMs: 10, ...options });

  it('keeps what it finds until it holds again, and since when', async () => {
    const own = (act: (tx: Tx) => Promise<unknown>) => db.owner.withActor(actor, act);
    const read = () => db.web.withActor(actor, readAudit);
    assert.deepEqual([(await read()).isStale, (await read()).auditedAt], [true, null]);
    await own((tx) => tx.run(sql`update dispatch.bucket set tokens = -5`));
    assert.equal(await auditor().audit(), false);
    const { broken } = await read();
    assert.deepEqual(
      broken.map(({ id, breaches: count, sample }) => [id, count, sample]),
      [['paced', 1, 'notify']],
    );
    assert.equal(await auditor().audit(), false);
    assert.deepEqual((await read()).broken[0]!.brokenSince, broken[0]!.brokenSince);
    await own((tx) => tx.run(sql`update dispatch.bucket set tokens = 5`));
    assert.equal(await auditor().audit(), true);
    const later = await read();
    assert.deepEqual([later.broken, later.isStale], [[], false]);
    const paced = later.checked.find(({ id }) => id === 'paced')!;
    assert.ok(paced.lastBrokenAt !== null && paced.brokenSince === null);
    assert.equal(later.checked.length, Object.keys(invariants).length);
  });

  it('of many workers one has the turn, and takes it over from one that died', async () => {
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.auditor set begun_at = now() - interval '61 seconds'`),
    );
    const rounds = await Promise.all([1, 2, 3, 4].map(() => auditor({ everyMs: 60_000 }).audit()));
    assert.equal(rounds.filter((round) => round !== undefined).length, 1);
  });

  it('a round that fails is never called whole: the last one grows old', async () => {
    const broken = new Auditor({
      database: {
        ...db.worker,
        withActor: async (who, work) =>
          await db.worker.withActor(who, async (tx) => {
            const failing = { ...tx, one: () => Promise.reject(new Error('cannot look')) };
            return await work(failing as Tx);
          }),
      },
      log: quiet,
      everyMs: 0,
    });
    const ended = () =>
      db.owner.withActor(actor, (tx) =>
        tx.one<{ endedAt: Date }>(sql`select ended_at from dispatch.auditor`),
      );
    const before_ = await ended();
    await assert.rejects(broken.audit(), /cannot look/);
    assert.deepEqual(await ended(), before_);
    await db.owner.withActor(actor, (tx) =>
      tx.run(sql`update dispatch.auditor set ended_at = now() - interval '4 minutes'`),
    );
    assert.equal((await db.web.withActor(actor, readAudit)).isStale, true);
  });

  it('tells a dead-man switch while all holds, only then, and waits for no answer', async (context) => {
    let pings = 0;
    const server = createServer((_, answer) => {
      pings += 1;
      // The first is answered, later ones never.
      if (pings === 1) answer.end('ok');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const deadmanUrl = `http://127.0.0.1:${port}/ping`;
    const settings = { deadmanUrl, everyMs: 30, pingMs: 100 };
    const set = (tokens: number) =>
      db.owner.withActor(actor, (tx) => tx.run(sql`update dispatch.bucket set tokens = ${tokens}`));
    const first = auditor(settings);
    first.start();
    await until(
      () => Promise.resolve(pings),
      (count) => count >= 3,
    );
    await first.stop();
    await set(-5);
    const [seen, second] = [pings, auditor(settings)];
    second.start();
    await until(
      () => db.web.withActor(actor, readAudit),
      ({ broken }) => broken.length === 1,
    );
    await second.stop();
    await set(5);
    assert.equal(pings, seen);
  });

  it('finds nothing while two engines send, and one dispatch is stopped on the way', async (context) => {
    const simulator = await startQuickSimulator();
    const engines = [1, 2].map(() => startEngine(db.worker, [notifyGateway(simulator)]));
    context.after(async () => {
      await Promise.all(engines.map((engine) => engine.stop()));
      await simulator.close();
    });
    const ids = await Promise.all(
      [1, 2].map(() => makeDispatch(db.owner, { messages: 1_500, laterRoundsMs: [300] })),
    );
    for (const id of ids) await release(db.web, id);
    const all = new Map<string, number>();
    await until(
      async () => {
        await auditor().audit();
        const { broken } = await db.web.withActor(actor, readAudit);
        // That a round opens within five seconds is of the machine, and others work on it here.
        for (const { id } of broken) if (id !== 'opened') all.set(id, (all.get(id) ?? 0) + 1);
        return await statesOf(db.owner, ids[0]!);
      },
      ({ held, ready, claimed }) => (held ?? ready ?? claimed) === undefined,
      30_000,
    );
    assert.deepEqual([...all], []);
  });
});
