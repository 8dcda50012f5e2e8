import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as identity from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { historyCommand } from './history.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, release, seedNotify } from '../../test/support/dispatch.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';

const model: identity.RoleModel = {
  signingIn,
  markingCeilings,
  roles: {
    duty: { label: 'Duty', may: ['dispatch.steer'] },
    reader: { label: 'Reader', may: ['alert.read'] },
  },
};

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
  await seedNotify(clone.worker);
  for (const role of ['duty', 'reader'])
    await clone.web.withActor(system('test'), (tx) =>
      identity.invitePerson(
        tx,
        { name: `A ${role}`, email: `${role}@centre.test`, roles: [role] },
        { model, now: new Date() },
      ),
    );
});
after(() => clone.drop());

const run = (...args: string[]) =>
  ran((output) => historyCommand({ database: clone.worker, model }, args, output));
const resume = (...args: string[]) => run('resume-after-restore', '--reason', 'checked', ...args);
const hold = () =>
  clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.continuity set held_since = now(),
      held_start = pg_postmaster_start_time(), held_reason = 'a test', looked_at = now()`),
  );

test('says whether sending is held, and why', async () => {
  assert.equal((await run('status')).out, 'Nothing is held: our history is whole.\n');
  await hold();
  assert.match((await run('status')).out, /Sending is held since .*: a test\./);
  assert.equal((JSON.parse((await run('status', '--json')).out) as { adopted: number }).adopted, 0);
  assert.equal((await run('status', 'now')).code, 2);
  assert.match((await run('--help')).out, /^Usage: bin\/tocsin history status/);
});

test('whoever may steer lets it go on, and decides what nobody can say', async () => {
  await hold();
  const id = await makeDispatch(clone.owner, { messages: 3 });
  await release(clone.web, id);
  assert.equal((await resume()).code, 2, 'nobody answers for it');
  assert.equal((await resume('--by', 'nobody@centre.test')).code, 1);
  assert.equal((await resume('--by', 'reader@centre.test', '--in-doubt', 'send-again')).code, 1);
  assert.equal((await resume('--by', 'duty@centre.test', '--in-doubt', 'perhaps')).code, 2);
  const undecided = await resume('--by', 'duty@centre.test');
  assert.equal(undecided.code, 2);
  assert.match(undecided.err, /whether 3 messages left/);
  const done = await resume('--by', 'Duty@centre.test', '--in-doubt', 'treat-as-sent');
  assert.equal(done.code, 0, done.err);
  assert.equal((await run('status')).out, 'Nothing is held: our history is whole.\n');
  const { actorId } = await clone.owner.withActor(system('test'), (tx) =>
    tx.one<{ actorId: string }>(sql`select actor_id from audit.entry
      where action = 'dispatch.resumed_after_restore'`),
  );
  assert.match(actorId, /^[0-9a-f-]{36}$/);
  assert.equal((await resume('--by', 'duty@centre.test')).code, 1, 'nothing is held any more');
});

test('says whether the replica is away; whoever may steer lets sending go on without it', async () => {
  const decide = (...args: string[]) => run('send-without-replica', ...args);
  const officer = ['--by', 'duty@centre.test', '--reason', 'an alert cannot wait'];
  assert.equal((await decide(...officer)).code, 1, 'nothing waits for a replica');
  await clone.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.continuity set replica_away_since = now()`),
  );
  assert.match(
    (await run('status')).out,
    /replica of the database has not answered .*: nothing leaves/,
  );
  assert.equal((await decide('--reason', 'nobody')).code, 2);
  const told = await decide('--by', 'duty@centre.test');
  assert.deepEqual([told.code, told.err], [2, 'Say why: it is kept with your name\n']);
  assert.equal((await decide('--by', 'reader@centre.test', '--reason', 'why')).code, 1);
  const done = await decide(...officer);
  assert.match(done.out, /leave without it since .*: an alert cannot wait\./);
  const found = JSON.parse((await run('status', '--json')).out) as { replica: object };
  assert.equal((found.replica as { aloneReason: string }).aloneReason, 'an alert cannot wait');
  const back = await run('wait-for-replica', '--by', 'duty@centre.test');
  assert.match(back.out, /nothing leaves/);
  assert.equal((await run('wait-for-replica', '--by', 'duty@centre.test')).code, 1);
});
