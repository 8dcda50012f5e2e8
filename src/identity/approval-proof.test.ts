/** What the worker asks of an approval in a live installation, of the rows alone (P5). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system, type Actor, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { withoutGuards } from '../../test/support/database.ts';
import { openLiveSite, ORIGIN, type LiveSite } from '../../test/support/live-site.ts';
import { proveApproval } from './approval-proof.ts';
import { approve, consumeApproval, createApiKey, requestApproval, revokeApiKey } from './index.ts';

const DOMAIN = 'centre.example';
const HASH = createHash('sha256').update('all that leaves').digest('hex');

let live: LiveSite;
let author: Actor & { kind: 'person' };
let given: { approvalId: string; approverId: string; subject: { kind: string; id: string } };

before(async () => {
  live = await openLiveSite(DOMAIN);
  author = asPerson(await live.invite('Ada Author', ['reader']), ['alert.read']);
  given = await approved();
});
after(() => live.close());

function asPerson(id: string, may: Permission[]): Actor & { kind: 'person' } {
  return { kind: 'person', id, name: 'Person', permissions: new Set(may) };
}

/** Asked for by the author, signed and given by somebody else with a device, and used. */
async function approved() {
  const subject = { kind: 'alert_version', id: newId() };
  const asked = { hash: HASH, subject, shapedBy: [], now: live.now() };
  const request = await live.clone.web.withActor(author, (tx) => requestApproval(tx, asked));
  assert.ok(request.ok);
  const approverId = await live.invite('Ben Signs', ['approver']);
  const client = await live.byLink(approverId);
  const device = new Authenticator();
  assert.equal((await live.make(client, device)).status, 303);
  const path = `/approvals/${request.value}`;
  const { told } = await live.post(client, `${path}/options`, { hash: HASH });
  await live.post(client, `${path}/signature`, { passkey: device.use(told.get, ORIGIN) });
  const by = asPerson(approverId, ['alert.read', 'alert.approve']);
  const decision = { id: request.value, hash: HASH, now: live.now(), model: live.model };
  assert.ok((await live.clone.web.attempt(by, (tx) => approve(tx, decision))).ok);
  assert.ok((await live.clone.web.attempt(by, (tx) => consumeApproval(tx, decision))).ok);
  return { approvalId: request.value, approverId, subject };
}

/** What the worker says after this change, which leaves no trace; "yes", or why not. */
async function provenAfter(
  change: ReturnType<typeof sql> | undefined,
  asked: { hash?: string; passkeyDomain?: string; hands?: string[] } = {},
): Promise<string> {
  const undo = new Error('undone on purpose');
  let said = '';
  const { approvalId, subject } = given;
  const by = { hands: [], askedWith: 'alert.read', model: live.model } as const;
  const whole = { approvalId, subject, hash: HASH, ...by, ...asked };
  try {
    await live.clone.owner.withActor(system('test'), async (tx) => {
      await withoutGuards(tx);
      if (change !== undefined) await tx.run(change);
      const proof = await proveApproval(tx, { passkeyDomain: DOMAIN, ...whole });
      said = proof.holds ? 'yes' : proof.why;
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  }
  return said;
}

/** With the rights of the worker. */
async function provenByWorker() {
  const { approvalId, subject } = given;
  return await live.clone.worker.withActor(system('dispatch'), (tx) =>
    proveApproval(tx, {
      approvalId,
      subject,
      hash: HASH,
      hands: [author.id],
      askedWith: 'alert.read',
      model: live.model,
      passkeyDomain: DOMAIN,
    }),
  );
}

test('an approval that was given and signed is proved, with the rights of the worker', async () => {
  const proof = await provenByWorker();
  assert.deepEqual(proof, { holds: true, decidedBy: given.approverId, isAlone: false });
  assert.equal(await provenAfter(undefined), 'yes');
});

test('other words, another address, another hand: not proved', async () => {
  assert.match(await provenAfter(undefined, { hash: 'f'.repeat(64) }), /not what was approved/);
  const elsewhere = { passkeyDomain: 'other.example' };
  assert.match(await provenAfter(undefined, elsewhere), /another address/);
  assert.match(await provenAfter(undefined, { hands: [given.approverId] }), /had a hand in it/);
});

test('what a hostile web process could write proves nothing', async () => {
  const { approvalId, approverId } = given;
  const tries: [string, ReturnType<typeof sql>, RegExp][] = [
    ['no signature', sql`delete from identity.approval_signature`, /nobody has signed/],
    [
      'one that does not fit',
      sql`update identity.approval_signature set signature = 'x'
        where approval_id = ${approvalId}`,
      /what was signed is not what was approved/,
    ],
    [
      'that of another challenge',
      sql`update identity.approval_signature set nonce = sha256('other')`,
      /what was signed is not what was approved/,
    ],
    [
      'a key of its own in the place of theirs',
      sql`update identity.passkey set public_key = 'x' where person_id = ${approverId}`,
      /what was signed is not what was approved/,
    ],
    [
      'an address that is not ours',
      sql`update identity.approval_signature set origin = 'https://evil.example'`,
      /another address/,
    ],
    [
      'our address without https',
      sql`update identity.approval_signature set origin = replace(origin, 'https:', 'http:')`,
      /another address/,
    ],
    [
      'a passkey that the audit does not have',
      sql`update audit.entry set detail = '{}' where action = 'passkey.made'`,
      /not in the audit/,
    ],
    [
      'one that came after the signature',
      sql`update audit.entry set at = at + interval '1 day' where action = 'passkey.made'`,
      /only since then/,
    ],
    [
      'one that had ended',
      sql`update identity.passkey set ended_at = created_at, ended_by = 'x'`,
      /only since then/,
    ],
    [
      'a request that nobody answered',
      sql`update identity.approval set state = 'requested', approved_by = null, approved_at = null,
        consumed_at = null where id = ${approvalId}`,
      /nobody has approved it/,
    ],
  ];
  for (const [name, change, why] of tries) assert.match(await provenAfter(change), why, name);
});

test('what a key asked for is proved for as long as it lives', async () => {
  const { web, owner } = live.clone;
  const now = live.now();
  const wish = { name: 'A program', permissions: ['alert.read'], expiresAt: null } as const;
  const key = await web.withActor(system('test'), (tx) => createApiKey(tx, wish, now));
  assert.ok(key.ok);
  await owner.withActor(system('test'), async (tx) => {
    await withoutGuards(tx);
    await tx.run(sql`update identity.approval set requested_by = ${key.value.id}
      where id = ${given.approvalId}`);
  });
  assert.ok((await provenByWorker()).holds);
  await web.withActor(system('test'), (tx) => revokeApiKey(tx, key.value.id, now));
  const proof = await provenByWorker();
  assert.ok(!proof.holds && /who asked for it may not do so/.test(proof.why));
});
