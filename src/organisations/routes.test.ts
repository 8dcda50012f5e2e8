import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../test/support/page-client.ts';
import { importContacts, importOrganisations } from './imports/actions.ts';
import { telephoneLink } from './form-organisation.ts';
import { organisationRoutes } from './routes.ts';
import { listOrganisations } from './store.ts';

const now = new Date('2026-11-23T03:12:00Z');
const navigation = [
  { href: '/organisations', text: 'Directory', permission: 'directory.read' },
] as const;

let db: Clone;
let site: Site;

before(async () => {
  db = await cloneDatabase();
  const routes = organisationRoutes({ database: db.web, model: rules, secrets });
  site = await startSite({ routes, navigation, now: () => now });
});
after(async () => {
  await site.close();
  await db.drop();
});

function visitor(...permissions: Permission[]): PageClient {
  const held = new Set<Permission>(['alert.read', ...permissions]);
  return site.visitorAs({ kind: 'person', id: newId(), name: 'Ada Okafor', permissions: held });
}

const ORGANISATIONS = [
  'code,name,short_name,type,region,region_name,must_answer,telephone,address_1,closed_on',
  'AA-01,Northmoor Teaching Hospitals NHS Trust,,trust,R1,North,,+44 (0)20 7946 0000,1 High St,',
  'AA-02,Eastfirth Hospitals NHS Trust,Eastfirth,trust,R1,North,no,,,',
  'AA-03,100% Care_Home,,practice,R2,South,,,,',
  'AA-04,"O\'Neill & ""Sons"" Surgery",,practice,R2,South,,,,',
  'AA-05,Gone Hospital,,trust,R1,North,,,,2020-03-31',
  '',
].join('\n');
const CONTACTS = [
  'organisation_code,name,kind,role,rank,mobile,email,active',
  'AA-01,On-call desk,post,on_call_it,2,07700 900124,,',
  'AA-01,Mira Vale,,ciso,1,07700 900123,mira.vale@northmoor.test,',
  'AA-01,Old Hand,,ciso,3,07700 900125,,no',
  'AA-02,On-call desk,post,on_call_it,1,07700 900124,,',
  '',
].join('\n');

async function fill(): Promise<void> {
  const options = { rules, secrets, startedAt: now };
  const file = (text: string) => ({ name: 'seed.csv', bytes: Buffer.from(text) });
  await db.web.withActor(system('import'), async (tx) => {
    assert.ok((await importOrganisations(tx, file(ORGANISATIONS), options)).ok);
    assert.ok((await importContacts(tx, file(CONTACTS), options)).ok);
  });
}

async function idOf(code: string): Promise<string> {
  const [found] = await db.web.withActor(system('test'), (tx) =>
    listOrganisations(tx, { text: code, limit: 1 }),
  );
  return found?.id ?? assert.fail(`no organisation ${code}`);
}

test('an empty directory says how it is filled', async () => {
  const reader = visitor('directory.read');
  assert.match((await reader.get('/organisations')).text, /empty.*Ask somebody/);
  const page = await visitor('directory.read', 'directory.write').get('/organisations');
  assert.match(page.text, /bin\/tocsin import organisations/);
  assert.match((await reader.get('/organisations/imports')).text, /No file has changed/);
});

test('who may come: readers read, writers import, the others neither', async () => {
  await fill();
  const id = await idOf('AA-01');
  const reading = ['/organisations', `/organisations/${id}`, '/organisations/imports'];
  const writing = [
    '/organisations/import',
    `/organisations/import/${newId()}`,
    `/organisations/import/${newId()}/refused.csv`,
  ];
  for (const path of [...reading, ...writing]) {
    const answer = await site.visitor().request('GET', path);
    assert.equal(answer.status, 303, path);
    assert.match(answer.headers.get('location') ?? '', /^\/sign-in\?to=/);
    await visitor().get(path, { status: 403 });
  }
  const reader = visitor('directory.read');
  for (const path of reading) await reader.get(path);
  for (const path of writing) await reader.get(path, { status: 403 });
  for (const path of ['/organisations/import', `/organisations/import/${newId()}`]) {
    const answer = await reader.request('POST', path, { form: new URLSearchParams() });
    assert.equal(answer.status, 403, path);
  }
  assert.doesNotMatch((await reader.get('/organisations')).text, /Import a file/);
  await reader.get('/organisations/nothing', { status: 404 });
  await reader.get(`/organisations/${newId()}`, { status: 404 });
});

