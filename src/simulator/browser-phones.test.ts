/** The phones in a real browser: what their script does while the network is slow. */
import { after, before, test } from 'node:test';
import { openBrowser, watchedPage, type BrowserOrReason } from '../../test/support/browser.ts';
import { sendSms, startForTest } from './kit-for-tests.ts';

let opened: BrowserOrReason;

before(async () => {
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
});

test('a text that comes while an older page is on its way is shown after it', async (context) => {
  if (opened.browser === undefined) return context.skip(opened.reason);
  const simulator = await startForTest(context);
  const text = async (body: string) =>
    await sendSms(simulator, { phone_number: '07700900300', personalisation: { body } });
  await text('the first text');
  const address = `${simulator.notifyUrl}/phones/447700900300`;
  const { page, verify } = await watchedPage(opened.browser, simulator.notifyUrl);
  const shown = async (words: string) =>
    await page.locator('.bubble__text', { hasText: words }).waitFor();
  await page.goto(address);
  await shown('the first text');

  // What the script fetches is held until it is let go, as on a slow network.
  const held: (() => void)[] = [];
  await page.route(address, async (route) => {
    const reply = await route.fetch();
    await new Promise<void>((resolve) => held.push(resolve));
    await route.fulfill({ response: reply });
  });
  const letGo = async (nth: number) => {
    while (held.length < nth) await page.waitForTimeout(20);
    held[nth - 1]!();
  };
  await text('the second text');
  while (held.length === 0) await page.waitForTimeout(20);
  await text('the third text');
  // Long enough for the third's turn to draw to come, and to find the drawing busy.
  await page.waitForTimeout(1_500);
  await letGo(1);
  await letGo(2);
  await shown('the third text');
  verify();
  await page.close();
});
