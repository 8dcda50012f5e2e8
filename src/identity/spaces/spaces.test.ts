/** Spaces: who opens and leads one, who reads in it until when, and who never learns of it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { nobody, system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { must, openCentre, type Centre, type Person } from '../../../test/support/centre.ts';
import { inviteReader, inviteSpaceLead, makeSpace } from '../../../test/support/spaces.ts';
import { giveRole, ofOrganisation, ofSpace, sessionsOf } from '../index.ts';
import { signInForDemonstration } from '../sign-in.ts';
import { closeSpace, letIn } from './spaces.ts';
import { selectReaders, selectSpaces } from './store.ts';

let centre: Centre;
let administrator: Person;
let count = 0;

before(async () => {
  centre = await openCentre();
  administrator = await centre.invite('Ines Falk', ['administrator']);
});

after(async () => await centre.close());

/** A space of its own for each test, with a lead and a reader. */
let spaceId: string;
let lead: Person;
let reader: Person;

beforeEach(async () => {
  count += 1;
  spaceId = await makeSpace(centre, `Gateways ${count}`);
  lead = await inviteSpaceLead(centre, `Lea Leads ${count}`, spaceId);
  reader = await inviteReader(centre, `Rolf Reads ${count}`, spaceId);
});

/** The names of the spaces that somebody may know of, as the database shows them. */
const knownBy = async (actor: Actor) =>
  await centre.db.web.withActor(actor, async (tx) =>
    (await tx.rows<{ name: string }>(sql`select name from identity.space`)).map(({ name }) => name),
  );

const readersFor = async (actor: Actor, id = spaceId) =>
  await centre.db.web.withActor(actor, async (tx) =>
    (await selectReaders(tx, id)).map(({ name }) => name),
  );

/** As the person really signs in: with the roles of this moment. */
async function signedIn(person: Person): Promise<Person> {
  const token = must(
    await centre.db.web.withActor(system('test'), (tx) =>
      signInForDemonstration(tx, person.id, { now: new Date(), device: 'test', place: '' }),
    ),
  );
  const session = await sessionsOf(centre.db.web, centre.model).findSession(token, new Date());
  assert.equal(session?.actor.kind, 'person');
  return session.actor;
}

const entriesOf = async (id: string) =>
  await centre.db.owner.withActor(system('test'), async (tx) =>
    (
      await tx.rows<{ action: string }>(sql`
        select action from audit.entry where subject_id = ${id} order by at, id`)
    ).map(({ action }) => action),
  );

const inWeeks = (weeks: number) =>
  new Date(Date.now() + weeks * 7 * 86_400_000).toISOString().slice(0, 10);