/** How many organisations the page lists. */
const listed = (page: Awaited<ReturnType<PageClient['get']>>): number =>
  page.elements('th[scope="row"]').length;

test('the directory is searched as it is written', async () => {
  const client = visitor('directory.read');
  const all = await client.get('/organisations');
  assert.equal(all.textOf('.tocsin-found'), '5 organisations, 1 of them closed');
  assert.equal(listed(all), 5);
  for (const [query, count] of [
    ['q=%25', 1],
    ['q=_', 1],
    ["q=O'Neill", 1],
    ['q=%22Sons%22', 1],
    ['q=%5C', 0],
    ['q=eastf', 1],
    ['q=aa-0', 5],
    ["q='%20or%201=1--", 0],
    ['type=trust', 2],
    ['type=palace', 5],
    ['region=R2', 2],
    ['region=R2&q=care', 1],
    ['must=yes', 1],
    ['q=a&q=b', 5],
    ['after=rubbish', 5],
  ] as const) {
    const page = await client.get(`/organisations?${query}`);
    assert.equal(listed(page), count, query);
    if (count === 0) assert.match(page.text, /No organisation fits/);
    else assert.match(page.textOf('.tocsin-found'), new RegExp(`^${count} organisation`), query);
  }
  const typed = await client.get('/organisations?q=%3Cb%3E%22');
  assert.ok(typed.body.includes('value="&lt;b&gt;&quot;"'));
});

test('an organisation shows whom to tell, with numbers masked', async () => {
  const client = visitor('directory.read');
  const page = await client.get(`/organisations/${await idOf('AA-01')}`);
  assert.equal(page.heading, 'Northmoor Teaching Hospitals NHS Trust');
  assert.ok(page.body.includes('href="tel:+442079460000"'));
  assert.match(page.text, /1 Mira Vale.*07700 ···123.*2 On-call desk.*Post.*07700 ···124 Shared/);
  assert.match(page.text, /also at Eastfirth Hospitals NHS Trust/);
  assert.match(page.text, /Not told any more.*Old Hand/);
  assert.doesNotMatch(page.body, /900123|900124|7700900|mira\.vale@/);
  const empty = await client.get(`/organisations/${await idOf('AA-03')}`);
  assert.match(empty.text, /Nobody to tell No switchboard is known either/);
  const closed = await client.get(`/organisations/${await idOf('AA-05')}`);
  assert.match(closed.text, /Closed since 31 March 2020/);
});

test('a switchboard is dialled without spaces and without the nought in brackets', () => {
  assert.equal(telephoneLink('0161 276-1234'), 'tel:01612761234');
  assert.equal(telephoneLink('+44 (0)20 7946 0000'), 'tel:+442079460000');
  assert.equal(telephoneLink('(020) 7946 0000'), 'tel:02079460000');
});

test('pages follow each other without gap or repetition while rows are added', async () => {
  const rows = Array.from(
    { length: 120 },
    (_, i) => `P-${i + 100},Paged ${i % 7 === 0 ? 'Twin' : i} Surgery,practice`,
  );
  const add = async (lines: readonly string[]) => {
    const bytes = Buffer.from(['code,name,type', ...lines, ''].join('\n'));
    const options = { rules, secrets, startedAt: now };
    await db.web.withActor(system('import'), async (tx) =>
      assert.ok((await importOrganisations(tx, { name: 'p.csv', bytes }, options)).ok),
    );
  };
  await add(rows);
  const client = visitor('directory.read');
  const seen: string[] = [];
  let page = await client.get('/organisations?q=paged&type=practice');
  assert.equal(page.textOf('.tocsin-found'), '120 organisations. Show all');
  for (let i = 0; i < 5; i++) {
    seen.push(...Array.from(page.body.matchAll(/>(P-\d+)</g), (match) => match[1]!));
    if (i === 0) await add(['P-001,Paged 0 first of all,practice']);
    if (!page.text.includes('Next page')) break;
    page = await client.click('Next page');
    assert.match(page.path, /q=paged&type=practice&after=/);
  }
  assert.equal(new Set(seen).size, 120);
  assert.equal(seen.length, 120);
  assert.equal((await client.click('First page')).path, '/organisations?q=paged&type=practice&');
});
