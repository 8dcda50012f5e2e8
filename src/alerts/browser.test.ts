import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../test/support/browser.ts';
import {
  draftAlert,
  openCentre,
  releaseAlert,
  submitDraft,
  submitVersion,
  type Centre,
} from '../../test/support/centre.ts';

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

test('the next update follows the severity until somebody sets it', async (t) => {
  const visited = await visit(t, '/alerts/new');
  if (visited === undefined) return;
  const { page, verify } = visited;
  const [date, time] = [page.locator('#nextUpdateDate'), page.locator('#nextUpdateTime')];
  const shown = async () => `${await date.inputValue()}T${await time.inputValue()}`;
  const choose = async (severity: string) => {
    const radio = page.locator(`[name="severity"][value="${severity}"]`);
    await radio.check();
    return await radio.getAttribute('data-next-update');
  };
  assert.equal(await choose('critical'), await shown());
  assert.equal(await choose('high'), await shown());
  await shoot(page, 'alerts-composer');
  await assertAccessible(page);
  await time.fill('23:45');
  const own = await shown();
  await choose('critical');
  assert.equal(await shown(), own);
  verify();
  await page.close();
});

test('a draft saves itself, and stops beside what somebody else saved', async (t) => {
  const visited = await visit(t, '/alerts/new');
  if (visited === undefined) return;
  const { page, verify } = visited;
  const status = page.locator('[data-autosave-status]');
  const words = page.getByLabel('What is happening');
  await words.fill('saved by itself');
  await status.getByText(/^Saved \d\d:\d\d/).waitFor();
  const address = new URL(page.url()).pathname;
  assert.match(address, /^\/alerts\/[0-9a-f-]{36}\/edit$/);
  // Saved on top of its own revision, and by the button after that.
  await words.fill('saved again');
  await page.waitForResponse((answer) => answer.url().endsWith('/edit') && answer.status() === 200);
  await page.getByLabel('Title').fill('By the button');
  await page.getByRole('button', { name: 'Save draft' }).click();
  await page.getByText('Draft saved.').waitFor();
  assert.equal(await words.inputValue(), 'saved again');

  // A name that is half typed makes no audience.
  await page.locator('#save-audience summary').click();
  await page.locator('#audienceName').fill('Half a na');
  await page.waitForResponse((answer) => answer.url().endsWith('/edit') && answer.status() === 200);
  assert.doesNotMatch((await centre.visit(centre.officer).get('/audiences')).text, /Half a na/);
  await page.locator('#audienceName').fill('');

  await page.getByLabel('Title').fill('x'.repeat(130));
  await status.getByText('Not saved yet: The title has 130 characters').waitFor();
  await page.getByLabel('Title').fill('Mine');
  await status.getByText(/^Saved \d\d:\d\d/).waitFor();

  const other = await centre.invite('Grace Adeyemi', ['duty_officer']);
  const hers = centre.visit(other);
  await hers.get(address);
  await hers.submit(address, { title: 'Hers', body: 'Her details, which nobody else has.' });
  await page.getByLabel('Title').fill('Mine, typed on');
  await page.getByRole('alert').getByText('Grace Adeyemi saved this draft').waitFor();
  assert.equal(await page.getByLabel('Title').inputValue(), 'Mine, typed on');
  await assertAccessible(page);
  await shoot(page, 'alerts-conflict');
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Save draft' }).click();
  await page.getByText('Draft saved.').waitFor();
  assert.equal(await page.getByLabel('Title').inputValue(), 'Mine, typed on');
  verify();
  await page.close();
});

test('the approval page is accessible and aligned on a desk and on a phone', async (t) => {
  const title = 'Ransomware through Citrix gateways at three hospitals in the north';
  const body = '# What we know\n\n- End all sessions: `kill icaconnection -all`\n- Keep the logs\n';
  const alertId = await draftAlert(centre, { title, body });
  await submitDraft(centre, alertId);
  const visited = await visit(t, `/alerts/${alertId}`, centre.approver);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.locator('#words summary').click();
  await page.getByRole('heading', { name: 'What we know' }).waitFor();
  await page.getByText('03:02 is an example: the time since when').first().waitFor();
  await assertAccessible(page);
  await shoot(page, 'alerts-approval');
  await assertAccessible(page);
  // What has to be known, and the button, without a finger moved.
  await page.locator('#words summary').click();
  await page.setViewportSize({ width: 390, height: 844 });
  const button = await page.getByRole('button', { name: 'Approve and send now' }).boundingBox();
  assert.ok(button!.y + button!.height <= 844, `the button ends at ${button!.y + button!.height}`);
  // The last picture was of a phone: 390 pixels.
  const placed = await page.evaluate<Placed>(`({
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    plan: [...document.querySelectorAll('.tocsin-plan li')].map((row) => {
      const [when, what] = [...row.children].map((one) => one.getBoundingClientRect());
      return { left: what.left, isBeside: what.left >= when.right && what.top === when.top };
    }),
  })`);
  assert.equal(placed.overflow, 0, 'scrolls sideways');
  assert.equal(new Set(placed.plan.map(({ left }) => left)).size, 1, 'what leaves is one column');
  assert.ok(placed.plan.every(({ isBeside }) => isBeside));
  verify();
  await page.close();
});

test('a correction is approved on one screen of a phone too', async (t) => {
  const { alertId } = await releaseAlert(centre);
  await submitVersion(centre, alertId, 'correction', {
    severity: 'high',
    doNow: 'Do NOT isolate Citrix gateways.',
    ifActed: 'If you did, reconnect.',
    notKnown: 'Which versions.',
  });
  const visited = await visit(t, `/alerts/${alertId}`, centre.approver);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.setViewportSize({ width: 390, height: 844 });
  const button = page.getByRole('button', { name: 'Approve and send now' });
  const placed = await button.boundingBox();
  assert.ok(placed!.y + placed!.height <= 844, `the button ends at ${placed!.y + placed!.height}`);
  // Where more stands above it than a screen holds, it is in sight all the same.
  await page.setViewportSize({ width: 390, height: 500 });
  const short = await button.boundingBox();
  assert.ok(short!.y + short!.height <= 500, `the button ends at ${short!.y + short!.height}`);
  await shoot(page, 'alerts-approval-correction');
  await assertAccessible(page);
  verify();
  await page.close();
});

type Placed = {
  overflow: number;
  plan: { left: number; isBeside: boolean }[];
};
