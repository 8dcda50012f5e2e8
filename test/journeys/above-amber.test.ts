/** An alert marked RED, as whoever came without a passkey meets it: a real browser, a live installation. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { openDevice } from '../support/browser-device.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  type BrowserOrReason,
  type BrowserPage,
} from '../support/browser.ts';
import { draftAlert, openCentre, submitDraft, type Centre } from '../support/centre.ts';
import { comeByLink, startLiveHost, type LiveHost } from '../support/live-host.ts';

let centre: Centre;
let host: LiveHost;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre('live');
  host = await startLiveHost(centre);
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await host.close();
  await centre.close();
});

async function look(page: BrowserPage, name: string): Promise<void> {
  await assertAccessible(page);
  await shoot(page, `above-amber-${name}`);
  const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  assert.equal(await page.evaluate(wide), false, `${name} scrolls sideways at 390`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** As if the session had begun by an issuer: nobody has shown a passkey in it. */
async function forgetProof(): Promise<void> {
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(
      sql`update identity.session set passkey_at = null, passkey_id = null, begun_by = 'code'`,
    ),
  );
}

test('RED is there for all, and read by whoever used a passkey', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const alertId = await draftAlert(centre, { marking: 'RED', title: 'Quagga in the gateways' });
  await submitDraft(centre, alertId);
  const device = await openDevice(opened.browser);
  const { page } = device;
  const { origin } = host;
  await comeByLink(page, { centre, origin, personId: centre.approver.id });
  await page.getByRole('heading', { name: 'Make your passkey' }).waitFor();

  await page.goto(`${origin}/`);
  await page.getByText('Words marked TLP:RED need a passkey').first().waitFor();
  await look(page, 'desk');
  await page.goto(`${origin}/alerts/${alertId}`);
  await page.getByText('What it says is marked TLP:RED').waitFor();
  assert.doesNotMatch(await page.content(), /Quagga/);
  await look(page, 'wall');

  await page.getByRole('button', { name: 'Use your passkey' }).click();
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await page.getByText('Quagga in the gateways').first().waitFor();

  await forgetProof();
  const tab = await page.context().newPage();
  for (const one of [page, tab]) {
    await one.goto(`${origin}/alerts/${alertId}`);
    await one.getByText('What it says is marked TLP:RED').waitFor();
  }
  await page.getByRole('button', { name: 'Use your passkey' }).click();
  await page.getByText('What you want to see or do needs it').waitFor();
  await look(page, 'prove');
  await page.getByRole('button', { name: 'Use your passkey' }).click();
  await page.getByText('Quagga in the gateways').first().waitFor();
  assert.equal(new URL(page.url()).pathname, `/alerts/${alertId}`);
  // The other tab is in the same session.
  await tab.reload();
  await tab.getByText('Quagga in the gateways').first().waitFor();
});
