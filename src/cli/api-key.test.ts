import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tx } from '#db/database.ts';
import * as identity from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { loadOperatingModel } from '#operating-model/index.ts';
import { apiKeyCommand } from './api-key.ts';
import { must } from '../../test/support/centre.ts';
import { ran } from '../../test/support/command.ts';
import { markingCeilings } from '../../test/support/signing-in.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';

const start = new Date('2026-11-23T03:12:00Z');
const later = (ms: number) => new Date(start.getTime() + ms);

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

const run = async (args: string[]) =>
  await ran((output) => apiKeyCommand({ database: clone.web, now: () => start }, args, output));

test('a key of the command line works, within its time, until it is revoked', async () => {
  const made = await run(['create', '--name', 'feed', '--may', 'alert.read,directory.read']);
  assert.equal(made.code, 0);
  const secret = made.out.split('\n')[0] ?? '';
  assert.match(secret, /^tocsin_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/);
  const keys = identity.apiKeysOf(clone.web, { markingCeilings });
  const actor = await keys.findApiKey(secret, start);
  assert.ok(actor?.kind === 'key' && actor.name === 'feed');
  assert.deepEqual([...actor.permissions], ['alert.read', 'directory.read']);
  assert.equal(await keys.findApiKey(`${secret}x`, start), undefined);
  assert.equal(await keys.findApiKey(secret, later(90 * 86_400_000)), undefined);
  const list = await run(['list']);
  const prefix = secret.split('_')[1] ?? '';
  assert.match(list.out, new RegExp(`^${prefix}  living  feed  alert.read,directory.read  used `));
  assert.ok(!list.out.includes(secret));
  assert.equal((await run(['revoke', prefix])).code, 0);
  assert.equal(await keys.findApiKey(secret, start), undefined);
  assert.equal((await run(['revoke', prefix])).code, 1);
});

test('the key of whoever is locked out opens nothing meanwhile', async () => {
  const email = 'pat@centre.test';
  const asTest = <T>(work: (tx: Tx) => Promise<T>) => clone.web.withActor(system('test'), work);
  const invited = { name: 'Pat Key', email, roles: ['duty_officer'] };
  const model = must(await loadOperatingModel('operating-model.yaml'));
  const personId = must(
    await asTest((tx) => identity.invitePerson(tx, invited, { model, now: start })),
  );
  const made = await run(['create', '--name', 'p', '--may', 'alert.read', '--for', email]);
  const secret = made.out.split('\n')[0] ?? '';
  const opens = async () => await identity.apiKeysOf(clone.web, model).findApiKey(secret, start);
  assert.ok(await opens());
  const set = (active: boolean) =>
    asTest((tx) => identity.setActive(tx, { personId, active }, { now: start }));
  must(await set(false));
  assert.equal(await opens(), undefined);
  must(await set(true));
  assert.ok(await opens());
});

test('a key that cannot be made says why', async () => {
  const cases: [string[], RegExp][] = [
    [['create', '--may', 'alert.read'], /--name/],
    [['create', '--name', 'x'], /--may/],
    [['create', '--name', 'x', '--may', 'alert.read,alert.write'], /needs --for ADDRESS/],
    [['create', '--name', 'x', '--may', 'alert.fly'], /can use ‘alert.fly’/],
    [['create', '--name', 'x', '--may', 'alert.read,alert.approve'], /can use ‘alert.approve’/],
    [['create', '--name', 'x', '--may', 'alert.read', '--expires', 'soon'], /90d, 12h or never/],
    [['destroy'], /^Usage/],
    [['revoke'], /^Usage/],
  ];
  for (const [args, why] of cases) {
    const { code, err } = await run(args);
    assert.equal(code, 2);
    assert.match(err, why);
  }
});
