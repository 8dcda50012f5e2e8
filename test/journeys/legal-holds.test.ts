/**
 * Legal holds by page: on one organisation and on one contact. What they are on stays through the
 * night's sweep and is not erased, all else goes; the desk asks when the day of a look has come.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import { dataSubjectCommand } from '#cli/data-subject.ts';
import { sweep } from '#main/sweep.ts';
import { lookAt, openBrowser, watchedPage } from '../support/browser.ts';
import {
  deliverRounds,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
  type Person,
} from '../support/centre.ts';
import { ran } from '../support/command.ts';
import { seedNotify, untilOneWaits } from '../support/dispatch.ts';
import type { PageClient } from '../support/page-client.ts';

let centre: Centre;
let keeper: Person;
let page: PageClient;
const ids: Record<'northmoor' | 'eastvale' | 'ada' | 'ben' | 'dispatch', string> = {
  northmoor: '',
  eastvale: '',
  ada: '',
  ben: '',
  dispatch: '',
};

before(async () => {
  centre = await openCentre();
  keeper = await centre.invite('Ann Keeper', ['administrator']);
  page = centre.visit(keeper);
  await seedNotify(centre.db.worker);
  for (const [key, code] of [
    ['northmoor', 'ZZ-0001'],
    ['eastvale', 'ZZ-0003'],
  ] as const)
    ids[key] = await idOf(sql`organisations.organisation where code = ${code}`);
  ids.ada = await idOf(sql`organisations.contact where name = 'Ada Okafor'`);
  ids.ben = await idOf(sql`organisations.contact where name = 'Ben Ferris'`);
  const { dispatchId } = await releaseAlert(centre);
  ids.dispatch = dispatchId;
  await deliverRounds(centre, dispatchId);
  for (const number of [numbers.northmoor, numbers.eastvale])
    await textFrom(centre, number, 'hello');
  await makeOld();
});
after(() => centre.close());

const own = async (statement: Sql) =>
  await centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
const idOf = async (from: Sql) => {
  const found = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select id from ${from} limit 1`),
  );
  return found.id;
};
const namesOf = async (columns: Sql) => {
  const rows = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ name: string }>(columns),
  );
  return rows.map(({ name }) => name);
};
const night = async () => await sweep({ database: centre.db.worker, model: centre.model });

/** Four years pass: longer than any key of the shipped rules. */
async function makeOld(): Promise<void> {
  const years = sql`now() - interval '4 years'`;
  await own(sql`update dispatch.dispatch set state = 'done', ended_at = ${years}
    where id = ${ids.dispatch}`);
  await own(sql`update dispatch.reply_inbox set received_at = ${years}`);
  await own(sql`update organisations.contact set active = false, updated_at = ${years}
    where id in (${ids.ada}, ${ids.ben})`);
  await own(sql`update organisations.import set started_at = ${years}, finished_at = ${years}`);
  for (const organisationId of [ids.northmoor, ids.eastvale])
    await own(sql`insert into responses.answer (id, alert_id, organisation_id, at, kind, evidence,
        note)
      values (${newId()}, ${newId()}, ${organisationId}, ${years}, 'got_it', 'call', 'Ask Kim')`);
}

/** Whose messages, texts, notes and pictures of an import are there. */
async function whatIsThere() {
  return {
    messages: await namesOf(sql`
      select distinct organisation.short_name as name from dispatch.message
      left join dispatch.message_credit credit on credit.message_id = message.id
      join organisations.organisation
        on organisation.id in (credit.organisation_id, message.organisation_id)
      where message.dispatch_id = ${ids.dispatch}
        and organisation.short_name in ('Northmoor', 'Eastvale') order by 1`),
    texts: await namesOf(sql`
      select point.shown as name from dispatch.reply_inbox reply
      join organisations.contact_point point on point.address_index = reply.address_index
      order by 1`),
    notes: await namesOf(sql`
      select organisation.short_name as name from responses.answer
      join organisations.organisation on organisation.id = answer.organisation_id
      where answer.note is not null order by 1`),
    left: await namesOf(sql`select name from organisations.contact where not active order by 1`),
    images: (
      await namesOf(sql`select contact_id::text as name from organisations.import_image
        where kind = 'contact'`)
    ).filter((id) => id === ids.ada || id === ids.ben).length,
  };
}

