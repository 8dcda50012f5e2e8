/**
 * Pictures of the main job for docs/screens: `npm run screens`. Starts a demonstration of its own,
 * lets one alert go out and phones answer it, and takes each page at 1280 and 390 pixels, the wall
 * at 1920. Nothing real rings; the folder of the demonstration goes again.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openBrowser, type Browser, type BrowserPage } from '../test/support/browser.ts';
import { smallPng } from './small-png.ts';
import { prepareGround, root, startProgram, type Program } from '../test/support/program.ts';

const folder = path.join(root, 'docs/screens');
const WIDTHS = [1280, 390];
/** A picture is for looking at, not for reading to the end. */
const HEIGHT_MOST = 1_600;
/** Numbers of Ofcom for drama; the sector of a demonstration has no others. */
const NUMBERS = Array.from({ length: 1_000 }, (_, n) => `07700900${String(n).padStart(3, '0')}`);

const opened = await openBrowser();
if (opened.browser === undefined) throw new Error(opened.reason);
const ground = await prepareGround();
const program = await startProgram(ground);
try {
  mkdirSync(folder, { recursive: true });
  await takeAll(opened.browser, program);
} finally {
  await opened.browser.close();
  await program.stop();
  ground.remove();
}

async function takeAll(browser: Browser, { address, phonesAddress }: Program): Promise<void> {
  const visitor = await newPage(browser);
  await take(visitor, `${address}/sign-in`, 'sign-in');
  const officer = await signIn(browser, address, 'Amara Osei');
  const approver = await signIn(browser, address, 'Tom Lindqvist');
  await take(officer, `${address}/alerts/holding`, 'holding');
  const alert = await takeDraft(officer, address);
  await officer.getByRole('button', { name: 'Submit for approval' }).click();
  await officer.getByText('somebody else has to approve it').waitFor();
  await take(approver, alert, 'approval');
  await approver.getByRole('button', { name: 'Approve and send now' }).click();
  await approver.getByText('organisations must answer').waitFor();

  await answerByText(new URL(phonesAddress).origin);
  await take(officer, `${alert}/board`, 'board');
  await take(officer, `${alert}/wall`, 'wall', [1920]);
  await take(officer, `${alert}/board?at=${new Date().toISOString()}`, 'past-minute');
  await take(officer, `${alert}/organisations?show=waiting`, 'not-yet-answered');
  await officer.locator('tbody th a').first().click();
  await take(officer, undefined, 'organisation-in-alert');
  await take(officer, address, 'desk');
  await officer
    .getByRole('link', { name: /^Take it/ })
    .first()
    .click();
  await take(officer, undefined, 'desk-item');
  const number = /\d{4}/.exec(await titleAt(officer, `${alert}/board`))![0];
  await take(visitor, `${address}/${number}`, 'public-page');
  await answerByPage(visitor, new URL(phonesAddress).origin);
  await take(visitor, undefined, 'answer');
  await visitor.getByRole('button', { name: 'Got it, we act' }).click();
  await take(visitor, undefined, 'answered');
  await openCodeSession(visitor, address, new URL(phonesAddress).origin);
  await take(visitor, `${address}/your-alerts/${number}`, 'code-session');
  await take(visitor, `${address}/genuine`, 'genuine');
  await take(visitor, `${address}/public`, 'public-list');
  await take(visitor, `${address}/your-number`, 'your-number');
  await takeBesides(officer, alert, address);
  await takeCalls(officer, alert);
  await takeCorrection(officer, alert, address);
  await take(officer, `${address}/alerts/new-exercise`, 'exercise');
  await takeOfAdministrator(await signIn(browser, address, 'Priya Raman'), address);
  await take(officer, `${address}/organisations`, 'directory');
  await take(officer, `${address}/audiences`, 'audiences');
  await take(officer, `${address}/organisations/coverage`, 'coverage');
  await take(officer, `${address}/organisations/mend`, 'mend');
  await take(officer, `${address}/gateways`, 'gateways');
  await take(visitor, phonesAddress, 'phones');
  await take(officer, `${address}/operating-model`, 'rules');
  await proposeSooner(officer, address);
  await take(officer, undefined, 'rules-change');
  await officer.getByRole('link', { name: /^What if/ }).click();
  await officer.getByRole('heading', { name: 'What breaks' }).waitFor();
  await take(officer, undefined, 'what-if');
  await take(officer, `${address}/what-if/year`, 'what-if-year');
}

