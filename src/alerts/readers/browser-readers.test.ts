/** Words for other readers in a browser: folded, measured beside the general text, then approved. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  lookAt,
  openBrowser,
  watchedPage,
  type BrowserOrReason,
} from '../../../test/support/browser.ts';
import { draftAlert, openCentre, submitDraft, type Centre } from '../../../test/support/centre.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';

let centre: Centre;
let opened: BrowserOrReason;

before(async () => {
  centre = await openCentre();
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update organisations.contact set reader_kind = 'manager'
      where name = 'Ada Okafor'`),
  );
  opened = await openBrowser();
});

after(async () => {
  await opened.browser?.close();
  await centre.close();
});

test('plainer words for managers, from the composer to the approval', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  const signIn = async (id: string) =>
    await page.context().addCookies([{ name: 'tocsin', value: id, url: address }]);
  centre.visit(centre.officer);
  await signIn(centre.officer.id);
  await page.goto(`${address}/alerts/new`);
  await page.getByLabel('Title').fill('Ransomware through Citrix gateways');
  await page.getByLabel('What is happening').fill('ransomware via Citrix');
  await page.getByLabel('Do now', { exact: true }).fill('Isolate Citrix gateways now.');
  const preview = page.locator('#preview');
  assert.equal(await preview.getByText('The text to “Manager”').isVisible(), false);
  await page.locator('#reader-words summary').focus();
  await page.keyboard.press('Enter');
  const manager = page.getByRole('group', { name: 'Manager' });
  await manager.getByLabel('What happens').fill('an attack by remote access');
  await manager.getByLabel('What to do').fill('Let your IT lead cut it off.');
  await preview.getByRole('heading', { name: 'The text to “Manager”' }).waitFor();
  await preview.getByText('an attack by remote access. Let your IT lead').first().waitFor();
  await page.getByText(/^Saved \d\d:\d\d/).waitFor();
  await lookAt(page, 'readers-composer');
  await page.getByRole('button', { name: 'Save and check' }).click();
  await page.getByRole('button', { name: 'Submit for approval' }).waitFor();
  await lookAt(page, 'readers-check');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('heading', { name: 'To “Manager”' }).waitFor();
  await lookAt(page, 'readers-dry-run');
  await page.goBack();
  await page.getByRole('button', { name: 'Submit for approval' }).click();
  await page.getByText('somebody else has to approve it').waitFor();
  const path = new URL(page.url()).pathname;
  centre.visit(centre.approver);
  await signIn(centre.approver.id);
  await page.goto(`${address}${path}`);
  await page.getByRole('link', { name: '1 reads other words' }).click();
  await page.getByRole('heading', { name: 'Words for some readers' }).waitFor();
  await page.locator('#words summary').click();
  await lookAt(page, 'readers-approval');
  verify();
  await page.close();
});

test('the approval with words for others still fits one phone screen', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const own = { what: 'an attack by remote access', doNow: 'Let your IT lead cut it off.' };
  const alertId = await draftAlert(centre, {
    title: 'Ransomware through Citrix gateways at three hospitals in the north',
    readerWords: { manager: { ...own, ifActed: '' } },
  });
  await submitDraft(centre, alertId);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  centre.visit(centre.approver);
  const cookie = { name: 'tocsin', value: centre.approver.id, url: address };
  await page.context().addCookies([cookie]);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${address}/alerts/${alertId}`);
  const button = await page.getByRole('button', { name: 'Approve and send now' }).boundingBox();
  assert.ok(button!.y + button!.height <= 844, `the button ends at ${button!.y + button!.height}`);
  verify();
  await page.close();
});
