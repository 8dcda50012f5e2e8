/** Facts of an organisation, duplicates, shared numbers and the call list, by page. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { listEntries } from '#audit/index.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../test/support/page-client.ts';
import { importContacts, importOrganisations } from './imports/actions.ts';
import { callListCsv } from './coverage/call-list.ts';
import { saveAudience } from './audiences/audiences.ts';
import { everybody, type AskedQuestion } from './model.ts';
import { organisationRoutes } from './routes.ts';
import { findOrganisation, listOrganisations } from './store.ts';

const now = new Date('2026-11-26T03:10:00Z');
const ORGANISATIONS = [
  'code,name,short_name,type,region,region_name,telephone',
  'AA-01,Northmoor Teaching Hospitals,Northmoor,trust,R1,North,0306 999 0001',
  'AA-02,Eastfirth Hospitals,Eastfirth,trust,R1,North,',
  'AA-03,Mill Lane Surgery,Mill Lane,practice,R2,South,0306 999 0003',
  '',
].join('\n');
const CONTACTS = [
  'organisation_code,name,kind,role,rank,mobile,email,landline',
  'AA-01,Mira Vale,,ciso,1,07700 900123,mira@northmoor.test,',
  'AA-01,"VALE, Míra",,on_call_it,2,07700 900124,,',
  'AA-01,On-call desk,post,on_call_it,3,07700 900124,,020 7946 0000',
  'AA-02,Mira Vale,,ciso,1,07700 900125,,',
  'AA-02,=On call,post,on_call_it,2,07700 900126,,',
  '',
].join('\n');

let db: Clone;
let site: Site;
let northmoor: string;

before(async () => {
  db = await cloneDatabase();
  site = await startSite({
    routes: organisationRoutes({ database: db.web, model: rules, secrets }),
    now: () => now,
  });
  const options = { rules, secrets, startedAt: now };
  const file = (text: string) => ({ name: 'seed.csv', bytes: Buffer.from(text) });
  await db.web.withActor(system('import'), async (tx) => {
    assert.ok((await importOrganisations(tx, file(ORGANISATIONS), options)).ok);
    const contacts = await importContacts(tx, file(CONTACTS), options);
    assert.deepEqual(contacts.ok && contacts.value.refusedRows, []);
    northmoor = (await listOrganisations(tx, { text: 'AA-01', limit: 1 }))[0]!.id;
  });
});
after(async () => {
  await site.close();
  await db.drop();
});

const all: readonly Permission[] = ['directory.read', 'directory.write', 'response.record'];

function visitor(...permissions: readonly Permission[]): PageClient {
  const held = new Set(permissions.length === 0 ? all : permissions);
  return site.visitorAs({ kind: 'person', id: newId(), name: 'Ada Okafor', permissions: held });
}

const contactsOf = async (id: string) =>
  (await db.web.withActor(system('test'), (tx) => findOrganisation(tx, id)))!.contacts;

test('facts are refused as a file is, and a name that texts use already is not given twice', async () => {
  const client = visitor();
  const path = `/organisations/${northmoor}/edit`;
  await client.get(path);
  for (const [values, said] of [
    [{ name: '' }, /Name is empty/],
    [{ short_name: 'eastfirth' }, /Texts call AA-02 so already/],
    [{ short_name: 'A name that is much too long' }, /20 characters at most/],
    [{ telephone: 'ring me' }, /Switchboard must be digits/],
    [{ opened_on: '2026-02-30' }, /must be a date/],
    [{ opened_on: '2026-05-01', closed_on: '2026-04-01' }, /Last day is before opened_on/],
    [{ address: '1\n2\n3\n4\n5\n6' }, /more than five lines/],
  ] as const) {
    const page = await client.submit(path, values, { status: 422 });
    assert.match(page.text, said);
    await client.get(path);
  }
});

test('what a closing date brings with it is said before it is saved', async () => {
  const client = visitor();
  const path = `/organisations/${northmoor}/edit`;
  await client.get(path);
  const asked = await client.submit(path, { closed_on: '2027-03-31' }, { status: 422 });
  assert.match(asked.text, /3 contacts are told nothing from 1 April 2027\.Nothing is saved yet/);
  const saved = await client.submit(path, { short_name: 'North Moor' });
  assert.match(saved.text, /The details are changed/);
  assert.match(saved.text, /In textsNorth Moor.*Closes31 March 2027/);
  await client.get(path);
  const same = await client.submit(path, {});
  assert.match(same.text, /Nothing was changed\./);
  const other = visitor();
  await other.get(path);
  await client.get(path);
  const back = await client.submit(path, { closed_on: '' }, { status: 422 });
  assert.match(back.text, /3 contacts are told again/);
  await client.submit(path);
  // A slip of the pen does not hide that somebody saved meanwhile.
  await other.submit(path, { name: '', closed_on: '' }, { status: 422 });
  const late = await other.submit(path, { name: 'Northmoor' }, { status: 409 });
  assert.match(late.text, /Somebody changed this organisation after you opened it/);
  const history = await client.get(`/organisations/${northmoor}/history`);
  assert.match(history.text, /last day none → 2027-03-31; name in texts Northmoor → North Moor/);
});

test('which saved audiences it goes out of is said before it is saved, and nothing is changed', async () => {
  const officer = { kind: 'person', id: newId(), name: 'Ada', permissions: new Set(all) } as const;
  const save = async (name: string, question: Partial<AskedQuestion>) => {
    const asked = { ...everybody, audiences: [], ...question };
    const saved = await db.web.attempt(officer, (tx) =>
      saveAudience(tx, { id: newId(), name, question: asked, now }),
    );
    assert.ok(saved.ok, JSON.stringify(saved));
    return saved.value.id;
  };
  const trusts = await save('Trusts', { types: ['trust'] });
  await save('The South', { regions: ['R2'] });
  await save('Nobody now', { regions: ['R1'], types: ['practice'] });
  const client = visitor();
  const path = `/organisations/${northmoor}/edit`;
  await client.get(path);
  const closing = await client.submit(path, { closed_on: '2099-03-31' }, { status: 422 });
  assert.match(closing.text, /It goes out of 1 saved audience: Trusts\.Nothing is saved yet/);
  assert.ok(closing.body.includes(`href="/audiences/${trusts}"`));
  const other = await client.submit(path, { closed_on: '', type: 'practice' }, { status: 422 });
  assert.match(other.text, /It goes out of 1 saved audience: Trusts/);
  assert.doesNotMatch(other.text, /The South|Nobody now/);
  // What was said before was of another change: it is said anew.
  const both = { closed_on: '2099-03-31', type: 'trust' };
  assert.match(
    (await client.submit(path, both, { status: 422 })).text,
    /nothing from 1 April 2099/,
  );
  const { text } = await client.get(`/organisations/${northmoor}`);
  assert.match(text, /NHS trust/);
  assert.doesNotMatch(text, /Closes/);
  await client.get(path);
  const name = await client.submit(path, { postcode: 'M1 1AA' });
  assert.match(name.text, /The details are changed/, 'what moves nobody is saved at once');
});

test('where it is and whom it serves, by page: refused beside the field, shown, in the history', async () => {
  const client = visitor();
  const path = `/organisations/${northmoor}/edit`;
  await client.get(path);
  for (const [values, said] of [
    [{ latitude: '53,4', longitude: '-2.2' }, /Latitude must be degrees of WGS 84/],
    [{ latitude: '53.4', longitude: '' }, /Longitude is empty though there is a latitude/],
    [{ population: 'lots' }, /How many people must be a whole number/],
    [{ population_on: '2026-01-01' }, /Counted on is given without a population/],
  ] as const) {
    assert.match((await client.submit(path, values, { status: 422 })).text, said);
    await client.get(path);
  }
  const page = await client.submit(path, {
    latitude: '53.46244',
    longitude: '-2.22771',
    serves: 'Adults of the Moor',
    population: '480 000',
    population_on: '2026-01-01',
  });
  assert.match(page.text, /Position ?53\.46244, -2\.22771/);
  assert.match(page.text, /Adults of the Moor, 480,000 people counted 1 January 2026/);
  const history = await client.get(`/organisations/${northmoor}/history`);
  assert.match(history.text, /position changed/);
  assert.match(history.text, /serves none → Adults of the Moor/);
  await client.get(path);
  const cleared = await client.submit(path, {
    latitude: '',
    longitude: '',
    population: '',
    population_on: '',
  });
  assert.doesNotMatch(cleared.text, /Position ?\d|480,000 people/);
});

test('an organisation is added by hand, once', async () => {
  const client = visitor();
  await client.get('/organisations/new');
  const facts = { code: 'aa-09', name: 'Southmere Trust', type: 'trust', must_answer: 'yes' };
  await client.submit('/organisations/new', { ...facts, code: 'AA-01' }, { status: 422 });
  assert.match(client.page.text, /an organisation with this code already/);
  await client.submit('/organisations/new', facts);
  assert.match(client.page.text, /Added\. Now say who is to be told\..*Southmere/);
});

test('the same person is found twice, made one, undone, or remembered as two', async () => {
  const client = visitor();
  const page = await client.get('/organisations/duplicates');
  assert.match(page.text, /Mira Vale.*VALE, Míra.* the same name/);
  assert.match(
    page.text,
    /(VALE, Míra.*On-call desk|On-call desk.*VALE, Míra).* the same number or address/,
  );
  const preview = await client.click('Make them one');
  assert.match(preview.text, /07700 ···123.*07700 ···124/);
  assert.match(preview.text, /counts as having left/);
  const stale = visitor();
  await stale.get(preview.path);
  await client.submit('Make them one');
  const names = async () =>
    (await contactsOf(northmoor))
      .filter(({ active }) => active)
      .map(({ rank, name, points }) => `${rank} ${name} ${points.length}`);
  assert.deepEqual(await names(), ['1 Mira Vale 3', '2 On-call desk 2']);
  await stale.submit('Make them one', {}, { status: 409 });
  await client.submit('Undo');
  const before = ['1 Mira Vale 2', '2 VALE, Míra 1', '3 On-call desk 2'];
  assert.deepEqual(await names(), before);
  // Undone until somebody changes one of the two.
  await client.click('Make them one');
  await client.submit('Make them one');
  const [mira] = await contactsOf(northmoor);
  await client.get(`/organisations/contacts/${mira!.id}`);
  await client.submit(`/organisations/contacts/${mira!.id}`, { language: 'cy' });
  await client.get('/organisations/duplicates');
  await client.submit('Undo', {}, { status: 409 });
  assert.match(client.page.text, /was changed since: this merge stays/);
  await client.get('/organisations/duplicates');
  await client.submit('Not the same');
  assert.match(client.page.text, /Remembered: these two are not listed again/);
  assert.match(client.page.text, /Nobody is found twice within/);
});

test('across organisations both keep their place and have the same numbers', async () => {
  const client = visitor();
  const across = '/organisations/duplicates?scope=across';
  const page = await client.get(across);
  assert.match(page.text, /Mira Vale.*Mira Vale.* the same name Make/);
  await client.click('Make them one');
  assert.match(client.page.text, /stays a contact of/);
  await client.submit('Make them one');
  assert.match((await client.get(across)).text, /Nobody is found twice across/);
  const shared = await client.get('/organisations/shared-numbers');
  assert.match(shared.text, /Mira Vale, Eastfirth Hospitals.*Mira Vale, Northmoor Teaching/);
  const close = async (day: string | null) =>
    await db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update organisations.organisation set closed_on = ${day} where code = 'AA-02'`),
    );
  await close('2020-01-31');
  const gone = await client.get('/organisations/shared-numbers');
  assert.doesNotMatch(gone.text, /Eastfirth/);
  await close(null);
});

test('of pairs across organisations those who share a number come first, 50 a page', async () => {
  const client = visitor();
  const across = '/organisations/duplicates?scope=across';
  await db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`
      insert into organisations.contact (organisation_id, name, is_post, role, rank)
      select organisation.id, 'Namesake ' || to_char(n, 'FM00'), false, 'ciso', 9
      from organisations.organisation, generate_series(1, 51) n
      where organisation.code in ('AA-01', 'AA-02')`);
    // Of two numbers one: with all the same they would be known to be one.
    await tx.run(sql`
      insert into organisations.contact_contact_point
        (contact_id, contact_point_id, channel, position)
      select contact.id, point.id, 'text', point.n
      from organisations.contact
      cross join lateral (
        select id, row_number() over (order by id) as n
        from organisations.contact_point where channel = 'text' limit 2
      ) point
      where contact.name = 'Namesake 51'
        and (point.n = 1 or contact.organisation_id = ${northmoor})`);
  });
  const first = await client.get(across);
  assert.match(first.text, /Decide Namesake 51.*Namesake 51.* the same name, the same number or/);
  assert.doesNotMatch(first.text, /Namesake 50/);
  await client.click('Next page');
  assert.match(client.page.text, /Namesake 50/);
  await client.submit('Not the same');
  assert.match(client.page.text, /Remembered.*No more pairs here/);
  await client.click('First page');
  assert.match(client.page.text, /Namesake 51/);
});

test('readers see the lists and decide nothing', async () => {
  const reader = visitor('directory.read');
  assert.doesNotMatch((await reader.get('/organisations/duplicates')).text, /Undo |Make them one/);
  await reader.get('/organisations/shared-numbers');
  await reader.get('/organisations/call-list', { status: 403 });
  await reader.get(`/organisations/${northmoor}/edit`, { status: 403 });
  await reader.get(`/organisations/duplicates/merge?keep=${newId()}&other=${newId()}`, {
    status: 403,
  });
  const form = new URLSearchParams({ keep: 'x', other: 'y' });
  for (const path of ['merge', 'not-the-same']) {
    const answer = await visitor().request('POST', `/organisations/duplicates/${path}`, { form });
    assert.equal(answer.status, 404);
  }
});

test('a call list has whole numbers, says who made it, and is in the audit', async () => {
  const client = visitor();
  await client.get('/organisations/call-list');
  await client.submit('/organisations/call-list', { include: 'ZZ-1' }, { status: 422 });
  assert.match(client.page.text, /Not in the directory: ZZ-1/);
  const page = await client.submit('/organisations/call-list', { regions: 'R1', include: '' });
  assert.match(page.text, /made 26 November 2026 at 03:10 by Ada Okafor.* Keep it safe/);
  assert.match(page.text, /Northmoor Teaching Hospitals AA-01 ?Switchboard 0306 999 0001/);
  assert.match(page.text, /Mira ValeCISO07700 900/);
  assert.match(page.text, /020 7946 0000/);
  assert.doesNotMatch(page.text, /Mill Lane/);
  await client.get('/organisations/call-list');
  const form = new URLSearchParams({ types: 'practice' });
  const csv = await client.request('POST', '/organisations/call-list.csv', { form });
  assert.match(csv.headers.get('content-type') ?? '', /text\/csv/);
  assert.equal(csv.body.split('\r\n')[1], 'South,AA-03,Mill Lane Surgery,0306 999 0003,,,,,');
  const whole = await client.request('POST', '/organisations/call-list.csv', {
    form: new URLSearchParams(),
  });
  assert.match(whole.body, /,'=On call,/);
  const none = callListCsv({ regions: [], organisations: 0, contacts: 0 });
  assert.match(none, /^\uFEFFregion,/, 'names with accents are read right in Excel');
  const { entries } = await db.web.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'call_list.made' }),
  );
  assert.deepEqual(
    entries.map(({ detail }) => [detail['format'], detail['organisations']]),
    [
      ['csv', 4],
      ['csv', 1],
      ['page', 2],
    ],
  );
});
