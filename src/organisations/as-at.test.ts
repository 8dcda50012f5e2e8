/** The directory as at another day: what it was then, however much was changed since. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { importContacts, importOrganisations } from './imports/actions.ts';
import { asAtOf } from './as-at.ts';
import type { CoverageRow } from './coverage/coverage.ts';
import { coverageRoutes } from './coverage/routes-coverage.ts';
import { organisationRoutes } from './routes.ts';
import { listOrganisations } from './store.ts';
import { listContactsOn } from './store-as-at.ts';
import { everybody, type AudienceQuestion } from './model.ts';
import { previewAudience } from './audiences/preview.ts';
import { listMembers, type MemberRow } from './audiences/store-members.ts';
import { listUsesOfOrganisation } from './suppliers/store-supplier.ts';
import { listTagsOfOrganisation } from './suppliers/store-tag.ts';
import { endUseToday, sayUse } from './suppliers/suppliers.ts';
import { tagOrganisation, untagOrganisation } from './suppliers/tags.ts';
import { listCoverage } from './coverage/store-coverage.ts';

const actor = system('import');
const now = new Date();
const day = (days: number) =>
  new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10);
const yesterday = { day: day(-1), isPast: true };

let db: Clone;
let site: Site;
before(async () => {
  db = await cloneDatabase();
  // Nobody may change what was noted, not even who owns the table: but for `age`.
  await db.owner.withActor(actor, (tx) =>
    tx.run(sql`alter table organisations.change no force row level security`),
  );
  const context = { database: db.web, model: rules, secrets };
  site = await startSite({
    routes: [...organisationRoutes(context), ...coverageRoutes(context)],
    now: () => now,
  });
});
after(async () => {
  await site.close();
  await db.drop();
});

type Importer = typeof importContacts;

async function take(importer: Importer, lines: readonly string[]): Promise<void> {
  const file = { name: 'x.csv', bytes: Buffer.from(`${lines.join('\n')}\n`) };
  const options = { rules, secrets, startedAt: new Date() };
  const done = await db.web.withActor(actor, (tx) => importer(tx, file, options));
  assert.ok(done.ok && done.value.counts.refused === 0, JSON.stringify(done));
}

/** As if all that was done so far had been done ten days ago. */
async function age(): Promise<void> {
  await db.owner.withActor(actor, async (tx) => {
    await tx.run(sql`update organisations.change set changed_at = changed_at - interval '10 days'`);
    await tx.run(
      sql`update organisations.contact set created_at = created_at - interval '10 days'`,
    );
    await tx.run(sql`
      update organisations.organisation set created_at = created_at - interval '10 days'`);
    await tx.run(sql`
      update organisations.organisation_tag set tagged_at = tagged_at - interval '10 days',
        untagged_at = untagged_at - interval '10 days'`);
    await tx.run(sql`
      update organisations.use set known_from = known_from - 10, used_until = used_until - 10`);
    const since = sql`where changed_at > now() - interval '9 days'`;
    assert.deepEqual(await tx.rows(sql`select id from organisations.change ${since}`), []);
  });
}

type Person = {
  at: number;
  name: string;
  rank: number;
  number: string;
  mail: string;
  active: string;
};

const person: fc.Arbitrary<Person> = fc.record({
  at: fc.nat(2),
  name: fc.constantFrom('Sam', 'Kim', 'Ida'),
  rank: fc.integer({ min: 1, max: 4 }),
  number: fc.constantFrom('', '07700 900301', '07700 900302', '07700 900303'),
  mail: fc.constantFrom('a@x.test', 'b@x.test'),
  active: fc.constantFrom('yes', 'yes', 'no'),
});

const body = fc.record({
  type: fc.constantFrom('trust', 'practice'),
  region: fc.constantFrom('', 'R1', 'R2'),
  must: fc.constantFrom('yes', 'no'),
  tags: fc.subarray(['Pilot', 'Port']),
  uses: fc.subarray(['Citrix', 'Ivanti']),
});

const questions: readonly AudienceQuestion[] = [
  everybody,
  { ...everybody, types: ['trust'] },
  { ...everybody, regions: ['R1'], mustAnswerOnly: true },
  { ...everybody, tags: ['Pilot'] },
  { ...everybody, suppliers: ['Citrix'] },
  { ...everybody, roles: ['ciso'], ranks: [1, 2] },
];