/** Written, checked and counted; shows it again, ready to be submitted. */
async function takeDraft(officer: BrowserPage, address: string): Promise<string> {
  await officer.goto(`${address}/alerts/new`);
  await officer.fill('#title', 'Ransomware through Citrix gateways');
  await officer.getByLabel('Critical').check();
  await officer.fill('#what', 'ransomware via Citrix');
  await officer.fill('#doNow', 'Isolate Citrix gateways now. Email safe.');
  await officer.fill('#notKnown', 'Whether patched gateways are safe.');
  await officer
    .locator('.tocsin-phone__bubble', { hasText: 'ransomware via Citrix. Isolate' })
    .first()
    .waitFor();
  await take(officer, undefined, 'composer');
  await officer.getByRole('button', { name: 'Save and check' }).click();
  await officer.getByRole('button', { name: 'Submit for approval' }).waitFor();
  await take(officer, undefined, 'check');
  const alert = officer.url();
  await take(officer, `${alert}/dry-run`, 'dry-run');
  await officer.goto(alert);
  return alert;
}

/** What an officer may want beside the board. */
async function takeBesides(page: BrowserPage, alert: string, address: string): Promise<void> {
  await take(page, `${alert}/because`, 'because');
  await take(page, `${alert}/withdrawal`, 'withdrawal');
  await take(page, `${alert}/closing`, 'closing');
  await take(page, `${alert}/messages`, 'messages');
  await take(page, `${alert}/ledger`, 'ledger');
  await take(page, `${alert}/versions`, 'versions');
  await take(page, `${address}/alerts`, 'alerts');
  await take(page, `${address}/single-messages`, 'single-messages');
  await take(page, `${address}/kev`, 'kev');
  await take(page, `${address}/organisations/import`, 'import');
}

/** Nothing more leaves, so who has not answered is to be rung; the officer takes the first name. */
async function takeCalls(page: BrowserPage, alert: string): Promise<void> {
  await page.goto(`${alert}/board`);
  await page.locator('#stop summary').click();
  await page.locator('#stop').getByRole('button').click();
  await page.goto(`${alert}/calls`);
  await take(page, undefined, 'call-list');
  await page
    .getByRole('button', { name: /^I ring them/ })
    .first()
    .click();
  await page.getByText('What came of it').waitFor();
  await take(page, undefined, 'call');
}

/** Begun, and left among the drafts. */
async function takeCorrection(page: BrowserPage, alert: string, address: string): Promise<void> {
  await page.goto(`${alert}/board`);
  await page.locator('#correct summary').click();
  await page.locator('#correct').getByRole('button').click();
  await page.locator('#ifActed').waitFor();
  await take(page, undefined, 'correction');
  await take(page, `${address}/alerts/drafts`, 'drafts');
}

async function takeOfAdministrator(page: BrowserPage, address: string): Promise<void> {
  await take(page, `${address}/people`, 'people');
  await page.getByRole('link', { name: 'Tom Lindqvist' }).click();
  await page.getByRole('heading', { name: 'Tom Lindqvist' }).waitFor();
  await take(page, undefined, 'person');
  await take(page, `${address}/keys/new`, 'key');
  await take(page, `${address}/changes`, 'second-person');
  await take(page, `${address}/audit`, 'audit');
}

/** Other rules, under which deputies are asked sooner; nobody approves them. */
async function proposeSooner(page: BrowserPage, address: string): Promise<void> {
  const rules = readFileSync(path.join(root, 'operating-model.yaml'), 'utf8')
    .replace('{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT5M }')
    .replace('{ ranks: [3], after: PT30M }', '{ ranks: [3], after: PT15M }');
  await page.goto(`${address}/operating-model/propose`);
  const buffer = Buffer.from(rules);
  const file = { name: 'operating-model.yaml', mimeType: 'application/yaml', buffer };
  await page.locator('#file').setInputFiles(file);
  await page.fill('#reason', 'Deputies are asked too late');
  await page.getByRole('button', { name: 'Propose' }).click();
  await page.getByRole('heading', { name: 'A change of the rules' }).waitFor();
}

async function titleAt(page: BrowserPage, address: string): Promise<string> {
  await page.goto(address);
  return await page.title();
}

async function newPage(browser: Browser): Promise<BrowserPage> {
  return await (await browser.newContext()).newPage();
}

