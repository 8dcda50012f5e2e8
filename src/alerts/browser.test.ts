import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../test/support/browser.ts';
import { openCentre, type Centre } from '../../test/support/centre.ts';

let centre: Centre;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre();
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await centre.close();
});

/** A browser in which this person is signed in, on this page. */
async function visit(t: TestContext, path: string, person = centre.officer) {
  if (opened.browser === undefined) return t.skip(opened.reason);
  centre.visit(person);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  const cookie = { name: 'tocsin', value: person.id, url: address };
  const signIn = async () => await page.context().addCookies([cookie]);
  await signIn();
  await page.goto(`${address}${path}`);
  return { page, verify, signIn };
}

test('a preview that is not true any more says so, and comes back', async (t) => {
  const visited = await visit(t, '/alerts/new');
  if (visited === undefined) return;
  const { page, verify, signIn } = visited;
  const bubble = page.locator('#preview .tocsin-phone__bubble').first();
  const stale = page.locator('[data-preview-status]');
  const type = async (words: string) => await page.getByLabel('What is happening').fill(words);
  await type('words of before');
  await bubble.getByText('words of before').waitFor();
  assert.equal(await stale.isVisible(), false);

  await page.context().clearCookies();
  await type('typed after the session');
  await stale.getByText('Preview not up to date: you are signed out').waitFor();
  assert.match(await bubble.innerText(), /words of before/);
  await assertAccessible(page);
  await shoot(page, 'alerts-preview-stale');
  await signIn();
  await page.evaluate("window.dispatchEvent(new Event('focus'))");
  await bubble.getByText('typed after the session').waitFor();
  assert.equal(await stale.isVisible(), false);

  await page.route('**/alerts/preview', async (route) => await route.abort());
  await type('typed without a network');
  await stale.getByText('Preview not up to date: no connection').waitFor();
  await page.unroute('**/alerts/preview');
  await page.route('**/alerts/preview', async (route) => await route.fulfill({ status: 503 }));
  await stale.getByText('Preview not up to date: Tocsin cannot answer').waitFor();
  await page.unroute('**/alerts/preview');
  // Without a key or a word: it asks again by itself.
  await bubble.getByText('typed without a network').waitFor();
  assert.equal(await stale.isVisible(), false);
  verify();
  await page.close();
});
