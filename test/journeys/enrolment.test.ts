/**
 * Enrolment as people live it, in a real browser against the real program: the officer adds a
 * contact and asks, a text comes to the handset, its owner answers, the number is proven both ways,
 * and the card that lets alerts ring at night is one press away.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { lookAt, openBrowser, type BrowserOrReason, type BrowserPage } from '../support/browser.ts';
import { prepareGround, startProgram, type Ground, type Program } from '../support/program.ts';

const NUMBER = '07700 900987';

let opened: BrowserOrReason;
let ground: Ground | undefined;
let program: Program | undefined;

before(async () => {
  opened = await openBrowser();
  if (opened.browser === undefined) return;
  ground = await prepareGround();
  program = await startProgram(ground);
});

after(async () => {
  await opened.browser?.close();
  await program?.stop();
  ground?.remove();
});

test('one text and one answer prove a number both ways, and offer the card', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const officer = await (await opened.browser.newContext()).newPage();
  const phone = await (await opened.browser.newContext()).newPage();
  let home = '';
  await t.test('the officer adds a contact, and asks from the list to mend', async () => {
    home = await addAndAsk(officer);
  });
  await t.test('a text comes to the handset; its owner answers with the code', async () => {
    await answerOn(phone);
  });
  await t.test('it is proven: we reach it, and hear it', async () => {
    await officer.reload();
    await officer.locator('tr', { hasText: 'Kit Rowan' }).waitFor({ state: 'detached' });
    await officer.goto(home);
    const row = officer.locator('tr', { hasText: 'Kit Rowan' }).first();
    await row.getByText(/^proven \d/).waitFor();
    await lookAt(officer, 'enrolment-proven');
  });
  await t.test(
    'the answer leads to the contact card, and to how alerts ring at night',
    async () => {
      await saveCard(phone);
    },
  );
});

/** The address of the organisation that has the contact now. */
async function addAndAsk(officer: BrowserPage): Promise<string> {
  await officer.goto(`${program!.address}/sign-in`);
  await officer.getByRole('button', { name: 'Amara Osei' }).click();
  await officer.goto(`${program!.address}/organisations?q=trust&must=yes`);
  await officer.locator('tbody a').first().click();
  await officer.getByRole('button', { name: 'Add a contact' }).first().click();
  await officer.getByLabel('Name', { exact: true }).fill('Kit Rowan');
  await officer.locator('#mobile').fill(NUMBER);
  await officer.getByRole('button', { name: 'Add', exact: true }).click();
  await officer.getByText('Kit Rowan is told from now on').waitFor();
  const home = officer.url();
  await officer.getByRole('link', { name: 'What to mend' }).click();
  const row = officer.locator('tr', { hasText: 'Kit Rowan' });
  await row.getByText('Not proven').waitFor();
  await lookAt(officer, 'enrolment-mend');
  await row.getByRole('button', { name: 'Ask now' }).click();
  await officer.getByText('1 asked: proven when the code comes back').waitFor();
  return home;
}

async function answerOn(phone: BrowserPage): Promise<void> {
  const address = `${program!.phonesAddress}/44${NUMBER.slice(1).replaceAll(' ', '')}`;
  // The handset is there with its first text.
  const question = phone
    .getByText(/holds this number for .* to warn you .*Please reply \d{4},/)
    .first();
  for (let i = 0; i < 60 && !(await question.isVisible()); i += 1) {
    await phone.goto(address);
    await question.waitFor({ timeout: 1_000 }).catch(() => {});
  }
  const code = /reply (\d{4}),/.exec(await question.innerText())?.[1];
  assert.ok(code, 'the text names a code');
  await lookAt(phone, 'enrolment-text');
  await phone.getByRole('textbox', { name: /^Reply from/ }).fill(code);
  await phone.getByRole('button', { name: /^Send from/ }).click();
  await phone
    .getByText(/this phone is proven for/)
    .first()
    .waitFor();
  await lookAt(phone, 'enrolment-answered');
}

async function saveCard(phone: BrowserPage): Promise<void> {
  const thanks = phone.getByText(/this phone is proven for/).first();
  const link = /(\S+\/ring-through)/.exec(await thanks.innerText())?.[1];
  assert.equal(link, `${new URL(program!.address).host}/ring-through`);
  await phone.goto(`${program!.address}/ring-through`);
  await lookAt(phone, 'enrolment-ring-through');
  const download = phone.waitForEvent('download');
  await phone.getByText('Save the contact card').click();
  const card = readFileSync(await (await download).path(), 'utf8');
  assert.match(card, /^BEGIN:VCARD\r\nVERSION:3\.0\r\n/);
  assert.match(card, /TEL;TYPE=CELL:\d+\r\n/);
  assert.match(card, /END:VCARD\r\n$/);
}
