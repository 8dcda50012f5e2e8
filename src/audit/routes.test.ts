/** The page of the audit: searched, looked at, taken along, and each of it an entry. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { node } from '../../test/support/audit.ts';
import { assertAccessible, openBrowser, shoot, watchedPage } from '../../test/support/browser.ts';
import { draftAlert, openCentre, type Centre, type Person } from '../../test/support/centre.ts';
import type { Page } from '../../test/support/page-client.ts';
import { listEntries, originOf, readKeys, record, Sequencer, verifierKey } from './index.ts';

const SECOND_VERIFIER = path.resolve(import.meta.dirname, '../../scripts/verify-audit.mjs');

let centre: Centre;
let head: Person;
let folder: string;
let files: { installation: string; keysFile: string; checkpointsFile: string };
let alertId: string;

const turn = () =>
  new Sequencer({
    database: centre.db.sequencer,
    log: { error: (event) => assert.fail(event) },
    ...files,
  }).turn();

before(async () => {
  centre = await openCentre();
  head = await centre.invite('Priya Raman', ['administrator']);
  folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-audit-page-'));
  files = {
    installation: centre.product.installation.id,
    keysFile: path.join(folder, 'audit-keys.json'),
    checkpointsFile: path.join(folder, 'audit-checkpoints.jsonl'),
  };
  alertId = await draftAlert(centre);
});
after(async () => {
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Entries on a page; the head of the table is none. */
const rowsOn = (page: Page) => Math.max(0, page.elements('tr').length - 1);

const looks = async (action: string) =>
  await centre.db.owner.withActor(system('test'), (tx) => listEntries(tx, { action }));

test('without a worker it says that nobody writes the log', async () => {
  const { text } = await centre.visit(head).get('/audit');
  assert.match(text, /No worker writes the log/);
  assert.match(text, /Last checkpoint ?none yet/);
});

test('the head of the log, the last checkpoint with its age, and the place of each entry', async () => {
  assert.equal((await turn()).state, 'signed');
  await centre.visit(head).get('/audit');
  const { text } = await centre.visit(head).get('/audit');
  assert.match(text, /The audit log Signed/);
  assert.match(text, /Last checkpoint ?just now, over \d+ entries/);
  assert.match(text, /Signed by key ?[0-9a-f]{8}/);
  assert.match(text, /Amara Osei/);
  assert.match(text, /waits/, 'the look before this one is not in the log yet');
});

test('is searched by person, action, subject and time, and each look is an entry', async () => {
  const visitor = centre.visit(head);
  const rows = async (query: string) => rowsOn(await visitor.get(`/audit?${query}`));
  assert.equal(await rows(`action=alert.created&kind=alert&id=${alertId}`), 1);
  assert.equal(await rows(`id=${alertId}&who=amara`), 1);
  assert.equal(await rows(`id=${alertId}&who=Tom+Lindqvist`), 0);
  assert.equal(await rows(`id=${alertId}&until=2026-01-01`), 0);
  assert.equal(await rows(`id=${alertId}&from=2026-01-01T00:00&until=2999-01-01`), 1);
  const { entries } = await looks('audit.searched');
  const { actorId, detail } = entries[0]!;
  assert.equal(actorId, head.id);
  const [from, until] = ['2026-01-01T00:00', '2999-01-01T23:59'];
  assert.deepEqual(detail, { as: 'page', shown: 1, id: alertId, from, until });
  assert.deepEqual(entries[2]!.detail['actors'], [centre.approver.id]);
});

test('what nobody can mean comes back with a sentence beside it, and is no look', async () => {
  const before = (await looks('audit.searched')).entries.length;
  const visitor = centre.visit(head);
  for (const [query, words] of [
    ['who=Nobody+Here', /Nobody here has that name/],
    ['id=07700+900123', /Write an id here, not a number or an address/],
    ['id=jo%40northmoor.test', /Write an id here, not a number or an address/],
    ['from=yesterday', /Write a day and time like/],
    ['from=2026-02-31', /Write a day and time like/],
    ['from=2026-03-01&until=2026-02-01', /This is before the beginning/],
  ] as const) {
    const { text, title } = await visitor.get(`/audit?${query}`, { status: 422 });
    assert.match(text, words);
    assert.match(title, /^Error: /);
  }
  assert.equal((await looks('audit.searched')).entries.length, before);
  for (const strange of ['action=%27;--', 'kind=X', 'after=x', `id=${'x'.repeat(500)}`, 'who=zz'])
    await visitor.get(`/audit?${strange}`);
});

