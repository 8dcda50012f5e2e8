import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { sql } from '#db/sql.ts';
import { system, type Actor, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';
import { approvalMoves, statesBefore, type ApprovalState } from './approval-model.ts';
import * as identity from './index.ts';

const HASH = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const model: identity.RoleModel = {
  signingIn,
  markingCeilings,
  roles: {
    duty_officer: { label: 'Duty officer', may: ['alert.read', 'alert.write', 'alert.approve'] },
    writer: { label: 'Writer', may: ['alert.write'] },
  },
};
const now = new Date('2026-11-23T03:12:00Z');

let clone: Clone;
const people: Record<string, Actor & { kind: 'person' }> = {};

before(async () => {
  clone = await cloneDatabase();
  for (const name of ['ada', 'ben', 'cleo', 'wendy']) {
    const role = name === 'wendy' ? 'writer' : 'duty_officer';
    const invitation = { name, email: `${name}@centre.test`, roles: [role] };
    const invited = await clone.web.withActor(system('test'), (tx) =>
      identity.invitePerson(tx, invitation, { model, now }),
    );
    assert.ok(invited.ok);
    const permissions = new Set<Permission>(model.roles[role]?.may);
    people[name] = { kind: 'person', id: invited.value, name, permissions };
  }
});
after(() => clone.drop());

function who(name: string): Actor & { kind: 'person' } {
  const person = people[name];
  assert.ok(person);
  return person;
}

async function submit(by: Actor, shapedBy: string[] = [], subject = newId()): Promise<string> {
  const asked = { hash: HASH, subject: { kind: 'alert_version', id: subject }, shapedBy, now };
  const id = await clone.web.withActor(by, (tx) => identity.requestApproval(tx, asked));
  assert.ok(id.ok, JSON.stringify(id));
  return id.value;
}

const approve = (by: Actor, id: string, hash = HASH, at = now) =>
  clone.web.withActor(by, (tx) => identity.approve(tx, { id, hash, model, now: at }));
const consume = (id: string, hash = HASH, at = now) =>
  clone.web.withActor(who('ada'), (tx) =>
    identity.consumeApproval(tx, { id, hash, model, now: at }),
  );
const kind = (outcome: { ok: boolean }) => (outcome.ok ? 'ok' : (outcome as never)['kind']);

test('a second person approves, and the approval is used once', async () => {
  const id = await submit(who('ada'));
  assert.equal(kind(await consume(id)), 'conflict');
  const approved = await approve(who('ben'), id);
  assert.ok(approved.ok);
  assert.deepEqual(
    { ...approved.value },
    { hash: HASH, approvedBy: who('ben').id, approvedAt: now },
  );
  assert.equal(kind(await approve(who('cleo'), id)), 'conflict');
  assert.equal(kind(await consume(id)), 'ok');
  assert.equal(kind(await consume(id)), 'conflict');
});

test('whoever asked or shaped a part cannot be the second one', async () => {
  const id = await submit(who('ada'), [who('cleo').id]);
  for (const name of ['ada', 'cleo']) {
    const refused = await approve(who(name), id);
    assert.ok(!refused.ok && refused.kind === 'forbidden');
    assert.match(refused.message, /You shaped a part of this/);
  }
  assert.equal(kind(await approve(who('ben'), id)), 'ok');
});

test('a key counts as the person who made it, and never approves', async () => {
  const wish = {
    name: 'bot',
    permissions: ['alert.write'] as const,
    expiresAt: null,
    answeredFor: who('ada').id,
  };
  const key = await clone.web.withActor(system('cli'), (tx) =>
    identity.createApiKey(tx, wish, now),
  );
  assert.ok(key.ok);
  const permissions = new Set<Permission>(['alert.write', 'alert.approve']);
  const bot: Actor = { kind: 'key', id: key.value.id, name: 'bot', permissions };
  const id = await submit(bot);
  assert.equal(kind(await approve(who('ada'), id)), 'forbidden');
  assert.equal(kind(await approve(bot, id)), 'forbidden');
  assert.equal(kind(await approve(who('ben'), id)), 'ok');
});

test('it is the hash that is approved: a change after opening is a conflict', async () => {
  const id = await submit(who('ada'));
  const refused = await approve(who('ben'), id, OTHER);
  assert.ok(!refused.ok);
  assert.match(refused.message, /changed after you opened it/);
  assert.equal(kind(await approve(who('ben'), id)), 'ok');
  assert.equal(kind(await consume(id, OTHER)), 'conflict');
});

test('a lacking role cannot approve; an approval dies with the right of its giver', async () => {
  const id = await submit(who('ada'));
  assert.equal(kind(await approve(who('wendy'), id)), 'forbidden');
  const held = { personId: who('ben').id, role: 'duty_officer', ...identity.ofCentre };
  assert.equal(kind(await approve(who('ben'), id)), 'ok');
  await clone.web.withActor(who('ada'), (tx) => identity.endRole(tx, held, { now }));
  assert.equal(kind(await consume(id)), 'forbidden');
  await clone.web.withActor(who('ada'), (tx) => identity.giveRole(tx, held, { model, now }));
  assert.equal(kind(await consume(id)), 'forbidden', 'not given back by who gains by it');
  await clone.web.withActor(who('cleo'), (tx) => identity.endRole(tx, held, { now }));
  await clone.web.withActor(system('test'), (tx) => identity.giveRole(tx, held, { model, now }));
  const lock = { personId: who('ben').id, active: false };
  await clone.web.withActor(who('ada'), (tx) => identity.setActive(tx, lock, { now }));
  assert.equal(kind(await consume(id)), 'forbidden');
  const unlock = { ...lock, active: true };
  await clone.web.withActor(who('ada'), (tx) => identity.setActive(tx, unlock, { now }));
  assert.equal(kind(await consume(id)), 'ok');
});

test('a request can be sent back or voided, with a reason, and then it is over', async () => {
  const back = await submit(who('ada'));
  const say = (reason: string) => ({ id: back, reason, now });
  const returned = (by: Actor, reason: string) =>
    clone.web.withActor(by, (tx) => identity.returnRequest(tx, say(reason)));
  assert.equal(kind(await returned(who('ben'), '  ')), 'invalid');
  assert.equal(kind(await returned(who('wendy'), 'no')), 'forbidden');
  assert.equal(kind(await returned(who('ben'), 'Name the gateway')), 'ok');
  assert.equal(kind(await approve(who('ben'), back)), 'conflict');
  const gone = await submit(who('ada'));
  assert.equal(kind(await approve(who('ben'), gone)), 'ok');
  const voided = await clone.web.withActor(who('ada'), (tx) =>
    identity.voidApproval(tx, { id: gone, reason: 'Edited', now }),
  );
  assert.equal(kind(voided), 'ok');
  assert.equal(kind(await consume(gone)), 'conflict');
});

test('a request that nobody answered in a day is too old', async () => {
  const id = await submit(who('ada'));
  const later = new Date(now.getTime() + 24 * 3_600_000);
  const refused = await approve(who('ben'), id, HASH, later);
  assert.ok(!refused.ok);
  assert.match(refused.message, /too old/);
});

test('a subject waits once at a time; of two who approve together one is too late', async () => {
  const subject = newId();
  const id = await submit(who('ada'), [], subject);
  const again = { hash: OTHER, subject: { kind: 'alert_version', id: subject }, shapedBy: [], now };
  const second = await clone.web.withActor(who('ben'), (tx) => identity.requestApproval(tx, again));
  assert.equal(kind(second), 'conflict');
  const race = await Promise.all([approve(who('ben'), id), approve(who('cleo'), id)]);
  assert.deepEqual(race.map(kind).toSorted(), ['conflict', 'ok']);
  const uses = await Promise.all([consume(id), consume(id), consume(id)]);
  assert.equal(uses.filter(({ ok }) => ok).length, 1);
});

test('the database refuses what the code would never do', async () => {
  const id = await submit(who('ada'));
  const asBen = (statement: ReturnType<typeof sql>) =>
    clone.web.withActor(who('ben'), (tx) => tx.run(statement));
  const ada = who('ada').id;
  const cleo = who('cleo').id;
  const set = (by: string) => sql`update identity.approval
    set state = 'approved', approved_by = ${by}, approved_at = ${now} where id = ${id}`;
  await assert.rejects(asBen(set(cleo)), /given by the person who acts/);
  await assert.rejects(
    clone.web.withActor(who('ada'), (tx) => tx.run(set(ada))),
    /approval_by_another/,
  );
  await assert.rejects(
    asBen(sql`update identity.approval set hash = ${OTHER}`),
    /permission denied/,
  );
  await assert.rejects(asBen(sql`delete from identity.approval`), /permission denied/);
  await assert.rejects(asBen(sql`delete from identity.role_grant`), /permission denied/);
});

test('the table of moves is the one the database keeps', async () => {
  const states = Object.keys(approvalMoves) as ApprovalState[];
  for (const from of states) {
    for (const to of states) {
      const isMove = (approvalMoves[from] as readonly string[]).includes(to);
      assert.equal(statesBefore(to).includes(from), isMove);
      assert.equal(await databaseMoves(from, to), isMove, `${from} to ${to}`);
    }
  }
});

/** Whether the trigger lets a row go from one state to the other, in a transaction thrown away. */
async function databaseMoves(from: ApprovalState, to: ApprovalState): Promise<boolean> {
  const undo = new Error('undo');
  const columns = (state: ApprovalState) => ({
    by: state === 'approved' || state === 'consumed' ? who('ben').id : null,
    end: state === 'returned' || state === 'voided' ? now : null,
    used: state === 'consumed' ? now : null,
    alone: state === 'alone' ? who('ben').id : null,
  });
  const id = newId();
  const outcome = await clone.owner
    .withActor(who('ben'), async (tx) => {
      const old = columns(from);
      await tx.run(sql`insert into identity.approval (id, hash, subject_kind, subject_id,
          permission,
          requested_by, requested_at, expires_at, shaped_by, state, approved_by, approved_at,
          ended_by, ended_at, end_reason, consumed_at, let_go_by, let_go_at)
        values (${id}, ${HASH}, 'x', ${id}, 'alert.approve', ${who('ada').id}, ${now},
          ${new Date(now.getTime() + 1)}, '{}', ${from}, ${old.by}, ${old.by && now},
          ${old.end && 'x'}, ${old.end}, ${old.end && 'x'}, ${old.used}, ${old.alone},
          ${old.alone && now})`);
      const by = old.by ?? columns(to).by;
      const { end, used, alone } = columns(to);
      await tx.run(sql`update identity.approval set state = ${to}, approved_by = ${by},
          approved_at = ${by && now}, ended_by = ${end && 'x'}, ended_at = ${end},
          end_reason = ${end && 'x'}, consumed_at = ${used}, let_go_by = ${alone},
          let_go_at = ${alone && now} where id = ${id}`);
      throw undo;
    })
    .catch((error: unknown) => error);
  return outcome === undo;
}

test('nothing is released without two distinct people who may, try what you like', async () => {
  const act = fc.record({
    what: fc.constantFrom('approve', 'approve', 'consume', 'return', 'void'),
    by: fc.constantFrom('ada', 'ben', 'cleo', 'wendy'),
    hash: fc.constantFrom(HASH, HASH, OTHER),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('ada', 'ben', 'wendy'),
      fc.subarray(['ada', 'ben', 'cleo']),
      fc.array(act, { maxLength: 6 }),
      async (requester, shapers, acts) => {
        const id = await submit(
          who(requester),
          shapers.map((name) => who(name).id),
        );
        let used = 0;
        for (const { what, by, hash } of acts) {
          if (what === 'approve') await approve(who(by), id, hash);
          else if (what === 'consume') used += (await consume(id, hash)).ok ? 1 : 0;
          else {
            const end = what === 'return' ? identity.returnRequest : identity.voidApproval;
            await clone.web.withActor(who(by), (tx) => end(tx, { id, reason: 'x', now }));
          }
        }
        const row = await clone.web.withActor(who('ada'), (tx) => identity.findApproval(tx, id));
        assert.ok(used <= 1 && row !== undefined);
        if (used === 0) return;
        const approver = Object.values(people).find((person) => person.id === row.approvedBy);
        assert.ok(approver !== undefined && approver.permissions.has('alert.approve'));
        assert.ok(approver.name !== requester && !shapers.includes(approver.name));
      },
    ),
    { numRuns: 60 },
  );
});

test('every move leaves an entry', async () => {
  const id = await submit(who('ada'));
  await approve(who('ben'), id);
  await consume(id);
  const entries = await clone.web.withActor(who('ada'), (tx) =>
    tx.rows<{ action: string; actorId: string }>(sql`
      select action, actor_id from audit.v_entry where subject_id = ${id} order by at`),
  );
  assert.deepEqual(
    entries.map(({ action, actorId }) => [action, actorId]),
    [
      ['approval.requested', who('ada').id],
      ['approval.given', who('ben').id],
      ['approval.used', who('ada').id],
    ],
  );
});
