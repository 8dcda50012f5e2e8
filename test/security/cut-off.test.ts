/**
 * Two worlds: what each person and contact of an organisation reads of every table under row-level
 * security, every view and every function that gives rows, before the switch and after it. After it
 * that is what a visitor reads, and nothing of it more (ADR 0026).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { identifier, sql, type Sql } from '#db/sql.ts';
import { ShutOut } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { sendSingleMessage } from '#dispatch/index.ts';
import {
  apiKeysOf,
  createApiKey,
  createSignInLink,
  giveRole,
  nameReaders,
  ofOrganisation,
  permissionsIn,
  sessionsOf,
  signIn,
} from '#identity/index.ts';
import { contactSessionsOf, cutOff, letBack } from '#organisations/index.ts';
import { messagesOf, must, openCentre, releaseAlert } from '../support/centre.ts';
import type { Centre, Person } from '../support/centre.ts';
import { seedNotify, untilOneWaits } from '../support/dispatch.ts';
import { makeObjects } from './objects.ts';

const KEEPER = 'organisation_administrator';
const how = () => ({ now: new Date(), device: 'a test', place: '' });

let centre: Centre;
/** Northmoor, which is cut off, and Eastvale, which is not. */
let northmoor: string;
let eastvale: string;
let contacts: readonly Actor[];
let keeper: Person;
let keeperOfBoth: Person;
let relations: readonly string[];

const asTest = <T>(statement: Sql) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  await makeObjects(centre);
  await releaseAlert(centre, { marking: 'AMBER' });
  [northmoor, eastvale] = (await Promise.all(['ZZ-0001', 'ZZ-0003'].map(idOf))) as [string, string];
  const own = await asTest<{ id: string }>(
    sql`select id from organisations.contact where organisation_id = ${northmoor} order by rank`,
  );
  contacts = own.map(({ id }) => ({ kind: 'contact', id, organisationIds: [northmoor] }));
  keeper = await inviteKeeper('Karin Own', [northmoor]);
  keeperOfBoth = await inviteKeeper('Bo Both', [northmoor, eastvale]);
  await fill();
  relations = await listRelations();
});

after(() => centre.close());

async function idOf(code: string): Promise<string> {
  const [row] = await asTest<{ id: string }>(
    sql`select id from organisations.organisation where code = ${code}`,
  );
  return row!.id;
}

async function inviteKeeper(name: string, organisationIds: readonly string[]): Promise<Person> {
  const person = await centre.invite(name, []);
  await centre.db.web.withActor(system('test'), async (tx) => {
    for (const organisationId of organisationIds) {
      const held = { personId: person.id, role: KEEPER, ...ofOrganisation(organisationId) };
      must(await giveRole(tx, held, { model: centre.model, now: new Date() }));
    }
  });
  const roles = organisationIds.map((id) => ({ role: KEEPER, ...ofOrganisation(id) }));
  const held = permissionsIn(centre.model, roles);
  return { ...person, ...held, organisationIds };
}

/** Rows of the tables that stay empty where nobody does anything out of the ordinary. */
async function fill(): Promise<void> {
  const contactId = contacts[0]!.kind === 'contact' ? contacts[0]!.id : '';
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`update organisations.contact set reader_kind = 'manager'
      where id = ${contactId}`);
    await tx.run(sql`insert into organisations.duty_hours
        (contact_id, weekday, starts_at, ends_at, time_zone)
      values (${contactId}, 1, '09:00', '17:00', 'Europe/London')`);
    await tx.run(sql`insert into organisations.absence (contact_id, starts_at, ends_at)
      values (${contactId}, now() + interval '1 day', now() + interval '2 days')`);
    await tx.run(sql`insert into identity.invitation (id, token_sha256, name, email, role,
        organisation_id, invited_by, invited_at, expires_at)
      values (${newId()}, sha256('a'), 'Nia Moss', 'nia@northmoor.test', ${KEEPER}, ${northmoor},
        ${keeper.id}, now(), now() + interval '1 day')`);
    await nameReaders(tx, 'people', sql`select ${keeper.id}::uuid`);
    await record(tx, {
      action: 'contact.looked_up',
      subject: { kind: 'organisation', id: northmoor },
    });
    await tx.run(sql`insert into organisations.code_session
        (id, token_sha256, contact_id, contact_point_id, opened_at)
      select ${newId()}, sha256('code session'), contact_id, contact_point_id, now()
      from organisations.contact_contact_point where contact_id = ${contactId} limit 1`);
    await tx.run(sql`insert into organisations.one_time_code
        (id, channel, address_index, network_index, asked_at, contact_id)
      values (${newId()}, 'text', sha256('a'), sha256('b'), now(), ${contactId})`);
  });
}

