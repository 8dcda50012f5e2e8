/**
 * Every page of the main job and of who does it, in each state: no fault that axe finds, nothing to
 * the side at both widths, all by keyboard. None is without a scene; the directory has its own.
 */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { setPhone } from '#identity/index.ts';
import { productRoutes } from '#main/wiring.ts';
import {
  assertAccessible,
  openBrowser,
  shoot,
  watchedPage,
  type BrowserOrReason,
} from '../support/browser.ts';
import {
  deliverAll,
  draftAlert,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  releaseVersion,
  submitDraft,
  textFrom,
  type Centre,
  type Person,
} from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';
import { inviteReader, inviteSpaceLead, makeSpace } from '../support/spaces.ts';
import { assertKeyboard } from '../support/keyboard.ts';
import { ids, scenes, type Scene, type Who } from './page-scenes.ts';

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 900 };

let centre: Centre;
let opened: BrowserOrReason;
let people: Readonly<Record<Who, Person>>;

before(async () => {
  opened = await openBrowser();
  if (opened.browser === undefined) return;
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  people = {
    officer: centre.officer,
    approver: centre.approver,
    administrator: await centre.invite('Ines Falk', ['administrator']),
    lead: await centre.inviteLead('Eda East', ['RB']),
    chair: await makeSpaces(),
    second: await centre.invite('Olof Falk', ['administrator']),
    nobody: await centre.invite('Nils Holm', []),
  };
  await centre.invite('Mia Berg', ['duty_officer']);
  // Before anything of ours went there: somebody sends texts in our name.
  await textFrom(centre, numbers.northmoor, 'CHECK');
  ids['rules'] = centre.model.version;
  await makeAlerts();
  await makeDesk();
  await makeChange();
});

after(async () => {
  await opened.browser?.close();
  await centre?.close();
});

/** One with a lead and a reader, and one that was closed; its lead. */
async function makeSpaces(): Promise<Person> {
  ids['space'] = await makeSpace(centre, 'Gateways of the north');
  ids['closedSpace'] = await makeSpace(centre, 'Exercise of last year');
  await inviteReader(centre, 'Rolf Reads', ids['space']);
  await centre.db.web.withActor(system('test'), (tx) =>
    tx.run(sql`update identity.space set closed_at = now(), closed_by = 'test'
      where id = ${ids['closedSpace']!}`),
  );
  return await inviteSpaceLead(centre, 'Lea Leads', ids['space']);
}

const own = <T>(statement: Sql) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

async function makeAlerts(): Promise<void> {
  ids['draft'] = await draftAlert(centre);
  ids['waiting'] = await draftAlert(centre, { title: 'Waits for its approval' });
  await submitDraft(centre, ids['waiting']);
  const live = await releaseAlert(centre);
  await deliverAll(centre, live.dispatchId);
  ids['live'] = live.alertId;
  ids['number'] = String(live.number);
  const corrected = await releaseAlert(centre, { title: 'Corrected since' });
  await deliverAll(centre, corrected.dispatchId);
  ids['corrected'] = corrected.alertId;
  ids['correctedNumber'] = String(corrected.number);
  const { officer } = people;
  const reached = centre.visit(officer);
  const rows = await own<{ id: string; shortName: string }>(sql`
    select id, short_name from organisations.organisation`);
  for (const { id, shortName } of rows) ids[shortName] = id;
  await reached.get(`/alerts/${corrected.alertId}/calls/${ids['Lonely']}`);
  await reached.submit('I ring them');
  await reached.submit('Write it down', { outcome: 'got_it', note: 'They switched it off' });
  await releaseVersion(centre, corrected.alertId, 'correction', { ifActed: 'Switch it on again.' });
  const older = await releaseAlert(centre, { title: 'Under older rules' });
  ids['older'] = older.alertId;
  await own(sql`insert into operating_model.version (sha256, yaml)
    select encode(sha256(convert_to(changed.yaml, 'UTF8')), 'hex'), changed.yaml
    from (select replace(yaml, 'after: PT15M }', 'after: PT25M }') as yaml
      from operating_model.version where sha256 = ${centre.model.version}) changed`);
  await own(sql`update alerts.version set model_version = (select sha256 from
    operating_model.version where yaml like '%after: PT25M }%') where alert_id = ${older.alertId}`);
  const closed = await releaseAlert(centre, { title: 'Over' });
  const page = centre.visit(officer);
  ids['closed'] = closed.alertId;
  await page.get(`/alerts/${closed.alertId}/closing`);
  await page.submit('Close and tell them');
  const paused = await releaseAlert(centre, { title: 'Paused' });
  ids['paused'] = paused.alertId;
  await page.get(`/alerts/${paused.alertId}/board`);
  await page.submit('Pause sending');
  for (const name of ['holding', 'alone']) {
    await page.get('/alerts/holding');
    ids[name] = (await page.submit('Submit for approval')).path.split('/')[2]!;
  }
  await page.click('Send it alone');
  await page.submit('Send it alone, now', { organisations: '4' });
  // One name of the call list is the officer's.
  await page.get(`/alerts/${live.alertId}/calls/${ids['Lonely']}`);
  await page.submit('I ring them');
}