const erase = async (name: string, number: string) => {
  const { db, model, product } = centre;
  const context = { database: db.web, owner: db.owner, model, seals: product.seals };
  const by = ['--by', 'ann.keeper@centre.test'];
  const who = ['--person', name, '--number', number, '--yes'];
  return await ran((output) => dataSubjectCommand(context, ['erase', ...by, ...who], output));
};

test('a hold is put on the page of an organisation, with a reason and a day to come', async () => {
  await page.get(`/organisations/${ids.northmoor}`);
  await page.click('Put a legal hold on it');
  assert.match(page.page.text, /On Northmoor Teaching Hospitals/);
  await page.submit('Put the legal hold', {}, { status: 422 });
  assert.match(page.page.text, /Say why.*Say a day to come/s);
  const day = { reason: 'Inquiry 12', reviewOn: '2020-01-01' };
  await page.submit('Put the legal hold', day, { status: 422 });
  const done = await page.submit('Put the legal hold', { ...day, reviewOn: '2099-01-01' });
  assert.match(done.text, /The legal hold stands.*Northmoor.*Inquiry 12.*by Ann Keeper/s);
  await page.get(`/legal-holds/new?organisation=${ids.northmoor}`);
  const twice = { reason: 'Again', reviewOn: '2099-01-01' };
  await page.submit('Put the legal hold', twice, { status: 409 });
  // Whoever may not keep the audit neither sees nor puts any.
  const officer = centre.visit(centre.officer);
  await officer.get('/legal-holds', { status: 403 });
  await officer.get(`/organisations/${ids.northmoor}`);
  assert.ok(!officer.page.text.includes('legal hold'));
});

test('what it is on stays through the night, all else goes', async () => {
  const before_ = await whatIsThere();
  assert.deepEqual(before_.messages, ['Eastvale', 'Northmoor']);
  assert.equal(before_.texts.length, 2);
  assert.deepEqual(before_.left, ['Ada Okafor', 'Ben Ferris']);
  assert.equal(before_.images, 2);
  await night();
  const left = await whatIsThere();
  assert.deepEqual(left.messages, ['Northmoor']);
  assert.deepEqual(left.texts, ['07700 ···201']);
  assert.deepEqual(left.notes, ['Northmoor']);
  assert.deepEqual(left.left, ['Ada Okafor']);
  assert.equal(left.images, 1);
  // Nobody of it is erased, and the sentence says why and what to do.
  const refused = await erase('Ada Okafor', '07700 900201');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /legal hold on their organisation stands .*Ann Keeper: Inquiry 12/);
  assert.match(refused.err, /Legal holds/);
  // A second night ends, and finds nothing more.
  await night();
  assert.deepEqual(await whatIsThere(), left);
});

test('whoever comes to a held organisation later is held, and so is their number', async () => {
  const officer = centre.visit(centre.officer);
  await officer.get(`/organisations/${ids.northmoor}`);
  await officer.click('Add a contact');
  await officer.submit('Add', {
    name: 'Cy Late',
    kind: 'person',
    role: 'ciso',
    rank: '3',
    mobile: '07700 900299',
    reader_kind: 'technical',
    language: 'en',
  });
  const refused = await erase('Cy Late', '07700 900299');
  assert.match(refused.err, /legal hold on their organisation stands/);
  const held = await namesOf(sql`
    select held.id::text as name from kernel.held
    join organisations.contact_point point on point.id = held.id and point.shown like '%299'
    where held.address_index = point.address_index`);
  assert.equal(held.length, 1);
});

