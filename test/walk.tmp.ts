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
const phones = await (
  await browser.newContext({ viewport: { width: 1280, height: 900 } })
).newPage();
await phones.goto('http://127.0.0.1:3102/phones');
await shoot(phones, '09-phones');
console.log(
  await phones
    .locator('body')
    .innerText()
    .then((t) => t.slice(0, 1500)),
);
await browser.close();
