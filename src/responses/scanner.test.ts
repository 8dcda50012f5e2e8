/**
 * Mail scanners and link previews against the page that texts and mails name: they open it, run its
 * scripts, press every button, fill in every field, and say nothing for anybody (P7).
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, type BrowserOrReason, type BrowserPage } from '../../test/support/browser.ts';
import { answersAt } from '../../test/support/answers.ts';
import { numbers, openCentre, type Centre } from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let centre: Centre;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  opened = await openBrowser();
});
after(async () => {
  await opened.browser?.close();
  await centre.close();
});

const { liveAlert, responsesTo, answersTo } = answersAt(() => centre);

async function sent() {
  const { alertId, number, codeOf } = await liveAlert();
  const answered = () => answersTo(alertId);
  return { alertId, path: `/${number}`, code: codeOf(numbers.northmoor), answered };
}

const PRESSABLE = 'button, a, input';

/** What is filled in: nothing, the same everywhere, or anything. */
const FILLINGS: readonly ((index: number) => string)[] = [
  () => '',
  () => '1',
  () => 'test@example.com',
  (index) => String((index * 7919) % 10_000).padStart(4, '0'),
];

test('a client that opens, previews and posts acknowledges nothing; the person after it does', async () => {
  const { alertId, path, code, answered } = await sent();
  for (const filling of FILLINGS) {
    const scanner = centre.site.visitor();
    for (const method of ['HEAD', 'GET', 'OPTIONS']) await scanner.request(method, path);
    const page = await scanner.get(path);
    const actions = page
      .elements('form')
      .filter(({ attribs }) => attribs['method'] === 'post')
      .map((form) => form.attribs['action']!);
    for (const [i, action] of actions.entries())
      for (const kind of ['', 'got_it', 'affected', 'help']) {
        const form = new URLSearchParams({ address: filling(i), code: filling(i), kind });
        await scanner.request('POST', action, { form });
      }
  }
  assert.equal(await answered(), 0);
  const person = centre.site.visitor();
  await person.get(path);
  await person.submit('Go on', { address: `0${numbers.northmoor.slice(2)}`, code });
  const thanks = await person.submit('Got it, we act', { kind: 'got_it' });
  assert.match(thanks.heading, /Thank you/, thanks.text);
  const found = (await responsesTo(alertId)).filter(({ evidence }) => evidence !== null);
  assert.deepEqual(
    found.map(({ organisation, evidence }) => [organisation, evidence]),
    [['Northmoor', 'link_with_code']],
  );
});

test('a browser that runs scripts, presses and fills in all it finds acknowledges nothing', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { path, answered } = await sent();
  const address = `${centre.site.address}${path}`;
  // Two of them: the client above fills in all, and a browser for each press costs much.
  for (const filling of [FILLINGS.at(0)!, FILLINGS.at(-1)!]) {
    const first = await opened.browser.newPage();
    await first.goto(address);
    const count = await first.locator(PRESSABLE).count();
    await first.close();
    assert.ok(count > 3, 'there is something to press');
    for (let i = 0; i < count; i += 1) {
      // A page of its own: the press before may still be under way.
      const page = await opened.browser.newPage();
      await page.goto(address);
      await fillIn(page, filling);
      await page
        .locator(PRESSABLE)
        .nth(i)
        .click({ timeout: 500 })
        .catch(() => {});
      await page.waitForLoadState().catch(() => {});
      await page.close();
    }
  }
  assert.equal(await answered(), 0);
});

async function fillIn(page: BrowserPage, filling: (index: number) => string): Promise<void> {
  const fields = page.locator('input:not([type=hidden]), textarea');
  const count = await fields.count();
  for (let i = 0; i < count; i += 1)
    await fields
      .nth(i)
      .fill(filling(i), { timeout: 500 })
      .catch(() => {});
}
