import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { answersAt } from '../../test/support/answers.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../../test/support/browser.ts';
import { numbers, openCentre, textFrom, type Centre } from '../../test/support/centre.ts';
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

const { liveAlert, tidy } = answersAt(() => centre);

/** A browser in which this person is signed in, on this page. */
async function visit(t: TestContext, path: string, person = centre.officer) {
  if (opened.browser === undefined) return t.skip(opened.reason);
  centre.visit(person);
  const { address } = centre.site;
  const { page, verify } = await watchedPage(opened.browser, address);
  await page.context().addCookies([{ name: 'tocsin', value: person.id, url: address }]);
  await page.goto(`${address}${path}`);
  return { page, verify };
}

test('the desk: three call for help, one is taken, promised anew and closed', async (t) => {
  const { alertId, codeOf } = await liveAlert();
  for (const number of [numbers.northmoor, numbers.southmere, numbers.eastvale] as const)
    await textFrom(centre, number, `${codeOf(number)} HELP`);
  await textFrom(centre, numbers.eastvale, 'screens are black in the control room');
  await centre.invite('Mia Berg', ['duty_officer']);
  const visited = await visit(t, '/');
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByText('3 organisations asked for help').waitFor();
  await assertAccessible(page);
  await shoot(page, 'desk-surge');
  await page.getByRole('link', { name: /^Take it.*Eastvale/ }).click();
  await page.getByRole('button', { name: 'I take this' }).click();
  await page.getByRole('link', { name: '07700 900203' }).waitFor();
  await page.getByText('Not now: call later, hand over, give back').click();
  await assertAccessible(page);
  await shoot(page, 'desk-item-mine');
  await page.getByRole('button', { name: 'Write down the time' }).click();
  await page.getByText('Choose when they expect the call').first().waitFor();
  await assertAccessible(page);
  await page.getByLabel('They expect our call at').selectOption('60');
  await page.getByRole('button', { name: 'Write down the time' }).click();
  await page.getByLabel('What came of it').fill('Rang the control room; engineers are on the way');
  await page.getByRole('button', { name: 'Close all of it' }).click();
  await page.getByText('Done and written down.').waitFor();
  assert.equal(await page.getByRole('link', { name: /^Take it/ }).count(), 2);
  verify();
  await page.close();
  await tidy(alertId);
});

test('a regional lead rings two organisations while a second lead presses too', async (t) => {
  const { alertId } = await liveAlert();
  const east = await centre.inviteLead('Eda East', ['RB']);
  const other = await centre.inviteLead('Olaf East', ['RB']);
  const visited = await visit(t, `/alerts/${alertId}/board`, east);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByRole('link', { name: 'Call list of your regions' }).click();
  const slow = await visit(t, `/alerts/${alertId}/calls`, other);
  await assertAccessible(page);
  await shoot(page, 'calls-list');
  await page.getByRole('button', { name: 'I ring them Lonely Trust' }).click();
  await page.getByRole('link', { name: '0306 999 0005' }).waitFor();
  await assertAccessible(page);
  await shoot(page, 'call-switchboard');

  await slow!.page.getByRole('button', { name: 'I ring them Lonely Trust' }).click();
  await slow!.page.getByText('Eda East took this name first.').waitFor();
  await assertAccessible(slow!.page);
  await shoot(slow!.page, 'call-taken');
  slow!.verify();
  await slow!.page.close();

  await page.getByLabel('I left word with somebody').check();
  await page.getByLabel('Who said what').fill('The porter, who fetches the manager');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('The call is written down.').waitFor();
  await page.getByRole('button', { name: 'I ring them Eastvale Ambulance' }).click();
  await page.getByLabel('No answer: on to the next number').check();
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByRole('link', { name: '0306 999 0003' }).waitFor();
  await page.getByLabel('Reached: they are affected').check();
  await page.getByLabel('Who said what').fill('The duty manager; gateways are off');
  await assertAccessible(page);
  await shoot(page, 'call-second-number');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('The call is written down.').waitFor();
  await shoot(page, 'calls-after');
  assert.equal(await page.getByRole('button', { name: /^I ring them/ }).count(), 1);
  verify();
  await page.close();
  await tidy(alertId);
});

test('who answers later reads who has it, and a foreign code says whose it is', async (t) => {
  const { alertId, number, codeOf } = await liveAlert();
  await textFrom(centre, numbers.northmoor, codeOf(numbers.northmoor));
  await textFrom(centre, numbers.eastvale, codeOf(numbers.southmere));
  const visited = await visit(t, `/${number}`);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByLabel('Mobile number or mail address').fill('ada@northmoor.test');
  await page.getByLabel('Code').fill(codeOf('ada@northmoor.test'));
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'We need help: call us' }).click();
  await page.getByText('CISO or head of cyber has this since').waitFor();
  await assertAccessible(page);
  await shoot(page, 'answered');
  await page.goto(`${centre.site.address}/`);
  await page.getByRole('link', { name: /^Take it.*Eastvale/ }).click();
  await page.getByText('It is the code of Southmere Community').waitFor();
  await assertAccessible(page);
  await shoot(page, 'desk-wrong-code');
  verify();
  await page.close();
  await tidy(alertId);
});

test('a role for a region is given on the page of the person', async (t) => {
  const administrator = await centre.invite('Ines Falk', ['administrator']);
  const lead = await centre.inviteLead('Rea Lund', ['RA']);
  const visited = await visit(t, `/people/${lead.id}`, administrator);
  if (visited === undefined) return;
  const { page, verify } = visited;
  await page.getByRole('button', { name: 'Give for this region' }).click();
  await page.getByText('Choose a region').first().waitFor();
  await assertAccessible(page);
  await page.locator('#regional_lead-region').selectOption('RB');
  await page.getByRole('button', { name: 'Give for this region' }).click();
  await page.getByText('for East', { exact: true }).waitFor();
  await assertAccessible(page);
  await shoot(page, 'person-region');
  verify();
  await page.close();
});