type Body = typeof body extends fc.Arbitrary<infer T> ? T : never;

const state = fc.record({
  bodies: fc.tuple(body, body, body),
  people: fc.uniqueArray(person, { selector: ({ at, name }) => `${at} ${name}` }),
});

/** Has these tags and uses from now on, and no others. */
async function mark(code: string, { tags, uses }: Pick<Body, 'tags' | 'uses'>): Promise<void> {
  await db.web.withActor(actor, async (tx) => {
    const [{ id: organisationId } = { id: '' }] = await listOrganisations(tx, {
      text: code,
      limit: 1,
    });
    for (const { id: tagId, name } of await listTagsOfOrganisation(tx, organisationId))
      if (!tags.includes(name))
        await untagOrganisation(tx, { organisationId, tagId, now: new Date() });
    for (const name of tags)
      assert.ok((await tagOrganisation(tx, { organisationId, tag: name, now: new Date() })).ok);
    const used = await listUsesOfOrganisation(tx, organisationId);
    for (const { id, supplierName, hasEnded } of used)
      if (!hasEnded && !uses.includes(supplierName))
        assert.ok((await endUseToday(tx, { id, organisationId, now: new Date() })).ok);
    for (const supplier of uses)
      assert.ok(
        (
          await sayUse(tx, {
            organisationId,
            supplier,
            product: '',
            saidBy: 'Kim',
            saidOn: day(0),
            usedUntil: null,
            now: new Date(),
          })
        ).ok,
      );
  });
}

async function all<T, R>(values: readonly T[], work: (value: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const value of values) done.push(await work(value));
  return done;
}

const codeAndFacts = ({ code, name, type, regionCode, suppliers, tags }: MemberRow) => ({
  code,
  name,
  type,
  regionCode,
  suppliers: [...suppliers].sort(),
  tags: [...tags].sort(),
});

/** Rows without a name come in any order. */
const inOrder = (rows: readonly CoverageRow[]) => rows.map((row) => JSON.stringify(row)).sort();

test('whatever was changed since, yesterday is counted as it was counted then', async () => {
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 4 }), async (states) => {
      turn += 1;
      await db.owner.withActor(actor, (tx) =>
        tx.run(sql`truncate organisations.organisation cascade`),
      );
      const code = (i: number) => `T${turn}-${i}`;
      const bring = async ({ bodies, people }: (typeof states)[number]) => {
        await take(importOrganisations, [
          'code,name,type,region,must_answer',
          ...bodies.map((one, i) => `${code(i)},Body,${one.type},${one.region},${one.must}`),
        ]);
        await take(importContacts, [
          'organisation_code,name,role,rank,mobile,email,active',
          ...people.map(
            (one) =>
              `${code(one.at)},${one.name},ciso,${one.rank},${one.number},${one.mail},${one.active}`,
          ),
          `${code(0)},Always,on_call_it,9,07700 900309,,`,
        ]);
        for (const [i, one] of bodies.entries()) await mark(code(i), one);
      };
      const [first, ...later] = states;
      await bring(first!);
      const counted = async (asAt?: typeof yesterday) =>
        await db.web.withActor(actor, async (tx) => ({
          coverage: inOrder(await listCoverage(tx, { mustAnswerOnly: false, asAt })),
          must: inOrder(await listCoverage(tx, { mustAnswerOnly: true, asAt })),
          listed: await listOrganisations(tx, { limit: 10, asAt }),
          meant: await all(questions, async (question) => ({
            counts: await previewAudience(tx, question, asAt),
            members: (await listMembers(tx, { question, asAt, limit: 10 })).map(codeAndFacts),
          })),
        }));
      const then = await counted();
      await age();
      for (const one of later) await bring(one);
      assert.deepEqual(await counted(yesterday), then);
    }),
    { numRuns: 12 },
  );
});

const visitor = () =>
  site.visitorAs({
    kind: 'person',
    id: newId(),
    name: 'Ada Okafor',
    permissions: new Set<Permission>(['directory.read', 'directory.write', 'response.record']),
  });

