/**
 * A regional lead while an alert is out: sees their own region and nothing of others, takes names
 * from the call list, rings, and writes down what was said; the desk of the centre sees who rings.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
  type BrowserPage,
} from '../support/browser.ts';
import { answersAt } from '../support/answers.ts';
import { numbers, openCentre, textFrom, type Centre, type Person } from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';

let centre: Centre;
let opened: BrowserOrReason;
let lead: Person;

before(async () => {
  opened = await openBrowser();
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  lead = await centre.inviteLead('Eda East', ['RB']);
});

after(async () => {
  await opened.browser?.close();
  await centre.close();
});

const { liveAlert, responsesTo } = answersAt(() => centre);

async function look(page: BrowserPage, name: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 844 });
    await assertAccessible(page);
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    assert.ok(wide <= width, `${name} is ${wide} px wide at ${width}`);
  }
  await shoot(page, `journey-lead-${name}`);
}

test('from the desk to a written call, in one region', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const { alertId, number, codeOf } = await liveAlert();
  await textFrom(centre, numbers.northmoor, `${codeOf(numbers.northmoor)} HELP`);
  const { address } = centre.site;
  centre.visit(lead);
  const { page, verify } = await watchedPage(opened.browser, address);
  await page.context().addCookies([{ name: 'tocsin', value: lead.id, url: address }]);

  await page.goto(address);
  await page.getByRole('heading', { name: 'Duty desk' }).waitFor();
  const main = page.locator('main');
  assert.doesNotMatch(await main.innerText(), /Northmoor/, 'who asked for help in another region');
  await look(page, 'desk');
  await page
    .getByRole('link', { name: new RegExp(`^${number} `) })
    .first()
    .click();
  await look(page, 'board');
  await page.getByRole('link', { name: /^Only / }).click();
  await page.getByText('Figures, lists and pictures are of these alone').waitFor();
  assert.match(page.url(), /board\?region=RB$/);
  await page.getByRole('link', { name: 'Call list of your regions' }).click();
  await page.getByRole('button', { name: 'I ring them Lonely Trust' }).waitFor();
  assert.doesNotMatch(await main.innerText(), /Northmoor|Southmere/);
  await look(page, 'calls');

  const others = await idOf('Northmoor');
  for (const path of [`calls/${others}`, `organisations/${others}`]) {
    const answer = await page.request.get(`${address}/alerts/${alertId}/${path}`);
    assert.equal(answer.status(), 404, path);
  }

  await page.getByRole('button', { name: 'I ring them Eastvale Ambulance' }).click();
  await page.getByRole('link', { name: '07700 900203' }).waitFor();
  const officer = centre.visit(centre.officer);
  assert.match((await officer.get(`/alerts/${alertId}/calls`)).text, /Eastvale.*Eda East since/);
  await page.getByLabel('No answer: on to the next number').check();
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByRole('link', { name: '0306 999 0003' }).waitFor();
  await look(page, 'switchboard');
  await page.getByLabel('Reached: they are affected').check();
  await page.getByLabel('Who said what').fill('The duty manager; gateways are off');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('The call is written down.').waitFor();
  await look(page, 'written');
  assert.deepEqual(
    (await responsesTo(alertId)).map(({ organisation, evidence, affected }) => [
      organisation,
      evidence,
      affected,
    ]),
    [
      ['Eastvale', 'call', 'yes'],
      ['Northmoor', 'text_with_code', null],
    ],
  );
  verify();
  await page.close();
});

async function idOf(shortName: string): Promise<string> {
  const { id } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`
      select id from organisations.organisation where short_name = ${shortName}`),
  );
  return id;
}
