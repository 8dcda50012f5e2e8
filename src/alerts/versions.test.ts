import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kernel/ids.ts';
import { everybody } from '#organisations/index.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../test/support/browser.ts';
import {
  contextOf,
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { noContent } from './content/model.ts';
import { approveAndRelease, beginVersion, saveDraft, submitAlert } from './index.ts';

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

/** A correction with these words, released. */
async function correct(alertId: string, change: Partial<typeof wording>): Promise<void> {
  const { web } = centre.db;
  const now = new Date();
  must(
    await web.attempt(centre.officer, (tx) =>
      beginVersion(tx, centre.model, { alertId, kind: 'correction' }),
    ),
  );
  const draft = { wording: { ...wording, ...change }, audience: everybody, alertId, revision: 1 };
  must(await web.attempt(centre.officer, (tx) => saveDraft(tx, draft)));
  const { hash } = must(
    await web.attempt(centre.officer, (tx) =>
      submitAlert(tx, contextOf(centre), { alertId, revision: 2, now }),
    ),
  );
  must(
    await web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, contextOf(centre), { alertId, hash, now }),
    ),
  );
}

test('each version that was out, who let it go, and what it changed, word by word', async (t) => {
  const content = { ...noContent, safe: 'NHSmail', safeAsAt: '2026-07-01T02:05:00.000Z' };
  const { alertId } = await releaseAlert(centre, { content });
  const officer = centre.visit(centre.officer);
  const one = await officer.get(`/alerts/${alertId}/versions`);
  assert.match(one.text, /Version 1, first alert/);
  assert.doesNotMatch(one.text, /Changed since/);
  await correct(alertId, {
    doNow: 'Do NOT isolate Citrix gateways now. Email safe.',
    ifActed: 'If you did, reconnect.',
    content: { ...content, safe: 'NHSmail and HSCN' },
  });
  const page = await officer.get(`/alerts/${alertId}/versions`);
  assert.match(page.text, /Version 2, correction .* released .* by Tom Lindqvist; out now/);
  assert.match(page.text, /Do now Gone: Isolate New: Do NOT isolate Citrix gateways now/);
  assert.match(page.text, /Safe to keep using, as at .* NHSmail New: and HSCN/);
  assert.match(page.text, /If you acted already: If you did, reconnect\. Its words in full/);
  assert.match(page.text, /Version 1, first alert .* a later one took its place/);
  assert.doesNotMatch(page.text, /is being worked on/);
  const board = await officer.get(`/alerts/${alertId}/board`);
  assert.match(board.body, new RegExp(`href="/alerts/${alertId}/versions">version 2`));

  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page: seen, verify } = await watchedPage(opened.browser, address);
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await seen.context().addCookies([cookie]);
  await seen.goto(`${address}/alerts/${alertId}/versions`);
  await assertAccessible(seen);
  await shoot(seen, 'alerts-versions');
  await assertAccessible(seen);
  const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  assert.equal(await seen.evaluate(wide), 0, 'scrolls sideways');
  verify();
  await seen.close();
});

test('a draft was never out; an alert that is not there is not there', async () => {
  const alertId = await draftAlert(centre);
  const officer = centre.visit(centre.officer);
  const page = await officer.get(`/alerts/${alertId}/versions`);
  assert.match(page.text, /Nothing of it was ever out/);
  assert.match(page.text, /The next version is being worked on/);
  await officer.get(`/alerts/${newId()}/versions`, { status: 404 });
});
