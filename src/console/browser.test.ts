/** Boards as a browser shows them: moved by their stream, on a wall, on paper and without a script. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
  type BrowserPage,
} from '../../test/support/browser.ts';
import {
  deliverAll,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';

let centre: Centre;
let opened: BrowserOrReason;
let alert: Awaited<ReturnType<typeof releaseAlert>>;
let codes: Map<string, string>;

before(async () => {
  opened = await openBrowser();
  if (opened.browser === undefined) return;
  centre = await openCentre();
  await seedNotify(centre.db.worker, { ratePerSecond: 49.5, burst: 980 });
  alert = await releaseAlert(centre);
  await deliverAll(centre, alert.dispatchId);
  const first = await messagesOf(centre, alert.dispatchId);
  codes = new Map(first.map(({ number, code }) => [number, code]));
  await answer(numbers.northmoor, 'YES');
});

after(async () => {
  await opened.browser?.close();
  await centre?.close();
});

async function answer(number: string, word: string): Promise<void> {
  await textFrom(centre, number, `${codes.get(number)!} ${word}`);
}

/** The officer in a browser, on this page of the alert. */
async function visit(t: TestContext, path: string) {
  if (opened.browser === undefined) return t.skip(opened.reason);
  centre.visit(centre.officer);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  const cookie = { name: 'tocsin', value: centre.officer.id, url: address };
  await page.context().addCookies([cookie]);
  await page.goto(`${address}/alerts/${alert.alertId}/${path}`);
  return { page, verify };
}

/** Nothing stands out to the side, at either width. */
async function assertFits(page: BrowserPage): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    assert.ok(wide <= width, `${wide} px wide at ${width}`);
  }
}

test('on a phone the desk begins with the holding alert', async (t) => {
  const visited = await visit(t, 'board');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(centre.site.address);
  const placeOf = async (name: string) => (await page.getByText(name).first().boundingBox())!;
  const [holding, full, cut] = [
    await placeOf('Holding alert'),
    await placeOf('Write an alert'),
    await placeOf('Cut an organisation off'),
  ];
  assert.ok(holding.y < cut.y && Math.abs(holding.y - full.y) < 20, 'both ways to write, first');
  verify();
  await page.close();
});

test('a board is narrowed, followed and left again by keyboard alone', async (t) => {
  const visited = await visit(t, 'board');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.locator('[data-events-status]', { hasText: 'Live' }).waitFor();
  await assertAccessible(page);
  await assertFits(page);
  await shoot(page, 'board');
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.locator('#narrow summary').focus();
  await page.keyboard.press('Enter');
  await page.locator('#region').focus();
  await page.keyboard.press('N');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(/region=RA/);
  await page.getByRole('heading', { name: '2 organisations must answer' }).waitFor();
  await assertAccessible(page);
  await shoot(page, 'board-narrowed');

  const answered = page.locator('.tocsin-tile--good .tocsin-tile__number');
  assert.equal(await answered.innerText(), '1');
  await answer(numbers.southmere, 'NO');
  await answered.filter({ hasText: '2' }).waitFor({ timeout: 5_000 });

  await page.getByRole('link', { name: /said whether affected/ }).press('Enter');
  await page
    .getByRole('cell', { name: /Acknowledged/ })
    .first()
    .waitFor();
  await assertAccessible(page);
  await assertFits(page);
  await shoot(page, 'board-list');
  await page.getByRole('link', { name: /^Board of alert/ }).click();
  await page.waitForURL(/board\?region=RA/);
  verify();
  await page.close();
});

test('what the alert says stays open beside numbers that move', async (t) => {
  const visited = await visit(t, 'board');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.locator('[data-events-status]', { hasText: 'Live' }).waitFor();
  await page.locator('#words summary').focus();
  await page.keyboard.press('Enter');
  await page.locator('#words dd', { hasText: 'Isolate Citrix gateways now' }).waitFor();
  await assertAccessible(page);
  await assertFits(page);
  await shoot(page, 'board-words');
  const answered = page.locator('.tocsin-tile--good .tocsin-tile__number');
  const before = Number(await answered.innerText());
  await answer(numbers.eastvale, '');
  await answered.filter({ hasText: String(before + 1) }).waitFor({ timeout: 5_000 });
  assert.equal(await page.locator('#words').getAttribute('open'), '');
  verify();
  await page.close();
});

