import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { nobody, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { rules, secrets } from '../../../test/support/directory.ts';
import { importContacts, importOrganisations } from './actions.ts';
import { pointOf } from '../contacts/contacts.ts';
import { forgetImports, forgetUnusedPoints } from '../retention.ts';
import { everyPair, planSuccession } from '../successions/succeed.ts';
import { previewUndo, undoImport } from './undo.ts';

const actor = system('import');

let db: Clone;
beforeEach(async () => {
  await db?.drop();
  db = await cloneDatabase();
  await take(importOrganisations, ORGANISATIONS);
  await take(importContacts, CONTACTS);
});
after(async () => await db.drop());

const ORGANISATIONS = [
  'code,name,type,region,region_name,system,latitude,longitude,serves,population,population_on',
  'AA-01,Northmoor,trust,RR-1,North,SS-1,53.4,-2.2,The Moor,480000,2026-01-01',
  'AA-02,Eastfirth,trust,RR-1,North,SS-1,,,,,\n',
].join('\n');
const HEADER = 'organisation_code,name,role,rank,mobile,email';
const CONTACTS = [
  HEADER,
  'AA-01,Sam Page,ciso,1,07700 900123,sam@a.test',
  'AA-01,Kim Low,on_call_it,2,07700 900124,',
  'AA-02,Ash Lee,ciso,1,07700 900125,\n',
].join('\n');

async function take(run: typeof importContacts, text: string, startedAt = new Date()) {
  const file = { name: 'f.csv', bytes: Buffer.from(text) };
  const options = { rules, secrets, startedAt };
  const outcome = await db.web.withActor(actor, (tx) => run(tx, file, options));
  assert.ok(outcome.ok);
  return outcome.value;
}

const undo = async (importId?: string) =>
  await db.web.attempt(actor, (tx) =>
    undoImport(tx, { now: new Date(), ...(importId !== undefined && { importId }) }),
  );

const run = async (statement: Sql) => await db.owner.withActor(actor, (tx) => tx.run(statement));

/** The whole directory as it is, without the times of changes. */
async function directory(): Promise<unknown> {
  return await db.owner.withActor(actor, async (tx) => ({
    organisations: await tx.rows(sql`
      select code, name, short_name, region_code, system_code, closed_on::text, type, postcode,
        latitude, longitude, serves, population, population_on::text
      from organisations.organisation order by code`),
    places: await tx.rows(sql`
      select code, name, null as region_code from organisations.region
      union all select code, name, region_code from organisations.system order by code`),
    contacts: await tx.rows(sql`
      select contact.name, contact.role, contact.rank, contact.reader_kind, contact.active,
        contact.texts, contact.mails,
        array(select point.shown from organisations.contact_contact_point link
          join organisations.contact_point point on point.id = link.contact_point_id
          where link.contact_id = contact.id order by link.channel, link.position) as points
      from organisations.contact order by contact.name`),
  }));
}

const MORE = [
  `${HEADER},reader_kind`,
  'AA-01,sam page,ciso,3,07700 900199,,manager',
  'AA-02,New One,ciso,2,07700 900123,new@a.test,',
  'AA-02,Ash Lee,ciso,1,07700 900125,ash@a.test,\n',
].join('\n');

test('an import of contacts is taken back whole, and once', async () => {
  const before = await directory();
  const { importId } = await take(importContacts, MORE);
  assert.notDeepEqual(await directory(), before);
  const preview = await db.web.withActor(actor, (tx) => previewUndo(tx, importId));
  const counts = { removed: 1, ended: 0, putBack: 2, left: 0 };
  assert.deepEqual(preview.ok && preview.value.counts, counts);
  const presses = await Promise.all([undo(importId), undo(importId)]);
  assert.equal(presses.filter((one) => one.ok).length, 1);
  assert.deepEqual(
    presses.flatMap((one) => (one.ok ? [one.value.counts] : [])),
    [counts],
  );
  assert.deepEqual(await directory(), before);
  const again = await undo();
  assert.match(again.ok ? '' : again.message, /undone already/);
  const { entries } = await db.web.withActor(actor, (tx) =>
    listEntries(tx, { action: 'import.undone' }),
  );
  assert.deepEqual(
    entries.map(({ detail }) => detail),
    [{ ...counts, places: 0 }],
  );
});

test('numbers of a file that was undone, or never proven, go a day later; those of before stay', async () => {
  const shown = async () =>
    await db.owner.withActor(actor, (tx) =>
      tx.rows<{ shown: string }>(sql`select shown from organisations.contact_point order by 1`),
    );
  const { importId } = await take(importContacts, MORE);
  assert.ok((await undo(importId)).ok);
  const typed = { normalised: '447700900177', shown: '07700 ···177' };
  await db.web.withActor(actor, (tx) => pointOf(tx, 'text', typed, secrets));
  const all = (await shown()).map((point) => point.shown);
  const unused = all.filter((one) => ['n···@a.test', '07700 ···177'].includes(one));
  assert.equal(unused.length, 2);
  await forgetUnusedPoints(db.worker);
  assert.equal((await shown()).length, all.length, 'nothing of the last day');
  await run(sql`update organisations.contact_point set created_at = now() - interval '25 hours'`);
  await forgetUnusedPoints(db.worker);
  const left = (await shown()).map((point) => point.shown);
  // Sam Page had that one for a while: it goes with the contact.
  assert.ok(left.includes('07700 ···199'));
  assert.deepEqual(
    left,
    all.filter((one) => !unused.includes(one)),
  );
  const { entries } = await db.web.withActor(actor, (tx) =>
    listEntries(tx, { action: 'points.forgotten' }),
  );
  assert.deepEqual(
    entries.map(({ detail }) => detail),
    [{ points: 2 }],
  );
});

test('an import of organisations is taken back with the names of its places', async () => {
  const before = await directory();
  await take(
    importOrganisations,
    [
      [
        'code,name,type,region,region_name,system,system_name,closed_on,latitude,longitude,serves',
        'population,population_on',
      ].join(),
      'AA-01,Northmoor Renamed,practice,RR-2,South,SS-2,Moor,2027-01-01,50,1,Others,7,',
      'AA-02,Eastfirth,trust,RR-1,Far North,SS-1,Named,,,,,,',
      'AA-03,Westmere,trust,RR-3,,SS-3,,,,,,,\n',
    ].join('\n'),
  );
  const done = await undo();
  assert.deepEqual(done.ok && done.value.counts, { removed: 1, ended: 0, putBack: 1, left: 0 });
  assert.deepEqual(await directory(), before);
});

test('what somebody changed since is left and named, whatever they changed', async () => {
  await take(importContacts, MORE);
  await run(sql`update organisations.contact set rank = 9 where name = 'New One'`);
  await run(sql`
    delete from organisations.contact_contact_point link using organisations.contact
    where contact.id = link.contact_id and contact.name = 'Ash Lee' and link.channel = 'mail'`);
  await run(sql`
    with hold as (insert into kernel.legal_hold (id, held_kind, held_id, reason, review_on, put_by,
        put_by_name)
      select ${newId()}, 'contact', contact.id, 'Inquiry', '2099-01-01', 'x', 'x'
      from organisations.contact where lower(contact.name) = 'sam page' returning id, held_id)
    insert into kernel.held (hold_id, id) select hold.id, hold.held_id from hold`);
  const done = await undo();
  assert.ok(done.ok);
  assert.deepEqual(done.value.counts, { removed: 0, ended: 0, putBack: 0, left: 3 });
  const named = ['Ash Lee, ciso', 'New One, ciso', 'sam page, ciso (on a legal hold)'];
  assert.deepEqual(done.value.left, named);
  await run(sql`delete from kernel.held`);
});

test('who was sent something since ends, and is not forgotten', async () => {
  await take(importContacts, `${HEADER}\nAA-02,New One,ciso,2,07700 900177,\n`);
  await run(sql`
    insert into dispatch.dispatch (id, label, lane, expires_after, receipt_asks_ms, uncertain_after)
    values (${newId()}, 'x', 1, '1 h', '{60000}', '1 h')`);
  await run(sql`
    insert into dispatch.v_in_recipient (id, dispatch_id, contact_point_id, organisation_id,
      channel, round, rank, code, body, address_sealed)
    select kernel.uuid_v7(), dispatch.id, point.id, contact.organisation_id, 'text', 1, 1, '4821',
      'x', point.address_sealed
    from dispatch.dispatch, organisations.contact_point point
    join organisations.contact_contact_point link on link.contact_point_id = point.id
    join organisations.contact on contact.id = link.contact_id
    where contact.name = 'New One' and dispatch.lane = 1`);
  const done = await undo();
  assert.deepEqual(done.ok && done.value.counts, { removed: 0, ended: 1, putBack: 0, left: 0 });
  const row = await db.owner.withActor(actor, (tx) =>
    tx.one<{ active: boolean }>(sql`
      select active from organisations.contact where name = 'New One'`),
  );
  assert.equal(row.active, false);
});

test('an organisation that has contacts or may have been told is closed, not removed', async () => {
  await take(importOrganisations, 'code,name,type\nAA-03,Westmere,trust\nAA-04,Brook,trust\n');
  await run(sql`
    insert into organisations.contact (organisation_id, name, is_post, role, rank)
    select id, 'Own', true, 'ciso', 1 from organisations.organisation where code = 'AA-03'`);
  const done = await undo();
  assert.deepEqual(done.ok && done.value.counts, { removed: 1, ended: 1, putBack: 0, left: 0 });
  const { open } = await db.owner.withActor(actor, (tx) =>
    tx.one<{ open: number }>(sql`
      select count(*) as open from organisations.v_organisation where code in ('AA-03', 'AA-04')`),
  );
  assert.equal(open, 0);
});

test('an organisation of a planned merger is closed, as the preview says', async () => {
  await take(importOrganisations, 'code,name,type\nAA-03,Westmere,trust\n');
  const plan = {
    id: newId(),
    onDate: '2099-01-01',
    parts: everyPair(['AA-01'], ['AA-03']),
  };
  const planned = await db.web.attempt(actor, (tx) => planSuccession(tx, plan));
  assert.ok(planned.ok);
  const counts = { removed: 0, ended: 1, putBack: 0, left: 0 };
  const preview = await db.web.withActor(actor, (tx) => previewUndo(tx));
  assert.deepEqual(preview.ok && preview.value.counts, counts);
  const done = await undo();
  assert.deepEqual(done.ok && done.value.counts, counts);
});

test('only the last import is undone, by whom it is allowed, and not for ever', async () => {
  const first = await take(importContacts, MORE);
  await take(importOrganisations, 'code,name,type\nAA-03,Westmere,trust\n');
  const late = await undo(first.importId);
  assert.match(late.ok ? '' : late.message, /Another file came in since/);
  await take(importOrganisations, 'code,name,type\nAA-03,Westmere,trust\n');
  const shown = await db.web.withActor(actor, (tx) => previewUndo(tx));
  assert.equal(shown.ok && shown.value.counts.removed, 1, 'a file that changed nothing is none');
  const outsider = await db.web.attempt(nobody, (tx) => undoImport(tx, { now: new Date() }));
  assert.equal(!outsider.ok && outsider.kind, 'forbidden');
  const importsMs = 1_000;
  await forgetImports(db.worker, { importsMs, now: new Date(Date.now() + 60_000) });
  const old = await undo();
  assert.match(old.ok ? '' : old.message, /too long ago/);
});

test('a contact that another table refers to is kept, also a table that no import knows', async () => {
  await take(
    importContacts,
    `${HEADER}\nAA-02,A,ciso,2,07700 900177,\nAA-02,B,ciso,2,07700 900178,\n`,
  );
  await run(sql`
    create table public.holds (contact_id uuid references organisations.contact)`);
  await run(sql`grant select on public.holds to tocsin_web`);
  await run(sql`
    insert into public.holds select id from organisations.contact where name = 'A'`);
  const done = await undo();
  assert.deepEqual(done.ok && done.value.counts, { removed: 1, ended: 1, putBack: 0, left: 0 });
});
