import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, DatabaseError } from 'pg';
import { nobody, system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import { listEntries, record, type EntryPage } from './index.ts';

const clone = await cloneDatabase();
after(() => clone.drop());

const person: Actor = {
  kind: 'person',
  id: newId(),
  name: 'Jo Okafor',
  permissions: new Set(['alert.read', 'audit.read']),
};
const contact: Actor = { kind: 'contact', id: newId(), organisationIds: [newId()] };

/** The SQLSTATE with which PostgreSQL refuses `work`. */
async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => assert.fail('was not refused'),
    (error: unknown) => (error instanceof DatabaseError ? error.code : assert.fail(String(error))),
  );
}

test('an entry carries actor and time of the database, whoever writes it', async () => {
  for (const actor of [system('worker'), person, contact, nobody]) {
    const subject = { kind: 'alert', id: newId() };
    await clone.web.withActor(actor, (tx) =>
      record(tx, { action: 'alert.submitted', subject, detail: { version: 2 } }),
    );
    const page: EntryPage = await clone.web.withActor(person, (tx) => listEntries(tx, { subject }));
    assert.equal(page.entries.length, 1);
    const { id, at, ...rest } = page.entries[0]!;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.ok(Math.abs(at.getTime() - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      actorKind: actor.kind,
      actorId: actor.kind === 'system' ? 'worker' : actor.kind === 'nobody' ? 'nobody' : actor.id,
      action: 'alert.submitted',
      subjectKind: 'alert',
      subjectId: subject.id,
      detail: { version: 2 },
      isErased: false,
    });
  }
});

test('an entry goes with its transaction', async () => {
  const subject = { kind: 'alert', id: newId() };
  const failed = clone.worker.withActor(system('worker'), async (tx) => {
    await record(tx, { action: 'alert.released', subject });
    throw new Error('stop');
  });
  await assert.rejects(failed, /stop/);
  const { entries } = await clone.web.withActor(person, (tx) => listEntries(tx, { subject }));
  assert.deepEqual(entries, []);
});

test('numbers and addresses are refused, in the subject and in the detail', async () => {
  for (const entry of [
    { subject: { kind: 'contact', id: 'jo@northmoor.test' } },
    { subject: { kind: 'contact', id: 'x' }, detail: { to: ['07700 900123'] } },
  ]) {
    const work = clone.web.withActor(person, (tx) =>
      record(tx, { action: 'contact.changed', ...entry }),
    );
    await assert.rejects(work, (error: Error) => !/07700|northmoor/.test(error.message));
  }
});

test('pages follow each other without gap or repetition, newest first', async () => {
  const subject = { kind: 'dispatch', id: newId() };
  await clone.worker.withActor(system('worker'), async (tx) => {
    for (let round = 1; round <= 7; round++) {
      const action = round % 2 ? 'dispatch.settled' : 'dispatch.paused';
      await record(tx, { action, subject, detail: { round } });
    }
  });
  const seen: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await clone.web.withActor(person, (tx) =>
      listEntries(tx, { subject, limit: 3, cursor }),
    );
    seen.push(...page.entries.map((entry) => entry.detail['round']));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
  const paused = await clone.web.withActor(person, (tx) =>
    listEntries(tx, { subject, action: 'dispatch.paused' }),
  );
  assert.equal(paused.entries.length, 3);
  for (const cursor of ['x', newId()]) {
    const none: EntryPage = await clone.web.withActor(person, (tx) => listEntries(tx, { cursor }));
    assert.deepEqual(none, { entries: [] });
  }
});

test('contacts and visitors read nothing', async () => {
  for (const actor of [contact, nobody]) {
    const { entries } = await clone.web.withActor(actor, (tx) => listEntries(tx));
    assert.deepEqual(entries, []);
  }
});

test('no run-time role claims an actor, a time or an id', async () => {
  for (const database of [clone.web, clone.worker]) {
    for (const column of [sql`actor_id`, sql`actor_kind`, sql`at`, sql`id`]) {
      const claim: Promise<number> = database.withActor(person, (tx) =>
        tx.run(sql`insert into audit.entry (action, subject_kind, subject_id, ${column})
          values ('alert.read', 'alert', 'x', default)`),
      );
      assert.equal(await refusal(claim), '42501');
    }
  }
});

test('nobody changes or removes an entry, not the owner, not a superuser', async () => {
  const changes = [
    sql`update audit.entry set action = 'alert.forgotten'`,
    sql`delete from audit.entry`,
    sql`truncate audit.entry cascade`,
  ];
  for (const database of [clone.web, clone.worker, clone.owner]) {
    for (const change of changes) {
      const work = database.withActor(system('test'), (tx) => tx.run(change));
      assert.equal(await refusal(work), '42501');
    }
  }
  const client = new Client(clone.superuser);
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    for (const change of changes) {
      assert.equal(await refusal(client.query(change.strings.join(''))), '42501');
    }
  } finally {
    await client.end();
  }
});

test('an action has the form subject.past_participle', async () => {
  for (const action of ['Submitted', 'alert', 'alert.', 'alert submitted']) {
    const work: Promise<void> = clone.web.withActor(person, (tx) =>
      record(tx, { action, subject: { kind: 'alert', id: 'x' } }),
    );
    assert.equal(await refusal(work), '23514');
  }
});