test('pages follow each other to the end', async () => {
  await centre.db.web.withActor(system('test'), async (tx) => {
    for (let i = 0; i < 120; i++)
      await record(tx, { action: 'alert.edited', subject: { kind: 'alert', id: 'many' } });
  });
  const visitor = centre.visit(head);
  let page = await visitor.get('/audit?kind=alert&id=many');
  const sizes = [rowsOn(page)];
  while (page.text.includes('Next page')) {
    page = await visitor.click('Next page');
    sizes.push(rowsOn(page));
  }
  assert.deepEqual(sizes, [50, 50, 20]);
  assert.match((await visitor.get('/audit?kind=alert&id=none')).text, /No entry fits/);
});

test('files hold what proves each entry, and the second verifier agrees', async () => {
  await turn();
  const visitor = centre.visit(head);
  const json = await visitor.request('GET', '/audit/entries.json?who=amara');
  assert.match(json.headers.get('content-type') ?? '', /^application\/json/);
  assert.match(json.headers.get('content-disposition') ?? '', /attachment; filename="?audit-/);
  const file = path.join(folder, 'entries.json');
  writeFileSync(file, json.body);
  const keys = readKeys(files.keysFile);
  assert.ok(keys.ok);
  const key = verifierKey(originOf(files.installation), keys.value[0]!.publicKey);
  const whole = await node(SECOND_VERIFIER, 'entries', file, key);
  assert.deepEqual([whole.code, whole.err], [0, ''], whole.out);
  assert.match(whole.out, /[1-9]\d* entries are proven, 0 too new/);
  writeFileSync(file, json.body.replace('alert.created', 'alert.erased'));
  const forged = await node(SECOND_VERIFIER, 'entries', file, key);
  assert.equal(forged.code, 1);
  assert.match(forged.out, /was changed/);
  const csv = await visitor.request('GET', '/audit/entries.csv?who=amara');
  const [columns, first] = csv.body.split('\r\n');
  assert.match(columns!, /^at,actor_kind,actor_id,actor_name,action,/);
  assert.match(first!, /,Amara Osei,/);
  assert.deepEqual(
    (await looks('audit.exported')).entries.map(({ detail }) => detail['as']),
    ['csv', 'json'],
  );
});

test('is for those who may read it', async () => {
  for (const path of ['/audit', '/audit/entries.csv', '/audit/entries.json'])
    await centre.visit(centre.officer).get(path, { status: 403 });
});

test('says why nothing is signed', async () => {
  const strangers = { ...files, checkpointsFile: folder };
  const database = centre.db.sequencer;
  const log = { error: () => {} };
  await centre.db.web.withActor(system('test'), (tx) =>
    record(tx, { action: 'alert.edited', subject: { kind: 'alert', id: newId() } }),
  );
  await new Sequencer({ database, log, ...strangers }).turn();
  const { text } = await centre.visit(head).get('/audit');
  assert.match(text, /Nothing is signed/);
  assert.match(text, /The file of checkpoints cannot be read or written/);
  await turn();
});

test('is right in a browser, at 1280 and 390 pixels', { timeout: 120_000 }, async (t) => {
  const { browser, reason } = await openBrowser();
  if (browser === undefined) return t.skip(reason);
  try {
    const { page, verify } = await watchedPage(browser, centre.site.address);
    // Its session.
    centre.visit(head);
    await page.context().addCookies([{ name: 'tocsin', value: head.id, url: centre.site.address }]);
    await page.goto(`${centre.site.address}/audit`);
    await assertAccessible(page);
    await page.goto(`${centre.site.address}/audit?id=${centre.officer.id}`);
    await page.getByText('Detail').first().click();
    await shoot(page, 'audit');
    await assertAccessible(page);
    await page.goto(`${centre.site.address}/audit?who=Nobody+Here&from=2026-02-31`);
    await shoot(page, 'audit-error');
    await assertAccessible(page);
    await page.goto(`${centre.site.address}/audit?kind=alert&id=none`);
    await shoot(page, 'audit-empty');
    await assertAccessible(page);
    verify();
  } finally {
    await browser.close();
  }
});
