import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as identity from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { signInLinkCommand } from './sign-in-link.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';

const start = new Date('2026-11-23T03:12:00Z');
const model: identity.RoleModel = {
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
  const how = { now: start, device: 'test' };
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
