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

test('a file that is too large for one person waits for another, who sees the same', async () => {
  const { centre } = api;
  const [ines, olof] = await Promise.all(
    ['Ines Import', 'Olof Import'].map(async (name) => {
      return centre.visit(await centre.invite(name, ['administrator']));
    }),
  );
  const most = centre.product.model.importedAloneADay;
  const work = async (path: string, attempt: number) =>
    await tasksFor(centre)['import_run']!({ runId: path.split('/').at(-1), attempt });
  const check = async (word: string) => {
    await ines!.get('/organisations/import?kind=organisations');
    const files = { file: { name: 'large.csv', content: fileOf(most + 1, word) } };
    const { path } = await ines!.submit('Check the file', {}, { files });
    await work(path, 0);
    return path;
  };
  const settled = async (path: string) =>
    await until(
      () => ines!.get(path),
      ({ heading }) => heading !== 'Importing',
    );
  const propose = async (path: string) => {
    await ines!.get(path);
    const waits = await ines!.submit('Propose it to a second person', { reason: 'New register.' });
    return waits.elements('a').map(({ attribs }) => attribs['href'] ?? '');
  };
  const entries = async (action: string) =>
    await centre.db.web.withActor(system('test'), (tx) => listEntries(tx, { action, limit: 9 }));

  const path = await check('Large');
  const page = await ines!.get(path);
  assert.match(page.text, /This takes two persons: files that change more than 500 organisations/);
  assert.doesNotMatch(page.text, /Import all/);
  const forced = await ines!.request('POST', path, { form: new URLSearchParams() });
  assert.equal(forced.status, 403, 'not by a form of their own either');
  const empty = await ines!.submit('Propose it to a second person', {}, { status: 422 });
  assert.match(empty.text, /Say why, for whoever approves it/);
  await olof!.get(path, { status: 404 });
  const change = (await propose(path)).find((href) => href.startsWith('/changes/'))!;
  assert.match((await ines!.get(path)).text, /It waits for a second person, until/);
  assert.equal((await ines!.request('POST', path, { form: new URLSearchParams() })).status, 403);

  const listed = await olof!.get('/changes');
  assert.match(listed.text, /A large file for the directory: 501 to add.*Proposed by Ines Import/);
  const seen = await olof!.get(path);
  assert.match(seen.text, /501 to add.*Proposed by Ines Import: it waits.*Large 0/);
  assert.equal((await olof!.request('GET', `${path}/changes.csv`)).status, 200);
  assert.equal((await olof!.request('GET', `${path}/refused.csv`)).status, 404);
  assert.equal(
    (await olof!.request('POST', `${path}/cancel`, { form: new URLSearchParams() })).status,
    404,
  );
  await olof!.get(change);
  assert.match(
    (await olof!.submit('Approve, and do it')).text,
    /Approved by Olof Import .*and done/,
  );
  await work(path, 1);
  assert.match((await settled(path)).text, /501 added.*Imported/);
  assert.match(
    (await olof!.get('/organisations/imports')).text,
    /Ines Import, with a second person/,
  );
  const undo = (await olof!.get(path)).elements('a').map(({ attribs }) => attribs['href'] ?? '');
  assert.ok(
    undo.some((href) => href.endsWith('/undo')),
    'either takes it back, at once',
  );
  const taken = (await entries('organisations.imported')).entries[0]!;
  assert.ok('approvalId' in taken.detail, 'the audit says by whose word');

  // What somebody changes by hand in between is found when it is written, row by row.
  const other = await check('Renamed');
  const links = await propose(other);
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update organisations.organisation set name = 'By hand' where code = 'LG-7'`),
  );
  await olof!.get(links.find((href) => href.startsWith('/changes/'))!);
  await olof!.submit('Approve, and do it');
  await work(other, 1);
  assert.match((await settled(other)).text, /has changed since two persons agreed.*Nothing was/);
  // Another file in between voids it before anybody agrees.
  await ines!.get(other);
  await ines!.submit('Start again');
  await work(other, 2);
  const third = (await propose(other)).find((href) => href.startsWith('/changes/'))!;
  const bytes = Buffer.from('code,name,type\nLG-8,By file,trust\n');
  const given = { rules: centre.product.model, secrets: centre.product.seals.directory };
  const small = await centre.db.web.withActor(system('import'), (tx) =>
    importOrganisations(tx, { name: 's.csv', bytes }, { ...given, startedAt: new Date() }),
  );
  assert.ok(small.ok);
  assert.match((await olof!.get(third)).text, /What it stood on has changed/);

  const key = await api.key(['directory.read', 'directory.write']);
  const sent = { fileName: 'f.csv', content: fileOf(most + 1, 'By program'), dryRun: false };
  const refused = await api.post('/api/v1/organisations/import', sent, { key });
  assert.deepEqual(
    [refused.status, refused.value['detail']?.toString().slice(0, 37)],
    [403, 'Files that change more than 500 organ'],
  );
});