describe('on its pages', () => {
  test('the centre opens it, gives the role to lead it, and the lead lets in and ends', async () => {
    const page = centre.visit(administrator);
    await page.get('/spaces/open');
    const empty = await page.submit('Open it', { name: ' ' }, { status: 422 });
    assert.match(empty.text, /Enter a name.*Say what it is for/);
    const turned = { name: 'North\u202Ehtuos', purpose: 'First\nnews \u2067' };
    const invisible = await page.submit('Open it', turned, { status: 422 });
    assert.match(invisible.text, /Use one line without invisible.*Type it without invisible/);
    await page.submit('Open it', { name: 'Ransomware north', purpose: 'First news' });
    const path = page.page.path;
    const id = path.split('/').at(-1)!;
    assert.match(page.page.text, /Nobody is in it yet/);
    const person = await centre.invite('Olga Opens', []);
    await page.get(`/people/${person.id}`);
    const none = await page.submit('Give for this space', { space: '' }, { status: 422 });
    assert.match(none.text, /Choose a space that is open/);
    await page.submit('Give for this space', { space: id });
    assert.match(page.page.text, /for Ransomware north/);
    const own = centre.visit(await signedIn(person));
    await own.get('/spaces');
    assert.match(own.page.text, /Ransomware north.*You lead it/);
    await own.get(path);
    const email = 'rita.later@centre.test';
    const unknown = await own.submit('Let in', { email, until: inWeeks(2) }, { status: 422 });
    assert.match(unknown.text, /Nobody signs in here by this address/);
    const rita = await centre.invite('Rita Later', []);
    const past = await own.submit('Let in', { email, until: '2020-01-01' }, { status: 422 });
    assert.match(past.text, /Enter today or a day to come/);
    await own.submit('Let in', { email: email.toUpperCase(), until: inWeeks(2) });
    assert.match(own.page.text, /2 people are in it/);
    await own.submit('Let in', { email, until: inWeeks(4) });
    assert.match(own.page.text, /2 people are in it/, 'prolonged, not let in twice');
    const her = centre.visit(await signedIn(rita));
    await her.get(path);
    assert.match(her.page.text, /Olga Opens Leads.*Rita Later You/);
    assert.equal(her.page.elements('form[action*="readers"]').length, 0);
    await own.get(path);
    await own.submit('End');
    assert.equal((await her.request('GET', path)).status, 404);
    await own.submit('Change', { name: 'Ransomware east', purpose: 'First news' });
    assert.match(own.page.text, /Ransomware east/);
    assert.deepEqual(await entriesOf(id), [
      'space.opened',
      'space.reader_let_in',
      'space.reader_prolonged',
      'space.reader_ended',
      'space.changed',
    ]);
  });

  test('the form sent twice opens one space, and says when it would be another', async () => {
    const page = centre.visit(administrator);
    const fields = { name: 'Once', purpose: 'Once', formId: newId() };
    const send = (more: object = {}) =>
      page.request('POST', '/spaces/open', {
        form: new URLSearchParams({ ...fields, ...more }),
      });
    const [one, two] = [await send(), await send()];
    assert.deepEqual([one.status, two.status], [303, 303]);
    assert.equal(one.headers.get('location'), two.headers.get('location'));
    assert.equal((await send({ name: 'Another' })).status, 409);
  });

  test('to whoever does not read in it there is no such space', async () => {
    for (const who of [centre.officer, await centre.invite(`Out Sider ${count}`, [])]) {
      const page = centre.visit(who);
      assert.equal((await page.request('GET', `/spaces/${spaceId}`)).status, 404);
      await page.get('/spaces');
      assert.doesNotMatch(page.page.text, /Gateways/);
    }
  });

  test('closed for good: nobody reads in it, leads it or is let in, and the centre sees when', async () => {
    const page = centre.visit(administrator);
    await page.get(`/spaces/${spaceId}`);
    await page.click('Close this space');
    assert.match(page.page.text, /2 people are in it/);
    await page.submit('Close it for good');
    assert.match(page.page.text, /Closed .* by Ines Falk/);
    for (const one of [lead, reader]) {
      const visitor = centre.visit(await signedIn(one));
      assert.equal((await visitor.request('GET', `/spaces/${spaceId}`)).status, 404);
    }
    const form = new URLSearchParams({ email: 'ines.falk@centre.test', until: inWeeks(1) });
    const late = await page.request('POST', `/spaces/${spaceId}/readers`, { form });
    assert.equal(late.status, 404);
    await page.get(`/people/${lead.id}`);
    assert.doesNotMatch(page.page.text, /for Gateways/, 'the role is over');
    assert.equal((await page.request('GET', `/spaces/${spaceId}/close`)).status, 404);
    assert.deepEqual(await entriesOf(spaceId), [
      'space.opened',
      'space.reader_let_in',
      'space.closed',
    ]);
  });
});

