import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findWaitingProposal } from '#operating-model/index.ts';
import { openCentre, type Centre } from '../../test/support/centre.ts';
import { ran } from '../../test/support/command.ts';
import { applyModelCommand } from './apply-model.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'tocsin-apply-'));
let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => {
  await centre.close();
  rmSync(folder, { recursive: true });
});

const apply = async (yaml: string, ...args: string[]) => {
  const file = join(folder, 'new.yaml');
  writeFileSync(file, yaml);
  const { web: database } = centre.db;
  const context = { database, model: centre.model, origin: 'https://tocsin.example' };
  return await ran((output) => applyModelCommand(context, [file, ...args], output));
};
const officer = ['--as', 'amara.osei@centre.test'];

test('a wrong call, an unknown person, one without the right and a wrong file change nothing', async () => {
  const sooner = shipped.replace('after: PT30M', 'after: PT20M');
  assert.equal((await apply(sooner)).code, 2);
  const nobody = await apply(sooner, '--as', 'nobody@centre.test', '--reason', 'x');
  assert.deepEqual([nobody.code, nobody.err], [1, 'Nobody with this address works here.\n']);
  const approver = await apply(sooner, '--as', 'tom.lindqvist@centre.test', '--reason', 'x');
  assert.match(approver.err, /Your role does not allow this/);
  const silent = await apply(sooner, ...officer);
  assert.match(silent.err, /Say why the rules are to change/);
  const wrong = await apply(shipped.replace('lane: 1', 'lane: 8'), ...officer, '--reason', 'x');
  assert.match(wrong.err, /new\.yaml:\d+: severities\.critical\.lane: allowed: 1/);
  assert.notEqual(wrong.code, 0);
  const waiting = await centre.db.web.withActor(centre.officer, findWaitingProposal);
  assert.equal(waiting, undefined);
});

test('a file is proposed, and what it changes is said with the page of its approval', async () => {
  const sooner = shipped.replace('{ ranks: [3], after: PT30M }', '{ ranks: [3], after: PT20M }');
  const { code, out } = await apply(sooner, ...officer, '--reason', 'Deputies wait too long');
  assert.equal(code, 0);
  const waiting = await centre.db.web.withActor(centre.officer, findWaitingProposal);
  assert.equal(
    out,
    `Critical: third round after 20 min instead of 30 min\n\nA second person has to approve it: https://tocsin.example/operating-model/proposals/${waiting?.id}\n`,
  );
  assert.equal(waiting?.proposedByName, 'Amara Osei');
  const again = await apply(sooner, ...officer, '--reason', 'Again');
  assert.match(again.err, /Another change waits already/);
});
