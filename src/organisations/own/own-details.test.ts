/** Contacts at their own details: who gets in, what they may write, and what others see of it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system, type Actor } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import {
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  sendOwnCodes,
  tasksFor,
  textFrom,
  type Centre,
} from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';
import type { PageClient } from '../../../test/support/page-client.ts';
import { CODE_SESSION_MS, contactSessionsOf } from './own-session.ts';

const ANSWERS = '00000000-0000-4000-8000-000000000000';
const SIGN_IN = '/your-details/sign-in';

describe('contacts keep their own details', () => {
  let centre: Centre;

  before(async () => {
    centre = await openCentre();
    await seedNotify(centre.db.worker);
  });
  after(async () => await centre.close());

  const own = <T>(act: Parameters<typeof centre.db.owner.withActor<T>>[1]) =>
    centre.db.owner.withActor(system('test'), act);
  const one = async <T>(statement: Sql) => await own((tx) => tx.one<T>(statement));
  const count = async (statement: Sql) => (await one<{ count: number }>(statement)).count;

  const sendCodes = async () => await sendOwnCodes(centre);
  const codesTo = async (address: string) =>
    (await messagesOf(centre, ANSWERS))
      .filter((message) => message.number === address)
      .map(({ body }) => /\b(\d{6})\b/.exec(body)?.[1])
      .filter((code) => code !== undefined);
  const visitor = () => centre.site.visitor();

  /** Gives every number its hour or its day again, as time would. */
  const hoursLater = async (hours: number) =>
    await own(async (tx) => {
      await tx.run(sql`
        update organisations.one_time_code set asked_at = asked_at - ${hours} * interval '61 min'`);
      await tx.run(sql`
        update dispatch.message set due_at = due_at - ${hours} * interval '61 min'
        where dispatch_id = ${ANSWERS}`);
    });

  const ask = async (address: string): Promise<{ client: PageClient; code: string }> => {
    await hoursLater(24);
    const client = visitor();
    await client.get(SIGN_IN);
    const before = new Set(await codesTo(indexed(address)));
    const { text } = await client.submit('Send me a code', { address });
    assert.match(text, /If we have it, a code is on its way. It is valid for 10 minutes/);
    await sendCodes();
    const code = (await codesTo(indexed(address))).find((sent) => !before.has(sent));
    return { client, code: code ?? 'none' };
  };
  const indexed = (address: string) =>
    address.includes('@') ? address.toLowerCase() : address.replace(/^0/, '44').replaceAll(' ', '');
  const enter = async (address: string): Promise<PageClient> => {
    const { client, code } = await ask(address);
    await client.submit('Go on', { code });
    return client;
  };
  const contactOf = async (name: string) =>
    await one<{ id: string; organisationId: string }>(sql`
      select id, organisation_id from organisations.contact where name = ${name}`);
  const historyOf = async (organisationId: string) => {
    const officer = centre.visit(centre.officer);
    return (await officer.get(`/organisations/${organisationId}/history`)).text;
  };

  it('lets in whoever types the code, and says the same to everybody else', async () => {
    const { client, code } = await ask('07700 900201');
    const wrong = code === '000000' ? '000001' : '000000';
    const { text } = await client.submit('Go on', { code: wrong }, { status: 422 });
    assert.match(text, /Check the six digits/);
    const home = await client.submit('Go on', { code: `${code.slice(0, 3)} ${code.slice(3)}` });
    assert.match(home.text, /Northmoor Teaching Hospitals Ada Okafor/);
    assert.match(home.text, /Told ?first/);
    assert.match(home.text, /07700 ···201 proven until/);
    assert.doesNotMatch(home.text, /900201/);
    const stranger = await ask('07700 900999');
    assert.equal(stranger.code, 'none');
    const said = stranger.client.page.text;
    await stranger.client.submit('Go on', { code: '123456' }, { status: 422 });
    assert.match(stranger.client.page.text, /Check the six digits/);
    assert.equal(said, (await ask('07700 900202')).client.page.text);
  });

  it('a code works once, five tries, ten minutes, and only where it was asked for', async () => {
    const { client, code } = await ask('07700 900201');
    const { path } = client.page;
    await client.submit('Go on', { code });
    const again = visitor();
    await again.get(path);
    assert.match((await again.submit('Go on', { code }, { status: 409 })).text, /used, is too old/);
    const tried = await ask('07700 900201');
    const wrong = tried.code === '000000' ? '000001' : '000000';
    for (const status of [422, 422, 422, 422, 409])
      await tried.client.submit('Go on', { code: wrong }, { status });
    await tried.client.submit('Go on', { code: tried.code }, { status: 409 });
    const late = await ask('07700 900201');
    await hoursLater(1);
    await late.client.submit('Go on', { code: late.code }, { status: 409 });
    const [first, second] = [await ask('07700 900201'), await ask('07700 900202')];
    await second.client.submit('Go on', { code: first.code }, { status: 422 });
  });

  it('is no bell: so many codes in an hour to a number and from a network, known or not', async () => {
    await hoursLater(24);
    const before = (await codesTo(numbers.eastvale)).length;
    const client = visitor();
    for (let i = 0; i < 5; i += 1) {
      await client.get(SIGN_IN);
      await client.submit('Send me a code', { address: '07700 900203' });
    }
    await sendCodes();
    const { codesPerHour, codesPerDay } = centre.model.ownDetails;
    const { number, network } = codesPerHour;
    assert.equal((await codesTo(numbers.eastvale)).length - before, number);
    for (let hour = 0; hour < 4; hour += 1) {
      await hoursLater(1);
      for (let i = 0; i < number; i += 1) {
        await client.get(SIGN_IN);
        await client.submit('Send me a code', { address: '07700 900203' });
      }
      await sendCodes();
    }
    assert.equal((await codesTo(numbers.eastvale)).length - before, codesPerDay);
    await own((tx) =>
      tx.run(sql`
        insert into organisations.one_time_code (id, channel, address_index, network_index,
          asked_at)
        select gen_random_uuid(), 'text', address_index, network_index, now()
        from (select address_index, network_index from organisations.one_time_code limit 1) one,
          generate_series(1, ${network})`),
    );
    for (const address of ['07700 900203', '07700 900998']) {
      await client.get(SIGN_IN);
      const { text } = await client.submit('Send me a code', { address }, { status: 429 });
      assert.match(text, /Too many codes were asked for from your network/);
    }
    await hoursLater(1);
    const bad = await client.submit('Send me a code', { address: 'nobody' }, { status: 422 });
    assert.match(bad.text, /Enter a mobile number or an email address/);
  });

  it('gets a code also after so many automatic answers as there are in an hour', async () => {
    const { passiveRepliesPerHour: most } = centre.model;
    await hoursLater(24);
    const sentTo = async () =>
      (await messagesOf(centre, ANSWERS)).filter((one) => one.number === numbers.eastvale).length;
    const before = await sentTo();
    for (let i = 0; i <= most; i += 1) await textFrom(centre, numbers.eastvale, 'CHECK');
    assert.equal((await sentTo()) - before, most);
    const codes = (await codesTo(numbers.eastvale)).length;
    const client = visitor();
    await client.get(SIGN_IN);
    await client.submit('Send me a code', { address: '07700 900203' });
    await sendCodes();
    assert.equal((await codesTo(numbers.eastvale)).length - codes, 1);
  });

  it('“still right” in one tap: on the organisation’s page, in the history, and it renews proofs', async () => {
    const client = await enter('07700 900202');
    const { id, organisationId } = await contactOf('Ben Ferris');
    await own((tx) =>
      tx.run(sql`
        update organisations.contact_point set proven_at = now() - interval '300 days'
        where id in (select contact_point_id from organisations.contact_contact_point
          where contact_id = ${id})`),
    );
    const officer = centre.visit(centre.officer);
    const mend = '/organisations/mend/people?kind=unproven';
    assert.match((await officer.get(mend)).text, /Ben Ferris/);
    await client.get('/your-details');
    assert.match(client.page.text, /Proof too old/);
    await client.submit('Still right');
    assert.match(client.page.text, /Last said:/);
    assert.doesNotMatch(client.page.text, /Proof too old/);
    await client.submit('Still right');
    assert.doesNotMatch((await officer.get(mend)).text, /Ben Ferris/);
    assert.match((await officer.get(`/organisations/${organisationId}`)).text, /still right, they/);
    const history = await historyOf(organisationId);
    assert.equal(history.match(/Ben Ferris, a contact ?Ben Ferris: said that all/g)?.length, 1);
    const said = await count(sql`
      select count(*) from audit.entry where action = 'contact.attested' and actor_kind = 'contact'
        and actor_id = ${id}`);
    assert.equal(said, 1);
  });

  it('language, hours and absences are the contact’s own, and named so during an alert', async () => {
    const client = await enter('07700 900201');
    const { organisationId } = await contactOf('Ada Okafor');
    const { number } = await releaseAlert(centre);
    await client.submit('/your-details/language', { language: 'cy' });
    await client.submit('/your-details/hours', { from_1: '08:00', to_1: '18:00' });
    assert.match(client.page.text, /The hours are kept/);
    const half = { from_2: '08:00' };
    const refused = await client.submit('/your-details/hours', half, { status: 422 });
    assert.match(refused.text, /Tuesday needs two times/);
    const { cover } = await one<{ cover: string }>(sql`
      select id as cover from organisations.contact
      where organisation_id = ${organisationId} and name = 'On-call IT'`);
    const absence = { from: '2099-01-01T08:00', until: '2099-01-02T08:00', cover };
    const lacking = await client.submit('/your-details/absences', absence, { status: 422 });
    assert.match(lacking.text, /On-call IT has no email address/);
    await client.submit('/your-details/absences', { ...absence, cover: '' });
    assert.match(client.page.text, /To come/);
    await client.submit('Take off');
    const history = await historyOf(organisationId);
    const during = `During alert ${number}`;
    assert.match(
      history,
      new RegExp(
        `Ada Okafor, a contact ?Ada Okafor: on duty always → Monday 08:00 to 18:00.*${during}`,
      ),
    );
    assert.match(history, new RegExp(`language en → cy ${during}`));
  });

  it('a new number is proven before it takes the place of the old one', async () => {
    const client = await enter('07700 900202');
    const { id, organisationId } = await contactOf('Ben Ferris');
    await client.click('Replace');
    const same = await client.submit('Send a code', { address: '07700900202' }, { status: 422 });
    assert.match(same.text, /on file already/);
    await client.submit('Send a code', { address: '020 7946 0000' }, { status: 422 });
    const crossed = await client.submit('Send a code', { address: 'b@c.test' }, { status: 422 });
    assert.match(crossed.text, /A number takes the place of a number/);
    // The number of others too: their count is kept right though this contact sees none of them.
    await client.submit('Send a code', { address: '07700 900210' });
    await sendCodes();
    const [code] = (await codesTo(numbers.sharedOnCall)).slice(-1);
    const fileOf = async () =>
      (
        await own((tx) =>
          tx.rows<{ shown: string }>(sql`
            select point.shown from organisations.contact_contact_point link
            join organisations.contact_point point on point.id = link.contact_point_id
            where link.contact_id = ${id} order by link.channel desc, link.position`),
        )
      ).map(({ shown }) => shown);
    assert.equal((await fileOf())[0], '07700 ···202');
    await client.submit(
      'Go on',
      { code: code === '000000' ? '000001' : '000000' },
      { status: 422 },
    );
    const home = await client.submit('Go on', { code: code! });
    assert.match(home.text, /It is on file, and proven.*07700 ···210 proven until/);
    const { told } = await one<{ told: string }>(sql`
      select payload->>'contactPointId' as told from graphile_worker._private_jobs job
      join graphile_worker._private_tasks task on task.id = job.task_id
      where task.identifier = 'own_number_replaced'`);
    const tasks = tasksFor(centre);
    await tasks['own_number_replaced']!({ contactPointId: told });
    const atTheOld = (await messagesOf(centre, ANSWERS)).filter(
      (message) => message.number === numbers.southmere && message.body.includes('go to another'),
    );
    assert.equal(atTheOld.length, 1);
    assert.deepEqual(await fileOf(), ['07700 ···210', 'b···@southmere.test']);
    assert.equal(
      await count(sql`select contacts as count from organisations.contact_point
        where shown = '07700 ···210'`),
      3,
    );
    assert.equal(
      await count(sql`select contacts as count from organisations.contact_point
        where shown = '07700 ···202'`),
      0,
    );
    assert.match(
      await historyOf(organisationId),
      /Ben Ferris, a contact ?Ben Ferris: mobile changed/,
    );
  });

  it('whoever shares a number says who it is, and changes what is its own only', async () => {
    const { client, code } = await ask('07700 900210');
    const who = await client.submit('Go on', { code });
    assert.match(who.text, /Who are you\?.*On-call IT.*On-call IT.*Ben Ferris/);
    await client.submit('Go on', {}, { status: 422 });
    assert.match(client.page.text, /Choose who you are/);
    const { id } = await contactOf('Ben Ferris');
    const home = await client.submit('Go on', { contact: id });
    assert.match(home.text, /Southmere Community Ben Ferris/);
    const other = await one<{ id: string }>(sql`
      select contact.id from organisations.contact
      join organisations.organisation on organisation.id = contact.organisation_id
      where organisation.code = 'ZZ-0001' and contact.name = 'On-call IT'`);
    await client.get('/your-details/who');
    await client.submit('Go on', { contact: other.id });
    assert.match(client.page.text, /Northmoor Teaching Hospitals On-call IT/);
    await client.get('/your-details/who');
    const stranger = await contactOf('Shared desk');
    const form = new URLSearchParams({ contact: stranger.id });
    const refused = await client.request('POST', '/your-details/who', { form });
    assert.equal(refused.status, 404);
  });

  it('“I have left” takes nobody off: it waits on the list and the page until somebody decides', async () => {
    const client = await enter('07700 900203');
    const { id } = await contactOf('Shared desk');
    await client.submit('I have left');
    assert.match(client.page.text, /You are told until somebody has dealt with it/);
    const officer = centre.visit(centre.officer);
    const list = await officer.get('/organisations/mend/people?kind=left');
    assert.match(list.text, /1 says they have left.*Shared desk/);
    await officer.click('Deal with it');
    assert.match(officer.page.text, /Said that they have left.*They are told until you decide/);
    await officer.submit(`/organisations/contacts/${id}/stays`);
    await officer.get('/organisations/mend/people');
    assert.match(officer.page.text, /not proven\. Numbers/);
    await client.get('/your-details');
    await client.submit('I have left');
    await officer.get(`/organisations/contacts/${id}`);
    await officer.submit(`/organisations/contacts/${id}/leave`);
    // No more contact, no more session.
    assert.match((await client.get('/your-details')).text, /Send me a code/);
    await officer.get(`/organisations/contacts/${id}`);
    await officer.submit(`/organisations/contacts/${id}/return`);
    const left = await count(sql`
      select count(*) from organisations.contact where says_left_at is not null`);
    assert.equal(left, 0);
  });

  it('a session ends by the button, after four hours, and with the number that it came by', async () => {
    const client = await enter('ada@northmoor.test');
    const token = client.cookie('tocsin-contact')!;
    const sessions = contactSessionsOf(centre.db.web);
    const at = (ms: number) => sessions.findSession(token, new Date(Date.now() + ms));
    assert.equal((await at(0))?.actor.kind, 'contact');
    assert.equal(await at(CODE_SESSION_MS), undefined);
    await client.submit('Sign out');
    assert.equal(client.cookie('tocsin-contact'), undefined);
    assert.equal(await at(0), undefined);
    const next = await enter('ada@northmoor.test');
    const { id } = await contactOf('Ada Okafor');
    await own((tx) =>
      tx.run(sql`
        delete from organisations.contact_contact_point
        where contact_id = ${id} and channel = 'mail'`),
    );
    assert.match((await next.get('/your-details')).text, /Send me a code/);
    const kept = await count(sql`
      select count(*) from organisations.code_session
      where encode(token_sha256, 'escape') like ${`%${token}%`}`);
    assert.equal(kept, 0);
  });

  it('row-level security: a contact writes itself, and nothing of a colleague or of others', async () => {
    const ada = await contactOf('Ada Okafor');
    const actor: Actor = { kind: 'contact', id: ada.id, organisationIds: [ada.organisationId] };
    const changed = async (statement: Sql) =>
      await centre.db.web.withActor(actor, (tx) => tx.run(statement));
    const mine = sql`update organisations.contact set language = language`;
    assert.equal(await changed(mine), 1);
    assert.equal(await changed(sql`update organisations.contact_point set shown = shown`), 1);
    assert.equal(await changed(sql`delete from organisations.duty_hours`), 1);
    const colleague = await one<{ id: string }>(sql`
      select id from organisations.contact where organisation_id = ${ada.organisationId}
        and id <> ${ada.id}`);
    for (const statement of [
      sql`insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
        values (${colleague.id}, 1, '08:00', '09:00', 'Europe/London')`,
      sql`insert into organisations.absence (contact_id, starts_at, ends_at)
        values (${colleague.id}, now(), now() + interval '1 day')`,
      sql`insert into organisations.change (organisation_id, contact_id, what)
        values (${ada.organisationId}, ${colleague.id}, 'hours')`,
      sql`insert into organisations.one_time_code (id, channel, address_index, network_index,
          asked_at, contact_id)
        values (gen_random_uuid(), 'text', sha256('a'), 'a', now(), ${colleague.id})`,
    ])
      await assert.rejects(changed(statement), /row-level security/);
    const page = await enter('07700 900201');
    const hours = new URLSearchParams({ from_1: '08:00', to_1: '18:00', version: 'x' });
    const path = `/organisations/contacts/${colleague.id}/hours`;
    const answer = await page.request('POST', path, { form: hours });
    assert.equal(answer.status, 401);
  });

  it('who is told three times and never answers is on the list; who answers is off it', async () => {
    const { id } = await contactOf('Manager');
    const officer = centre.visit(centre.officer);
    const silent = '/organisations/mend/people?kind=silent&who=all';
    const deliver = async () => {
      await releaseAlert(centre);
      await own((tx) =>
        tx.run(sql`
          update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
            final_at = now() where state = 'ready' and dispatch_id <> ${ANSWERS}`),
      );
    };
    for (let i = 0; i < 2; i += 1) await deliver();
    const { told } = await one<{ told: number }>(sql`
      select count(distinct dispatch_id) as told from dispatch.message message
      join organisations.contact_contact_point link
        on link.contact_point_id = message.contact_point_id
      where link.contact_id = ${id} and state = 'delivered'`);
    assert.equal(told, 3);
    assert.match((await officer.get(silent)).text, /Manager.*told 3 times and never answered/);
    await enter('manager@hollow.test');
    assert.doesNotMatch((await officer.get(silent)).text, /Manager/);
    // Words without a code prove nothing, but somebody is there.
    await deliver();
    assert.match((await officer.get(silent)).text, /Shared desk.*told 3 times since the last/);
    await textFrom(centre, numbers.eastvale, 'is this for us?');
    assert.doesNotMatch((await officer.get(silent)).text, /Shared desk/);
  });
});
