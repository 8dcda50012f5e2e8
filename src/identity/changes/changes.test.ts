/** Changes that take two persons, in a live installation: by keys of programs, on their pages. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { z } from 'zod';
import { sql, type Sql } from '#db/sql.ts';
import { keyPermissions, system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok } from '#kernel/outcome.ts';
import type { Authenticator } from '../../../test/support/authenticator.ts';
import { openLiveSite, type LiveSite } from '../../../test/support/live-site.ts';
import type { PageClient } from '../../../test/support/page-client.ts';
import { decideChange } from '../../../test/support/second-person.ts';
import { apiKeysOf } from '../index.ts';
import { approvalMoves } from '../approval-model.ts';
import { permissionsOf } from '../model.ts';
import { approveChange, proposeChange } from './changes.ts';
import { changeKind } from './kind.ts';

let live: LiveSite;
type Person = { client: PageClient; device: Authenticator; id: string };
let mira: Person;
let noor: Person;
let zoe: Person;

async function administrator(name: string): Promise<Person> {
  const [client, device, id] = await live.administrator(name);
  return { client, device, id };
}

before(async () => {
  live = await openLiveSite('centre.example');
});
after(() => live.close());
beforeEach(async () => {
  live.wait(60_000);
  for (const one of [mira, noor, zoe]) if (one) await live.prove(one.client, one.device);
});

const actorOf = ({ id }: Person): Actor => ({
  kind: 'person',
  id,
  name: 'x',
  permissions: permissionsOf(live.model, ['administrator']),
});

const asOwner = <T>(statement: Sql) =>
  live.clone.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

const entries = async (action: string) =>
  await asOwner<{ id: string }>(sql`
    select subject_id as id from audit.v_entry where action = ${action}`);

/** Proposes a key on the page; its secret and the address of the change. */
async function propose({ client }: Person, name = 'Feed of the region') {
  await client.get('/keys/new');
  const reason = 'The region reads what is open.';
  const made = await client.submit('Propose', { name, permissions: ['alert.read'], reason });
  assert.equal(made.heading, 'Proposed: store this key now', made.text);
  const secret = /tocsin_[0-9a-f]{8}_[\w-]{43}/.exec(made.text)![0];
  const path = made.elements('a').map(({ attribs }) => attribs['href'] ?? '');
  return { secret, path: path.find((href) => href.startsWith('/changes/0'))! };
}

const decide = async (who: Person, path: string, verb: 'approve' | 'alone') =>
  await decideChange(live, who, path, verb);

const opens = async (secret: string) =>
  (await apiKeysOf(live.clone.web, live.model).findApiKey(secret, live.now())) !== undefined;

test('the first person does it alone, and it is written down as that', async () => {
  mira = await administrator('Mira First');
  const { secret, path } = await propose(mira);
  assert.equal(await opens(secret), false, 'nothing holds before');
  assert.match((await mira.client.get(path)).text, /You are the first here/);
  assert.equal((await decide(mira, path, 'alone')).status, 303);
  assert.equal(await opens(secret), true);
  const page = await mira.client.get(path);
  assert.match(page.text, /Done .* by Mira First alone/);
  assert.match((await mira.client.get('/changes')).text, /Feed of the region.*Done alone/);
  assert.equal((await entries('change.carried_out_alone')).length, 1);
});

test('one proposes, another approves what was shown, and the key works', async () => {
  noor = await administrator('Noor Second');
  zoe = await administrator('Zoe Third');
  const { secret, path } = await propose(mira, 'Feed of two');
  const mine = await mira.client.get(path);
  assert.match(mine.text, /You proposed this, so somebody else has to approve it/);
  assert.doesNotMatch(mine.text, /Approve, and do it|Do it alone/);
  assert.match((await noor.client.get('/changes')).text, /Feed of two.*Proposed by Mira First/);
  const seen = await noor.client.get(path);
  assert.match(seen.text, /Feed of two.*It may.*Read every alert/);
  assert.ok(!seen.text.includes(secret), 'the secret is shown to nobody else');
  const hash = '0'.repeat(64);
  assert.equal((await live.post(noor.client, `${path}/approve`, { hash })).status, 409);
  assert.equal((await decide(noor, path, 'approve')).status, 303);
  assert.equal(await opens(secret), true);
  assert.match((await noor.client.get(path)).text, /Approved by Noor Second .*and done/);
  assert.equal((await decide(zoe, path, 'approve')).status, 409, 'once');
  const keys = await mira.client.get('/keys');
  assert.match(keys.text, /Feed of two.*made by two/);
});

