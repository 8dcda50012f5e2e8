/** Addresses that are stopped while an engine sends to them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  patientWaits,
  quickGateway,
  release,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
  type Simulator,
} from '../../test/support/dispatch.ts';
import { stopAddresses } from './stop.ts';

const MESSAGES = 600;
const actor = system('test');

describe('addresses that are stopped in the middle of a send', () => {
  let db: Clone;
  let simulator: Simulator;

  before(async () => {
    db = await cloneDatabase();
    simulator = await startQuickSimulator();
    await seedNotify(db.worker);
    await simulator.addFault({ fault: 'slow', delayMs: 700, on: 'send' });
  });

  after(async () => {
    await simulator.close();
    await db.drop();
  });

  it('get no request any more but those that are being made', async (context) => {
    const gateway = quickGateway(simulator.notifyUrl, patientWaits);
    const asked: number[] = [];
    const send = gateway.send.bind(gateway);
    Object.assign(gateway, {
      send: (...args: Parameters<typeof send>) => {
        asked.push(performance.now());
        return send(...args);
      },
    });
    const engine = startEngine(db.worker, [gateway], patientWaits.engine);
    context.after(async () => await engine.stop());
    const id = await makeDispatch(db.owner, { messages: MESSAGES });
    await release(db.web, id);
    await until(
      () => Promise.resolve(simulator.simulation.counts.accepted),
      (count) => count > 0,
    );
    await db.web.withActor(actor, async (tx) => {
      const points = await tx.rows<{ id: string }>(sql`
        select contact_point_id as id from dispatch.v_in_recipient where dispatch_id = ${id}
        union select contact_point_id from dispatch.v_message where dispatch_id = ${id}`);
      const all = points.map((point) => point.id);
      const suppressed = await stopAddresses(tx, all);
      assert.ok(suppressed > 0 && suppressed < MESSAGES, `${suppressed} suppressed`);
    });
    const askedAtCommit = asked.length;
    const states = await until(
      () => statesOf(db.owner, id),
      ({ ready = 0, claimed = 0, held = 0, unknown = 0 }) => ready + claimed + held + unknown === 0,
    );
    // Not none: an answer that comes before the notice begins another request.
    const more = asked.length - askedAtCommit;
    assert.ok(more < gateway.window, `${more} were asked for after the commit`);
    assert.ok((states['cancelled'] ?? 0) > 0, 'nothing was claimed, so this proves nothing');
    assert.equal(states['accepted'], simulator.simulation.counts.accepted);
  });
});
