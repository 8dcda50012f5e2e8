import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { nobody, system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets, startImports } from '../../../test/support/directory.ts';
import type { RunningTasks } from '#db/tasks.ts';
import type { Page } from '../../../test/support/page-checks.ts';
import { startSite, type PageClient, type Site } from '../../../test/support/page-client.ts';
import { importOrganisations } from './actions.ts';
import { toCsv } from './csv.ts';
import { FILE_BYTES_MAX, maskedExample } from './form-import.ts';
import { sweepRuns } from './import-run.ts';
import { organisationRoutes } from '../routes.ts';

const ODS = '../shared/data/ods-trusts/etr-2025-07.csv';

let db: Clone;
let site: Site;
let tasks: RunningTasks;
let now = new Date('2026-11-23T03:12:00Z');

before(async () => {
  db = await cloneDatabase();
  const routes = organisationRoutes({ database: db.web, model: rules, secrets });
  site = await startSite({ routes, now: () => now });
  tasks = await startImports(db);
  const bytes = Buffer.from('code,name,type\nBB-01,Northmoor,trust\nBB-03,Westmere,practice\n');
  const options = { rules, secrets, startedAt: now };
  await db.web.withActor(system('import'), async (tx) =>
    assert.ok((await importOrganisations(tx, { name: 'seed.csv', bytes }, options)).ok),
  );
});
after(async () => {
  await tasks.stop();
  await site.close();
  await db.drop();
});

function person(name = 'Ada Okafor'): Actor & { kind: 'person' } {
  const permissions = new Set(['alert.read', 'directory.read', 'directory.write'] as const);
  return { kind: 'person', id: newId(), name, permissions };
}

async function upload(
  client: PageClient,
  kind: string,
  content: string,
  { name = 'file.csv', status = 200 } = {},
) {
  await client.get('/organisations/import');
  const files = { file: { name, content } };
  const page = await client.submit('Check the file', { kind }, { files, status });
  return status === 200 ? await settled(client, page) : page;
}

/** The page once its work is done: a large file takes longer than the page waits. */
async function settled(client: PageClient, page: Page): Promise<Page> {
  let now = page;
  while (/^(?:Checking the file|Importing|Undoing the import)$/.test(now.heading))
    now = await client.get(page.path);
  return now;
}

const count = async (statement: ReturnType<typeof sql>): Promise<number> =>
  (await db.owner.withActor(system('test'), (tx) => tx.one<{ count: number }>(statement))).count;
const organisations = () => count(sql`select count(*) from organisations.organisation`);
const imports = () => count(sql`select count(*) from organisations.import`);

const FOUR = [
  'code,name,type',
  'DD-01,Moorside,trust',
  'DD-02,Eastfirth,palace',
  'DD-03,Brookvale,practice',
  'B,,trust',
  '',
].join('\n');

test('a file is checked, then imported once, however often somebody presses', async () => {
  const client = site.visitorAs(person());
  const [organisationsBefore, importsBefore] = [await organisations(), await imports()];
  const page = await upload(client, 'organisations', FOUR, { name: 'C:\\files\\four rows.csv' });
  assert.match(page.path, /^\/organisations\/import\/[0-9a-f-]{36}$/);
  assert.match(
    page.text,
    /four rows\.csv, organisations 2 to add 0 to change 0 to move 0 to close 0 unchanged 2 refused/,
  );
  assert.match(page.text, /Nothing is imported yet. The 2 refused rows stay out/);
  assert.match(page.text, /Line 3 ?type ?must be one of trust, practice/);
  assert.match(page.text, /Line 5 ?code must be .* ?name is empty/);
  assert.equal(await organisations(), organisationsBefore);

  const presses = Array.from({ length: 4 }, async () =>
    client.request('POST', page.path, { form: new URLSearchParams() }),
  );
  for (const answer of await Promise.all(presses)) {
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), page.path);
  }
  const done = await settled(client, await client.get(page.path));
  assert.equal(await organisations(), organisationsBefore + 2);
  assert.equal(await imports(), importsBefore + 1);
  assert.equal(done.heading, 'Imported');
  assert.match(done.text, /2 added.*Imported .*Undo this import.*2 rows refused/);
  assert.equal(done.elements('form').length, 1, 'only that of signing out');

  const again = await upload(client, 'organisations', FOUR);
  assert.match(
    again.text,
    /0 to close 2 unchanged.*holds every good row already. 2 rows are refused: mend/,
  );
  const same = await settled(client, await client.submit('Import all the same'));
  assert.match(same.text, /Imported .*held all of this already/);
  assert.equal(await imports(), importsBefore + 1, 'the same file again leaves no trace');
});

