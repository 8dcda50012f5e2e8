import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actorId, system, type Actor, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';
import * as identity from './index.ts';

const HASH = 'a'.repeat(64);
const model: identity.RoleModel = {
  signingIn,
  markingCeilings,
  roles: {
    duty_officer: { label: 'Duty officer', may: ['alert.write', 'alert.approve'] },
  },
};
const now = new Date('2026-11-23T03:12:00Z');

type Person = Actor & { kind: 'person' };
let clone: Clone;
let ada: Person;
let ben: Person;

before(async () => {
  clone = await cloneDatabase();
  ada = await newApprover(system('test'), 'ada');
  ben = await newApprover(system('test'), 'ben');
});
after(() => clone.drop());

async function submit(by: Actor, shapedBy: string[] = []): Promise<string> {
  const asked = { hash: HASH, subject: { kind: 'alert_version', id: newId() }, shapedBy, now };
  const id = await clone.web.withActor(by, (tx) => identity.requestApproval(tx, asked));
  assert.ok(id.ok, JSON.stringify(id));
  return id.value;
}

const approve = (by: Actor, id: string, at = now) =>
  clone.web.withActor(by, (tx) => identity.approve(tx, { id, hash: HASH, model, now: at }));
const kind = (outcome: { ok: boolean }) => (outcome.ok ? 'ok' : (outcome as never)['kind']);

const BEHOLDEN = /^Whoever let you in, or gave you this right, had a hand in it\./;

async function newApprover(by: Actor, name: string): Promise<Person> {
  const invitation = { name, email: `${name}@centre.test`, roles: ['duty_officer'] };
  const invited = await clone.web.withActor(by, (tx) =>
    identity.invitePerson(tx, invitation, { model, now }),
  );
  assert.ok(invited.ok);
  return {
    kind: 'person',
    id: invited.value,
    name,
    permissions: new Set(model.roles['duty_officer']?.may),
  };
}

async function signInByLinkOf(by: Actor, personId: string, at: Date): Promise<void> {
  const link = await clone.web.withActor(by, (tx) =>
    identity.createSignInLink(tx, { personId, model, now: at }),
  );
  assert.ok(link.ok);
  const session = await clone.web.withActor(system('sign-in'), (tx) =>
    identity.signIn(tx, link.value.token, { now: at, device: 'Firefox', place: '' }),
  );
  assert.ok(session.ok);
}

test('a ghost that the author invited approves nothing of hers, but what others wrote', async () => {
  const ghost = await newApprover(ada, 'ghost');
  await signInByLinkOf(system('cli'), ghost.id, now);
  for (const id of [await submit(ada), await submit(ben, [ada.id])]) {
    const refused = await approve(ghost, id);
    assert.ok(!refused.ok && refused.kind === 'forbidden');
    assert.match(refused.message, BEHOLDEN);
  }
  assert.equal(kind(await approve(ghost, await submit(ben))), 'ok');
});

test('whoever came in by a link of the author cannot approve while that session may last', async () => {
  const tom = await newApprover(system('cli'), 'tom');
  await signInByLinkOf(ada, tom.id, now);
  const id = await submit(ada);
  const lastMoment = new Date(now.getTime() + 12 * 3_600_000 - 1);
  for (const at of [now, lastMoment]) {
    const refused = await approve(tom, id, at);
    assert.ok(!refused.ok && refused.kind === 'forbidden');
    assert.match(refused.message, BEHOLDEN);
  }
  assert.equal(kind(await approve(tom, await submit(ben))), 'ok', 'it is about whose hand');
  await signInByLinkOf(system('cli'), tom.id, lastMoment);
  const after = new Date(now.getTime() + 12 * 3_600_000);
  assert.equal(kind(await approve(tom, id, after)), 'ok', 'links of the CLI do not count');
});

test('a link made by the person behind the key that wrote it counts as well', async () => {
  const permissions = ['alert.write'] as const;
  const wish = { name: 'bot 2', permissions, expiresAt: null, answeredFor: actorId(ada) };
  const key = await clone.web.withActor(system('cli'), (tx) =>
    identity.createApiKey(tx, wish, now),
  );
  assert.ok(key.ok);
  const held = new Set<Permission>(permissions);
  const id = await submit({ kind: 'key', id: key.value.id, name: 'bot 2', permissions: held });
  const uma = await newApprover(system('cli'), 'uma');
  await signInByLinkOf(ada, uma.id, now);
  assert.equal(kind(await approve(uma, id)), 'forbidden');
});
