import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system, type Actor, type Permission } from '#kernel/actor.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';
import * as identity from './index.ts';
import { deviceName } from './model.ts';

const model: identity.RoleModel = {
  signingIn,
  markingCeilings,
  roles: { administrator: { label: 'Administrator', may: ['person.manage'] } },
};
const start = new Date('2026-11-23T03:12:00Z');
const later = (ms: number) => new Date(start.getTime() + ms);

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

async function newLink(): Promise<string> {
  return await clone.web.withActor(system('test'), async (tx) => {
    const email = 'one@centre.test';
    const before = await identity.findPersonByEmail(tx, email);
    const invitation = { name: 'One', email, roles: ['administrator'] };
    const invited = before
      ? { ok: true as const, value: before.id }
      : await identity.invitePerson(tx, invitation, { model, now: start });
    assert.ok(invited.ok);
    const link = await identity.createSignInLink(tx, {
      personId: invited.value,
      model,
      now: start,
    });
    assert.ok(link.ok);
    return link.value.token;
  });
}

test('no person makes a key alone', async () => {
  const permissions = new Set<Permission>(['alert.read']);
  const id = '01900000-0000-7000-8000-000000000001';
  const reader: Actor = { kind: 'person', id, name: 'r', permissions };
  const wish = { name: 'x', permissions: ['alert.read'] as const, expiresAt: null };
  const made = await clone.web.withActor(reader, (tx) => identity.createApiKey(tx, wish, start));
  assert.ok(!made.ok && made.kind === 'forbidden');
});

test('a link used by two at once signs in one', async () => {
  const token = await newLink();
  const how = { now: start, device: 'test', place: '' };
  const tries = await Promise.all(
    [1, 2, 3, 4].map(() =>
      clone.web.withActor(system('test'), (tx) => identity.signIn(tx, token, how)),
    ),
  );
  assert.equal(tries.filter(({ ok }) => ok).length, 1);
});

test('being seen is written once a minute, not at every request', async () => {
  const token = await newLink();
  const session = await clone.web.withActor(system('test'), (tx) =>
    identity.signIn(tx, token, { now: start, device: 'seen', place: '' }),
  );
  assert.ok(session.ok);
  const sessions = identity.sessionsOf(clone.web, model);
  const seenAfter = async (ms: number) => {
    await sessions.findSession(session.value, later(ms));
    const row = await clone.web.withActor(system('test'), (tx) =>
      tx.one<{ lastSeenAt: Date }>(sql`
        select last_seen_at from identity.session where device = 'seen'`),
    );
    return row.lastSeenAt.getTime() - start.getTime();
  };
  assert.equal(await seenAfter(30_000), 0);
  assert.equal(await seenAfter(61_000), 61_000);
  assert.equal(await seenAfter(90_000), 61_000);
});

test('kept answers: one claims, the rest wait, and after a day the key is new', async () => {
  const store = identity.idempotencyOf(clone.web);
  const bodyHash = 'c'.repeat(64);
  const key = (id: string): Actor => ({ kind: 'key', id, name: id, permissions: new Set() });
  const entry = { key: 'key-0001', actor: key('a'), route: 'POST /x', bodyHash, now: start };
  const claims = await Promise.all([1, 2, 3].map(() => store.claim(entry)));
  assert.deepEqual(claims.map(({ state }) => state).toSorted(), [
    'new',
    'unfinished',
    'unfinished',
  ]);
  await store.keep(entry, { status: 201, body: '{"a":1}' });
  assert.deepEqual(await store.claim(entry), {
    state: 'answered',
    answer: { status: 201, body: '{"a":1}' },
  });
  assert.deepEqual(await store.claim({ ...entry, bodyHash: 'd'.repeat(64) }), {
    state: 'other-body',
  });
  assert.deepEqual(await store.claim({ ...entry, actor: key('b') }), { state: 'new' });
  await store.release({ ...entry, actor: key('b') });
  assert.deepEqual(await store.claim({ ...entry, actor: key('b') }), { state: 'new' });
  assert.deepEqual(await store.claim({ ...entry, now: later(86_400_001) }), { state: 'new' });
});

test('what is long over is swept, by the worker too', async () => {
  const kept = { sessionsMs: 30 * 86_400_000, invitationsMs: 30 * 86_400_000 };
  const swept = await clone.worker.withActor(system('sweep'), (tx) =>
    identity.sweepIdentity(tx, { ...kept, now: later(60 * 86_400_000) }),
  );
  assert.ok(swept > 3);
});

test('people know their sessions apart', () => {
  const agents: [string | undefined, string][] = [
    [undefined, 'Unknown browser'],
    ['Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0', 'Firefox on Android'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1',
      'Safari on iOS',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/142.0 Safari/537.36 Edg/142.0',
      'Edge on Windows',
    ],
  ];
  for (const [agent, name] of agents) assert.equal(deviceName(agent), name);
});