/** Every table with row-level security and every view that the web process may read. */
async function listRelations(): Promise<string[]> {
  const rows = await asTest<{ name: string }>(sql`
    select format('%s.%s', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where (c.relkind = 'v' or c.relkind in ('r', 'p') and c.relrowsecurity)
      and n.nspname !~ '^(pg_|information_schema|public$|graphile_worker$)'
      and has_any_column_privilege('tocsin_web', c.oid, 'select')
      and has_table_privilege('tocsin_web', c.oid, 'select')
    order by 1`);
  return rows.map(({ name }) => name);
}

/** Functions of ours that give rows and change nothing, as they are called. */
const functions: readonly (readonly [string, Sql])[] = [
  ['reachable_at', sql`organisations.reachable_at(now()) each`],
  ['readable_sets', sql`unnest(identity.readable_sets()) each`],
  ['actor_organisations', sql`unnest(kernel.actor_organisations()) each`],
];

/** What an actor reads: of each relation how many rows, and a hash over all of them. */
async function readAll(actor: Actor): Promise<Map<string, string>> {
  const read = new Map<string, string>();
  await centre.db.web.withActor(actor, async (tx) => {
    const all = relations.map((name) => [name, sql`${identifier(name)} each`] as const);
    for (const [name, from] of [...all, ...functions]) {
      const { digest } = await tx.one<{ digest: string }>(sql`
        select count(*) || ' ' || coalesce(md5(string_agg(md5(each::text), ''
          order by md5(each::text))), '') as digest from ${from}`);
      read.set(name, digest);
    }
  });
  return read;
}

const differing = (one: Map<string, string>, other: Map<string, string>) =>
  [...one.keys()].filter((name) => one.get(name) !== other.get(name));

async function throwSwitch(): Promise<void> {
  const cutting = {
    organisationId: northmoor,
    reason: 'Seen at sign-in',
    domains: ['northmoor.test'],
  };
  must(await centre.db.web.attempt(centre.officer, (tx) => cutOff(tx, cutting, new Date())));
}

async function lift(): Promise<void> {
  const letting = { organisationId: northmoor, reason: 'Rebuilt, says their CISO by phone' };
  const atServer = { approvalId: null };
  must(await centre.db.web.attempt(system('test'), (tx) => letBack(tx, letting, atServer)));
}

describe('what its people read', () => {
  it('is what a visitor reads after the switch, and as before once it is lifted', async () => {
    const all = [...contacts, keeper];
    const nothing = await readAll({ kind: 'nobody' });
    const before = await Promise.all(all.map(readAll));
    const more = new Set(before.flatMap((read) => differing(read, nothing)));
    // Of these they read rows before: else nothing would be shown by reading none afterwards.
    for (const name of [
      'alerts.version',
      'alerts.words',
      'alerts.recipient',
      'alerts.submission',
      'audit.entry',
      'identity.invitation',
      'identity.person',
      'identity.reader_set_member',
      'identity.role_grant',
      'identity.session',
      'organisations.absence',
      'organisations.change',
      'organisations.code_session',
      'organisations.contact',
      'organisations.contact_contact_point',
      'organisations.contact_point',
      'organisations.duty_hours',
      'organisations.one_time_code',
      'responses.answer',
      'responses.response',
    ])
      assert.ok(more.has(name), `nobody read a row of ${name} before the switch`);
    await throwSwitch();
    const visitor = await readAll({ kind: 'nobody' });
    for (const actor of all) assert.deepEqual(differing(await readAll(actor), visitor), []);
    await lift();
    const again = await Promise.all(all.map(readAll));
    for (const [i, read] of again.entries())
      assert.deepEqual(
        differing(read, before[i]!).filter(
          (name) => !/code|session|change|cut_off|invitation/.test(name),
        ),
        [],
      );
  });
});

