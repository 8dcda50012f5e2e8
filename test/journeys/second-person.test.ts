/** A change that takes two, from the desk to what it does, in a demonstration. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { listEntries } from '#audit/index.ts';
import { importOrganisations } from '#organisations/index.ts';
import { openApi, type ApiSite } from '../support/api-client.ts';
import { tasksFor } from '../support/centre.ts';
import { until } from '../support/dispatch.ts';
import type { Page } from '../support/page-checks.ts';
import type { PageClient } from '../support/page-client.ts';

let api: ApiSite;
before(async () => {
  api = await openApi();
});
after(() => api.close());

test('one proposes a key, the desk says so, another approves, a program uses it', async () => {
  const { centre } = api;
  const one = centre.visit(await centre.invite('Ines Falk', ['administrator']));
  assert.match((await one.get('/changes')).text, /Nothing waits\./);
  await one.get('/keys/new');
  const wish = { name: 'Feed', permissions: ['alert.read'], reason: 'Their desk reads it.' };
  const made = await one.submit('Propose', wish);
  const key = /tocsin_[0-9a-f]{8}_[\w-]{43}/.exec(made.text)![0];
  const call = async () => (await api.get('/api/v1/alerts', { key })).status;
  assert.equal(await call(), 401);
  const officer = centre.visit(centre.officer);
  const waits = /Waiting for a second person.*1 change of people, keys or sign-ins/;
  assert.match((await officer.get('/')).text, waits);
  const seen = await officer.get('/changes');
  assert.match(seen.text, /1 change waits for whoever manages people\./);
  assert.doesNotMatch(seen.text, /Feed/, 'what it is, they see who decide');
  const links = made.elements('a').map(({ attribs }) => attribs['href'] ?? '');
  const change = links.find((href) => href.startsWith('/changes/0'))!;
  await officer.get(change, { status: 404 });
  const two = centre.visit(await centre.invite('Olof Berg', ['administrator']));
  await two.get(change);
  assert.match((await two.submit('Approve, and do it')).text, /Approved by Olof Berg .*and done/);
  assert.equal(await call(), 200);
  assert.match((await officer.get('/changes')).text, /Nothing waits\./);
});

/** A file of as many organisations, whose names begin with the word. */
const fileOf = (rows: number, word: string) => {
  const lines = Array.from({ length: rows }, (_, i) => `LG-${i},${word} ${i},trust\n`);
  return `code,name,type\n${lines.join('')}`;
};
const TOO_MANY = 501;

let ines: PageClient;
let olof: PageClient;

const work = async (path: string, attempt: number) =>
  await tasksFor(api.centre)['import_run']!({ runId: path.split('/').at(-1), attempt });
const settled = async (path: string) =>
  await until(
    () => ines.get(path),
    ({ heading }) => heading !== 'Importing' && heading !== 'Checking the file',
  );
const linksOf = (page: Page) => page.elements('a').map(({ attribs }) => attribs['href'] ?? '');
const post = async (who: PageClient, path: string) =>
  (await who.request('POST', path, { form: new URLSearchParams() })).status;

/** The address of a run whose file is checked. */
async function check(word: string): Promise<string> {
  await ines.get('/organisations/import?kind=organisations');
  const files = { file: { name: 'large.csv', content: fileOf(TOO_MANY, word) } };
  const { path } = await ines.submit('Check the file', {}, { files });
  await work(path, 0);
  await settled(path);
  return path;
}

/** The address of what a second person decides over. */
async function propose(path: string): Promise<string> {
  await ines.get(path);
  const waits = await ines.submit('Propose it to a second person', { reason: 'New register.' });
  return linksOf(waits).find((href) => href.startsWith('/changes/'))!;
}

async function agree(change: string): Promise<Page> {
  await olof.get(change);
  return await olof.submit('Approve, and do it');
}

test('a file that is too large for one person waits for another, who sees the same', async () => {
  const { centre } = api;
  ines = centre.visit(await centre.invite('Ines Import', ['administrator']));
  olof = centre.visit(await centre.invite('Olof Import', ['administrator']));
  const path = await check('Large');
  const page = await ines.get(path);
  assert.match(page.text, /This takes two persons: files that change more than 500 organisations/);
  assert.doesNotMatch(page.text, /Import all/);
  assert.equal(await post(ines, path), 403, 'not by a form of their own either');
  const empty = await ines.submit('Propose it to a second person', {}, { status: 422 });
  assert.match(empty.text, /Say why, for whoever approves it/);
  await olof.get(path, { status: 404 });
  const change = await propose(path);
  assert.match(
    (await ines.get(path)).text,
    /Waiting for a second person.*Nothing is imported before somebody else/,
  );
  assert.equal(await post(ines, path), 403);

  const listed = await olof.get('/changes');
  assert.match(listed.text, /A large file for the directory: 501 to add.*Proposed by Ines Import/);
  const seen = await olof.get(path);
  assert.match(seen.text, /501 to add.*Proposed by Ines Import: it waits.*Large 0/);
  assert.equal((await olof.request('GET', `${path}/changes.csv`)).status, 200);
  assert.equal((await olof.request('GET', `${path}/refused.csv`)).status, 404);
  assert.equal(await post(olof, `${path}/cancel`), 404);
  assert.match((await agree(change)).text, /Approved by Olof Import .*and done/);
  await work(path, 1);
  assert.match((await settled(path)).text, /501 added.*Imported/);
  const log = await olof.get('/organisations/imports');
  assert.match(log.text, /Ines Import, with a second person/);
  const undo = linksOf(await olof.get(path)).filter((href) => href.endsWith('/undo'));
  assert.equal(undo.length, 1, 'either takes it back, at once');
  const { entries } = await centre.db.web.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'organisations.imported', limit: 1 }),
  );
  assert.ok('approvalId' in entries[0]!.detail, 'the audit says by whose word');
});

test('a directory that changes in between voids it; a program is refused it', async () => {
  const { product, db } = api.centre;
  const path = await check('Renamed');
  const change = await propose(path);
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update organisations.organisation set name = 'By hand' where code = 'LG-7'`),
  );
  await agree(change);
  await work(path, 1);
  assert.match((await settled(path)).text, /has changed since two persons agreed.*Nothing was/);

  await ines.get(path);
  await ines.submit('Start again');
  await work(path, 2);
  await settled(path);
  const again = await propose(path);
  const bytes = Buffer.from('code,name,type\nLG-8,By file,trust\n');
  const given = { rules: product.model, secrets: product.seals.directory, startedAt: new Date() };
  const small = await db.web.withActor(system('import'), (tx) =>
    importOrganisations(tx, { name: 's.csv', bytes }, given),
  );
  assert.ok(small.ok);
  assert.match((await olof.get(again)).text, /What it stood on has changed/);

  const key = await api.key(['directory.read', 'directory.write']);
  const sent = { fileName: 'f.csv', content: fileOf(TOO_MANY, 'By program'), dryRun: false };
  const { status, value } = await api.post('/api/v1/organisations/import', sent, { key });
  assert.deepEqual([status, /more than 500/.test(String(value['detail']))], [403, true]);
});
