import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as identity from '#identity/index.ts';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { signInLinkCommand } from './sign-in-link.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { markingCeilings, signingIn } from '../../test/support/signing-in.ts';

const start = new Date('2026-11-23T03:12:00Z');
const model: identity.RoleModel = {
  signingIn,
  markingCeilings,
  roles: { administrator: { label: 'Administrator', may: ['person.manage'] } },
};

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

async function run(args: string[]) {
  const context = { database: clone.web, model, origin: 'https://us.test', now: () => start };
  return await ran((output) => signInLinkCommand(context, args, output));
}

test('the first administrator comes in by the command line', async () => {
  const nobody = await run(['--email', 'first@centre.test']);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /Nobody has this address/);
  const args = ['--email', 'First@Centre.test', '--name', 'First One', '--role', 'administrator'];
  const made = await run([...args, '--json']);
  assert.equal(made.code, 0, made.err);
  const { href } = JSON.parse(made.out) as { href: string };
  const token = /^https:\/\/us\.test\/sign-in\/link\/(\S{43})$/.exec(href)?.[1] ?? '';
  const how = { now: start, device: 'test', place: '' };
  const session = await clone.web.withActor(system('test'), (tx) =>
    identity.signIn(tx, token, how),
  );
  assert.ok(session.ok);
  const found = await identity.sessionsOf(clone.web, model).findSession(session.value, start);
  assert.ok(found?.actor.kind === 'person' && found.actor.permissions.has('person.manage'));
  assert.equal((await run(['--email', 'first@centre.test'])).code, 0);
  assert.equal((await run(['--email', 'no'])).code, 1);
  assert.equal((await run([])).code, 2);
});

test('whoever has a passkey gets no link, and is recovered only where it is lost', async () => {
  const email = ['--email', 'second@centre.test'];
  assert.equal((await run([...email, '--recover'])).code, 1, 'nobody there');
  await run([...email, '--name', 'Second One', '--role', 'administrator']);
  const early = await run([...email, '--recover']);
  assert.match(early.err, /no passkey that could be lost/);
  await clone.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`insert into kernel.installation (id, kind, created_at)
      values (${newId()}, 'live', ${start})`);
    await tx.run(sql`insert into identity.passkey (id, person_id, credential_id, public_key,
        counter, transports, is_synced_kind, is_backed_up, domain, name, vouched_by, created_at)
      select ${newId()}, id, 'x', 'x', 0, '{}', false, false, 'us.test', 'Phone', '{}', ${start}
      from identity.person where email = 'second@centre.test'`);
  });
  const refused = await run(email);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /signs in with a passkey.*--recover/s);
  const alone = await run([...email, '--recover', '--json']);
  assert.equal(alone.code, 0, alone.err);
  assert.equal((JSON.parse(alone.out) as { waits: boolean }).waits, false);
  assert.equal((await run(email)).code, 1, 'whoever had one is recovered for good');
  assert.equal((await run([...email, '--recover'])).code, 0);
});