test('pages of another day say which, what of it is of that day, and offer nothing to be done', async () => {
  await db.owner.withActor(actor, (tx) => tx.run(sql`truncate organisations.organisation cascade`));
  await take(importOrganisations, [
    'code,name,type,region,opened_on,closed_on,parent',
    `AA-1,Old name,trust,R1,,,`,
    `AA-2,Coming,trust,R1,${day(30)},,AA-1`,
    `AA-3,Gone,trust,R1,,${day(-30)},AA-1`,
  ]);
  await take(importContacts, [
    'organisation_code,name,role,rank,mobile,email',
    'AA-1,Sam,ciso,1,07700 900301,',
    'AA-1,Leaver,ciso,2,07700 900302,l@x.test',
  ]);
  await age();
  await take(importOrganisations, ['code,name,type', 'AA-1,New name,practice']);
  await take(importContacts, [
    'organisation_code,name,role,rank,mobile,email,active',
    'AA-1,Leaver,ciso,2,07700 900302,l@x.test,no',
    'AA-1,Fresh,ciso,3,07700 900303,,',
  ]);
  const ada = visitor();
  const past = await ada.get(`/organisations?as-at=${day(-2)}`);
  assert.match(past.text, /As at \d+ \w+ \d{4}\./);
  assert.match(past.text, /1 organisation\b/);
  assert.match(past.text, /Old name/);
  assert.doesNotMatch(past.text, /Import a file|Add one|Coming|New name/);
  const one = await ada.click('Old name');
  assert.match(one.text, /Sam ?CISO ?text/);
  assert.match(one.text, /Leaver ?CISO ?text and mail/);
  assert.doesNotMatch(one.text, /Fresh|Add a contact|Change the|Show numbers/);
  assert.match((await ada.click('Back to today')).text, /New name[\s\S]*Fresh/);
  const future = await ada.get(`/organisations?as-at=${day(31)}`);
  assert.match(future.text, /as far as is known[\s\S]*2 organisations/);
  const before = await ada.get(`/organisations?as-at=${day(-40)}`);
  assert.match(before.text, /The first contact came into it on[\s\S]*Gone/);
  const below = await ada.get(`${one.path.split('?')[0]}/below?as-at=${day(31)}`);
  assert.match(below.text, /1 organisation, by name[\s\S]*Coming/);
  for (const strange of ['soon', '2026-02-30', '', '0000-00-00', now.toISOString().slice(0, 10)])
    assert.doesNotMatch((await ada.get(`/organisations?as-at=${strange}`)).text, /Back to today/);
});

test('coverage of another day, as page and as file', async () => {
  const ada = visitor();
  const today = await ada.get('/organisations/coverage?who=all');
  assert.match(today.text, /Mend first/);
  const past = await ada.get(`/organisations/coverage?who=all&as-at=${day(-2)}`);
  assert.match(past.text, /Of 1 organisation, a text reached 1 \(100 %\)/);
  assert.ok(past.body.includes(`/organisations/mend?who=all&amp;as-at=${day(-2)}&amp;`));
  const early = await ada.get(`/organisations/coverage?who=all&as-at=${day(-40)}`);
  assert.match(early.text, /Of 2 organisations, a text reached 0/);
  const file = await ada.request('GET', `/organisations/coverage.csv?as-at=${day(-40)}`);
  assert.match(file.headers.get('content-disposition') ?? '', new RegExp(day(-40)));
  assert.match(file.body, /region,R1,R1,2,0,0,2,0/);
});

test('a contact of that day has the role, rank and name of that day', async () => {
  await take(importOrganisations, ['code,name,type', 'BB-1,Body,trust']);
  await take(importContacts, [
    'organisation_code,name,role,rank,mobile',
    'BB-1,Kim,ciso,1,07700 900305',
  ]);
  await age();
  await db.web.withActor(actor, (tx) =>
    tx.run(sql`update organisations.contact set rank = 5, name = 'Kim Lee' where name = 'Kim'`),
  );
  const found = await db.web.withActor(actor, async (tx) => {
    const [organisation] = await listOrganisations(tx, { text: 'BB-1', limit: 1 });
    return await listContactsOn(tx, organisation!.id, yesterday);
  });
  assert.deepEqual(
    found.map(({ name, rank }) => [name, rank]),
    [['Kim', 1]],
  );
  assert.deepEqual(asAtOf(day(-1), now), yesterday);
  assert.deepEqual(asAtOf(day(1), now), { day: day(1), isPast: false });
  assert.equal(asAtOf(day(0), now), undefined);
});