test('the log says who brought which file and what came of it', async () => {
  const ada = person();
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`insert into identity.person (id, name, email, created_at, created_by)
      values (${ada.id}, 'Ada Okafor', 'ada@centre.test', ${now}, 'test')`),
  );
  const client = site.visitorAs(ada);
  await upload(client, 'organisations', 'code,name,type\nBB-10,Logged,trust\n', {
    name: 'log.csv',
  });
  await settled(client, await client.submit('Import 1 row'));
  const page = await client.get('/organisations/imports');
  assert.match(page.text, /log\.csv, organisations Undo Ada Okafor ?1 ?0 ?0 ?0 ?0 ?0/);
  await client.get('/organisations/imports?after=rubbish');
});

test('the log is paged, newest first, each file once', async () => {
  const reader = { ...person(), permissions: new Set(['alert.read', 'directory.read'] as const) };
  const client = site.visitorAs(reader);
  const options = { rules, secrets, startedAt: now };
  for (let i = 0; i < 60; i++) {
    const bytes = Buffer.from(`code,name,type\nLL-${100 + i},Log ${i},trust\n`);
    await db.web.withActor(system('import'), (tx) =>
      importOrganisations(tx, { name: `log-${i}.csv`, bytes }, options),
    );
  }
  const namesOn = (body: string) => Array.from(body.matchAll(/>log-(\d+)\.csv</g), (m) => m[1]);
  const first = namesOn((await client.get('/organisations/imports')).body);
  const second = namesOn((await client.click('Next page')).body);
  const expected = Array.from({ length: 60 }, (_, i) => String(59 - i));
  assert.deepEqual([...first, ...second], expected);
});

test('each kind of wrong file gets one sentence beside its field', async () => {
  const client = site.visitorAs(person());
  const contacts = 'organisation_code,name,role,mobile\nBB-01,Mira,ciso,07700 900123\n';
  const cases = [
    ['organisations', contacts, 'kind-error', /file holds contacts: choose “Contacts”/],
    ['contacts', 'code,name,type\nA,B,trust\n', 'kind-error', /file holds organisations/],
    ['contacts', '', 'file-error', /The file is empty/],
    ['contacts', ' \n', 'file-error', /The file is empty/],
    ['contacts', 'PK\u0003\u0004 a workbook', 'file-error', /ZIP archive/],
    ['organisations', 'code,name,type\n\u0000\u0001\u0002', 'file-error', /not a text file/],
    ['organisations', 'code,name,type\nA1,"B,trust\n', 'file-error', /ends inside a quoted cell/],
    ['organisations', '{"layout":"odd-r","hexes":{}}', 'file-error', /This is a map/],
    ['organisations', 'x'.repeat(FILE_BYTES_MAX + 1), 'file-error', /larger than 20 MB/],
  ] as const;
  for (const [kind, content, field, sentence] of cases) {
    const page = await upload(client, kind, content, { status: 422 });
    assert.match(page.textOf(`#${field}`), sentence, sentence.source);
    assert.match(page.title, /^Error: Import a file/);
    assert.equal(page.elements('.nhsuk-error-message').length, 1, sentence.source);
    assert.match(page.body, new RegExp(`value="${kind}" checked`));
  }
  await client.get('/organisations/import');
  const nothing = await client.submit('Check the file', {}, { status: 422 });
  assert.match(nothing.textOf('#kind-error'), /Choose what the file holds/);
  assert.match(nothing.textOf('#file-error'), /Choose a file/);
});

test('a file that is wrong further down says so on its page, and nothing was written', async () => {
  const client = site.visitorAs(person());
  const before = await organisations();
  const good = `code,name,type\n${'A1,B,trust\n'.repeat(5)}`;
  for (const [content, sentence] of [
    [`${good}A2,Half`, /was cut off/],
    [`${good}A2,"B,trust\n`, /ends inside a quoted cell/],
    [`${good}A1,${'x'.repeat(1e7)},trust\n`, /line 7 is longer than 20,000 characters/],
  ] as const) {
    const page = await upload(client, 'organisations', content);
    assert.equal(page.heading, 'The file could not be taken');
    assert.match(page.text, sentence);
    assert.match((await client.get('/organisations/import')).text, /could not be taken/);
    await client.get(page.path);
    const again = await settled(client, await client.submit('Start again'));
    assert.match(again.text, sentence);
  }
  assert.equal(await organisations(), before);
});