async function signIn(browser: Browser, address: string, name: string): Promise<BrowserPage> {
  const page = await newPage(browser);
  await page.goto(`${address}/sign-in`);
  await page.getByRole('button', { name }).click();
  await page.getByRole('heading', { name: 'Duty desk' }).waitFor();
  return page;
}

/** Opens the page of the alert by what came to the first phone that was texted. */
async function answerByPage(page: BrowserPage, simulator: string): Promise<void> {
  const number = await firstTold(simulator);
  await page.fill('#address', number);
  await page.fill('#code', (await codeAt(simulator, number))!);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Got it, we act' }).waitFor();
}

/** By a one-time code to the first phone that was texted an alert. */
async function openCodeSession(
  page: BrowserPage,
  address: string,
  simulator: string,
): Promise<void> {
  const number = await firstTold(simulator);
  await page.goto(`${address}/your-details/sign-in`);
  await page.fill('#address', number);
  await page.getByRole('button', { name: 'Send me a code' }).click();
  await page.locator('#code').waitFor();
  let code: string | undefined;
  for (let i = 0; i < 50 && code === undefined; i += 1) {
    await delay(200);
    const texts = await textsTo(simulator, number);
    code = texts.map((text) => /\b(\d{6}) is your code/.exec(text)?.[1]).find(Boolean);
  }
  if (code === undefined) throw new Error('no one-time code came');
  await page.fill('#code', code);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('link', { name: /^Alerts to your organisation/ }).waitFor();
}

async function textsTo(simulator: string, number: string): Promise<string[]> {
  const response = await fetch(`${simulator}/_control/texts?number=${number}`);
  const { messages } = (await response.json()) as { messages: { text: string }[] };
  return messages.map(({ text }) => text);
}

async function firstTold(simulator: string): Promise<string> {
  for (const number of NUMBERS) if ((await codeAt(simulator, number)) !== undefined) return number;
  throw new Error('no phone has a text');
}

async function codeAt(simulator: string, number: string): Promise<string | undefined> {
  const [first = ''] = await textsTo(simulator, number);
  return /Reply (\d{4})=/.exec(first)?.[1];
}

/** Of those who have a text, some answer, some say what it means for them, a few ask or ramble. */
async function answerByText(simulator: string): Promise<void> {
  await delay(8_000);
  for (const [i, number] of NUMBERS.entries()) {
    const code = await codeAt(simulator, number);
    const words = wordsOf(i);
    if (code === undefined || words === undefined) continue;
    await fetch(`${simulator}/_control/reply`, {
      method: 'POST',
      body: JSON.stringify({ number, text: words.replace('CODE', code) }),
    });
    await delay(40);
  }
  await delay(3_000);
}

function wordsOf(index: number): string | undefined {
  if (index % 97 === 7) return 'CODE HELP';
  if (index % 151 === 3) return 'who is this, I left that trust in May';
  if (index % 13 === 5) return 'CODE YES';
  if (index % 4 === 1) return 'CODE NO';
  return index % 3 === 0 ? undefined : 'CODE';
}

/** The page as it is, or at this address, at each width; says what each picture weighs. */
async function take(
  page: BrowserPage,
  address: string | undefined,
  name: string,
  widths = WIDTHS,
): Promise<void> {
  if (address !== undefined) await page.goto(address);
  // A page that leads elsewhere would be a picture of something else.
  const shown = new URL(page.url()).pathname;
  const asked = new URL(address ?? page.url()).pathname;
  if (shown !== asked) throw new Error(`${asked} led to ${shown}`);
  for (const width of widths) {
    const isWall = name === 'wall';
    await page.setViewportSize({ width, height: isWall ? 1_080 : 900 });
    await page.evaluate('scrollTo(0, 0)');
    const all = await page.evaluate<number>('document.documentElement.scrollHeight');
    if (isWall && all > 1_080) throw new Error(`the wall is ${all} pixels high`);
    const height = isWall ? 1_080 : Math.min(all, HEIGHT_MOST);
    const picture = smallPng(
      await page.screenshot({ fullPage: !isWall, clip: { x: 0, y: 0, width, height } }),
    );
    const file = path.join(folder, `${name}-${width}.png`);
    writeFileSync(file, picture);
    process.stdout.write(`${path.relative(root, file)} ${picture.length >> 10} kB\n`);
  }
}