test('whoever proposed it approves it by no way', async () => {
  const { secret, path } = await propose(mira);
  assert.equal((await decide(mira, path, 'approve')).status, 403);
  assert.equal((await decide(mira, path, 'alone')).status, 403, 'not the first any more');
  const [{ approvalId } = { approvalId: '' }] = await asOwner<{ approvalId: string }>(sql`
    select approval_id from identity.proposed_change where id = ${path.split('/').at(-1)!}`);
  const attempts: [Actor, Sql][] = [
    [actorOf(mira), sql`approved_by = ${mira.id}, approved_at = ${live.now()}, state = 'approved'`],
    [actorOf(mira), sql`approved_by = ${noor.id}, approved_at = ${live.now()}, state = 'approved'`],
    // As Noor, but Noor has signed nothing.
    [actorOf(noor), sql`approved_by = ${noor.id}, approved_at = ${live.now()}, state = 'approved'`],
    [actorOf(mira), sql`let_go_by = ${mira.id}, let_go_at = ${live.now()}, state = 'alone'`],
  ];
  for (const [actor, set] of attempts)
    await assert.rejects(
      live.clone.web.withActor(actor, (tx) =>
        tx.run(sql`update identity.approval set ${set} where id = ${approvalId}`),
      ),
      /approval_by_another|given by the person who acts|signed with a passkey|takes two persons/,
    );
  for (const by of [null, approvalId])
    await assert.rejects(
      live.clone.web.withActor(actorOf(mira), (tx) =>
        tx.run(sql`insert into identity.api_key (id, prefix, secret_sha256, name, permissions,
            created_at, created_by, approval_id)
          values (${newId()}, 'ffffffff', sha256('x'), 'x', '{alert.read}', now(), ${mira.id},
            ${by})`),
      ),
      /a key takes two persons/,
    );
  await assert.rejects(
    live.clone.web.withActor(actorOf(mira), (tx) =>
      tx.run(
        sql`update identity.proposed_change set content = '{}' where approval_id = ${approvalId}`,
      ),
    ),
    /permission denied/,
  );
  assert.equal(await opens(secret), false);
});

test('of two who approve at once one does it', async () => {
  const { path } = await propose(mira, 'Raced for');
  const both = await Promise.all([decide(noor, path, 'approve'), decide(zoe, path, 'approve')]);
  assert.deepEqual(both.map(({ status }) => String(status)).toSorted(), ['303', '409']);
  const [{ made } = { made: 0 }] = await asOwner<{ made: number }>(sql`
    select count(*)::int as made from identity.api_key where name = 'Raced for'`);
  assert.equal(made, 1);
});

test('it is void once whoever proposed it may not any more, and does not come back', async () => {
  const gone = await administrator('Gone Soon');
  const { secret, path } = await propose(gone, 'Left behind');
  const end = { role: 'administrator' };
  assert.equal((await live.post(noor.client, `/people/${gone.id}/roles/end`, end)).status, 303);
  assert.match((await zoe.client.get(path)).text, /may not do so any more/);
  assert.equal((await decide(zoe, path, 'approve')).status, 303);
  const page = await zoe.client.get(path);
  assert.match(page.text, /Void since .*Whoever proposed it may not do so any more/);
  assert.equal(await opens(secret), false);
  assert.equal((await decide(zoe, path, 'approve')).status, 409);
  assert.equal((await entries('change.voided')).length, 1);
});

test('an approver who was let in or made by the proposer is none', async () => {
  const { path } = await propose(mira, 'Played by one');
  await asOwner(sql`update identity.role_grant set given_by = ${mira.id}
    where person_id = ${noor.id} returning id`);
  assert.equal((await decide(noor, path, 'approve')).status, 403);
  await asOwner(sql`update identity.role_grant set given_by = 'test'
    where person_id = ${noor.id} returning id`);
});

