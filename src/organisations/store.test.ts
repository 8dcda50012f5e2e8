import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { nobody, system, type Actor } from '#kernel/actor.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';
import { importContacts, importOrganisations } from './imports/actions.ts';
import { everybody, unknownCodeErrors, type AudienceQuestion } from './model.ts';
import { parseAudienceQuestion } from './audiences/parse-audience.ts';
import { previewAudience } from './audiences/preview.ts';
import { listOrganisations } from './store.ts';
import { listUnknownCodes } from './store-places.ts';
import {
  findContactPointByIndex,
  listOrganisationsOfContactPoint,
} from './contacts/store-points.ts';

const centre = system('test');

const ORGANISATIONS = [
  'code,name,type,region,system,closed_on',
  'AA-01,Northmoor,trust,R1,S1,',
  'AA-02,Eastfirth,trust,R1,S2,',
  'AA-03,Westmere,trust,R2,S3,',
  'AA-04,Mill Lane,practice,R2,S3,',
  'AA-05,Gone,trust,R1,S1,2020-03-31',
  'AA-06,100% Care_Home,practice,R2,S3,',
  '',
].join('\n');

const CONTACTS = [
  'organisation_code,name,role,rank,mobile,email,active',
  'AA-01,Sam,ciso,1,07700 900123,sam@a.test,',
  'AA-01,On call,on_call_it,2,07700 900124,,',
  'AA-02,On call,on_call_it,1,07700 900124,,',
  'AA-03,Kim,ciso,1,,kim@a.test,',
  'AA-04,Ash,ciso,1,07700 900125,,no',
  'AA-05,Old,ciso,1,07700 900126,,',
  '',
].join('\n');

let db: Clone;
before(async () => {
  db = await cloneDatabase();
  await db.web.withActor(centre, async (tx) => {
    const options = { rules, secrets, startedAt: new Date() };
    const file = (text: string) => ({ name: 'x.csv', bytes: Buffer.from(text) });
    assert.ok((await importOrganisations(tx, file(ORGANISATIONS), options)).ok);
    const contacts = await importContacts(tx, file(CONTACTS), options);
    assert.ok(contacts.ok && contacts.value.counts.added === 6);
  });
});
after(async () => await db.drop());

async function preview(question: Partial<AudienceQuestion>, actor: Actor = centre) {
  return await db.web.withActor(actor, (tx) => previewAudience(tx, { ...everybody, ...question }));
}

test('a preview counts what is open and active, and each shared number once', async () => {
  assert.deepEqual(await preview({}), {
    organisations: 5,
    mustAnswer: 3,
    contacts: 4,
    contactPoints: { text: 2, mail: 2 },
    withoutAnyText: 3,
    withoutAny: 2,
  });
});

test('added up counts are those of counting one by one, also after links went', async () => {
  await db.web.withActor(centre, async (tx) => {
    const header = 'organisation_code,name,role,rank,mobile,email';
    const file = (row: string) => ({ name: 'x.csv', bytes: Buffer.from(`${header}\n${row}\n`) });
    const options = { rules, secrets, startedAt: new Date() };
    const shared = file('AA-03,Kim,ciso,1,07700 900124,sam@a.test');
    const back = file('AA-03,Kim,ciso,1,,kim@a.test');
    for (const step of [shared, back]) {
      assert.ok((await importContacts(tx, step, options)).ok);
      const counted = await tx.one(sql`
        select count(distinct contact_id) as contacts,
          count(distinct contact_point_id) filter (where channel = 'text') as text,
          count(distinct contact_point_id) filter (where channel = 'mail') as mail,
          5 - count(distinct organisation_id) filter (where channel = 'text') as without_any_text
        from organisations.v_reachable`);
      const { contacts, contactPoints, withoutAnyText } = await previewAudience(tx, everybody);
      assert.deepEqual({ contacts, ...contactPoints, withoutAnyText }, counted);
    }
  });
});

test('each part of a question narrows; named organisations come and go', async () => {
  const organisations = async (question: Partial<AudienceQuestion>) =>
    (await preview(question)).organisations;
  assert.equal(await organisations({ types: ['trust'] }), 3);
  assert.equal(await organisations({ regions: ['R1'] }), 2);
  assert.equal(await organisations({ regions: ['R1'], systems: ['S1'] }), 1);
  assert.equal(await organisations({ mustAnswerOnly: true, regions: ['R2'] }), 1);
  assert.equal(await organisations({ regions: ['R1'], include: ['AA-04'] }), 3);
  assert.equal(await organisations({ include: ['AA-04'], exclude: ['AA-01', 'AA-04'] }), 3);
  const onCall = await preview({ roles: ['on_call_it'] });
  assert.deepEqual([onCall.contacts, onCall.contactPoints.text, onCall.withoutAnyText], [2, 1, 3]);
});

