import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kernel/ids.ts';
import { dispatchCommand } from './dispatch.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, release } from '../../test/support/dispatch.ts';

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

const run = async (args: string[]) =>
  await ran((output) => dispatchCommand({ database: clone.web }, args, output));

test('a dispatch is shown, paused, resumed and stopped, each with its ledger', async () => {
  const id = await makeDispatch(clone.owner, { messages: 3 });
  assert.match((await run(['cancel', id, '--reason', 'test'])).err, /waits for approval/);
  await release(clone.web, id);
  const shown = await run(['show', id]);
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^Test: sending\norganisations 3: gone 0, unknown 0, waiting 3/);
  assert.match((await run(['pause', id, '--reason', 'test'])).out, /^Test: paused/);
  assert.equal((await run(['pause', id, '--reason', 'test'])).code, 1);
  assert.match((await run(['resume', id, '--reason', 'test'])).out, /^Test: sending/);
  const stopped = await run(['cancel', id, '--reason', 'test', '--json']);
  const value = JSON.parse(stopped.out) as { state: string; ledger: { messages: object } };
  assert.equal(value.state, 'cancelled');
  assert.deepEqual(value.ledger.messages, {
    total: 3,
    gone: 0,
    unknown: 0,
    waiting: 0,
    neverSent: 3,
  });
});

test('what is not understood, or lacks its reason, gets the help', async () => {
  for (const args of [[], ['cancel', newId()], ['fly', newId()], ['show', 'x'], ['show']])
    assert.match((await run(args)).err, /^Usage/);
  const absent = await run(['show', newId()]);
  assert.deepEqual([absent.code, absent.err], [1, 'There is no such dispatch.\n']);
});
