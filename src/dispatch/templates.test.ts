/** A provider that sends other words than were approved is noticed, and the dispatch stops. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { listEntries } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  DEFAULT_TEMPLATES,
  makeDispatch,
  notifyGateway,
  quiet,
  release,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import { resumeDispatch } from './actions.ts';
import { readTemplates } from './templates.ts';

const { id: templateId } = DEFAULT_TEMPLATES[0];

describe('the template of a provider', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
  });

  after(() => db.drop());

  async function scene(context: TestContext) {
    const simulator = await startQuickSimulator();
    const engine = startEngine(db.worker, [notifyGateway(simulator)]);
    context.after(async () => {
      await engine.stop();
      await simulator.close();
    });
    return simulator;
  }

  const owner = <T>(work: Parameters<Clone['owner']['withActor']>[1]) =>
    db.owner.withActor(system('test'), work) as Promise<T>;

  const dispatchRow = (id: string) =>
    owner<{ state: string; pauseReason: string | null }>((tx) =>
      tx.one(sql`select state, pause_reason from dispatch.dispatch where id = ${id}`),
    );

  const pinned = () =>
    owner<{ id: string; version: number; body: string; failure: string | null; at: Date }>((tx) =>
      tx.one(sql`select template_id as id, template_version as version, template_body as body,
        last_failure_code as failure, template_read_at as at
        from dispatch.gateway where id = 'notify'`),
    );

  it('one changed text pauses the dispatch with its reason; a person resumes', async (context) => {
    const simulator = await scene(context);
    await simulator.addFault({ fault: 'content_changed', after: 10, times: 1, prefix: 'Not: ' });
    await simulator.addFault({ fault: 'slow', delayMs: 30, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 600 });
    await release(db.web, id);
    const paused = await until(
      () => dispatchRow(id),
      ({ state }) => state === 'paused',
    );
    assert.match(paused.pauseReason!, /other words than were approved \(gateway notify\)/);
    const states = await until(
      () => statesOf(db.owner, id),
      ({ claimed = 0 }) => claimed === 0,
    );
    assert.ok(states['ready']! > 100, `only ${states['ready']} were held back`);
    await simulator.clearFaults();
    await db.web.withActor(system('test'), (tx) =>
      resumeDispatch(tx, { dispatchId: id, reason: 'template mended' }),
    );
    await until(
      () => statesOf(db.owner, id),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered === 600,
    );
    assert.equal(simulator.simulation.counts.accepted, 600);
  });

  it('is read again before a dispatch begins: none leaves with other words', async (context) => {
    const simulator = await scene(context);
    const first = await makeDispatch(db.owner, { messages: 1 });
    await release(db.web, first);
    await until(
      () => statesOf(db.owner, first),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered === 1,
    );
    // Somebody edits it now: the gateway still has it in use.
    simulator.simulation.changeTemplate({ id: templateId, body: 'Drill: ((body))' });
    const second = await makeDispatch(db.owner, { messages: 300 });
    await release(db.web, second);
    await until(pinned, ({ failure }) => failure === 'no_pass_through_template');
    await until(
      () => statesOf(db.owner, second),
      ({ claimed = 0, ready = 0 }) => claimed === 0 && ready === 300,
    );
    assert.equal(simulator.simulation.counts.accepted, 1);
    simulator.simulation.changeTemplate({ id: templateId, body: '((body))' });
    await until(
      () => statesOf(db.owner, second),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered === 300,
      30_000,
    );
  });

  it('that is edited while a dispatch runs is found by the first answer', async (context) => {
    const simulator = await scene(context);
    await simulator.addFault({ fault: 'slow', delayMs: 100, on: 'send' });
    const id = await makeDispatch(db.owner, { messages: 600 });
    await release(db.web, id);
    await until(
      () => Promise.resolve(simulator.simulation.counts.accepted),
      (accepted) => accepted > 0,
    );
    const before = simulator.simulation.counts.accepted;
    simulator.simulation.changeTemplate({ id: templateId, body: 'Drill: ((body))' });
    await until(
      () => dispatchRow(id),
      ({ state }) => state === 'paused',
    );
    const states = await until(
      () => statesOf(db.owner, id),
      ({ claimed = 0 }) => claimed === 0,
    );
    const late = (states['accepted'] ?? 0) + (states['delivered'] ?? 0) - before;
    assert.ok(late <= 3 * 64, `${late} left with other words`);
    assert.ok(states['ready']! > 100, `only ${states['ready']} were held back`);
  });

  it('that cannot be read is not waited for', async (context) => {
    const simulator = await scene(context);
    const first = await makeDispatch(db.owner, { messages: 1 });
    await release(db.web, first);
    await until(
      () => statesOf(db.owner, first),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered === 1,
    );
    await simulator.addFault({ fault: 'slow', delayMs: 8_000, on: 'get' });
    const second = await makeDispatch(db.owner, { messages: 10 });
    await release(db.web, second);
    await until(
      () => statesOf(db.owner, second),
      ({ accepted = 0, delivered = 0 }) => accepted + delivered === 10,
      6_000,
    );
  });

  it('that is slow to be read for one dispatch does not hold up another', async (context) => {
    const simulator = await scene(context);
    const accepted = () => Promise.resolve(simulator.simulation.counts.accepted);
    await release(db.web, await makeDispatch(db.owner, { messages: 1 }));
    await until(accepted, (count) => count === 1);
    await simulator.addFault({ fault: 'slow', delayMs: 8_000, on: 'get' });
    const routine = await makeDispatch(db.owner, { messages: 300, lane: 3 });
    const alert = await makeDispatch(db.owner, { messages: 10 });
    await release(db.web, routine);
    await until(
      () => statesOf(db.owner, routine),
      ({ claimed = 0 }) => claimed > 0,
    );
    await release(db.web, alert);
    const releasedAt = performance.now();
    await until(accepted, (count) => count > 1);
    const tookMs = Math.round(performance.now() - releasedAt);
    context.diagnostic(`first request after ${tookMs} ms`);
    assert.ok(tookMs <= 5_000, `${tookMs} ms`);
    const { accepted: first = 0, delivered = 0 } = await until(
      () => statesOf(db.owner, alert),
      (states) => states['ready'] === undefined && states['claimed'] === undefined,
    );
    assert.equal(first + delivered, 10);
    await until(
      () => statesOf(db.owner, routine),
      (states) => (states['accepted'] ?? 0) + (states['delivered'] ?? 0) === 300,
    );
  });

  it('is remembered with its version, and a change is in the audit', async (context) => {
    const simulator = await startQuickSimulator();
    const gateway = notifyGateway(simulator);
    context.after(async () => {
      await gateway.close();
      await simulator.close();
    });
    const read = () => readTemplates({ database: db.worker, gateways: [gateway], log: quiet });
    const entries = async () =>
      (
        await db.owner.withActor(system('test'), (tx) =>
          listEntries(tx, { action: 'gateway.template_pinned' }),
        )
      ).entries.map(({ detail }) => detail['version']);
    await read();
    const before = await entries();
    assert.deepEqual(
      [(await pinned()).id, (await pinned()).version, (await pinned()).body],
      [templateId, 1, '((body))'],
    );
    const { at } = await pinned();
    await read();
    assert.deepEqual(await entries(), before, 'read again, nothing new');
    assert.ok((await pinned()).at > at);
    simulator.simulation.changeTemplate({ id: templateId, body: ' ((body))' });
    await read();
    assert.deepEqual([(await pinned()).version, (await entries())[0]], [2, 2]);
    simulator.simulation.changeTemplate({ id: templateId, body: 'Drill: ((body))' });
    await read();
    assert.deepEqual(
      [(await pinned()).version, (await pinned()).failure],
      [2, 'no_pass_through_template'],
    );
    await simulator.addFault({ fault: 'error', on: 'get' });
    await read();
    assert.equal((await pinned()).version, 2, 'a provider that cannot tell changes nothing');
  });
});
