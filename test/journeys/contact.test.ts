/**
 * A key contact at three in the morning, against the real program: the text on a simulated handset,
 * the answer by text, the code session and the two presses on the page. No page of ours has a
 * script here. And the approver before that: woken on a handset.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lookAt, openBrowser, type BrowserOrReason, type BrowserPage } from '../support/browser.ts';
import { PageClient } from '../support/page-client.ts';
import { prepareGround, startProgram, type Ground, type Program } from '../support/program.ts';

let opened: BrowserOrReason;
let ground: Ground | undefined;
let program: Program;

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

/** As the program's people do it, by forms. */
async function signIn(name: string): Promise<PageClient> {
  const client = new PageClient(program.address);
  await client.get('/sign-in');
  await client.submit(`Continue as ${name}`);
  return client;
}

/** Writes and submits; what is marked above CLEAR takes the line that anybody may read. */
async function submit(officer: PageClient, marking: string) {
  await officer.get('/alerts/new');
  await officer.submit('Save and check', {
    title: `Ransomware, ${marking}`,
    severity: 'critical',
    marking,
    what: 'ransomware via Citrix',
    doNow: 'Isolate Citrix gateways now. Email safe.',
    clearLine: 'Ring your IT lead now.',
    next: 'check',
  });
  const { path, heading, text } = await officer.submit('Submit for approval');
  const number = /\b(49\d\d)\b/.exec(`${heading} ${text}`)?.[1];
  assert.ok(number !== undefined, text);
  return { path, number };
}

/** A handset of the simulator, which turns by itself. */
async function handset(number: string): Promise<BrowserPage> {
  const page = await (await opened.browser!.newContext()).newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(`${program.phonesAddress}/${number}`);
  return page;
}

const newest = (phone: BrowserPage, words: RegExp) =>
  phone.locator('.bubble--in .bubble__text').filter({ hasText: words }).first();

/** The contact's phone: it loads no script of ours, and every page is whole. */
async function contactsPhone(): Promise<BrowserPage> {
  const context = await opened.browser!.newContext({ viewport: { width: 390, height: 844 } });
  await context.route(/\.js(?:\?|$)/, async (route) => await route.abort());
  return await context.newPage();
}

test('the approver is woken on a handset while an alert waits', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const officer = await signIn('Amara Osei');
  const phone = await handset('447700900992');
  await phone.getByText('No text yet').waitFor();
  const alert = await submit(officer, 'CLEAR');
  await newest(phone, new RegExp(`alert ${alert.number} CRITICAL waits`)).waitFor();
  await officer.get(alert.path);
  await officer.submit('Take back and change');
});

test('a text comes, is answered on the phone, and the page takes the rest', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const officer = await signIn('Amara Osei');
  const approver = await signIn('Tom Lindqvist');
  const alert = await submit(officer, 'AMBER');
  await approver.get(alert.path);
  await approver.submit('Approve and send now');

  const phones = await (await opened.browser.newContext()).newPage();
  await phones.goto(program.phonesAddress);
  const lit = phones.locator('article', { hasText: `${alert.number} CRITICAL` }).first();
  await lit.waitFor();
  const number = (await lit.getAttribute('data-number'))!;
  const phone = await handset(number);
  const first = await newest(phone, new RegExp(`${alert.number} CRITICAL`)).innerText();
  assert.match(first, /marked AMBER\. Ring your IT lead now\./);
  assert.doesNotMatch(first, /Citrix|http/, 'nothing above CLEAR, and no link');
  const code = /(\d{4})=got it/.exec(first)![1]!;
  await phone.getByRole('button', { name: code, exact: true }).click();
  const thanks = await newest(phone, /got it \d\d:\d\d/).innerText();
  assert.match(thanks, new RegExp(`Steps: \\S+/${alert.number}\\.`));

  const page = await contactsPhone();
  await page.goto(`${program.address}/${alert.number}`);
  assert.doesNotMatch(await page.locator('main').innerText(), /Citrix/);
  await lookAt(page, 'journey-contact-closed');
  await page.getByLabel('Mobile number or mail address').fill(`0${number.slice(2)}`);
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Isolate Citrix gateways now').waitFor();
  await page
    .getByText(/ha(ve|s) this since/)
    .first()
    .waitFor();
  await lookAt(page, 'journey-contact-opened');
  await page.getByRole('button', { name: 'We are affected' }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await lookAt(page, 'journey-contact-answered');

  await readInCodeSession(page, { phone, number, alertNumber: alert.number });
  const desk = await officer.get('/');
  assert.match(desk.text, /Our call due in 1\d min.*Help/);
  const board = await officer.get(`${alert.path}/board`);
  assert.match(board.text, /1 affected/);
});

/** By a one-time code to the same number, for four hours: reads to AMBER, and asks for help. */
async function readInCodeSession(
  page: BrowserPage,
  at: { readonly phone: BrowserPage; readonly number: string; readonly alertNumber: string },
): Promise<void> {
  await page.goto(`${program.address}/your-details/sign-in`);
  await page.getByLabel('Mobile number or email address').fill(`0${at.number.slice(2)}`);
  await lookAt(page, 'journey-contact-asks-for-a-code');
  await page.getByRole('button', { name: 'Send me a code' }).click();
  const words = await newest(at.phone, /\b\d{6} is your code/).innerText();
  await page.getByLabel('Code').fill(/\b(\d{6})\b/.exec(words)![1]!);
  await lookAt(page, 'journey-contact-types-it');
  await page.getByRole('button', { name: 'Go on' }).click();
  const list = page.getByRole('link', { name: 'Alerts to your organisation' });
  // A number of several people asks first whose details it is.
  await list
    .or(page.getByRole('button').filter({ hasText: 'I am' }))
    .first()
    .waitFor();
  await page.goto(`${program.address}/your-alerts`);
  await page.getByRole('link', { name: new RegExp(at.alertNumber) }).click();
  await page.getByText('Isolate Citrix gateways now').waitFor();
  await lookAt(page, 'journey-contact-code-session');
  await page.getByRole('button', { name: 'We need help: call us' }).click();
  await page
    .getByText(/help asked/)
    .first()
    .waitFor();
  await lookAt(page, 'journey-contact-help-asked');
}
