/** Contacts kept by page: added, changed, ordered, ended, brought back, seen whole. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { startSite, type PageClient, type Site } from '../../../test/support/page-client.ts';
import { importContacts, importOrganisations } from '../imports/actions.ts';
import { organisationRoutes } from '../routes.ts';
import { findOrganisation, listOrganisations } from '../store.ts';
import { listTrouble } from '../proof/store-trouble.ts';

const now = new Date();
const ORGANISATIONS = [
  'code,name,type,telephone',
  'AA-01,Northmoor Teaching Hospitals,trust,0306 999 0001',
  'AA-02,Eastfirth Hospitals,trust,',
  '',
].join('\n');
const CONTACTS = [
  'organisation_code,name,kind,role,rank,mobile,email',
  'AA-01,Mira Vale,,ciso,1,07700 900123,mira.vale@northmoor.test',
  'AA-01,On-call desk,post,on_call_it,2,07700 900124,',
  'AA-02,On-call desk,post,on_call_it,1,07700 900124,',
  '',
].join('\n');

let db: Clone;
let site: Site;
let northmoor: string;
let eastfirth: string;

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
    assert.ok((await importContacts(tx, file(CONTACTS), options)).ok);
    [northmoor, eastfirth] = (await Promise.all(
      ['AA-01', 'AA-02'].map(
        async (text) => (await listOrganisations(tx, { text, limit: 1 }))[0]!.id,
      ),
    )) as [string, string];
  });
});
after(async () => {
  await site.close();
  await db.drop();
});

const writer = new Set<Permission>(['directory.read', 'directory.write', 'response.record']);

function visitor(permissions: ReadonlySet<Permission> = writer, name = 'Ada Okafor'): PageClient {
  return site.visitorAs({ kind: 'person', id: newId(), name, permissions });
}

async function contacts(organisationId: string) {
  const found = await db.web.withActor(system('test'), (tx) =>
    findOrganisation(tx, organisationId),
  );
  return found!.contacts;
}

async function idOf(name: string, organisationId = northmoor): Promise<string> {
  const found = (await contacts(organisationId)).find((one) => one.name === name);
  return found?.id ?? assert.fail(`no contact ${name}`);
}

const order = async (organisationId = northmoor) =>
  (await contacts(organisationId))
    .filter(({ active }) => active)
    .map(({ rank, name }) => `${rank} ${name}`);

test('who may come: readers see no way to change, writers change, numbers need their own', async () => {
  const id = await idOf('Mira Vale');
  const reader = visitor(new Set<Permission>(['directory.read']));
  const page = await reader.get(`/organisations/${northmoor}`);
  assert.doesNotMatch(page.text, /Add a contact|Change the details|Show numbers/);
  for (const path of [
    `/organisations/contacts/${id}`,
    `/organisations/${northmoor}/contacts/new`,
  ]) {
    await reader.get(path, { status: 403 });
    await visitor().get(path);
    await visitor().get(path.replace(/[0-9a-f-]{36}/, newId()), { status: 404 });
  }
  for (const path of [
    `/organisations/contacts/${id}`,
    `/organisations/contacts/${id}/move`,
    `/organisations/contacts/${id}/leave`,
    `/organisations/contacts/${id}/return`,
    `/organisations/contacts/${id}/hours`,
    `/organisations/contacts/${id}/absences`,
    `/organisations/${northmoor}/numbers`,
  ]) {
    const answer = await reader.request('POST', path, { form: new URLSearchParams() });
    assert.equal(answer.status, 403, path);
  }
});

test('what an import refuses is refused beside the field, in the same words', async () => {
  const client = visitor();
  const path = `/organisations/${northmoor}/contacts/new`;
  await client.get(path);
  const empty = { mobile: '', second_mobile: '', email: '', landline: '' };
  const good = '07700 900155';
  for (const [values, said] of [
    [{ name: '', mobile: good }, /Name is empty/],
    [{ name: 'x'.repeat(121), mobile: good }, /Name is longer than 120 characters/],
    [{ name: 'mira vale', mobile: good }, /of this name and role here already/],
    [{ mobile: '0800 1' }, /Not enough digits/],
    [{ mobile: '07700 9001 hello' }, /Must not contain letters or symbols/],
    [{ mobile: '+33 1 22 33 44 55' }, /Cannot send to international mobile numbers/],
    [{ email: 'nobody' }, /Not a valid email address/],
    [{ landline: good }, /Landline is a mobile: write it under mobile/],
    [{ mobile: good, second_mobile: '+44 7700 900155' }, /Second mobile is the same as the first/],
    [{}, /Mobile needs a number here or an address under email/],
  ] as const) {
    const typed = { name: 'New Person', ...empty, ...values };
    const page = await client.submit(path, typed, { status: 422 });
    assert.match(page.text, said);
    assert.equal(page.elements('.nhsuk-error-message').length, 1, page.text);
  }
  const flood = await client.request('POST', path, {
    form: new URLSearchParams({ name: 'x'.repeat(10 * 1024 * 1024) }),
  });
  assert.equal(flood.status, 413);
  assert.equal((await contacts(northmoor)).length, 2);
});

test('a contact is added once, however often the form is sent, and is masked from then on', async () => {
  const client = visitor();
  const path = `/organisations/${northmoor}/contacts/new`;
  await client.get(path);
  const values = {
    name: "Seán O'Néill",
    rank: '3',
    role: 'on_call_it',
    mobile: '07700 900130',
    email: 'sean@private.test',
    reader_kind: 'information',
    language: 'cy',
  };
  const page = await client.submit(path, values);
  assert.match(page.text, /Seán O'Néill is told from now on/);
  assert.match(page.text, /For information.*in Welsh.*07700 ···130.*s···@private\.test/);
  assert.doesNotMatch(page.body, /900130|sean@private/);
  const form = new URLSearchParams({ ...values, kind: 'person', formId: newId() });
  form.set('name', 'Twice');
  for (const _ of [1, 2]) {
    const answer = await client.request('POST', path, { form });
    assert.equal(answer.status, 303);
  }
  assert.equal((await contacts(northmoor)).filter(({ name }) => name === 'Twice').length, 1);
  await client.request('POST', `/organisations/contacts/${await idOf('Twice')}/leave`, {
    form: new URLSearchParams(),
  });
});

test('a landline in the place of a mobile is offered to be kept as one, and never texted', async () => {
  const client = visitor();
  const path = `/organisations/${northmoor}/contacts/new`;
  await client.get(path);
  const values = { name: 'Gate', rank: '4', role: 'on_call_it', mobile: '020 7946 0000' };
  const refused = await client.submit(path, values, { status: 422 });
  assert.match(refused.text, /Not a UK mobile number/);
  assert.match(refused.text, /This is a landline: people can ring it/);
  const page = await client.submit(path, { keepAsLandline: 'mobile' });
  assert.match(page.text, /Gate.*Cannot be reached.*02079 ···000/);
  const told = await db.web.withActor(system('test'), (tx) =>
    tx.rows(sql`select channel from organisations.v_reachable where channel = 'landline'`),
  );
  assert.deepEqual(told, []);
  // Nor is it asked for proof, which would be a text.
  const trouble = await db.web.withActor(system('test'), (tx) =>
    listTrouble(
      tx,
      {
        proofHoldsForMs: 1,
        attestEveryMs: 86_400_000,
        silentAfter: 3,
        chased: ['technical'],
        mustAnswerOnly: false,
      },
      { limit: 100 },
    ),
  );
  assert.ok(trouble.length > 0 && trouble.every(({ channel }) => channel !== 'landline'));
  await client.request('POST', `/organisations/contacts/${await idOf('Gate')}/leave`, {
    form: new URLSearchParams(),
  });
});

test('what is left empty stays, what is ticked goes, and a second tab is told', async () => {
  const client = visitor();
  const id = await idOf('Mira Vale');
  const other = visitor(writer, 'Tom Lindqvist');
  await other.get(`/organisations/contacts/${id}`);
  await client.get(`/organisations/contacts/${id}`);
  await client.submit(`/organisations/contacts/${id}`, { second_email: 'mira@private.test' });
  const shown = async () =>
    (await contacts(northmoor)).find((one) => one.id === id)!.points.map((point) => point.shown);
  assert.deepEqual(await shown(), ['07700 ···123', 'm···@northmoor.test', 'm···@private.test']);
  const late = await other.submit(
    `/organisations/contacts/${id}`,
    { name: 'Mira Late' },
    { status: 409 },
  );
  assert.match(late.text, /Somebody changed this contact after you opened it. Changed: linked/);
  assert.match(late.body, /value="Mira Late"/);
  // Pressing again is a decision: the form has the version of now.
  await other.submit(`/organisations/contacts/${id}`, { name: 'Mira Hale' });
  await client.get(`/organisations/contacts/${id}`);
  await client.submit(`/organisations/contacts/${id}`, {
    name: 'Mira Vale',
    off: ['second_email'],
  });
  assert.deepEqual(await shown(), ['07700 ···123', 'm···@northmoor.test']);
  await client.get(`/organisations/contacts/${id}`);
  const all = ['mobile', 'email'];
  const page = await client.submit(`/organisations/contacts/${id}`, { off: all }, { status: 422 });
  assert.match(page.text, /needs a number here/);
});

test('a shared number is said everywhere, and changed for all who have it where asked', async () => {
  const client = visitor();
  const id = await idOf('On-call desk');
  const page = await client.get(`/organisations/${northmoor}`);
  assert.match(page.text, /07700 ···124 Shared also at Eastfirth Hospitals/);
  const form = await client.get(`/organisations/contacts/${id}`);
  assert.match(form.text, /also at Eastfirth Hospitals/);
  await client.submit(`/organisations/contacts/${id}`, { mobile: '07700 900125' });
  const numbers = async () =>
    Promise.all(
      [northmoor, eastfirth].map(
        async (at) =>
          (await contacts(at)).find((one) => one.name === 'On-call desk')!.points[0]!.shown,
      ),
    );
  assert.deepEqual(await numbers(), ['07700 ···125', '07700 ···124']);
  await client.get(`/organisations/contacts/${await idOf('On-call desk', eastfirth)}`);
  await client.submit(`/organisations/contacts/${await idOf('On-call desk', eastfirth)}`, {
    mobile: '07700 900125',
  });
  const stale = visitor();
  await stale.get(`/organisations/contacts/${await idOf('On-call desk', eastfirth)}`);
  await client.get(`/organisations/contacts/${id}`);
  await client.submit(`/organisations/contacts/${id}`, {
    mobile: '07700 900126',
    everywhere: ['mobile'],
  });
  assert.deepEqual(await numbers(), ['07700 ···126', '07700 ···126']);
  await stale.submit(
    `/organisations/contacts/${await idOf('On-call desk', eastfirth)}`,
    {},
    { status: 409 },
  );
});

test('an existing contact is added to another organisation with the same numbers', async () => {
  const client = visitor();
  const id = await idOf('Mira Vale');
  await client.get(`/organisations/contacts/${id}/elsewhere`);
  const path = `/organisations/contacts/${id}/elsewhere`;
  await client.submit(path, { organisation_code: 'ZZ-99' }, { status: 422 });
  assert.match(client.page.text, /No organisation of the directory has this code/);
  const page = await client.submit(path, { organisation_code: 'aa-02', rank: '2' });
  assert.match(page.text, /Mira Vale is now also told for Eastfirth Hospitals/);
  assert.match(page.text, /also at Northmoor Teaching Hospitals/);
});

test('one press moves a contact, and an order that changed meanwhile is left alone', async () => {
  const client = visitor();
  assert.deepEqual(await order(), ['1 Mira Vale', '2 On-call desk', "3 Seán O'Néill"]);
  await client.get(`/organisations/${northmoor}`);
  const other = visitor();
  await other.get(`/organisations/${northmoor}`);
  const desk = await idOf('On-call desk');
  // The first form with this action is "earlier".
  await client.submit(`/organisations/contacts/${desk}/move`);
  assert.deepEqual(await order(), ['1 On-call desk', '2 Mira Vale', "3 Seán O'Néill"]);
  const late = await other.submit(`/organisations/contacts/${desk}/move`);
  assert.match(late.text, /The order changed after you opened the page/);
  await client.get(`/organisations/contacts/${desk}`);
  await client.submit(`/organisations/contacts/${desk}`, { rank: '2' });
  const together = await client.get(`/organisations/${northmoor}`);
  assert.match(together.text, /told together/);
  assert.match(together.text, /Nobody has rank 1/);
  await client.submit(`/organisations/contacts/${desk}/move`);
  assert.deepEqual(await order(), ['1 On-call desk', '2 Mira Vale', "3 Seán O'Néill"]);
});

test('whoever has left is kept and told nothing, the others move up, and can be brought back', async () => {
  const client = visitor();
  const desk = await idOf('On-call desk');
  await client.get(`/organisations/contacts/${desk}`);
  const left = await client.submit(`/organisations/contacts/${desk}/leave`);
  assert.match(left.text, /On-call desk has left and is told nothing any more/);
  assert.match(left.text, /Not told any more.*On-call desk/);
  assert.deepEqual(await order(), ['1 Mira Vale', "2 Seán O'Néill"]);
  const twice = await client.request('POST', `/organisations/contacts/${desk}/leave`, {
    form: new URLSearchParams(),
  });
  assert.equal(twice.status, 409);
  await client.get(`/organisations/${northmoor}`);
  await client.submit(`/organisations/contacts/${desk}/return`);
  assert.deepEqual(await order(), ['1 Mira Vale', '1 On-call desk', "2 Seán O'Néill"]);
});

test('hours and absences: whom the chain tells now and on Sunday at three', async () => {
  const client = visitor();
  const mira = await idOf('Mira Vale');
  const desk = await idOf('On-call desk');
  await client.get(`/organisations/contacts/${mira}`);
  await client.submit(
    `/organisations/contacts/${mira}/hours`,
    { from_1: '09:00' },
    { status: 422 },
  );
  assert.match(client.page.text, /Monday needs two times such as 09:00 and 17:30/);
  const office = Object.fromEntries(
    [1, 2, 3, 4, 5].flatMap((day) => [
      [`from_${day}`, '09:00'],
      [`to_${day}`, '17:00'],
    ]),
  );
  await client.submit(`/organisations/contacts/${mira}/hours`, office);
  assert.match(client.page.text, /The hours are kept/);
  const sunday = await client.get(`/organisations/${northmoor}?at=2027-01-10T03:00`);
  assert.match(sunday.text, /Told on 10 January 2027 at 03:00/);
  // By mail nobody else is reached: there she is told whatever the hour.
  assert.match(sunday.text, /Mira Vale, CISO, by mail \(not on duty: by text somebody else is/);
  const monday = await client.get(`/organisations/${northmoor}?at=2027-01-11T09:00`);
  assert.match(monday.text, /Mira Vale, CISO, by text and mail/);
  await client.get(`/organisations/contacts/${desk}`);
  const absence = { from: '2027-01-11T00:00', until: '2027-01-12T00:00', cover: mira };
  for (const [values, said] of [
    [{ ...absence, until: '2027-01-10T00:00' }, /Must be after the beginning/],
    [{ ...absence, from: '2020-01-01T00:00', until: '2020-01-02T00:00' }, /over already/],
    [{ ...absence, from: 'soon' }, /Give a day and a time/],
    [{ ...absence, from: '0000-01-01T08:00' }, /Give a day and a time/],
    [{ ...absence, cover: newId() }, /Choose somebody else of this organisation/],
  ] as const) {
    const page = await client.submit(`/organisations/contacts/${desk}/absences`, values, {
      status: 422,
    });
    assert.match(page.text, said);
  }
  await client.submit(`/organisations/contacts/${desk}/absences`, absence);
  assert.match(client.page.text, /To come 11 January 2027 at 00:00 to .* Mira Vale stands in/);
  const covered = await client.get(`/organisations/${northmoor}?at=2027-01-11T12:00`);
  assert.match(covered.text, /in the place of On-call desk, who is away/);
  await client.get(`/organisations/contacts/${desk}`);
  await client.submit('Take off');
  assert.match(client.page.text, /On-call desk is on duty again/);
  // Whoever has fewer channels cannot stand in: reach would be lost.
  await client.get(`/organisations/contacts/${mira}`);
  const lacking = { from: '2027-02-01T00:00', until: '2027-02-02T00:00', cover: desk };
  const page = await client.submit(`/organisations/contacts/${mira}/absences`, lacking, {
    status: 422,
  });
  assert.match(page.text, /On-call desk has no email address, and Mira Vale has one/);
});

test('the whole number is shown on asking, and each look is in the audit and the history', async () => {
  const client = visitor(writer, 'Ines Castro');
  const page = await client.get(`/organisations/${northmoor}`);
  assert.doesNotMatch(page.body, /07700 900123|mira\.vale@/);
  const whole = await client.submit(`/organisations/${northmoor}/numbers`);
  assert.match(whole.body, /href="tel:\+447700900123"/);
  assert.match(whole.text, /07700 900123.*mira\.vale@northmoor\.test/);
  const entries = await db.web.withActor(system('test'), (tx) =>
    listEntries(tx, { subject: { kind: 'organisation', id: northmoor }, limit: 500 }),
  );
  const looked = entries.entries.filter(({ action }) => action === 'contact.looked_up');
  assert.equal(looked.length, 1);
  const actions = new Set(entries.entries.map(({ action }) => action));
  for (const action of [
    'added',
    'changed',
    'moved',
    'left',
    'returned',
    'hours_set',
    'absence_set',
  ]) {
    assert.ok(actions.has(`contact.${action}`), action);
  }
  const history = await client.get(`/organisations/${northmoor}/history`);
  assert.match(history.text, /saw whole numbers and addresses/);
  assert.match(history.text, /Mira Vale: on duty always → /);
  assert.match(history.text, /On-call desk: has left/);
  assert.match(history.text, /Mira Vale: address taken off; name Mira Hale → Mira Vale/);
  assert.match(history.text, /address added/);
  assert.match(history.text, /mobile changed/);
  assert.doesNotMatch(history.body, /9001\d\d|@private/);
});

test('its call list has it alone', async () => {
  const ada = visitor();
  await ada.get(`/organisations/${eastfirth}`);
  await ada.submit('Call list');
  assert.match(ada.page.text, /1 organisation, .*Eastfirth Hospitals/);
  assert.doesNotMatch(ada.page.text, /Northmoor/);
});

test('what an import changes is in the history too, and only what it changed', async () => {
  const file = CONTACTS.replace('ciso,1,07700 900123', 'ciso,1,07700 900140');
  await db.web.withActor(system('import'), async (tx) => {
    const bytes = Buffer.from(file.split('\n').slice(0, 2).join('\n') + '\n');
    const options = { rules, secrets, startedAt: new Date() };
    assert.ok((await importContacts(tx, { name: 'c.csv', bytes }, options)).ok);
  });
  const page = await visitor().get(`/organisations/${northmoor}/history`);
  assert.match(page.text, /the system \(import\) ?Mira Vale: mobile changed/);
  assert.doesNotMatch(page.text, /Mira Vale: mobile changed; (address|rank)/);
});

test('mail on their own network alone is warned of, and domains are theirs to say', async () => {
  const client = visitor();
  await client.get('/organisations/new');
  const facts = { code: 'AA-03', name: 'Westmere Trust', type: 'trust', must_answer: 'yes' };
  await client.submit('/organisations/new', facts);
  const westmere = client.page.path;
  await client.get(`${westmere}/contacts/new`);
  await client.submit(`${westmere}/contacts/new`, { name: 'Kim', email: 'kim@westmere.test' });
  assert.match(client.page.text, /Nothing reaches them while their own network is down/);
  assert.match(client.page.text, /Kim.*Own network only/);
  assert.match(client.page.text, /westmere\.test own network, as it seems/);
  // Alerts go to the usual address alone: a second one elsewhere reaches nobody.
  await client.click('Kim');
  await client.submit(client.page.path, { second_email: 'kim@northmoor.test' });
  assert.match(client.page.text, /Nothing reaches them while their own network is down/);
  await client.submit('Not theirs');
  assert.doesNotMatch(client.page.text, /Nothing reaches them while/);
  assert.match(client.page.text, /westmere\.test elsewhere/);
  await client.submit('Add', { domain: 'no domain' });
  assert.match(client.page.text, /Write a domain such as/);
  await client.submit('Add', { domain: '@Westmere.TEST' });
  assert.match(client.page.text, /Nothing reaches them while/);
  // What several organisations use is nobody's own: it is not learnt.
  await client.get(`/organisations/${eastfirth}/contacts/new`);
  const shared = { name: 'Ben', email: 'ben@northmoor.test', role: 'on_call_it' };
  await client.submit(`/organisations/${eastfirth}/contacts/new`, shared);
  assert.match(client.page.text, /northmoor\.test elsewhere, as it seems/);
});

test('a view of one person is an entry, though masked, and so is a list, once', async () => {
  const client = visitor();
  const { id } = (await contacts(eastfirth))[0]!;
  const entriesOf = async (action: string) => {
    const { entries } = await db.web.withActor(system('test'), (tx) =>
      listEntries(tx, { action, subject: { kind: 'organisation', id: eastfirth }, limit: 50 }),
    );
    return entries;
  };
  const views = async () =>
    (await entriesOf('contact.viewed')).filter(({ detail }) => detail['contact'] === id).length;
  const before = await views();
  const lists = (await entriesOf('contact_list.viewed')).length;
  await client.get(`/organisations/${eastfirth}`);
  const [list, ...more] = await entriesOf('contact_list.viewed');
  assert.equal(more.length, lists);
  assert.ok((list!.detail['contacts'] as string[]).includes(id));
  await client.get(`/organisations/contacts/${newId()}`, { status: 404 });
  assert.equal(await views(), before);
  await client.get(`/organisations/contacts/${id}`);
  assert.equal(await views(), before + 1);
  await client.submit(`/organisations/contacts/${id}`, { name: '' }, { status: 422 });
  assert.equal(await views(), before + 1, 'the form that comes back is the same view');
});