const ODD = [
  'Org code;Full name;Job title;E-mail address;Mobile number',
  'BB-01;Odd Columns;CISO;odd@northmoor.test;07700 900131\n',
].join('\n');

test('columns with other names are asked for, shown with examples, and remembered', async () => {
  const client = site.visitorAs(person());
  const page = await upload(client, 'contacts', ODD);
  assert.equal(page.heading, 'Which column is which?');
  assert.match(
    page.text,
    /How the file begins .*Odd Columns ?CISO ?o···@northmoor\.test ?07700 ···131/,
  );
  assert.doesNotMatch(page.body, /900131|odd@/, 'no whole number and no whole address');
  const none = await client.submit('Check the file', { role: '' }, { status: 422 });
  assert.match(none.textOf('#role-error'), /Choose the column that holds this/);
  const checked = await settled(client, await client.submit('Check the file', { role: '2' }));
  assert.match(checked.text, /1 to add.*Odd Columns, CISO at BB-01/);
  const changed = await client.click('Change columns');
  assert.equal(changed.heading, 'Which column is which?');
  const fixed = await settled(
    client,
    await client.submit('Check the file', { role: '=on_call_it' }),
  );
  assert.match(fixed.text, /Odd Columns, on_call_it at BB-01|Odd Columns, On-call IT at BB-01/);
  const next = await upload(client, 'contacts', ODD.replace('Odd Columns', 'Next Month'));
  assert.match(next.text, /1 to add.*Next Month, On-call IT at BB-01/);
  const other = site.visitorAs(person('Somebody Else'));
  await other.get(`${page.path}/columns`, { status: 404 });
});

test('examples show what a column holds, and nobody\u2019s number', () => {
  assert.equal(maskedExample('+44 7700 900131'), '+44 7 ···131');
  assert.equal(maskedExample('ring 07700900131 or a.b@c.test'), 'ring 07700 ···131 or a···@c.test');
  assert.equal(maskedExample('20171001'), '20171001');
  assert.equal(maskedExample('x'.repeat(60)).length, 40);
});

test('all or nothing: told why nothing can be imported, and the good rows all the same', async () => {
  const client = site.visitorAs(person());
  const before = await organisations();
  await client.get('/organisations/import');
  const files = { file: { name: 'f.csv', content: FOUR.replaceAll('DD-', 'DE-') } };
  const form = { kind: 'organisations', refusals: 'nothing' };
  const page = await settled(client, await client.submit('Check the file', form, { files }));
  assert.match(page.text, /Nothing is imported: you chose all or nothing, and 2 rows are refused/);
  const done = await settled(client, await client.submit('Import the 2 good rows all the same'));
  assert.equal(done.heading, 'Imported');
  assert.equal(await organisations(), before + 2);
});

test('what would change is listed, paged and taken away, numbers masked', async () => {
  const client = site.visitorAs(person());
  const rows = Array.from({ length: 70 }, (_, i) => `EE-${i + 100},Listed ${i},trust,,`);
  const header = 'code,name,type,region,closed_on';
  const first = await upload(client, 'organisations', `${header}\n${rows.join('\n')}\n`);
  assert.match(first.text, /70 rows to add/);
  assert.match((await client.click('Next page')).text, /Line 52 ?EE-150 Listed 50/);
  await client.get(first.path);
  await settled(client, await client.submit('Import all 70 rows'));
  const more = [
    header,
    'EE-100,Listed anew,trust,,',
    'EE-101,Listed 1,trust,RR-9,',
    'EE-102,Listed 2,trust,,2027-03-31\n',
  ].join('\n');
  const page = await upload(client, 'organisations', more);
  assert.match(page.text, /0 to add 1 to change 1 to move 1 to close 0 unchanged 0 refused/);
  assert.match(page.text, /1 row to close.*closed_on nothing → 2027-03-31/);
  assert.match((await client.click('1 to move')).text, /region nothing → RR-9/);
  const answer = await client.request('GET', `${page.path.replace(/\?.*/, '')}/changes.csv`);
  assert.deepEqual(
    answer.body
      .replace(/^\uFEFF/, '')
      .trim()
      .split('\n'),
    [
      'line,outcome,what,field,from,to',
      '2,changed,EE-100 Listed anew,name,Listed 0,Listed anew',
      '2,changed,EE-100 Listed anew,short_name,Listed 0,Listed anew',
      '3,moved,EE-101 Listed 1,region,,RR-9',
      '4,closed,EE-102 Listed 2,closed_on,,2027-03-31',
    ],
  );
});

