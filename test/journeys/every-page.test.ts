/**
 * Every page of the main job and of who does it, in each state: no fault that axe finds, nothing to
 * the side at both widths, all by keyboard. None is without a scene; the directory has its own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
  type BrowserPage,
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
import { assertKeyboard } from '../support/keyboard.ts';

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 900 };

let centre: Centre;
let opened: BrowserOrReason;
type Who = 'officer' | 'approver' | 'administrator' | 'second' | 'lead' | 'nobody';
let people: Readonly<Record<Who, Person>>;

/** What stands in a path in the place of a parameter, by what it is of. */
const ids: Record<string, string> = {};

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

type Scene = {
  /** What makes it another picture of the same page. */
  readonly state: string;
  /** With names of `ids` in braces. */
  readonly path: string;
  /** The officer unless told; undefined: a visitor. */
  readonly as?: keyof typeof people | 'visitor';
  /** Brings the page into the state. */
  readonly act?: (page: BrowserPage) => Promise<void>;
};

const press = (name: string) => async (page: BrowserPage) =>
  await page.getByRole('button', { name, exact: true }).first().click();

/** Gives back the file with one rule changed. */
async function proposeChange(page: BrowserPage): Promise<void> {
  const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
  const later = shipped.replace('silent_after: 3', 'silent_after: 4');
  const buffer = Buffer.from(later);
  await page.locator('#file').setInputFiles({ name: 'a.yaml', mimeType: 'text/yaml', buffer });
  await page.getByLabel('Why').fill('Three are too few');
  await press('Propose')(page);
}

/** Whoever has a text asks without the address it came to. */
async function doubt(page: BrowserPage): Promise<void> {
  await page.fill('#alert', ids['number']!);
  await page.fill('#code', '0000');
  await press('Check it')(page);
  await page.getByText('is ours.').waitFor();
}