test('a contact is held alone; the desk asks when its day has come, and somebody moves it', async () => {
  await page.get(`/organisations/contacts/${ids.ada}`);
  await page.click('Put a legal hold on them');
  await page.submit('Put the legal hold', { reason: 'Court 7', reviewOn: '2099-01-01' });
  await own(sql`update kernel.legal_hold set review_on = current_date where held_id = ${ids.ada}`);
  const officer = centre.visit(centre.officer);
  const desk = await officer.get('/');
  assert.match(desk.text, /Legal holds to look at.*A contact of Northmoor Teaching Hospitals/s);
  assert.ok(!desk.text.includes('Ada Okafor'));
  await page.get('/');
  await page.click('A contact of Northmoor Teaching Hospitals');
  assert.match(page.page.text, /Court 7.*Due/s);
  await page.submit('It is still needed', { reviewOn: '' }, { status: 422 });
  await page.submit('It is still needed', { reviewOn: '2099-02-02' });
  assert.ok(!(await officer.get('/')).text.includes('Legal holds to look at'));
});

test('lifted, it goes with the next night; one hold does not end the other', async () => {
  await page.get('/legal-holds');
  await page.click('Northmoor Teaching Hospitals');
  await page.submit('Lift it', {}, { status: 422 });
  await page.submit('Lift it', { reason: 'Inquiry 12 is over' });
  await night();
  const left = await whatIsThere();
  assert.deepEqual(left.left, ['Ada Okafor'], 'held alone');
  assert.deepEqual(left.texts, ['07700 ···201']);
  assert.deepEqual(left.notes, []);
  await page.get('/legal-holds');
  await page.click('Ada Okafor, Northmoor Teaching Hospitals');
  await page.submit('Lift it', { reason: 'Court 7 is over' });
  await night();
  assert.deepEqual(await whatIsThere(), {
    messages: [],
    texts: [],
    notes: [],
    left: [],
    images: 0,
  });
  const forgotten = await namesOf(sql`select action as name from audit.entry
    where action = 'dispatch.forgotten' and subject_id = ${ids.dispatch}`);
  assert.equal(forgotten.length, 1);
  const said = await namesOf(sql`select action as name from audit.entry
    where action like 'legal_hold.%' order by at, id`);
  assert.deepEqual(said, [
    'legal_hold.put',
    'legal_hold.put',
    'legal_hold.reviewed',
    'legal_hold.lifted',
    'legal_hold.lifted',
  ]);
});

test('whoever is added in the moment of a hold is held, whichever is first', async () => {
  await page.get(`/legal-holds/new?organisation=${ids.eastvale}`);
  let put: Promise<unknown> | undefined;
  await centre.db.web.withActor(system('test'), async (tx) => {
    await tx.run(sql`insert into organisations.contact (organisation_id, name, is_post, role, rank)
      values (${ids.eastvale}, 'Di Meanwhile', false, 'ciso', 4)`);
    put = page.submit('Put the legal hold', { reason: 'Inquiry 14', reviewOn: '2099-01-01' });
    await untilOneWaits(centre.db.owner);
  });
  await put;
  const held = await namesOf(sql`select contact.name from kernel.held
    join organisations.contact on contact.id = held.id where contact.name = 'Di Meanwhile'`);
  assert.equal(held.length, 1);
});

test('it is whole at both widths', async (t) => {
  const opened = await openBrowser();
  if (opened.browser === undefined) return t.skip(opened.reason);
  await page.get(`/legal-holds/new?organisation=${ids.northmoor}`);
  await page.submit('Put the legal hold', { reason: 'Inquiry 13', reviewOn: '2099-01-01' });
  await page.get('/legal-holds/new');
  await page.submit('Put the legal hold', { reason: 'A public inquiry', reviewOn: '2099-01-01' });
  await own(sql`update kernel.legal_hold set review_on = current_date
    where reason = 'Inquiry 13'`);
  const { page: seen, verify } = await watchedPage(opened.browser, centre.site.address);
  const cookie = { name: 'tocsin', value: keeper.id, url: centre.site.address };
  await seen.context().addCookies([cookie]);
  for (const [name, path] of [
    ['legal-holds', '/legal-holds'],
    ['legal-hold-new', `/legal-holds/new?organisation=${ids.eastvale}`],
    ['legal-hold-desk', '/'],
  ] as const) {
    await seen.goto(`${centre.site.address}${path}`);
    await lookAt(seen, name);
  }
  verify();
  await opened.browser.close();
});
