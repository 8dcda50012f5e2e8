/** What the table of messages refuses by itself: states that are none, and halves of one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  rehearse,
  release,
  rowsOf,
  seedNotify,
} from '../../test/support/dispatch.ts';
import { states, type MessageState } from './model.ts';

const all = Object.keys(states) as MessageState[];

describe('the table of messages', () => {
  let db: Clone;
  let dispatchId: string;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    dispatchId = await makeDispatch(db.owner, { messages: all.length });
    await release(db.web, dispatchId);
    await db.owner.withActor(system('test'), async (tx) => {
      for (const [i, { id }] of (await rowsOf(tx, dispatchId)).entries())
        await putInState(tx, id, all[i % all.length]!, { owner: newId() });
    });
  });

  after(() => db.drop());

  const broken: [MessageState, string, string][] = [
    ['claimed', 'without owner', 'lease_owner = null, lease_until = null'],
    ['claimed', 'without end of lease', 'lease_until = null'],
    ['ready', 'with a lease', `lease_owner = gen_random_uuid(), lease_until = now()`],
    ['ready', 'with an end of lease', 'lease_until = now()'],
    ['ready', 'without due time', 'due_at = null'],
    ['ready', 'final', 'final_at = now()'],
    ['accepted', 'final', 'final_at = now()'],
    ['accepted', 'without its time', 'accepted_at = null'],
    ['accepted', 'without attempt', 'attempt = 0'],
    ['unknown', 'without next check', 'check_at = null'],
    ['unknown', 'without attempt', 'attempt = 0'],
    ['delivered', 'without its time', 'final_at = null'],
    ['rejected', 'without attempt', 'attempt = 0'],
    ['cancelled', 'without its time', 'final_at = null'],
  ];
  for (const [state, how, set] of broken) {
    it(`refuses ${state} ${how}`, async () => {
      const change = rehearse(db.owner, async (tx) => {
        const row = (await rowsOf(tx, dispatchId)).find((one) => one.state === state)!;
        const assign = {
          ...sql``,
          strings: [`update dispatch.message set ${set} where id = `, ''],
        };
        await tx.run({ ...assign, values: [row.id] });
      });
      await assert.rejects(change, { code: '23514' });
    });
  }

  it('knows these states and no other', async () => {
    const put = rehearse(db.owner, async (tx) => {
      const [row] = await rowsOf(tx, dispatchId);
      await tx.run(sql`update dispatch.message set state = 'lost' where id = ${row!.id}`);
    });
    await assert.rejects(put, { code: '23514' });
  });
});
