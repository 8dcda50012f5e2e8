/**
 * The main job as people do it, in a real browser against the real program: one officer, a second
 * person, phones that light up, and a board that turns by itself.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  assertAccessible,
  openBrowser,
  type Browser,
  type BrowserPage,
} from '../support/browser.ts';
import {
  prepareGround,
  root,
  startProgram,
  type Ground,
  type Program,
} from '../support/program.ts';

const realFile = path.join(root, '../shared/data/ods-trusts/etr-2025-07.csv');

let browser: Browser | undefined;
let skipReason: string | undefined;
let ground: Ground | undefined;
let program: Program | undefined;
let address = '';

before(async () => {
  const opened = await openBrowser();
  browser = opened.browser;
  skipReason = opened.reason;
  if (browser === undefined) return;
  ground = await prepareGround();
  program = await startProgram(ground);
  address = program.address;
});

after(async () => {
  await browser?.close();
  await program?.stop();
  ground?.remove();
});

test('one alert, from the officer’s screen to the phone in a pocket and back', async (t) => {
  if (browser === undefined) {
    t.skip(skipReason);
    return;
  }
  const officer = await signIn('Amara Osei');
  const approver = await signIn('Tom Lindqvist');

  await t.test('a real file is imported', async (t) => {
    if (!existsSync(realFile)) {
      t.skip('the real ODS file is not beside this checkout');
      return;
    }
    await importRealFile(officer);
  });

  await t.test('the officer writes it, with the text in sight', async () => {
    await officer.goto(`${address}/alerts/new`);
    await officer.fill('#title', 'Ransomware through Citrix gateways');
    await officer.getByLabel('Critical').check();
    await officer.fill('#what', 'ransomware via Citrix');
    await officer.fill('#doNow', 'Isolate Citrix gateways now. Email safe.');
    await officer.getByLabel('Capital').check();
    await officer
      .locator('.tocsin-phone__bubble', { hasText: 'ransomware via Citrix. Isolate' })
      .first()
      .waitFor();
    await assertAccessible(officer);
    await officer.getByRole('button', { name: 'Save and check' }).click();
    await officer.getByRole('button', { name: 'Submit for approval' }).click();
    await officer.getByText('somebody else has to approve it').waitFor();
  });

  await t.test('a second person sees exactly what will go, and sends it', async () => {
    await approver.goto(officer.url());
    await approver.setViewportSize({ width: 390, height: 844 });
    await assertAccessible(approver);
    await approver.getByRole('button', { name: 'Approve and send now' }).click();
    await approver.getByText('organisations must answer').waitFor();
    await assertAccessible(approver);
  });

  const phones = await openPhones(browser);
  await t.test('handsets light up, and one answers', async () => {
    const handset = phones.locator('article, section, li', { hasText: 'CRITICAL' }).first();
    await handset.waitFor();
    const words = await phones.getByText('=got it').first().innerText();
    const code = /(\d{4})=got it/.exec(words)![1]!;
    await phones.getByRole('button', { name: code, exact: true }).first().click();
  });

  await t.test('the board turns by itself, and shows the same after a reload', async () => {
    const tile = approver.locator('.tocsin-tile', { hasText: 'acknowledged' });
    await tile.filter({ hasText: '1' }).waitFor({ timeout: 60_000 });
    await approver.reload();
    assert.match(await tile.innerText(), /^1\s/);
  });
});

async function signIn(name: string): Promise<BrowserPage> {
  const page = await (
    await browser!.newContext({ viewport: { width: 1280, height: 900 } })
  ).newPage();
  await page.goto(`${address}/sign-in`);
  await assertAccessible(page);
  await page.getByRole('button', { name }).click();
  await page.getByRole('heading', { name: 'Duty desk' }).waitFor();
  return page;
}

async function openPhones(browser: Browser): Promise<BrowserPage> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(program!.phonesAddress);
  return page;
}

async function importRealFile(officer: BrowserPage): Promise<void> {
  await officer.goto(`${address}/organisations/import`);
  await assertAccessible(officer);
  await officer.getByLabel('Organisations', { exact: true }).check();
  await officer.setInputFiles('input[type=file]', realFile);
  await officer.getByRole('button', { name: 'Check the file' }).click();
  await officer.getByRole('button', { name: /^Import/ }).click();
  await officer.getByText(/210/).first().waitFor();
}