test('the last import is undone from the log, after saying what that means', async () => {
  const client = site.visitorAs(person());
  const before = await organisations();
  await upload(client, 'organisations', 'code,name,type\nFF-1,Undone,trust\nFF-2,Gone,trust\n');
  await settled(client, await client.submit('Import all 2 rows'));
  assert.equal(await organisations(), before + 2);
  await client.get('/organisations/imports');
  const page = await client.click('Undo');
  assert.match(
    page.text,
    /2 to remove 0 to put back.*2 organisations that the file added are removed/,
  );
  const log = await settled(client, await client.submit('Undo this import'));
  assert.match(log.textOf('.tocsin-notice'), /Undone: 2 removed/);
  assert.match(log.text, /organisations Undone/);
  assert.equal(await organisations(), before);
  await client.get(page.path, { status: 409 });
});

test('a cancelled file writes nothing and can be started again', async () => {
  const client = site.visitorAs(person());
  const before = await organisations();
  const page = await upload(client, 'organisations', 'code,name,type\nGG-1,Called off,trust\n');
  await client.request('POST', `${page.path}/cancel`, { form: new URLSearchParams() });
  const cancelled = await client.get(page.path);
  assert.match(cancelled.text, /Nothing was written/);
  const late = await client.request('POST', page.path, { form: new URLSearchParams() });
  assert.equal(late.status, 409);
  assert.equal(await organisations(), before);
  const again = await settled(client, await client.submit('Start again'));
  assert.match(again.text, /1 to add/);
});

test('a body beyond every limit is refused before it is read', async () => {
  const client = site.visitorAs(person());
  const form = new FormData();
  form.append('file', new File(['x'.repeat(FILE_BYTES_MAX + 5 * 1024 * 1024)], 'large.csv'));
  const answer = await client.request('POST', '/organisations/import', { form });
  assert.equal(answer.status, 413);
});

test('a kept file is sealed, belongs to its uploader and is gone after an hour', async () => {
  const contacts = 'organisation_code,name,role,mobile\nBB-01,Mira Vale,ciso,07700 900123\n';
  const client = site.visitorAs(person());
  const page = await upload(client, 'contacts', contacts);
  const kept = await db.owner.withActor(system('test'), (tx) =>
    tx.one<{ whole: string }>(sql`select run::text as whole from organisations.import_run run
      where id = ${page.path.split('/').at(-1)}`),
  );
  const base64 = Buffer.from(contacts).toString('base64').slice(4, 40);
  for (const clear of ['Mira', base64]) {
    assert.ok(!kept.whole.includes(Buffer.from(clear).toString('hex')), clear);
  }
  const other = site.visitorAs(person('Somebody Else'));
  const answer = await other.get(page.path, { status: 404 });
  assert.match(answer.textOf('#file-error'), /The file is gone/);
  await other.get(`${page.path}/refused.csv`, { status: 404 });
  const stolen = await other.request('POST', page.path, { form: new URLSearchParams() });
  assert.equal(stolen.status, 404);
  const seen = async (actor: Actor) =>
    await db.web.withActor(actor, (tx) =>
      tx.rows(sql`
      select id from organisations.import_run union all
      select run_id from organisations.import_row`),
    );
  assert.deepEqual(await seen(nobody), []);
  now = new Date(now.getTime() + 60 * 60 * 1000);
  await client.get(page.path, { status: 404 });
  const late = await client.request('POST', page.path, { form: new URLSearchParams() });
  assert.equal(late.status, 404);
  assert.equal(await count(sql`select count(*) from organisations.contact`), 0);
  await sweepRuns(db.web, now);
  assert.equal(await count(sql`select count(*) from organisations.import_run`), 0);
  assert.equal(await count(sql`select count(*) from organisations.import_row`), 0);
});

