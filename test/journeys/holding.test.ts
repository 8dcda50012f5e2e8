/**
 * The holding alert at three in the morning: from the button on the desk to submitted within a
 * minute, with and without script. Hands are counted and not waited for, by the keystroke-level
 * model (Card, Moran, Newell 1980); what the page takes is measured.
 */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { messagesOf, must, openCentre, type Centre } from '../support/centre.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
  type BrowserPage,
} from '../support/browser.ts';
import { findSubmission, findVersion } from '#alerts/index.ts';
import { everybody, saveAudience } from '#organisations/index.ts';
import { newId } from '#kernel/ids.ts';

const MINUTE_MS = 60_000;
/** One key of somebody who does not type for a living; a pointing; a thought before an act. */
const KEY_MS = 280;
const POINT_MS = 1_100;
const THOUGHT_MS = 1_350;

let centre: Centre;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre();
  opened = await openBrowser();
  const { db, model, officer } = centre;
  must(
    await db.web.attempt(officer, (tx) =>
      saveAudience(tx, {
        id: newId(),
        name: model.holding.audience,
        question: { ...everybody, mustAnswerOnly: true },
        now: new Date(),
      }),
    ),
  );
});

after(async () => {
  await opened.browser?.close();
  await centre.close();
});

/** A person at a page, who knows for how long their hands were busy. */
function handsOn(page: BrowserPage) {
  let busyMs = 0;
  return {
    async press(name: string) {
      busyMs += THOUGHT_MS + POINT_MS;
      const one = page.getByRole('button', { name }).or(page.getByRole('link', { name }));
      await one.first().click();
    },
    async retype(label: string, words: string) {
      busyMs += THOUGHT_MS + POINT_MS + (words.length + 2) * KEY_MS;
      await page.getByLabel(label).fill(words);
    },
    busyMs: () => busyMs,
  };
}

async function submitHolding(t: TestContext, options: { readonly javaScriptEnabled: boolean }) {
  if (opened.browser === undefined) {
    t.skip(opened.reason);
    return;
  }
  const { address } = centre.site;
  centre.visit(centre.officer);
  const { page, verify } = await watchedPage(opened.browser, address, options);
  await page.context().addCookies([{ name: 'tocsin', value: centre.officer.id, url: address }]);
  await page.goto(`${address}/`);
  const hands = handsOn(page);
  const startedAt = performance.now();
  await hands.press('Holding alert');
  await page.getByRole('heading', { name: 'Holding alert' }).waitFor();
  if (options.javaScriptEnabled) {
    await shoot(page, 'alerts-holding');
    await assertAccessible(page);
  }
  await hands.press('A hole is used');
  await hands.retype('What is happening', 'a hole in Citrix gateways is being used');
  await hands.retype('Do now', 'Isolate Citrix gateways now.');
  await hands.press('Submit for approval');
  await page.getByText('somebody else has to approve it').waitFor();
  const tookMs = performance.now() - startedAt + hands.busyMs();
  t.diagnostic(
    `${Math.round(tookMs / 1000)} s, of which hands ${Math.round(hands.busyMs() / 1000)}`,
  );
  assert.ok(tookMs <= MINUTE_MS, `${tookMs} ms`);
  verify();

  const alertId = new URL(page.url()).pathname.split('/')[2]!;
  const submission = await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return await findSubmission(tx, version!.id);
  });
  const texts = (await messagesOf(centre, submission!.dispatchId)).filter(
    ({ channel, round }) => channel === 'text' && round === 1,
  );
  assert.equal(texts.length, 3);
  assert.ok(texts.every(({ state }) => state === 'held'));
  assert.ok(texts.every(({ body }) => body.includes('Isolate Citrix gateways now. Reply')));
}

test('within a minute', (t) => submitHolding(t, { javaScriptEnabled: true }));

test('within a minute, without script', (t) => submitHolding(t, { javaScriptEnabled: false }));
