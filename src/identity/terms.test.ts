/** Roles that begin and end as planned: what they give comes and goes with them, at once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { sql } from '#db/sql.ts';
import { listEntries } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { must, openCentre, tasksFor, type Centre, type Person } from '../../test/support/centre.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { parseTerm, termWords } from './parse.ts';
import * as identity from './index.ts';

const HASH = 'a'.repeat(64);
const NOW = new Date('2026-11-27T23:30:00Z');
let centre: Centre;
let administrator: PageClient;

before(async () => {
  centre = await openCentre();
  administrator = centre.visit(await centre.invite('Ines Falk', ['administrator']));
});
after(() => centre.close());

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

/** As if so many days had passed for whatever is planned for this person. */
async function daysLater(person: Person, days: number): Promise<void> {
  await own(sql`update identity.role_grant set given_at = given_at - ${days} * interval '1 day',
    starts_at = starts_at - ${days} * interval '1 day',
    ends_at = ends_at - ${days} * interval '1 day' where person_id = ${person.id}`);
}

function dayIn(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

async function give(
  person: Person,
  typed: Record<string, string>,
  options: { status?: number } = {},
) {
  await administrator.get(`/people/${person.id}`);
  const page = await administrator.submit('Give for this time', typed, options);
  return page;
}

/** What an open session of the person may do, asked as each request asks. */
async function sessionOf(person: Person) {
  const token = `token of ${person.name}`;
  await own(sql`insert into identity.session (id, token_sha256, person_id, device, place, begun_by,
      vouched_by, created_at, last_seen_at)
    values (${newId()}, sha256(convert_to(${token}, 'UTF8')), ${person.id}, 'Test', 'here', 'link',
      '{}', now(), now())`);
  const sessions = identity.sessionsOf(centre.db.web, centre.model);
  return async () => {
    const found = await sessions.findSession(token, new Date());
    return found?.actor.kind === 'person' ? found.actor : undefined;
  };
}

test('a role begins on its day and ends after its last one, in a session that is open', async () => {
  const person = await centre.invite('Tess Time', []);
  const actor = await sessionOf(person);
  const page = await give(person, { role: 'approver', from: dayIn(2), until: dayIn(4) });
  assert.match(page.text, /Approver To come.*Holds from \d+ \w+ \d{4} until \d+ \w+ \d{4}/);
  assert.deepEqual((await actor())?.permissions.size, 0);
  await daysLater(person, 3);
  assert.equal((await actor())?.permissions.has('alert.read'), true);
  assert.match(
    (await administrator.get(`/people/${person.id}`)).text,
    /Approver Held.*Holds until \d/,
  );
  await daysLater(person, 3);
  assert.deepEqual((await actor())?.permissions.size, 0);
  assert.doesNotMatch((await administrator.get(`/people/${person.id}`)).text, /Approver Held/);
});

test('a role for an organisation too, with its organisation', async () => {
  const person = await centre.invite('Olu Own', []);
  const actor = await sessionOf(person);
  const role = Object.keys(centre.model.roles).find(
    (key) => centre.model.roles[key]!.may.join() === 'directory.own',
  );
  await give(person, { role: role!, organisation: 'zz-0001', from: dayIn(2) });
  await give(person, { role: role!, organisation: 'ZZ-0003', until: dayIn(2) });
  const several = async () => (await actor())?.organisationIds?.length;
  assert.equal(await several(), 1);
  await daysLater(person, 3);
  assert.equal(await several(), 1, 'the other one now');
  await daysLater(person, -3);
  await own(sql`update identity.role_grant set starts_at = null where person_id = ${person.id}`);
  assert.equal(await several(), 2);
});

test('an approval dies with the planned end of the right that gave it', async () => {
  const { model } = centre;
  const person = await centre.invite('Ada Approves', []);
  await give(person, { role: 'approver', until: dayIn(1) });
  const asked = { hash: HASH, subject: { kind: 'alert_version', id: newId() }, shapedBy: [] };
  const id = await centre.db.web.withActor(centre.officer, async (tx) =>
    must(await identity.requestApproval(tx, { ...asked, now: new Date() })),
  );
  const approver = { ...person, permissions: identity.permissionsOf(model, ['approver']) };
  await centre.db.web.withActor(approver, async (tx) =>
    must(await identity.approve(tx, { id, hash: HASH, model, now: new Date() })),
  );
  await daysLater(person, 2.5);
  const use = await centre.db.web.withActor(centre.officer, (tx) =>
    identity.consumeApproval(tx, { id, hash: HASH, model, now: new Date() }),
  );
  assert.equal(use.ok, false);
});

test('nobody is woken, listed or counted by a role that does not hold', async () => {
  const person = await centre.invite('Wim Waits', []);
  await give(person, { role: 'duty_officer', from: dayIn(2), until: dayIn(3) });
  const listed = async () =>
    (
      await centre.db.web.withActor(centre.officer, (tx) =>
        identity.listHolders(tx, centre.model, 'response.record'),
      )
    ).some(({ id }) => id === person.id);
  assert.equal(await listed(), false);
  await daysLater(person, 2.5);
  assert.equal(await listed(), true);
  await daysLater(person, 2);
  assert.equal(await listed(), false);
});

test('what lapsed is written down once, and the role may be given again', async () => {
  const person = await centre.invite('Rae Returns', []);
  await give(person, { role: 'approver', until: dayIn(0) });
  await give(person, { role: 'approver', from: dayIn(5) }, { status: 409 });
  assert.match(administrator.page.text, /holds that role already.*End that first/);
  await daysLater(person, 2);
  await tasksFor(centre)['hourly']!({});
  await tasksFor(centre)['hourly']!({});
  const ends = async () =>
    (
      await centre.db.web.withActor(system('test'), (tx) =>
        listEntries(tx, { action: 'role.ended', limit: 50 }),
      )
    ).entries.filter(({ subjectId }) => subjectId === person.id).length;
  assert.equal(await ends(), 1);
  assert.match((await give(person, { role: 'approver', from: dayIn(5) })).text, /To come/);
  await administrator.submit('End the role Approver');
  assert.doesNotMatch(administrator.page.text, /To come/);
  assert.equal(await ends(), 2);
});

test('of two who give it for different days at once the second is told', async () => {
  const person = await centre.invite('Rory Race', []);
  const actor = await centre.invite('Gil Gives', ['administrator']);
  const [inserted, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const give = (days: number, hold?: Promise<void>) =>
    centre.db.web.attempt(actor, async (tx) => {
      const scope = { personId: person.id, role: 'approver', ...identity.ofCentre };
      const term = { startsAt: null, endsAt: new Date(Date.now() + days * 86_400_000) };
      const wish = { ...scope, ...term };
      const given = await identity.giveRole(tx, wish, { model: centre.model, now: new Date() });
      if (hold !== undefined) inserted.resolve();
      await hold;
      return given;
    });
  const first = give(1, mayCommit.promise);
  await inserted.promise;
  const second = give(2);
  // It waits for the first one's row.
  await setTimeout(200);
  mayCommit.resolve();
  assert.deepEqual([(await first).ok, (await second).ok], [true, false]);
});

test('days that cannot be are said at their fields, and nothing is given', async () => {
  const person = await centre.invite('Wanda Wrong', []);
  const typed = { role: '', from: '2026-02-30', until: '2020-01-01' };
  const page = await give(person, typed, { status: 422 });
  assert.match(page.text, /Choose a role/);
  assert.match(page.text, /Enter a day like 2027-01-31/);
  assert.match(page.text, /Enter today or a day to come/);
  assert.deepEqual(
    await own(sql`select from identity.role_grant where person_id = ${person.id}`),
    [],
  );
});

test('days are those of the clock of the centre, the last one with it', () => {
  const form = { role: 'approver', from: '2027-03-28', until: '2027-03-28' };
  const term = must(parseTerm(form, NOW));
  assert.deepEqual(term.startsAt, new Date('2027-03-28T00:00:00Z'));
  assert.deepEqual(term.endsAt, new Date('2027-03-28T23:00:00Z'), 'a day of 23 hours');
  assert.equal(termWords(term, NOW), 'from 28 March 2027 until 28 March 2027');
  assert.equal(parseTerm({ ...form, until: '2027-03-27' }, NOW).ok, false);
  const today = must(parseTerm({ role: 'approver', from: '2026-11-27' }, NOW));
  assert.deepEqual(today, { startsAt: null, endsAt: null });
});
