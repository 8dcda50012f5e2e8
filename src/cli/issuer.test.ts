import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IssuerClient, listIssuers } from '#identity/index.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { issuerCommand } from './issuer.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { issuerSeals } from '../../test/support/identity-seals.ts';
import { startIssuer, type TestIssuer } from '../../test/support/issuer.ts';

let clone: Clone;
let issuer: TestIssuer;
before(async () => {
  [clone, issuer] = await Promise.all([
    cloneDatabase(),
    startIssuer({ returns: ['https://t.example/x'] }),
  ]);
});
after(async () => {
  await issuer.close();
  await clone.drop();
});

const run = async (args: string[], settings: object | string = {}) => {
  const input = typeof settings === 'string' ? settings : JSON.stringify(settings);
  const context = {
    database: clone.web,
    seals: issuerSeals,
    client: new IssuerClient(),
    findOrganisation: async (_: unknown, code: string) =>
      code === 'NM1' ? { id: newId() } : undefined,
    origin: 'https://tocsin.example',
    readInput: () => input,
  };
  return await ran((output) => issuerCommand(context, args, output));
};

const SECRET = 'very secret indeed';

test('an issuer is added, checked, listed, switched off and on', async () => {
  const settings = {
    url: issuer.url,
    label: 'Northmoor',
    clientId: 'tocsin',
    clientSecret: SECRET,
  };
  const added = await run(['add', 'northmoor'], { ...settings, organisation: 'NM1', amr: ['mfa'] });
  assert.equal(added.code, 0, added.err);
  assert.match(added.out, /https:\/\/tocsin\.example\/sign-in\/with\/northmoor\/return/);
  assert.match(added.out, /https:\/\/tocsin\.example\/callbacks\/issuers\/northmoor\/logout/);
  const checked = await run(['check', 'northmoor']);
  assert.equal(checked.out, `${issuer.url} answers. People are sent to ${issuer.url}/auth\n`);
  assert.match((await run(['add', 'northmoor'], settings)).out, /no acr and no amr/);
  const off = await run(['off', 'northmoor', '--json']);
  assert.deepEqual(JSON.parse(off.out), { off: 'northmoor', ended: 0 });
  assert.equal((await run(['off', 'northmoor'])).code, 1);
  assert.match((await run(['list'])).out, /^northmoor {2}http\S+ {2}off since /);
  assert.equal((await run(['on', 'northmoor'])).code, 0);
  for (const args of [['list'], ['list', '--json']])
    assert.ok(!(await run(args)).out.includes(SECRET));
});

test('one that does not answer is said to be unreachable', async () => {
  const settings = { url: 'http://127.0.0.1:9', label: 'Down', clientId: 'tocsin' };
  assert.equal((await run(['add', 'down'], settings)).code, 0);
  const checked = await run(['check', 'down']);
  assert.equal(checked.code, 1);
  assert.match(checked.err, /cannot be used: unreachable/);
});

test('settings that are wrong are named by where they are, and never repeated', async () => {
  const right = { url: 'https://login.example', label: 'L', clientId: 'c', clientSecret: SECRET };
  const cases: [string, object | string, RegExp][] = [
    ['ok', '{"clientSecret": "very secret indeed"', /are not JSON/],
    ['ok', { ...right, url: 'http://login.example' }, /^url: write an https address/],
    ['ok', { ...right, url: 'https://login.example/?a=b' }, /^url: write it without/],
    ['ok', { ...right, origins: ['https://keys.example/path'] }, /^origins.0: write scheme/],
    ['ok', { ...right, secret: SECRET }, /^the settings: Unrecognized key/],
    ['ok', { ...right, organisation: 'ZZ9' }, /^organisation: the directory has no ZZ9/],
    ['Not ok', right, /^The id has small letters/],
  ];
  for (const [id, settings, why] of cases) {
    const { code, err } = await run(['add', id], settings);
    assert.notEqual(code, 0);
    assert.match(err, why);
    assert.ok(!err.includes(SECRET), err);
  }
  for (const args of [['add'], ['check'], ['list', 'x'], ['fly', 'x'], ['off', 'x', 'y']])
    assert.equal((await run(args)).code, 2, args.join(' '));
  assert.equal((await run(['check', 'none'])).code, 1);
  const all = await clone.web.withActor(system('test'), (tx) => listIssuers(tx));
  assert.ok(!all.some(({ id }) => id === 'ok'));
});
