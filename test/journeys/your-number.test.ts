/** What anybody may read whose number we hold: by the operating model, and linked where it counts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lookAt, openBrowser, watchedPage } from '../support/browser.ts';
import { openCentre, type Centre } from '../support/centre.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(() => centre.close());

test('it says who, why, how long and what to do, and is found from where a number is given', async () => {
  const visitor = centre.site.visitor();
  const { text } = await visitor.get('/your-number');
  const { notice, codesPerDay } = centre.model.ownDetails;
  assert.ok(codesPerDay > 0 && text.includes(notice));
  assert.match(text, /400 days after the alert is over/);
  assert.match(text, /180 days after it came/);
  assert.match(text, /Once you have left: 730 days after the last change/);
  assert.match(text, /Notes in it: 1,?095 days/);
  for (const path of ['/proof', '/your-details/sign-in']) {
    await visitor.get(path);
    await visitor.click(path === '/proof' ? 'Who holds your number' : 'For how long');
    assert.match(visitor.page.text, /Your number with us/);
  }
});

test('it is whole at both widths', async (t) => {
  const opened = await openBrowser();
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { page, verify } = await watchedPage(opened.browser, centre.site.address);
  await page.goto(`${centre.site.address}/your-number`);
  await lookAt(page, 'your-number');
  verify();
  await opened.browser.close();
});
