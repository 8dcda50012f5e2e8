import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { explainAlertCommand } from './explain-alert.ts';
import { openCentre, releaseAlert, type Centre } from '../../test/support/centre.ts';
import { ran } from '../../test/support/command.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(() => centre.close());

const run = async (args: string[]) =>
  await ran((output) =>
    explainAlertCommand({ database: centre.db.web, model: centre.model }, args, output),
  );

test('each step of an alert with rule, version and facts, for people and programs', async () => {
  const { number } = await releaseAlert(centre);
  const told = await run([`${number}`]);
  assert.equal(told.code, 0, told.err);
  const step =
    /Round 2, .*\n {2}because Critical, after 15 min: rank 2.*\n {2}severities\.critical\.rounds\[1\], rules [0-9a-f]{12}\n {2}released /;
  assert.match(told.out, step);
  const { steps } = JSON.parse((await run([`${number}`, '--json'])).out) as { steps: object[] };
  assert.ok(steps.length >= 8);
});

test('a number that is not out is said, and what is not understood gets the help', async () => {
  const none = await run(['9999']);
  assert.deepEqual([none.code, none.err], [1, 'No alert 9999 is out.\n']);
  assert.match((await run(['high'])).err, /^Usage/);
});