/** By the pattern of the route. */
const scenes: Readonly<Record<string, readonly Scene[]>> = {
  '/': [
    { state: 'busy', path: '/' },
    { state: 'of a region', path: '/', as: 'lead' },
  ],
  '/account': [
    { state: 'no number', path: '/account' },
    { state: 'wrong number', path: '/account', act: press('Save the number') },
    { state: 'no role', path: '/account', as: 'nobody' },
  ],
  '/changes': [
    { state: 'some', path: '/changes', as: 'administrator' },
    { state: 'of others', path: '/changes' },
  ],
  '/changes/:id': [
    { state: 'mine', path: '/changes/{change}', as: 'administrator' },
    { state: 'to approve', path: '/changes/{change}', as: 'second' },
    {
      state: 'returned without a reason',
      path: '/changes/{change}',
      as: 'second',
      act: press('Return'),
    },
  ],
  '/account/passkeys/new': [{ state: 'asks', path: '/account/passkeys/new' }],
  '/alerts': [{ state: 'some', path: '/alerts' }],
  '/alerts/drafts': [{ state: 'some', path: '/alerts/drafts' }],
  '/alerts/:id': [
    { state: 'draft', path: '/alerts/{draft}' },
    { state: 'to approve', path: '/alerts/{waiting}', as: 'approver' },
    { state: 'shaped', path: '/alerts/{waiting}' },
    { state: 'may go alone', path: '/alerts/{holding}' },
    {
      state: 'returned without a reason',
      path: '/alerts/{waiting}',
      as: 'approver',
      act: async (page) => {
        const form = page.locator('form[action$="/return"]');
        if (!(await form.isVisible())) await page.locator('details summary').last().click();
        await form.getByRole('button').click();
      },
    },
  ],
  '/alerts/:id/alone': [
    { state: 'asks', path: '/alerts/{holding}/alone' },
    {
      state: 'another number',
      path: '/alerts/{holding}/alone',
      act: press('Send it alone, now'),
    },
    { state: 'needs two', path: '/alerts/{waiting}/alone' },
  ],
  '/alerts/:id/review': [
    { state: 'owed', path: '/alerts/{alone}/review', as: 'approver' },
    {
      state: 'no finding',
      path: '/alerts/{alone}/review',
      as: 'approver',
      act: press('Write it down'),
    },
    { state: 'mine', path: '/alerts/{alone}/review' },
  ],
  '/alerts/:id/because': [
    { state: 'live', path: '/alerts/{live}/because' },
    { state: 'corrected', path: '/alerts/{corrected}/because' },
  ],
  '/alerts/:id/board': [
    { state: 'live', path: '/alerts/{live}/board' },
    { state: 'of a region', path: '/alerts/{live}/board', as: 'lead' },
    { state: 'paused', path: '/alerts/{paused}/board' },
    { state: 'corrected', path: '/alerts/{corrected}/board' },
    { state: 'closed', path: '/alerts/{closed}/board' },
    { state: 'sent alone', path: '/alerts/{alone}/board' },
  ],
  '/alerts/:id/calls': [
    { state: 'some', path: '/alerts/{live}/calls' },
    { state: 'told before a correction', path: '/alerts/{corrected}/calls' },
    { state: 'of a region', path: '/alerts/{live}/calls', as: 'lead' },
    { state: 'none', path: '/alerts/{closed}/calls' },
  ],
  '/alerts/:id/calls/:organisationId': [
    { state: 'free', path: '/alerts/{live}/calls/{Eastvale}' },
    { state: 'mine', path: '/alerts/{live}/calls/{Lonely}' },
    {
      state: 'nothing chosen',
      path: '/alerts/{live}/calls/{Lonely}',
      act: press('Write it down'),
    },
    { state: 'another’s', path: '/alerts/{live}/calls/{Lonely}', as: 'lead' },
    { state: 'told before', path: '/alerts/{corrected}/calls/{Lonely}' },
    { state: 'answered', path: '/alerts/{live}/calls/{Northmoor}' },
  ],
  '/alerts/:id/closing': [{ state: 'asks', path: '/alerts/{live}/closing' }],
  '/alerts/:id/withdrawal': [
    { state: 'asks', path: '/alerts/{live}/withdrawal' },
    { state: 'no reason', path: '/alerts/{live}/withdrawal', act: press('Withdraw the alert now') },
    { state: 'nothing is out', path: '/alerts/{draft}/withdrawal' },
  ],
  '/alerts/:id/dry-run': [{ state: 'gaps', path: '/alerts/{draft}/dry-run' }],
  '/alerts/:id/edit': [{ state: 'draft', path: '/alerts/{draft}/edit' }],
  '/alerts/:id/ledger': [
    { state: 'waiting', path: '/alerts/{paused}/ledger?show=waiting' },
    { state: 'none gone', path: '/alerts/{paused}/ledger?show=gone' },
  ],
  '/alerts/:id/messages': [
    { state: 'texts', path: '/alerts/{live}/messages?channel=text&show=delivered' },
    { state: 'none', path: '/alerts/{live}/messages?channel=text&show=failed' },
  ],
  '/alerts/:id/organisations': [
    { state: 'some', path: '/alerts/{live}/organisations?show=must_answer' },
    { state: 'none', path: '/alerts/{live}/organisations?show=affected' },
  ],
  '/alerts/:id/organisations/:organisationId': [
    { state: 'answered', path: '/alerts/{live}/organisations/{Northmoor}' },
    {
      state: 'their numbers',
      path: '/alerts/{live}/organisations/{Northmoor}',
      act: press('Show their numbers'),
    },
    {
      state: 'nothing chosen',
      path: '/alerts/{live}/organisations/{Northmoor}',
      act: press('Write it down'),
    },
    { state: 'nobody on file', path: '/alerts/{live}/organisations/{Lonely}' },
  ],
  '/alerts/:id/uncertain': [{ state: 'none', path: '/alerts/{live}/uncertain' }],
  '/alerts/:id/versions': [{ state: 'two', path: '/alerts/{corrected}/versions' }],
  '/alerts/:id/rules': [{ state: 'under older rules', path: '/alerts/{older}/rules' }],
  '/alerts/:id/wall': [{ state: 'live', path: '/alerts/{live}/wall' }],
  '/alerts/holding': [{ state: 'new', path: '/alerts/holding' }],
  '/alerts/new': [{ state: 'new', path: '/alerts/new' }],
  '/alerts/new-exercise': [{ state: 'new', path: '/alerts/new-exercise' }],
  '/desk/:id': [
    { state: 'help, mine', path: '/desk/{help}' },
    { state: 'no outcome', path: '/desk/{help}', act: press('Close all of it') },
    { state: 'another’s', path: '/desk/{help}', as: 'administrator' },
    { state: 'closed', path: '/desk/{stop}' },
    { state: 'a foreign code', path: '/desk/{wrong_code}' },
    { state: 'not ours', path: '/desk/{not_ours}' },
    { state: 'a stranger', path: '/desk/{unknown_sender}' },
    { state: 'of the centre', path: '/desk/{colleague}' },
  ],
  '/gateways': [{ state: 'one', path: '/gateways' }],
  '/single-messages': [{ state: 'some', path: '/single-messages' }],
  '/issuers': [{ state: 'none', path: '/issuers', as: 'administrator' }],
  '/kev': [{ state: 'empty', path: '/kev' }],
  '/passkey': [{ state: 'asks', path: '/passkey' }],
  '/keys': [{ state: 'some', path: '/keys', as: 'administrator' }],
  '/keys/new': [
    { state: 'new', path: '/keys/new', as: 'administrator' },
    { state: 'empty', path: '/keys/new', as: 'administrator', act: press('Propose') },
  ],
  '/legal-holds': [{ state: 'some', path: '/legal-holds', as: 'administrator' }],
  '/legal-holds/new': [{ state: 'on all', path: '/legal-holds/new', as: 'administrator' }],
  '/legal-holds/:id': [{ state: 'one', path: '/legal-holds/{hold}', as: 'administrator' }],
  '/people': [{ state: 'some', path: '/people', as: 'administrator' }],
  '/people/:id': [{ state: 'an officer', path: '/people/{officer}', as: 'administrator' }],
  '/people/invite': [
    { state: 'new', path: '/people/invite', as: 'administrator' },
    { state: 'empty', path: '/people/invite', as: 'administrator', act: press('Invite') },
  ],
  '/replica': [{ state: 'none', path: '/replica' }],
  '/sign-in': [{ state: 'a demonstration', path: '/sign-in', as: 'visitor' }],
  '/sign-in/more/:id': [
    { state: 'asks', path: '/sign-in/more/00000000-0000-7000-8000-000000000000', as: 'visitor' },
  ],
  '/sign-in/with/:issuer/return': [
    { state: 'dead', path: '/sign-in/with/none/return', as: 'visitor' },
  ],
  '/sign-in/link/:token': [{ state: 'dead', path: '/sign-in/link/none', as: 'visitor' }],
  '/:number': [
    { state: 'public', path: '/{number}', as: 'visitor' },
    { state: 'corrected', path: '/{correctedNumber}', as: 'visitor' },
    { state: 'nothing typed', path: '/{number}', as: 'visitor', act: press('Go on') },
    { state: 'no such', path: '/99999', as: 'visitor' },
  ],
  '/:number/versions/:version': [
    { state: 'old', path: '/{correctedNumber}/versions/1', as: 'visitor' },
  ],
  '/genuine': [
    { state: 'asks', path: '/genuine', as: 'visitor' },
    { state: 'nothing typed', path: '/genuine', as: 'visitor', act: press('Check it') },
    { state: 'without an address', path: '/genuine', as: 'visitor', act: doubt },
  ],
  '/proof': [{ state: 'asks', path: '/proof', as: 'visitor' }],
  '/public': [
    { state: 'some', path: '/public', as: 'visitor' },
    { state: 'none', path: '/public?words=nowhere', as: 'visitor' },
  ],
  '/audit': [
    { state: 'some', path: '/audit', as: 'administrator' },
    { state: 'nothing fits', path: '/audit?action=nothing.done', as: 'administrator' },
  ],
  '/what-if': [
    { state: 'an imagined alert', path: '/what-if' },
    { state: 'wrong numbers', path: '/what-if?seed=x' },
  ],
  '/what-if/year': [
    { state: 'asks', path: '/what-if/year' },
    { state: 'played', path: '/what-if/year?go=yes&whole=yes' },
  ],
  '/operating-model': [
    { state: 'in force', path: '/operating-model' },
    { state: 'of an administrator', path: '/operating-model', as: 'administrator' },
  ],
  '/operating-model/as-at': [{ state: 'today', path: '/operating-model/as-at' }],
  '/operating-model/history': [{ state: 'as it began', path: '/operating-model/history' }],
  '/operating-model/propose': [
    { state: 'empty', path: '/operating-model/propose', as: 'administrator' },
    {
      state: 'without a file',
      path: '/operating-model/propose',
      as: 'administrator',
      act: press('Propose'),
    },
  ],
  '/operating-model/proposals/:id': [
    {
      state: 'waits for a second person',
      path: '/operating-model/propose',
      as: 'administrator',
      act: proposeChange,
    },
  ],
  '/operating-model/rules/:sha256': [{ state: 'in force', path: '/operating-model/rules/{rules}' }],
  '/operating-model/versions/:number': [
    { state: 'the first', path: '/operating-model/versions/1' },
  ],
  '/ring-through': [{ state: 'a card', path: '/ring-through', as: 'visitor' }],
};

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
