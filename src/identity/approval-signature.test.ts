/** What an approver signs in a live installation, and that it can be checked again. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system, type Actor, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { Authenticator } from '../../test/support/authenticator.ts';
import { openLiveSite, ORIGIN, type LiveSite } from '../../test/support/live-site.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { challengeOf, verifySignature } from './approval-signature.ts';
import { approve, checkSignatures, consumeApproval, letGoAlone, requestApproval } from './index.ts';
import { selectSignature } from './store-challenge.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const HASH = hashOf('the text, the audience, the times');

let live: LiveSite;
let author: Actor & { kind: 'person' };

before(async () => {
  live = await openLiveSite('centre.example');
  author = asPerson(await live.invite('Ada Author', ['reader']), 'Ada Author', ['alert.read']);
});
after(() => live.close());
beforeEach(() => live.wait(3_600_000));

function asPerson(id: string, name: string, may: Permission[]): Actor & { kind: 'person' } {
  return { kind: 'person', id, name, permissions: new Set(may) };
}

type Approver = { actor: Actor & { kind: 'person' }; client: PageClient; device: Authenticator };

async function approver(name: string): Promise<Approver> {
  const id = await live.invite(name, ['approver']);
  const client = await live.byLink(id);
  const device = new Authenticator();
  assert.equal((await live.make(client, device)).status, 303);
  return { actor: asPerson(id, name, ['alert.read', 'alert.approve']), client, device };
}

async function submitted(hash = HASH): Promise<string> {
  const subject = { kind: 'alert_version', id: newId() };
  const asked = { hash, subject, shapedBy: [], now: live.now() };
  const id = await live.clone.web.withActor(author, (tx) => requestApproval(tx, asked));
  assert.ok(id.ok);
  return id.value;
}

async function sign({ client, device }: Approver, approvalId: string, hash = HASH) {
  const { told, status } = await live.post(client, `/approvals/${approvalId}/options`, { hash });
  if (status !== 200) return { status, passkey: '' };
  const passkey = device.use(told.get, ORIGIN);
  const signed = await live.post(client, `/approvals/${approvalId}/signature`, { passkey });
  return { status: signed.status, passkey };
}

const given = (id: string, hash = HASH) => ({ id, hash, now: live.now(), model: live.model });
const approveAs = async ({ actor }: Approver, id: string, hash = HASH) =>
  await live.clone.web.attempt(actor, (tx) => approve(tx, given(id, hash)));

test('without a signature nothing is approved, with it once', async () => {
  const ben = await approver('Ben Signs');
  const id = await submitted();
  const bare = await approveAs(ben, id);
  assert.ok(!bare.ok && bare.kind === 'forbidden' && /signed with your passkey/.test(bare.message));
  assert.equal((await sign(ben, id)).status, 200);
  assert.ok((await approveAs(ben, id)).ok);
  const used = await live.clone.web.attempt(author, (tx) => consumeApproval(tx, given(id)));
  assert.ok(used.ok, JSON.stringify(used));
});

test('what one person lets go is signed by that person, and checked again', async () => {
  const [ben, cleo] = [await approver('Ben Alone'), await approver('Cleo Alone')];
  const id = await submitted();
  const goAlone = async ({ actor }: typeof ben) =>
    await live.clone.web.attempt(actor, (tx) => letGoAlone(tx, given(id)));
  assert.equal((await sign(cleo, id)).status, 200);
  const bare = await goAlone(ben);
  assert.ok(!bare.ok && bare.kind === 'forbidden' && /signed with your passkey/.test(bare.message));
  assert.equal((await sign(ben, id)).status, 200);
  assert.ok((await goAlone(ben)).ok);
  const { broken, unsigned } = await live.clone.web.withActor(author, (tx) => checkSignatures(tx));
  assert.ok(!broken.includes(id) && !unsigned.includes(id));
  assert.equal((await approveAs(cleo, id)).ok, false, 'nobody approves it afterwards');
});

test('a signature is for one request, one hash and one person, and for five minutes', async () => {
  const [ben, cleo] = [await approver('Ben Bound'), await approver('Cleo Bound')];
  const [one, two] = [await submitted(), await submitted()];
  const ada = await live.byLink(author.id);
  for (const id of [one, newId()]) {
    const { status } = await live.post(ada, `/approvals/${id}/options`, { hash: HASH });
    assert.equal(status, 404, 'whoever may not approve learns nothing of it');
  }
  assert.equal((await sign(ben, one, hashOf('other words'))).status, 409);
  const { passkey } = await sign(ben, one);
  const again = await live.post(ben.client, `/approvals/${one}/signature`, { passkey });
  assert.equal(again.status, 409, 'once');
  const { told } = await live.post(ben.client, `/approvals/${one}/options`, { hash: HASH });
  const elsewhere = { passkey: ben.device.use(told.get, ORIGIN) };
  const moved = await live.post(ben.client, `/approvals/${two}/signature`, elsewhere);
  assert.equal(moved.status, 409, 'not for another request');
  const asked = (await live.post(ben.client, '/passkey/options')).told;
  const proof = { passkey: ben.device.use(asked.get, ORIGIN) };
  const general = await live.post(ben.client, `/approvals/${two}/signature`, proof);
  assert.equal(general.status, 409, 'a proof of being there approves nothing');
  assert.equal((await approveAs(ben, two)).ok, false);
  assert.equal((await approveAs(cleo, one)).ok, false, 'not for another person');
  live.wait(300_000);
  assert.equal((await approveAs(ben, one)).ok, false, 'too late');
});

test('what was kept proves it from the row alone, and any change of it does not', async () => {
  const ben = await approver('Ben Kept');
  const id = await submitted();
  await sign(ben, id);
  assert.ok((await approveAs(ben, id)).ok);
  const kept = await live.clone.worker.withActor(system('auditor'), (tx) =>
    selectSignature(tx, id),
  );
  assert.ok(kept !== undefined);
  assert.ok(await verifySignature(kept));
  const { challenge } = JSON.parse(kept.clientData.toString()) as { challenge: string };
  const lines = ['tocsin approval', id, HASH, kept.nonce.toString('hex')].join('\n');
  assert.equal(challenge, createHash('sha256').update(lines).digest('base64url'));
  assert.equal(challenge, challengeOf(kept).toString('base64url'));
  const flipped = (bytes: Buffer) =>
    Buffer.from(bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)));
  const changes = {
    hash: hashOf('other words'),
    approvalId: newId(),
    nonce: Buffer.alloc(32),
    origin: 'https://evil.example',
    domain: 'evil.example',
    clientData: flipped(kept.clientData),
    authenticatorData: flipped(Buffer.concat([kept.authenticatorData, Buffer.alloc(8)])),
    signature: flipped(kept.signature),
    publicKey: flipped(kept.publicKey),
  };
  for (const [what, value] of Object.entries(changes))
    assert.equal(await verifySignature({ ...kept, [what]: value }), false, what);
});

test('no code approves without a signature: the database refuses, and keeps what was signed', async () => {
  const ben = await approver('Ben Forged');
  const id = await submitted();
  const forged = live.clone.web.withActor(ben.actor, (tx) =>
    tx.run(sql`update identity.approval
      set state = 'approved', approved_by = ${ben.actor.id}, approved_at = ${live.now()}
      where id = ${id}`),
  );
  await assert.rejects(forged, /an approval is signed with a passkey/);
  const rewritten = live.clone.web.withActor(ben.actor, (tx) =>
    tx.run(sql`update identity.approval_signature set hash = ${HASH}`),
  );
  await assert.rejects(rewritten, /permission denied/);
});

test('whoever made the link by which a passkey was made stays a hand in what it approves', async () => {
  const [admin, , adminId] = await live.administrator('Una Admin');
  const id = await live.invite('Gus Ghost', ['approver']);
  await admin.get(`/people/${id}`);
  await admin.submit('Make a sign-in link');
  const link = new URL(admin.page.textOf('.tocsin-secret')).pathname;
  const client = live.site.visitor();
  await client.request('POST', link);
  const device = new Authenticator();
  assert.equal((await live.make(client, device)).status, 303);
  live.wait(30 * 24 * 3_600_000);
  const later = (await live.signIn(device)).client;
  const ghost = { actor: asPerson(id, 'Gus Ghost', ['alert.approve']), client: later, device };
  const subject = { kind: 'alert_version', id: newId() };
  const asked = { hash: HASH, subject, shapedBy: [], now: live.now() };
  const wrote = asPerson(adminId, 'Una Admin', ['alert.write']);
  const hers = await live.clone.web.withActor(wrote, (tx) => requestApproval(tx, asked));
  assert.ok(hers.ok);
  assert.equal((await sign(ghost, hers.value)).status, 200);
  const refused = await approveAs(ghost, hers.value);
  assert.ok(!refused.ok && /Whoever let you in/.test(refused.message));
  const others = await submitted();
  await sign(ghost, others);
  assert.ok((await approveAs(ghost, others)).ok);
});