async function makeDesk(): Promise<void> {
  const sent = await messagesOf(
    centre,
    (
      await own<{ id: string }>(sql`
      select dispatch_id as id from alerts.v_live where alert_id = ${ids['live']!}`)
    )[0]!.id,
  );
  const codeOf = (number: string) => sent.find((one) => one.number === number)!.code;
  await textFrom(centre, numbers.northmoor, `${codeOf(numbers.northmoor)} HELP`);
  await textFrom(centre, numbers.northmoor, 'screens are black');
  await textFrom(centre, numbers.southmere, 'STOP');
  await textFrom(centre, numbers.eastvale, codeOf(numbers.northmoor));
  await textFrom(centre, '447700900299', 'who is this?');
  const phone = centre.product.seals.sealPhone(people.approver.id, '447700900298');
  await centre.db.web.attempt(people.approver, (tx) =>
    setPhone(tx, people.approver.id, { ...phone, mask: '07700 ····98' }),
  );
  await textFrom(centre, '447700900298', 'ok');
  const items = await own<{ id: string; kind: string }>(sql`
    select id, kind from responses.desk_item`);
  for (const { id, kind } of items) ids[kind] = id;
  const page = centre.visit(people.officer);
  await page.get(`/desk/${ids['stop']}`);
  await page.submit('I take this');
  await page.submit('Close it', { outcome: 'Rang; they stay' });
  await page.get(`/desk/${ids['help']}`);
  await page.submit('I take this');
}

async function makeChange(): Promise<void> {
  const page = centre.visit(people.administrator);
  await page.get('/keys/new');
  await page.submit('Propose', {
    name: 'Feed of the northern region',
    permissions: ['alert.read', 'directory.read'],
    reason: 'Their desk shows what is open.',
  });
  ids['change'] = (await own<{ id: string }>(sql`select id from identity.proposed_change`))[0]!.id;
  await page.get('/legal-holds/new');
  await page.submit('Put the legal hold', { reason: 'Inquiry 12', reviewOn: '2099-01-01' });
  ids['hold'] = (await own<{ id: string }>(sql`select id from kernel.legal_hold`))[0]!.id;
}

/** Pages of the directory, and of contacts at their own details: each has its browser test. */
const ELSEWHERE =
  /^\/(?:still-right|organisations|audiences|suppliers|tags|our-contacts|your-|colleagues|invitation|sign-in\/code|account\/app)/;

/** Not pages to look at. */
const FILES = /\.(?:csv|json|yaml|atom|vcf)$/;

test('every page of the main job has a scene here', (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const paths = productRoutes(centre.product)
    .filter(({ kind, method }) => kind === 'page' && method === 'GET')
    .map(({ path }) => path)
    .filter((path) => !ELSEWHERE.test(path) && !FILES.test(path));
  assert.deepEqual(paths.toSorted(), Object.keys(scenes).toSorted());
});

test('what no key reaches, and what does not show that it has the keyboard, is found', async (t) => {
  if (opened.browser === undefined) return t.skip(opened.reason);
  const page = await opened.browser.newPage();
  await page.setContent('<a href="#a">near</a><a href="#b" tabindex="-1">far</a>');
  await assert.rejects(assertKeyboard(page), /out of reach/);
  await page.setContent('<style>button { outline: none }</style><button>dark</button>');
  await assert.rejects(assertKeyboard(page), /unseen/);
  await page.close();
});

for (const [pattern, states] of Object.entries(scenes))
  for (const scene of states)
    test(`${pattern}: ${scene.state}`, (t) => look(t, scene, scene === states[0]));

/** One window for each person: a new one for each scene is a fifth of what they cost. */
const windows = new Map<NonNullable<Scene['as']>, ReturnType<typeof watchedPage>>();

async function look(t: TestContext, scene: Scene, isFirst: boolean): Promise<void> {
  const { browser, reason } = opened;
  if (browser === undefined) return t.skip(reason);
  const { address } = centre.site;
  const as = scene.as ?? 'officer';
  ids['officer'] = people.officer.id;
  const watch = () => watchedPage(browser, address);
  const { page, verify } = await windows.getOrInsertComputed(as, watch);
  if (as !== 'visitor') {
    centre.visit(people[as]);
    const cookie = { name: 'tocsin', value: people[as].id, url: address };
    await page.context().addCookies([cookie]);
  }
  const path = scene.path.replaceAll(/\{(\w+)\}/g, (_, id: string) => {
    assert.ok(ids[id] !== undefined, `no ${id}`);
    return ids[id];
  });
  await page.setViewportSize(DESK);
  await page.goto(address + path);
  await scene.act?.(page);
  await page.locator('h1').waitFor();
  for (const size of [DESK, PHONE]) {
    await page.setViewportSize(size);
    // The look of a page is that of its first state, which is judged at both.
    if (size === PHONE || isFirst) await assertAccessible(page, { contrast: size === PHONE });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    assert.ok(wide <= size.width, `${wide} px wide at ${size.width}`);
  }
  await shoot(page, `page-${t.name.replaceAll(/\W+/g, '-')}`);
  await page.setViewportSize(DESK);
  await assertKeyboard(page);
  verify();
}