describe('in the database', () => {
  test('readers and leads know of theirs and of who reads along; nobody else does', async () => {
    const others = await makeSpace(centre, `Others ${count}`);
    for (const one of [lead, reader]) {
      assert.deepEqual(await knownBy(one), [`Gateways ${count}`]);
      assert.deepEqual(await readersFor(one), [`Lea Leads ${count}`, `Rolf Reads ${count}`]);
      assert.deepEqual(await readersFor(one, others), []);
    }
    const keeper: Actor = { kind: 'contact', id: newId(), organisationIds: [newId()] };
    for (const one of [nobody, keeper, await centre.invite(`Stranger ${count}`, [])]) {
      assert.deepEqual(await knownBy(one), []);
      assert.deepEqual(await readersFor(one), []);
    }
  });

  test('a lead lets nobody into another space, and a reader nobody into any', async () => {
    const others = await makeSpace(centre, `Others ${count}`);
    const person = await centre.invite(`Puppet ${count}`, []);
    const insert = (by: Person, into: string, kind = 'person') =>
      centre.db.web.withActor(by, (tx) =>
        tx.run(sql`
          insert into identity.reader_set_member (set_id, reader_kind, reader_id, reads_until)
          values (${into}, ${kind}, ${person.id}, now() + interval '1 day')`),
      );
    await assert.rejects(insert(lead, others), /row-level security/);
    await assert.rejects(insert(lead, spaceId, 'organisation'), /row-level security/);
    await assert.rejects(insert(reader, spaceId), /row-level security/);
    const until = new Date(Date.now() + 86_400_000);
    const email = `puppet.${count}@centre.test`;
    const wish = { spaceId: others, email, until };
    const into = await centre.db.web.attempt(lead, (tx) => letIn(tx, wish));
    assert.equal(into.ok ? 'ok' : into.kind, 'not_found');
    assert.equal(await insert(lead, spaceId), 1);
  });

  test('nobody lets themselves in, and whoever leads is ended by the centre alone', async () => {
    const email = `lea.leads.${count}@centre.test`;
    const own = { spaceId, email, until: new Date(Date.now() + 86_400_000) };
    const into = await centre.db.web.attempt(lead, (tx) => letIn(tx, own));
    assert.equal(
      into.ok ? '' : into.fields['email'],
      'Nobody lets themselves in. Ask somebody else',
    );
    const page = centre.visit(lead);
    const path = (id: string) => `/spaces/${spaceId}/readers/${id}/end`;
    assert.equal((await page.request('POST', path(lead.id))).status, 403);
    assert.equal((await centre.visit(administrator).request('POST', path(lead.id))).status, 409);
  });

  test('whoever manages people lets nobody in: one person, where the role to lead took two', async () => {
    const page = centre.visit(administrator);
    await page.get(`/spaces/${spaceId}`);
    assert.doesNotMatch(page.page.text, /Let somebody in/);
    await centre.invite(`Puppet ${count}`, []);
    const form = new URLSearchParams({
      email: `puppet.${count}@centre.test`,
      until: inWeeks(1),
    });
    const into = await page.request('POST', `/spaces/${spaceId}/readers`, { form });
    assert.equal(into.status, 403);
    assert.equal((await readersFor(lead)).length, 2);
  });

  test('a role to lead that is given while the space closes ends with it', async () => {
    const person = await centre.invite(`Late Lead ${count}`, []);
    const held = { personId: person.id, role: 'space_lead', ...ofSpace(spaceId) };
    const now = new Date();
    let closing: Promise<unknown> | undefined;
    await centre.db.web.withActor(administrator, async (tx) => {
      must(await giveRole(tx, held, { model: centre.model, now }));
      closing = centre.db.web.attempt(administrator, (other) =>
        closeSpace(other, spaceId, { now: new Date() }),
      );
      await Promise.race([closing, setTimeout(300)]);
    });
    await closing;
    assert.deepEqual((await signedIn(person)).spaceIds, []);
    assert.deepEqual(await readersFor(administrator), []);
  });

  test('who was named once and for all is not taken out of the set', async () => {
    const taken = await centre.db.owner.withActor(system('test'), async (tx) => {
      const setId = newId();
      await tx.run(sql`insert into identity.reader_set (id, kind, digest)
        values (${setId}, 'people', sha256(${setId}::text::bytea))`);
      await tx.run(sql`insert into identity.reader_set_member (set_id, reader_kind, reader_id)
        values (${setId}, 'person', ${reader.id})`);
      return setId;
    });
    const changed = await centre.db.web.withActor(administrator, (tx) =>
      tx.run(sql`update identity.reader_set_member
        set reads_until = now() + interval '1 second' where set_id = ${taken}`),
    );
    assert.equal(changed, 0);
  });

  test('reading ends by itself, and so does what its lead may', async () => {
    await centre.db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`update identity.reader_set_member set reads_from = now() - interval '2 days',
        reads_until = now() where set_id = ${spaceId}`);
      await tx.run(sql`update identity.role_grant set given_at = now() - interval '2 days',
        ends_at = now() where space_id = ${spaceId}`);
    });
    assert.deepEqual(await knownBy(reader), []);
    const was = await signedIn(lead);
    assert.deepEqual([was.spaceIds, [...was.permissions]], [[], []]);
    assert.deepEqual(await readersFor(administrator), []);
  });

  test('while an organisation of theirs is cut off nobody leads or reads', async () => {
    const [row] = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ id: string }>(sql`select id from organisations.organisation limit 1`),
    );
    const { id } = row!;
    await centre.db.owner.withActor(system('test'), async (tx) => {
      for (const { id: personId } of [lead, reader]) {
        const held = { personId, role: 'organisation_administrator', ...ofOrganisation(id) };
        must(await giveRole(tx, held, { model: centre.model, now: new Date() }));
      }
    });
    assert.deepEqual((await signedIn(lead)).spaceIds, [spaceId]);
    const within = { ...lead, organisationIds: [id] };
    assert.deepEqual(await knownBy(within), [`Gateways ${count}`]);
    await centre.db.web.withActor(system('test'), (tx) =>
      tx.run(sql`insert into kernel.cut_off (id, organisation_id, domains, reason, cut_by,
          cut_by_name) values (${newId()}, ${id}, '{}', 'test', 'test', 'test')`),
    );
    for (const one of [lead, reader, within]) assert.deepEqual(await knownBy(one), []);
    for (const one of [lead, reader])
      await assert.rejects(signedIn(one), 'shut out, whatever space they lead beside');
    await centre.db.web.withActor(system('test'), (tx) =>
      tx.run(sql`update kernel.cut_off set lifted_at = now(), lifted_by = 'test',
        lifted_by_name = 'test', lift_reason = 'test'`),
    );
    assert.deepEqual(await knownBy(reader), [`Gateways ${count}`]);
  });

  test('two who let the same person in at once let them in once', async () => {
    const name = `Twice Invited ${count}`;
    await centre.invite(name, []);
    const email = `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;
    const until = new Date(Date.now() + 86_400_000);
    const second = await inviteSpaceLead(centre, `Second Lead ${count}`, spaceId);
    const both = await Promise.all(
      [lead, second].map((by) =>
        centre.db.web.attempt(by, (tx) => letIn(tx, { spaceId, email, until })),
      ),
    );
    assert.deepEqual(
      both.map(({ ok }) => ok),
      [true, true],
    );
    assert.equal((await readersFor(lead)).filter((one) => one === name).length, 1);
    const [{ rows }] = (await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ rows: number }>(sql`select count(*)::int as rows
        from identity.reader_set_member where set_id = ${spaceId}`),
    )) as [{ rows: number }];
    assert.equal(rows, 2);
  });
});

test('closing twice is closing once', async () => {
  const now = new Date();
  for (const _ of [1, 2])
    must(await centre.db.web.attempt(administrator, (tx) => closeSpace(tx, spaceId, { now })));
  assert.equal((await entriesOf(spaceId)).filter((one) => one === 'space.closed').length, 1);
  const all = await centre.db.web.withActor(administrator, (tx) => selectSpaces(tx, 'all'));
  assert.ok(all.some(({ id, closedAt }) => id === spaceId && closedAt !== null));
});