test('it is returned with a reason, or taken back, and nothing has changed', async () => {
  const returned = await propose(mira, 'To be returned');
  await noor.client.get(returned.path);
  await noor.client.submit('Return', { reason: '' }, { status: 422 });
  assert.match(noor.client.page.text, /Say why not/);
  await noor.client.submit('Return', { reason: 'Ask for less.' });
  assert.match(noor.client.page.text, /Returned by Noor Second .*: Ask for less\./);
  const taken = await propose(mira, 'To be taken back');
  await mira.client.get(taken.path);
  await mira.client.submit('Take it back');
  assert.match(mira.client.page.text, /Void since .*by Mira First: Taken back/);
  for (const { path, secret } of [returned, taken]) {
    assert.equal((await decide(zoe, path, 'approve')).status, 409);
    assert.equal(await opens(secret), false);
  }
});

test('after a day nobody approves it any more', async () => {
  const { path } = await propose(mira, 'Too slow');
  live.wait(24 * 3_600_000);
  for (const one of [mira, noor, zoe]) one.client = (await live.signIn(one.device)).client;
  assert.match((await noor.client.get(path)).text, /Nobody approved it by/);
  assert.match((await noor.client.get('/changes')).text, /Nothing waits\..*Too slow.*Too old/);
  assert.equal((await decide(noor, path, 'approve')).status, 409);
});

test('what it stood on has changed: it is void', async () => {
  let stands = 1;
  let done = 0;
  const kind = changeKind(z.strictObject({ to: z.int() }), {
    id: 'test_number',
    title: 'A number',
    proposes: 'person.manage',
    approves: 'person.manage',
    look: async (_tx, { to }) =>
      ok({ base: { stands }, lines: [{ what: 'It', before: `${stands}`, after: `${to}` }] }),
    carryOut: async () => {
      done += 1;
      return ok(undefined);
    },
  });
  const id = newId(live.now().getTime());
  const proposed = await live.clone.web.attempt(actorOf(mira), (tx) =>
    proposeChange(tx, kind, { id, payload: { to: 2 }, reason: 'Two is more.', now: live.now() }),
  );
  assert.ok(proposed.ok);
  stands = 3;
  const [{ hash } = { hash: '' }] = await asOwner<{ hash: string }>(sql`
    select sha256 as hash from identity.proposed_change where id = ${id}`);
  const deciding = { kinds: [kind], model: live.model };
  const decided = await live.clone.web.attempt(actorOf(noor), (tx) =>
    approveChange(tx, { id, hash, now: live.now() }, deciding),
  );
  assert.ok(decided.ok && !decided.value.isDone);
  assert.match(decided.value.why, /What it stood on has changed/);
  assert.equal(done, 0);
});

test('the same form makes one key, and nobody gives more than they hold', async () => {
  await mira.client.get('/keys/new');
  const inputs = mira.client.page.elements('input').map(({ attribs }) => attribs);
  const offered = inputs.filter(({ name }) => name === 'permissions').map(({ value }) => value);
  assert.deepEqual(
    offered,
    [...permissionsOf(live.model, ['administrator'])].filter((one) => keyPermissions.has(one)),
  );
  const formId = inputs.find(({ name }) => name === 'formId')!['value']!;
  const fields = { formId, name: 'Twice', days: '9', permissions: 'alert.read', reason: 'Twice.' };
  assert.equal((await live.post(mira.client, '/keys/new', fields)).status, 200);
  const again = await live.post(mira.client, '/keys/new', fields);
  assert.equal(again.status, 409);
  assert.doesNotMatch(again.body, /tocsin_[0-9a-f]{8}_/);
  const more = { ...fields, formId: newId(), permissions: 'alert.write' };
  assert.equal((await live.post(mira.client, '/keys/new', more)).status, 403);
  // Mira may read the audit herself; no program can.
  for (const useless of ['audit.read', 'alert.approve', 'alert.fly', '__proto__']) {
    const asking = { ...fields, formId: newId(), permissions: useless };
    assert.equal((await live.post(mira.client, '/keys/new', asking)).status, 422, useless);
  }
  for (const days of ['0', '367', '1.5', 'many'])
    assert.equal((await live.post(mira.client, '/keys/new', { ...fields, days })).status, 422);
  assert.deepEqual(approvalMoves.consumed, [], 'an end stays an end');
});