test('v_reachable has a row for each organisation, active contact and contact point', async () => {
  const rows = await db.worker.withActor(centre, (tx) =>
    tx.rows<{ code: string; channel: string; rank: number; role: string }>(sql`
      select code, channel, rank, role from organisations.v_reachable
      order by code, rank, channel`),
  );
  assert.deepEqual(
    rows.map(({ code, channel, rank }) => `${code} ${rank} ${channel}`),
    ['AA-01 1 mail', 'AA-01 1 text', 'AA-01 2 text', 'AA-02 1 text', 'AA-03 1 mail'],
  );
});

test('the directory is listed by name, page by page, and searched as it is written', async () => {
  const list = async (search: Parameters<typeof listOrganisations>[1]) =>
    (await db.web.withActor(centre, (tx) => listOrganisations(tx, search))).map((o) => o.name);
  const first = await list({ limit: 3 });
  const all = await list({ limit: 10 });
  assert.deepEqual(first, all.slice(0, 3));
  assert.deepEqual(await list({ limit: 10, after: [all[2]!, 'AA-99'] }), all.slice(3));
  assert.deepEqual(await list({ limit: 10, text: 'eastf' }), ['Eastfirth']);
  assert.deepEqual(await list({ limit: 10, text: 'aa-05' }), ['Gone']);
  assert.deepEqual(await list({ limit: 10, text: '%' }), ['100% Care_Home']);
  const question = { ...everybody, types: ['trust'] };
  assert.deepEqual(await list({ limit: 10, question }), ['Eastfirth', 'Northmoor', 'Westmere']);
});

test('a number leads to all who have it', async () => {
  const codes = await db.worker.withActor(centre, async (tx) => {
    const index = blindIndex(secrets.blindIndexKey, 'text', '447700900124');
    const point = await findContactPointByIndex(tx, 'text', index);
    assert.equal(point?.shown, '07700 ···124');
    assert.equal(await findContactPointByIndex(tx, 'mail', index), undefined);
    return (await listOrganisationsOfContactPoint(tx, point.id)).map(({ code }) => code);
  });
  assert.deepEqual(codes, ['AA-01', 'AA-02']);
});

test('a contact who answers sees people and numbers of its own organisations only', async () => {
  const [one] = await db.web.withActor(centre, (tx) =>
    listOrganisations(tx, { text: 'AA-02', limit: 1 }),
  );
  const contact: Actor = { kind: 'contact', id: 'c', organisationIds: [one!.id] };
  const seen = async (actor: Actor) =>
    await db.web.withActor(actor, (tx) =>
      tx.one(sql`select
        (select count(*) from organisations.contact) as contacts,
        (select count(*) from organisations.contact_contact_point) as links,
        (select count(*) from organisations.contact_point) as points,
        (select count(*) from organisations.v_reachable) as reachable`),
    );
  assert.deepEqual(await seen(contact), { contacts: 1, links: 1, points: 1, reachable: 1 });
  assert.deepEqual(await seen(nobody), { contacts: 0, links: 0, points: 0, reachable: 0 });
  await db.web.withActor(contact, async (tx) => {
    assert.equal(await tx.run(sql`update organisations.contact set rank = 9`), 0);
  });
});

test('questions are read from forms and requests, and strange ones refused', async () => {
  const asked = parseAudienceQuestion(
    { types: 'trust', regions: ['r1', 'R1 '], include: 'aa-04, aa-01', mustAnswerOnly: 'yes' },
    rules,
  );
  assert.ok(asked.ok);
  assert.deepEqual(asked.value, {
    ...everybody,
    types: ['trust'],
    regions: ['R1'],
    include: ['AA-04', 'AA-01'],
    mustAnswerOnly: true,
  });
  assert.deepEqual(parseAudienceQuestion({}, rules), { ok: true, value: everybody });
  const strange = parseAudienceQuestion({ types: ['palace'], roles: 'ciso' }, rules);
  assert.deepEqual(!strange.ok && strange.fields, {
    types: 'Not in the operating model: palace',
  });
  assert.equal(parseAudienceQuestion({ types: 7 }, rules).ok, false);
});

test('codes that the directory does not have are named, each at its field', async () => {
  const many = Array.from({ length: 12 }, (_, i) => `XX-${i}`);
  const unknown = await db.web.withActor(centre, (tx) =>
    listUnknownCodes(tx, {
      ...everybody,
      regions: ['R1', 'R9'],
      systems: ['S8', 'AA-01'],
      include: ['AA-01', ...many],
      exclude: ['AA-04'],
    }),
  );
  assert.deepEqual(unknownCodeErrors(unknown), {
    regions: 'Not in the directory: R9',
    systems: 'Not in the directory: S8, AA-01',
    include: `Not in the directory: ${many.slice(0, 10).join(', ')} and 2 more`,
  });
});
