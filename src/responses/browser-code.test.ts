/** A contact in a browser: doubts a text, reads by its code, and answers by one more press. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../test/support/browser.ts';
import { answersAt } from '../../test/support/answers.ts';
import {
  deliverAll,
  deliverRounds,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  type Centre,
} from '../../test/support/centre.ts';
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

const { responsesTo } = answersAt(() => centre);

test('from a doubtful text to the answer, in a browser without scripts', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { alertId, dispatchId, number } = await releaseAlert(centre, { marking: 'AMBER' });
  // The number that two organisations share is second in line of both.
  await deliverRounds(centre, dispatchId);
  const { code } = (await messagesOf(centre, dispatchId)).find(
    (one) => one.number === numbers.sharedOnCall,
  )!;

  const { page, verify } = await watchedPage(opened.browser, address);
  await page.goto(`${address}/${number}`);
  await lookAt(page, 'code-closed');
  await page.getByRole('link', { name: 'Is this text genuine?' }).click();
  await lookAt(page, 'code-genuine');
  await page.getByLabel('Number of the alert').fill(String(number));
  await page.getByLabel('Mobile number or mail address').fill('07700 900210');
  await page.getByLabel('Code').fill('0000');
  await page.keyboard.press('Enter');
  await page.getByText('We cannot confirm it').waitFor();
  await lookAt(page, 'code-genuine-refused');
  await page.getByLabel('Code').fill(code);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Yes, it is genuine' }).waitFor();
  await lookAt(page, 'code-genuine-yes');
  await page.getByRole('button', { name: 'Read the alert and answer' }).click();
  await page.getByText('Isolate Citrix gateways now').waitFor();
  await lookAt(page, 'code-opened');
  for (const name of ['Northmoor', 'Southmere']) await page.getByLabel(name).uncheck();
  await page.getByRole('button', { name: 'Got it, we act' }).click();
  await page.getByText('Choose for whom you answer').first().waitFor();
  await lookAt(page, 'code-opened-refused');
  await page.getByLabel('Southmere').check();
  await page.getByRole('button', { name: 'We are affected' }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await lookAt(page, 'code-answered');
  assert.deepEqual(
    (await responsesTo(alertId)).map(({ organisation, affected }) => [organisation, affected]),
    [['Southmere', 'yes']],
  );
  await page.getByRole('button', { name: 'Back to the alert' }).click();
  await page.getByText('Southmere: You have this since').waitFor();
  await lookAt(page, 'code-one-answered');
  verify();
  await page.close();
});

test('two presses acknowledge: open with the code, and got it', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { alertId, dispatchId, number } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const { code } = (await messagesOf(centre, dispatchId)).find(
    (one) => one.number === numbers.eastvale,
  )!;
  const context = await opened.browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${address}/${number}`);
  await page.getByLabel('Mobile number or mail address').fill('07700 900203');
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('heading', { name: 'Answer for Eastvale' }).waitFor();
  await page.getByRole('button', { name: 'Got it, we act' }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  assert.equal((await responsesTo(alertId)).length, 1);
  await context.close();
});