describe('what ends', () => {
  const model = () => centre.model;
  const sessions = () => sessionsOf(centre.db.web, centre.model);
  const begin = async (person: Person) =>
    await centre.db.web.withActor(system('test'), async (tx) => {
      const link = must(
        await createSignInLink(tx, { personId: person.id, model: model(), now: new Date() }),
      );
      return await signIn(tx, link.token, how());
    });

  it('is sessions, links, keys and code sessions, at the next request', async () => {
    const [own, both] = [must(await begin(keeper)), must(await begin(keeperOfBoth))];
    const open = await centre.db.web.withActor(system('test'), async (tx) =>
      must(await createSignInLink(tx, { personId: keeper.id, model: model(), now: new Date() })),
    );
    // A member who worked for the centre too answers for one.
    const wish = {
      name: 'feed',
      permissions: ['alert.read'] as const,
      expiresAt: null,
      answeredFor: keeperOfBoth.id,
    };
    const key = await centre.db.web.withActor(system('test'), async (tx) =>
      must(await createApiKey(tx, wish, new Date())),
    );
    const token = 'code session';
    await asTest(sql`update organisations.code_session set token_sha256 = sha256(${token}::bytea),
      ended_at = null returning id`);
    const coded = () => contactSessionsOf(centre.db.web).findSession(token, new Date());
    const keyed = () => apiKeysOf(centre.db.web, centre.model).findApiKey(key.secret, new Date());
    assert.ok(await sessions().findSession(own, new Date()));
    assert.ok(await coded());
    assert.ok(await keyed());
    await throwSwitch();
    assert.equal(await sessions().findSession(own, new Date()), undefined);
    assert.equal(await sessions().findSession(both, new Date()), undefined);
    assert.equal(await coded(), undefined);
    assert.equal(await keyed(), undefined);
    // One that was written while the switch was thrown, and so not ended by it, opens nothing.
    await asTest(sql`update identity.session set ended_at = null returning id`);
    await asTest(sql`update organisations.code_session set ended_at = null returning id`);
    assert.equal(await sessions().findSession(own, new Date()), undefined);
    assert.equal(await coded(), undefined);
    await asTest(sql`update identity.session set ended_at = now() returning id`);
    await asTest(sql`update organisations.code_session set ended_at = now() returning id`);
    const used = await centre.db.web.withActor(system('test'), (tx) =>
      signIn(tx, open.token, how()),
    );
    assert.equal(used.ok, false);
    // Whoever holds a role for another organisation signs in anew, for that one alone.
    const refused = await begin(keeper);
    assert.ok(!refused.ok && /cut off/.test(refused.message));
    const found = await sessions().findSession(must(await begin(keeperOfBoth)), new Date());
    assert.deepEqual((found!.actor as Person).organisationIds, [eastvale]);
    await lift();
    assert.equal(await sessions().findSession(own, new Date()), undefined);
    assert.equal(await coded(), undefined);
    assert.equal(await keyed(), undefined);
    assert.ok(await sessions().findSession(must(await begin(keeper)), new Date()));
  });

  it('is a request that is under way: it reads nothing more and changes nothing', async () => {
    const rows = sql`select count(*) from organisations.contact`;
    await assert.rejects(
      centre.db.web.withActor(keeper, async (tx) => {
        assert.notEqual((await tx.one<{ count: number }>(rows)).count, 0);
        await throwSwitch();
        assert.equal((await tx.one<{ count: number }>(rows)).count, 0);
        await record(tx, { action: 'contact.changed', subject: { kind: 'contact', id: 'x' } });
      }),
      ShutOut,
    );
    await assert.rejects(
      centre.db.web.withActor(keeper, (tx) =>
        tx.run(sql`insert into organisations.contact (organisation_id, name, is_post, role, rank)
          values (${northmoor}, 'Eve', false, 'ciso', 1)`),
      ),
      ShutOut,
    );
    await lift();
  });
});

describe('mail to its network', () => {
  const mailTo = async (dispatchId: string) =>
    (await messagesOf(centre, dispatchId))
      .filter(({ number }) => number.endsWith('@northmoor.test'))
      .map(({ state }) => state);

  it('is held back in an alert that runs, and in those that are frozen meanwhile', async () => {
    const running = await releaseAlert(centre);
    assert.ok((await mailTo(running.dispatchId)).some((state) => state !== 'suppressed'));
    await throwSwitch();
    const states = new Set(await mailTo(running.dispatchId));
    assert.deepEqual(states, new Set(['suppressed']));
    const texts = (await messagesOf(centre, running.dispatchId)).filter(
      ({ number }) => number === '447700900201',
    );
    assert.ok(texts.length > 0 && texts.every(({ state }) => state !== 'suppressed'));
    const later = await releaseAlert(centre);
    assert.deepEqual(await mailTo(later.dispatchId), []);
    await lift();
    const after = await releaseAlert(centre);
    assert.ok((await mailTo(after.dispatchId)).length > 0);
    assert.deepEqual(new Set(await mailTo(running.dispatchId)), new Set(['suppressed']));
  });

  it('is held back that was being frozen in the moment of the switch', async () => {
    const gate = Promise.withResolvers<void>();
    const frozen = Promise.withResolvers<string>();
    const freezing = centre.db.worker.withActor(system('test'), async (tx) => {
      const [point] = await tx.rows<{ id: string; addressSealed: Buffer }>(sql`
        select id, address_sealed from organisations.contact_point
        where domain = 'northmoor.test'`);
      await sendSingleMessage(tx, {
        contactPointId: point!.id,
        addressSealed: point!.addressSealed,
        code: '0000',
        subject: 's',
        body: 'b',
        because: { rule: 'proof_mail', version: '0'.repeat(64), fact: 'a proof was asked for' },
        gatewayId: null,
        perHourMax: 100,
      });
      frozen.resolve(point!.id);
      await gate.promise;
    });
    const pointId = await frozen.promise;
    const switching = throwSwitch();
    await untilOneWaits(centre.db.owner);
    gate.resolve();
    await Promise.all([freezing, switching]);
    const states = await asTest<{ state: string }>(sql`
      select state from dispatch.message
      where contact_point_id = ${pointId} and state in ('held', 'ready')`);
    assert.deepEqual(states, []);
    await lift();
  });
});
