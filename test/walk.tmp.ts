import { openBrowser } from './support/browser.ts';
const base = 'http://localhost:3100';
const { browser, reason } = await openBrowser();
if (!browser) throw new Error(reason);
const shoot = async (page: import('playwright-core').Page, name: string) => {
  for (const [w, tag] of [
    [1280, 'wide'],
    [390, 'phone'],
  ] as const) {
    await page.setViewportSize({ width: w, height: 900 });
    await page.waitForTimeout(150);
    await page.screenshot({ path: `/tmp/shots/${name}-${tag}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
};
const person = async (name: string) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on('console', (m) => m.type() === 'error' && console.log('console', name, m.text()));
  page.on('pageerror', (e) => console.log('pageerror', e.message));
  await page.goto(base + '/sign-in');
  await page.getByRole('button', { name: new RegExp(name) }).click();
  return page;
};
const officer = await person('Amara');
console.log(officer.url());
await shoot(officer, '01-desk-empty');
await officer.goto(base + '/alerts/new');
await shoot(officer, '02-composer');
await officer.fill('#title', 'Ransomware through Citrix gateways');
await officer.getByLabel('Critical').check();
await officer.fill('#what', 'ransomware via Citrix');
await officer.fill('#doNow', 'Isolate Citrix gateways now. Email safe.');
await officer.fill('#notKnown', 'Whether patched gateways are safe.');
await officer.fill(
  '#body',
  '# Steps\n\n- Disconnect Citrix ADC and Gateway from the internet\n- Keep logs\n\nSee [the vendor](https://vendor.example/advisory).',
);
await officer.waitForTimeout(900);
await shoot(officer, '03-composer-filled');
await officer.getByRole('button', { name: 'Save and check' }).click();
await shoot(officer, '04-check');
await officer.getByRole('button', { name: 'Submit for approval' }).click();
console.log(officer.url(), await officer.locator('h1').innerText());
await shoot(officer, '05-waiting');
const approver = await person('Tom');
await shoot(approver, '06-desk-approver');
await approver.goto(officer.url());
await shoot(approver, '07-approval');
await approver.getByRole('button', { name: 'Approve and send now' }).click();
console.log(approver.url(), await approver.locator('h1').innerText());
await approver.waitForTimeout(3000);
await shoot(approver, '08-board');

const phones = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
await phones.goto('http://127.0.0.1:3102/phones');
await shoot(phones, '09-phones');
const state = await (await fetch('http://127.0.0.1:3102/_control/ledger?type=accepted')).json() as any;
const sms = state.entries.filter((e: any) => JSON.stringify(e).includes('=got it')).slice(0, 12);
console.log(JSON.stringify(sms[0]).slice(0, 400));
const codeOf = (e: any) => /(\d{4})=got it/.exec(JSON.stringify(e))![1];
const numberOf = (e: any) => e.recipient ?? e.to ?? e.phone_number ?? e.number;
const reply = async (e: any, text: string) => console.log((await fetch('http://127.0.0.1:3102/_control/reply', { method: 'POST', body: JSON.stringify({ number: numberOf(e), text }) })).status);
await reply(sms[0], codeOf(sms[0]));
await reply(sms[1], codeOf(sms[1]) + ' HELP');
await reply(sms[2], 'Our phones are down and someone is on the roof');
await reply(sms[3], codeOf(sms[3]) + ' YES');
await reply(sms[4], 'ok');
await approver.waitForTimeout(1500);
await shoot(approver, '10-board-answers');
await officer.goto(base + '/');
await shoot(officer, '11-desk');
await officer.getByRole('link', { name: /Take it/ }).first().click();
await shoot(officer, '12-desk-item');
await officer.getByRole('button', { name: 'I take this' }).click();
await officer.fill('#outcome', 'Rang the CISO; they isolate now.');
await officer.getByRole('button', { name: 'Close it' }).click();
console.log(await officer.locator('.tocsin-notice').innerText());
const board = approver.url();
await officer.goto(board.replace('/board', '/organisations?show=waiting'));
await shoot(officer, '13-list');
await officer.locator('tbody a').first().click();
await shoot(officer, '14-organisation');
await officer.getByLabel('They have it and act').check();
await officer.fill('#note', 'CIO says all isolated');
await officer.getByRole('button', { name: 'Write it down' }).click();
console.log(await officer.locator('.tocsin-notice').innerText());
const visitor = await (await browser.newContext({ viewport: { width: 390, height: 900 } })).newPage();
const number = /Alert (\d+)/.exec(await approver.locator('h1').innerText())![1];
await visitor.goto(base + '/' + number);
await shoot(visitor, '15-public');
await visitor.fill('#address', numberOf(sms[5]));
await visitor.fill('#code', '0000');
await visitor.getByLabel('Got it, we act').check();
await visitor.getByRole('button', { name: 'Send answer' }).click();
await shoot(visitor, '16-public-wrong');
await visitor.fill('#code', codeOf(sms[5]));
await visitor.getByRole('button', { name: 'Send answer' }).click();
console.log(await visitor.locator('h1').innerText());
await approver.waitForTimeout(800);
await shoot(approver, '17-board-end');
await officer.goto(base + '/alerts');
await shoot(officer, '18-alerts');
await browser.close();
