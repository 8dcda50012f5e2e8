/** Whoever keeps the contacts of an organisation: all of its own, and nothing of any other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql, type Sql } from '#db/sql.ts';
import { sessionsOf, signInForDemonstration } from '#identity/index.ts';
import { loadRoutes } from '../../../test/guards/routes.ts';
import {
  must,
  openCentre,
  releaseAlert,
  type Centre,
  type Person,
} from '../../../test/support/centre.ts';
import type { PageClient } from '../../../test/support/page-client.ts';

describe('organisation administrators', () => {
  let centre: Centre;
  let administrator: Person;
  let keeper: Person;

  before(async () => {
    centre = await openCentre();
    administrator = await centre.invite('Ines Falk', ['administrator']);
    keeper = await centre.invite('Nora Quist', []);
  });
  after(async () => await centre.close());

  const one = async <T>(statement: Sql) =>
    await centre.db.owner.withActor(system('test'), (tx) => tx.one<T>(statement));
  const organisation = async (code: string) =>
    (await one<{ id: string }>(sql`select id from organisations.organisation where code = ${code}`))
      .id;
  const contactOf = async (code: string) =>
    (
      await one<{ id: string }>(sql`
        select contact.id from organisations.contact
        join organisations.organisation on organisation.id = contact.organisation_id
        where organisation.code = ${code} order by contact.rank limit 1`)
    ).id;
  /** As the person really signs in: with the roles of this moment. */
  const signedIn = async (person: Person): Promise<Person> => {
    const token = must(
      await centre.db.web.withActor(system('test'), (tx) =>
        signInForDemonstration(tx, person.id, { now: new Date(), device: 'test', place: '' }),
      ),
    );
    const session = await sessionsOf(centre.db.web, centre.model).findSession(token, new Date());
    assert.equal(session?.actor.kind, 'person');
    return session.actor;
  };
  const visit = async (person: Person): Promise<PageClient> => centre.visit(await signedIn(person));

  it('the role is given on the page of the person for an organisation, and ended again', async () => {
    const page = centre.visit(administrator);
    await page.get(`/people/${keeper.id}`);
    const nobody = await page.submit('Give for it', { organisation: '' }, { status: 422 });
    assert.match(nobody.text, /Enter the code of an organisation of the directory/);
    await page.submit('Give for it', { organisation: 'XX-1' }, { status: 422 });
    await page.submit('Give for it', { organisation: 'zz-0001' });
    await page.submit('Give for it', { organisation: 'ZZ-0003' });
    await page.submit('Give for it', { organisation: 'ZZ-0003' });
    assert.match(page.page.text, /for Eastvale Ambulance.*for Northmoor Teaching Hospitals/);
    const actor = await signedIn(keeper);
    assert.deepEqual([...actor.permissions], ['directory.own']);
    assert.equal(actor.organisationIds?.length, 2);
    const end = page.page
      .elements('form')
      .filter((form) => form.attribs['action'] === `/people/${keeper.id}/roles/end`);
    assert.equal(end.length, 2);
    const form = new URLSearchParams({
      role: 'organisation_administrator',
      organisationId: await organisation('ZZ-0003'),
    });
    assert.equal(
      (await page.request('POST', `/people/${keeper.id}/roles/end`, { form })).status,
      303,
    );
    assert.deepEqual((await signedIn(keeper)).organisationIds, [await organisation('ZZ-0001')]);
    const centreRole = new URLSearchParams({ role: 'approver', organisation: 'ZZ-0001' });
    const refused = await page.request('POST', `/people/${keeper.id}/roles`, { form: centreRole });
    assert.equal(refused.status, 422);
  });

  it('keeps its contacts: adds, changes, orders, hours, numbers on asking, history', async () => {
    const page = await visit(keeper);
    const home = await page.get('/');
    assert.match(home.text, /Our contacts.*Northmoor Teaching Hospitals.*Mend first.*Ada Okafor/);
    assert.doesNotMatch(home.text, /Southmere|Ben Ferris/);
    await page.click('Northmoor');
    assert.doesNotMatch(page.page.text, /Ask for proof|Change the details|Mail domains|Tags/);
    await page.click('Add a contact');
    // The number of another organisation: one row for both (P1), and nothing is seen of the other.
    const fields = { name: 'Kit Rowan', mobile: '07700 900202', role: 'ciso', rank: '3' };
    await page.submit('Add', fields);
    assert.match(page.page.text, /Kit Rowan is told from now on/);
    assert.doesNotMatch(page.page.text, /Southmere/);
    const { contacts } = await one<{ contacts: number }>(sql`
      select contacts from organisations.contact_point where shown = '07700 ···202'`);
    assert.equal(contacts, 2);
    await page.submit('Show numbers');
    assert.match(page.page.text, /07700 900201/);
    const northmoor = await organisation('ZZ-0001');
    // Above and below, and other days, are the centre's.
    const past = await page.get(`/organisations/${northmoor}?as-at=2020-01-01`);
    assert.doesNotMatch(past.text, /As at|Above and below/);
    const ada = await contactOf('ZZ-0001');
    await page.get(`/organisations/contacts/${ada}`);
    assert.doesNotMatch(page.page.text, /Is also a contact of another/);
    await page.submit(`/organisations/contacts/${ada}`, { mobile: '07700 900231', language: 'cy' });
    await page.get(`/organisations/contacts/${ada}`);
    await page.submit(`/organisations/contacts/${ada}/hours`, { from_1: '08:00', to_1: '18:00' });
    await page.submit(`/organisations/contacts/${ada}/absences`, {
      from: '2099-01-01T08:00',
      until: '2099-01-02T08:00',
    });
    await page.submit('Take off');
    await page.get(`/organisations/${northmoor}`);
    await page.submit(`/organisations/contacts/${ada}/move`);
    await page.get(`/organisations/contacts/${ada}`);
    await page.submit(`/organisations/contacts/${ada}/leave`);
    await page.submit(`/organisations/contacts/${ada}/return`);
    const { text } = await page.get(`/organisations/${northmoor}/history`);
    assert.match(text, /Nora Quist ?Ada Okafor: has left/);
    assert.match(text, /Nora Quist ?saw whole numbers/);
    assert.match(text, /Nora Quist ?Ada Okafor: mobile changed; language en → cy/);
  });

  it('a number that somebody else has on file looks like a new one', async () => {
    const page = await visit(keeper);
    const northmoor = await organisation('ZZ-0001');
    /** The row of a contact as it reads, without its name and number. */
    const rowOf = async (path: string, name: string) => {
      const { body } = await page.get(path);
      const row = body.split('<tr').find((part) => part.includes(name)) ?? '';
      return row
        .split('</tr>')[0]!
        .replaceAll(/<[^>]+>|\s+/g, ' ')
        .replaceAll(name, '')
        .replaceAll(/···\d{3}/g, '');
    };
    await centre.db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`
        update organisations.contact_point set proven_at = now() - interval '1 day',
          asked_at = now() - interval '2 days', asked_code = '1234',
          asked_for = 'proof'
        where shown = '07700 ···203'`);
    });
    for (let i = 0; i < 2; i += 1) {
      const audience = { include: ['ZZ-0003'], namedOnly: true };
      const { dispatchId } = await releaseAlert(centre, {}, audience);
      await centre.db.owner.withActor(system('test'), (tx) =>
        tx.run(sql`
          update dispatch.message set state = 'undelivered', attempt = 1, due_at = now(),
            accepted_at = now(), final_at = now() - interval '1 hour'
          where dispatch_id = ${dispatchId} and channel = 'text'`),
      );
    }
    for (const [name, mobile] of [
      ['Foreign Number', '07700 900203'],
      ['New Number', '07700 900299'],
    ] as const) {
      await page.get(`/organisations/${northmoor}/contacts/new`);
      await page.submit('Add', { name, mobile, role: 'ciso', rank: '4' });
    }
    for (const path of [`/organisations/${northmoor}`, '/our-contacts']) {
      const foreign = await rowOf(path, 'Foreign Number');
      assert.match(foreign, /07700/);
      assert.equal(foreign, await rowOf(path, 'New Number'), path);
    }
    // The centre knows, and what is proven from now on the organisation knows too.
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get(`/organisations/${northmoor}`)).text, /···203.*proven \d/s);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`
        update organisations.contact_point set proven_at = now() where shown = '07700 ···203'`),
    );
    assert.match((await page.get(`/organisations/${northmoor}`)).text, /···203.*proven \d/s);
  });

  it('of another organisation every page of the directory is absent or refused', async () => {
    const actor = await signedIn(keeper);
    const page = centre.visit(actor);
    const [other, contact] = [await organisation('ZZ-0002'), await contactOf('ZZ-0002')];
    const { absence } = await one<{ absence: string }>(sql`
      insert into organisations.absence (contact_id, starts_at, ends_at)
      values (${contact}, now(), now() + interval '1 day') returning id as absence`);
    const state = () =>
      one<{ state: string }>(sql`
        select md5(string_agg(t::text, ',' order by t::text)) as state from (
          select contact::text as t from organisations.contact where organisation_id = ${other}
          union all select absence::text from organisations.absence
          union all select change::text from organisations.change
            where organisation_id = ${other}) all_of_it`);
    const before = await state();
    const routes = (await loadRoutes()).filter(
      ({ path, kind }) =>
        kind === 'page' && /^\/(organisations|suppliers|audiences|tags|people|gateways)/.test(path),
    );
    assert.ok(routes.length > 80);
    const filled = (path: string) =>
      path
        .replace('/contacts/:id', `/contacts/${contact}`)
        .replace('/absences/:id', `/absences/${absence}`)
        .replaceAll(/:\w+/g, other);
    const form = { name: 'X', role: 'ciso', rank: '1', kind: 'person', mobile: '07700 900299' };
    const let_in: string[] = [];
    for (const { method, path } of routes) {
      const posted = method === 'GET' ? {} : { form: new URLSearchParams(form) };
      const { status } = await page.request(method, filled(path), posted);
      if (status !== 403 && status !== 404) let_in.push(`${method} ${path} ${status}`);
    }
    assert.deepEqual(let_in, []);
    assert.deepEqual(await state(), before);
  });

  it('row-level security: no row of others is read or written, whatever a page forgets', async () => {
    const actor = await signedIn(keeper);
    const own = actor.organisationIds![0]!;
    const contact = await contactOf('ZZ-0002');
    await centre.db.web.withActor(actor, async (tx) => {
      for (const statement of [
        sql`select count(*) from organisations.contact where organisation_id <> ${own}`,
        sql`select count(*) from organisations.contact_contact_point where contact_id in (
          select id from organisations.contact where organisation_id <> ${own})
          or contact_id = ${contact}`,
        sql`select count(*) from organisations.contact_point where shown = 'b···@southmere.test'`,
        sql`select count(*) from organisations.absence where contact_id = ${contact}`,
        sql`select count(*) from organisations.change where organisation_id <> ${own}`,
        sql`select count(*) from audit.entry where subject_id <> ${own}`,
        sql`select count(*) from dispatch.message`,
        sql`select count(*) from organisations.one_time_code`,
      ])
        assert.equal((await tx.one<{ count: number }>(statement)).count, 0);
      assert.ok((await tx.run(sql`update organisations.contact set rank = rank`)) > 0);
      const theirs = sql`update organisations.contact set rank = 9 where id = ${contact}`;
      assert.equal(await tx.run(theirs), 0);
    });
    for (const statement of [
      sql`insert into organisations.contact (organisation_id, name, is_post, role, rank)
        values (${await organisation('ZZ-0002')}, 'X', false, 'ciso', 1)`,
      sql`update organisations.contact set organisation_id = ${await organisation('ZZ-0002')}`,
      sql`insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
        values (${contact}, 1, '08:00', '09:00', 'Europe/London')`,
      sql`insert into organisations.change (organisation_id, contact_id, what)
        values (${await organisation('ZZ-0002')}, ${contact}, 'hours')`,
    ])
      await assert.rejects(
        centre.db.web.withActor(actor, (tx) => tx.run(statement)),
        /row-level security/,
      );
  });

  it('a role that ended ends with the next click', async () => {
    const page = centre.visit(administrator);
    await page.get(`/people/${keeper.id}`);
    await page.submit(`/people/${keeper.id}/roles/end`);
    const keeps = await visit(keeper);
    const answer = await keeps.request('GET', `/organisations/${await organisation('ZZ-0001')}`);
    assert.equal(answer.status, 403);
  });
});