test('refused rows come as a file that a spreadsheet opens without running anything', async () => {
  const client = site.visitorAs(person());
  const bad = [
    'organisation_code,name,role,mobile',
    'BB-01,"=HYPERLINK(""http://x.test"")",ciso,12',
    'BB-01,@SUM(1),palace,07700 900123',
    "NO-99,-2+3+cmd|' /C calc'!A0,ciso,+44 7700 900123",
    'BB-01,Zoë Good,ciso,07700 900999',
    '',
  ].join('\n');
  const page = await upload(client, 'contacts', bad, { name: 'bad ümlaut.csv' });
  assert.match(page.text, /1 to add.*3 refused.*Line 4 ?organisation_code is not in the directory/);
  assert.doesNotMatch(page.body, /HYPERLINK|900123/, 'the page never shows what stood in a cell');
  const answer = await client.request('GET', `${page.path}/refused.csv`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/csv/);
  assert.match(answer.headers.get('content-disposition') ?? '', /attachment.*-refused\.csv/);
  const lines = answer.body
    .replace(/^\uFEFF/, '')
    .trim()
    .split('\n');
  assert.equal(lines.length, 4);
  assert.match(lines[0]!, /refused_line,refused_reason$/);
  assert.match(lines[1]!, /^BB-01,"'=HYPERLINK\(""http:\/\/x\.test""\)",ciso,12,2,/);
  assert.match(lines[2]!, /^BB-01,'@SUM\(1\),palace,07700 900123,3,/);
  assert.match(lines[3]!, /^NO-99,'-2\+3\+cmd\|' \/C calc'!A0,ciso,\+44 7700 900123,4,/);
  assert.doesNotMatch(toCsv([['\t=1'], ['=1'], ['+cmd']]), /^[=\t+]/m);
});

test('refused rows of etr.csv can be mended and imported like any others', async () => {
  const client = site.visitorAs(person());
  const row = (code: string) =>
    `"${code}","MOOR END NHS TRUST","Y62","QOP"${',""'.repeat(6)},"20171001"${',""'.repeat(16)}\n`;
  const page = await upload(client, 'organisations', row('ZZ-7001') + row('?'));
  assert.match(page.text, /1 to add.*1 refused/);
  const { body } = await client.request('GET', `${page.path}/refused.csv`);
  const mended = await upload(client, 'organisations', body.replace(/^\?/m, 'ZZ-7002'));
  assert.match(mended.text, /1 to add.*0 refused/);
});

test('many refusals: fifty on a page, all in the file', async () => {
  const client = site.visitorAs(person());
  const rows = Array.from({ length: 250 }, (_, i) => `CC-${i + 100},Name ${i},palace`);
  const page = await upload(client, 'organisations', `code,name,type\n${rows.join('\n')}\n`);
  assert.match(page.text, /No row can be imported.*250 rows refused/);
  assert.equal(page.elements('form').length, 2, 'signing out, and no button to import');
  assert.equal(page.elements('button').filter((one) => one.attribs['type'] === 'submit').length, 1);
  assert.match((await client.click('Next page')).text, /Line 52/);
  const answer = await client.request('GET', `${page.path}/refused.csv`);
  assert.equal(answer.body.trim().split('\n').length, 251);
});

test('ten thousand contacts pass both steps', async (t) => {
  const client = site.visitorAs(person());
  const row = (i: number) => {
    const number = `07700 ${String(100_000 + i)}`;
    return `BB-0${i % 2 === 0 ? 1 : 3},Person ${i},ciso,${number},p${i}@northmoor.test`;
  };
  const rows = Array.from({ length: 10_000 }, (_, i) => row(i));
  const head = 'organisation_code,name,role,mobile,email';
  const started = performance.now();
  const page = await upload(client, 'contacts', `${head}\n${rows.join('\n')}\n`);
  const checked = performance.now();
  assert.match(page.text, /10,000 to add/);
  const done = await settled(client, await client.submit('Import all 10,000 rows'));
  assert.match(done.text, /10,000 added/);
  const [checkMs, importMs] = [checked - started, performance.now() - checked];
  t.diagnostic(`checked in ${Math.round(checkMs)} ms, imported in ${Math.round(importMs)} ms`);
});

test(
  'etr.csv of ODS as it is',
  { skip: existsSync(ODS) ? false : `${ODS} is absent` },
  async () => {
    const client = site.visitorAs(person());
    const page = await upload(client, 'organisations', readFileSync(ODS, 'utf8'), {
      name: 'etr-2025-07.csv',
    });
    assert.match(page.text, /210 to add 0 to change 0 to move 0 to close 0 unchanged 0 refused/);
    const done = await settled(client, await client.submit('Import all 210 rows'));
    assert.match(done.text, /210 added/);
    assert.match((await client.get('/organisations?type=trust')).text, /\d+ organisations/);
  },
);
