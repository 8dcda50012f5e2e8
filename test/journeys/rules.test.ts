/** The running program: two people change the rules, and it obeys them without a restart. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../support/browser.ts';
import {
  prepareGround,
  root,
  startProgram,
  type Ground,
  type Program,
} from '../support/program.ts';

let opened: BrowserOrReason;
let ground: Ground;
let program: Program;
before(async () => {
  opened = await openBrowser();
  ground = await prepareGround();
  program = await startProgram(ground);
});
after(async () => {
  await opened.browser?.close();
  await program.stop();
  ground.remove();
});

const shipped = readFileSync(path.join(root, 'operating-model.yaml'), 'utf8');

it('proposed by one, approved by another, obeyed at once; after a restart the file does not undo it', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const signIn = async (name: string) => {
    const { page, verify } = await watchedPage(opened.browser!, program.address);
    await page.goto(`${program.address}/sign-in`);
    await page.getByRole('button', { name: `Continue as ${name}` }).click();
    await page.getByRole('link', { name: 'Rules' }).waitFor();
    return { page, verify };
  };
  const { page: keeper, verify: verifyKeeper } = await signIn('Priya Raman');
  const { page: approver, verify: verifyApprover } = await signIn('Tom Lindqvist');

  await keeper.getByRole('link', { name: 'Rules' }).click();
  await keeper.getByRole('heading', { name: 'What happens when, by severity' }).waitFor();
  await assertAccessible(keeper);
  await shoot(keeper, 'rules');
  await keeper.getByRole('button', { name: 'Propose a change' }).click();
  const proposed = path.join(ground.folder, '..', 'proposed.yaml');
  writeFileSync(proposed, shipped.replace('    label: High\n', '    label: Grave\n'));
  await keeper.setInputFiles('#file', proposed);
  await keeper.fill('#reason', 'The word that our regions use');
  await assertAccessible(keeper);
  await keeper.getByRole('button', { name: 'Propose' }).click();
  await keeper.getByText('You proposed this').waitFor();
  await keeper.goto(`${program.address}/alerts/new`);
  assert.equal(await keeper.getByLabel('Grave').count(), 0);

  await approver.goto(`${program.address}/`);
  await approver.getByRole('link', { name: 'A change of the rules' }).click();
  await approver.getByRole('link', { name: 'What it changes' }).click();
  await approver.getByText('High is called Grave').waitFor();
  await assertAccessible(approver);
  await shoot(approver, 'rules-approval');
  await approver.getByRole('button', { name: 'Approve and put in force' }).click();
  await approver.getByRole('heading', { name: 'History of the rules' }).waitFor();
  await assertAccessible(approver);

  // Every process is told in the moment of the commit; a page asked for meanwhile is of before.
  const writes = async () => {
    await keeper.goto(`${program.address}/alerts/new`);
    return await keeper.getByLabel('Grave').count();
  };
  for (let i = 0; i < 40 && (await writes()) === 0; i++) await delay(100);
  assert.equal(await writes(), 1);
  verifyKeeper();
  verifyApprover();

  await program.stop();
  program = await startProgram(ground);
  assert.match(
    program.printed,
    /was adopted, and holds\. The file would change: Grave is called High\./,
  );
});