test('a past minute says that it is one, and what it does not know', async (t) => {
  const visited = await visit(t, `board?at=${new Date().toISOString()}`);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByText('As it was at').waitFor();
  await assertAccessible(page);
  await assertFits(page);
  await shoot(page, 'board-past');
  await page.getByRole('link', { name: 'Back to now' }).click();
  await page.locator('[data-events-status]', { hasText: 'Live' }).waitFor();
  verify();
  await page.close();
});

test('the wall fits its screen, moves, and is dark', async (t) => {
  const visited = await visit(t, 'wall');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.locator('[data-events-status]', { hasText: 'Live' }).waitFor();
  await shoot(page, 'wall');
  await page.setViewportSize({ width: 1920, height: 1080 });
  await assertAccessible(page);
  const size = await page.evaluate<{ tall: number; ground: string }>(
    `({ tall: document.documentElement.scrollHeight,
      ground: getComputedStyle(document.body).backgroundColor })`,
  );
  assert.ok(size.tall <= 1080, `${size.tall} px high`);
  assert.equal(size.ground, 'rgb(11, 22, 27)');
  await assertFits(page);
  verify();
  await page.close();
});

test('a board prints its figures and pictures, and nothing to press', async (t) => {
  const visited = await visit(t, 'board');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.emulateMedia({ media: 'print' });
  for (const shown of ['.tocsin-board__as-at', '.tocsin-tiles', '.tocsin-curve', '.tocsin-map'])
    assert.equal(await page.locator(shown).first().isVisible(), true, shown);
  for (const hidden of ['nav', 'button', 'select', '.tocsin-live', '.tocsin-board__ends'])
    assert.equal(await page.locator(hidden).filter({ visible: true }).count(), 0, hidden);
  await page.setViewportSize({ width: 720, height: 1000 });
  await shoot(page, 'board-print');
  const pages = (await page.pdf({ format: 'A4' })).toString('latin1').match(/\/Type \/Page\b/g);
  assert.ok(pages !== null && pages.length <= 2, `${pages?.length} sheets`);
  verify();
  await page.close();
});

test('on paper the duty desk says when it was so', async (t) => {
  const visited = await visit(t, 'board');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.goto(centre.site.address);
  const asAt = page.getByText(/^As at .* London\.$/);
  assert.equal(await asAt.isVisible(), false);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await asAt.isVisible(), true);
  verify();
  await page.close();
});

test('on paper the help queue is not folded', async (t) => {
  const visited = await visit(t, 'board');
  if (visited === undefined) return;
  const { page, verify } = visited;
  const own = (statement: Sql) =>
    centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
  await own(sql`insert into responses.desk_item (id, kind, alert_id, organisation_id)
    select gen_random_uuid(), 'not_understood', ${alert.alertId}, organisation.id
    from organisations.organisation`);
  await page.reload();
  const shown = page.locator('#desk-more .tocsin-desk-item').filter({ visible: true });
  assert.equal(await shown.count(), 0);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await shown.count(), 2);
  await own(sql`update responses.desk_item set state = 'closed', claimed_at = now(),
    closed_at = now()`);
  verify();
  await page.close();
});

test('without a script a board and its lists say the same', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const context = await opened.browser.newContext({ javaScriptEnabled: false });
  const { address } = centre.site;
  centre.visit(centre.officer);
  await context.addCookies([{ name: 'tocsin', value: centre.officer.id, url: address }]);
  const page = await context.newPage();
  await page.goto(`${address}/alerts/${alert.alertId}/board`);
  await page.locator('#narrow summary').click();
  await page.getByLabel('Region', { exact: true }).selectOption({ label: 'East (2)' });
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByRole('heading', { name: '2 organisations must answer' }).waitFor();
  await page.getByRole('link', { name: 'unreachable' }).first().click();
  await page.getByRole('rowheader', { name: 'Lonely Trust' }).waitFor();
  await context.close();
});
