/** The last check before a dispatch leaves: asked once, and nothing leaves without a yes (P5). */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  letAll,
  makeDispatch,
  notifyGateway,
  release,
  seedNotify,
  startEngine,
  startQuickSimulator,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import { resumeDispatch } from './actions.ts';
import type { Prove } from './proof.ts';

let db: Clone;

before(async () => {
  db = await cloneDatabase();
  await seedNotify(db.worker);
});

after(() => db.drop());

async function openScene(prove: Prove) {
  const simulator = await startQuickSimulator();
  const engine = startEngine(db.worker, [notifyGateway(simulator)], { prove });
  return {
    sent: () => simulator.simulation.counts.accepted,
    lastText: () => {
      const last = simulator.simulation.handsets.search('')[0]?.messages.at(-1);
      return last !== undefined && 'body' in last ? last.body : undefined;
    },
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await simulator.close();
    },
  };
}

async function dispatchRow(id: string) {
  return await db.owner.withActor(system('test'), (tx) =>
    tx.one<{ state: string; pauseReason: string | null; proofs: number; entries: number }>(sql`
      select state, pause_reason,
        (select count(*) from dispatch.proof where dispatch_id = ${id}) as proofs,
        (select count(*) from audit.v_entry entry where entry.subject_id = ${id}
          and entry.action = 'dispatch.not_proved') as entries
      from dispatch.dispatch where id = ${id}`),
  );
}

it('is asked once for each dispatch, whoever sends it, and written down', async () => {
  const asked: string[] = [];
  const prove: Prove = async (tx, id) => {
    asked.push(id);
    return await letAll(tx, id);
  };
  const id = await makeDispatch(db.owner, { messages: 300 });
  {
    await using _ = await openScene(prove);
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      (states) => states['accepted'] === 300,
    );
    assert.deepEqual(asked, [id]);
    assert.equal((await dispatchRow(id)).proofs, 1);
  }
  // Another worker finds it written down.
  const more = await makeDispatch(db.owner, { messages: 1, laterRoundsMs: [500] });
  {
    await using _ = await openScene(prove);
    await release(db.web, more);
    await until(
      () => statesOf(db.owner, more),
      (states) => (states['accepted'] ?? 0) >= 1,
    );
  }
  await using _ = await openScene(prove);
  await until(
    () => statesOf(db.owner, more),
    (states) => states['accepted'] === 2,
  );
  assert.deepEqual(asked, [id, more]);
});

it('nothing leaves without it: paused, told why, and again after it is resumed', async () => {
  await using scene = await openScene(() =>
    Promise.resolve({ holds: false, why: 'nobody has approved it.' }),
  );
  const id = await makeDispatch(db.owner, { messages: 50 });
  await release(db.web, id);
  const isPaused = ({ state }: { state: string }) => state === 'paused';
  const { pauseReason } = await until(() => dispatchRow(id), isPaused);
  assert.match(pauseReason ?? '', /Nothing of it leaves: nobody has approved it\./);
  await db.web.withActor(system('test'), (tx) =>
    resumeDispatch(tx, { dispatchId: id, reason: 'let it go' }),
  );
  await until(
    () => dispatchRow(id),
    (row) => isPaused(row) && row.entries === 2,
  );
  assert.deepEqual(await statesOf(db.owner, id), { ready: 50 });
  assert.equal(scene.sent(), 0);
});

it('nothing leaves while it cannot be asked, and all of it afterwards', async () => {
  let isBroken = true;
  await using scene = await openScene(async (tx, id) => {
    if (isBroken) throw new Error('cannot be read');
    return await letAll(tx, id);
  });
  const id = await makeDispatch(db.owner, { messages: 20 });
  await release(db.web, id);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(scene.sent(), 0);
  isBroken = false;
  await until(
    () => statesOf(db.owner, id),
    (states) => states['accepted'] === 20,
  );
});

it('the one blank that release knows is filled by who sends, and the row stays as approved', async () => {
  await using scene = await openScene(letAll);
  const id = await makeDispatch(db.owner, { messages: 1 });
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.message set body = 'Unanswered since {since}, so {since}.'
      where dispatch_id = ${id}`),
  );
  await release(db.web, id);
  await until(
    () => statesOf(db.owner, id),
    (states) => states['accepted'] === 1,
  );
  const [row] = await db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ body: string; at: Date }>(sql`
      select body, released_at as at from dispatch.message
      join dispatch.dispatch on dispatch.id = dispatch_id where dispatch_id = ${id}`),
  );
  assert.equal(row!.body, 'Unanswered since {since}, so {since}.');
  const at = row!.at.toISOString().slice(11, 16);
  assert.equal(scene.lastText(), `Unanswered since ${at}, so ${at}.`);
});

it('one approval lets each part go once: a copy of the dispatch does not leave', async () => {
  const approvalId = newId();
  await using scene = await openScene(() =>
    Promise.resolve({ holds: true, by: { approvalId, part: 'first', isAlone: false } }),
  );
  const [one, copy] = [
    await makeDispatch(db.owner, { messages: 3 }),
    await makeDispatch(db.owner, { messages: 3 }),
  ];
  await release(db.web, one);
  await until(
    () => statesOf(db.owner, one),
    (states) => states['accepted'] === 3,
  );
  await release(db.web, copy);
  const { pauseReason } = await until(
    () => dispatchRow(copy),
    ({ state }) => state === 'paused',
  );
  assert.match(pauseReason ?? '', /used for another dispatch before/);
  assert.equal(scene.sent(), 3);
});

it('a check that fails whenever it is asked stops the dispatch with a word, and is asked again', async () => {
  let isMended = false;
  await using scene = await openScene(async (tx, id) => {
    if (!isMended) await tx.one(sql`select ${'cli'}::uuid`);
    return await letAll(tx, id);
  });
  const id = await makeDispatch(db.owner, { messages: 5 });
  await release(db.web, id);
  const { pauseReason } = await until(
    () => dispatchRow(id),
    ({ state }) => state === 'paused',
  );
  assert.match(pauseReason ?? '', /the check of its approval failed.*Resume it once/);
  assert.equal(scene.sent(), 0);
  isMended = true;
  await db.web.withActor(system('test'), (tx) =>
    resumeDispatch(tx, { dispatchId: id, reason: 'mended' }),
  );
  await until(
    () => statesOf(db.owner, id),
    (states) => states['accepted'] === 5,
  );
});
