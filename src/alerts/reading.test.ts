/**
 * Who knows of a version and who reads its words (P8), three times over: the rule in words, the
 * policies of the database, and a list of everybody's names made by other means. All three agree on
 * every one of many visitors of many made-up worlds, and on each edge of time.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { Client } from 'pg';
import {
  nobody,
  permissions,
  readsWords,
  system,
  systemFor,
  type Actor,
  type Permission,
} from '#kernel/actor.ts';
import { markings, type Marking } from '#kernel/marking.ts';
import { sql } from '#db/sql.ts';
import type { Member, ReaderSet } from '#identity/index.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { versionStates, type VersionState } from './model.ts';
import { readsVersion } from './policy.ts';

const WORLDS = 100;
const VERSIONS = 32;
const VISITORS = 32;

const idOf = (kind: string, n: number) =>
  `${kind}0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const organisations = Array.from({ length: 8 }, (_, n) => idOf('a', n));
const people = Array.from({ length: 5 }, (_, n) => idOf('b', n));

const NOW = new Date();
const hours = (n: number) => new Date(NOW.getTime() + n * 3_600_000);

const member: fc.Arbitrary<Member> = fc
  .record({
    reader: fc.oneof(
      fc.constantFrom(...organisations).map((id) => ({ kind: 'organisation' as const, id })),
      fc.constantFrom(...people).map((id) => ({ kind: 'person' as const, id })),
    ),
    from: fc.constantFrom(-3, -2, 1),
    until: fc.constantFrom(null, -1, 2),
  })
  .filter(({ from, until }) => until === null || from < until)
  .map(({ reader, from, until }) => ({
    ...reader,
    from: hours(from),
    until: until === null ? null : hours(until),
  }));

const readerSet: fc.Arbitrary<ReaderSet> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'community' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('space' as const, 'organisations' as const, 'people' as const),
      // That of its place in the world, once it has one.
      id: fc.constant(''),
      members: fc.uniqueArray(member, {
        maxLength: 5,
        selector: ({ id, from }) => `${id} ${from.getTime()}`,
      }),
    }),
  },
);

const states = Object.keys(versionStates) as VersionState[];
const isOut = (state: VersionState) => ['released', 'superseded', 'closed'].includes(state);

type Version = {
  readonly state: VersionState;
  readonly marking: Marking;
  /** Place in the sets of the world. */
  readonly set: number;
};

const version: fc.Arbitrary<Version> = fc.record({
  state: fc.oneof(fc.constant('released' as const), fc.constantFrom(...states)),
  marking: fc.constantFrom(...markings),
  set: fc.nat(4),
});

const setIdOf = (n: number) => idOf('e', n);
/** Of any kind: whoever is said to lead what is no space reads nothing by that. */
const led = fc.subarray([0, 1, 2, 3, 4].map(setIdOf), { maxLength: 2 });

const some = (of: readonly string[]) => fc.uniqueArray(fc.constantFrom(...of), { maxLength: 2 });
const held = fc
  .subarray(Object.keys(permissions) as Permission[], { maxLength: 3 })
  .map((list) => new Set(list));

/** How far a session reads by how its person came; by none of it where it says nothing. */
const proved = fc.constantFrom({}, { readsUpTo: 'GREEN' as const }, { readsUpTo: 'RED' as const });

const visitor: fc.Arbitrary<Actor> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom(nobody, system('test'), systemFor('test', nobody)),
  },
  {
    weight: 8,
    arbitrary: some(organisations).map((organisationIds) => ({
      kind: 'contact' as const,
      id: idOf('c', 1),
      organisationIds,
    })),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...people), some(organisations), led, proved, fc.boolean())
      .map(([id, organisationIds, spaceIds, proof, isOfIssuer]) => ({
        kind: 'person' as const,
        ...proof,
        id,
        name: 'Own',
        organisationIds,
        spaceIds,
        isOfIssuer,
        permissions: new Set<Permission>([
          ...(organisationIds.length > 0 ? (['directory.own'] as const) : []),
          ...(spaceIds.length > 0 ? (['space.lead'] as const) : []),
        ]),
      })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...people), held, proved).map(([id, granted, proof]) => ({
      kind: 'person' as const,
      ...proof,
      id,
      name: 'Staff',
      permissions: granted,
    })),
  },
  {
    weight: 1,
    arbitrary: held.map((granted) => ({
      kind: 'key' as const,
      id: idOf('d', 1),
      name: 'Program',
      permissions: granted,
    })),
  },
);

const world = fc.record({
  sets: fc
    .array(readerSet, { minLength: 5, maxLength: 5 })
    .map((sets) =>
      sets.map((set, n): ReaderSet => (set.kind === 'space' ? { ...set, id: setIdOf(n) } : set)),
    ),
  versions: fc.array(version, { minLength: VERSIONS, maxLength: VERSIONS }),
  visitors: fc.array(visitor, { minLength: VISITORS, maxLength: VISITORS }),
});

let clone: Clone;
let superuser: Client;

before(async () => {
  clone = await cloneDatabase();
  superuser = new Client(clone.superuser);
  await superuser.connect();
  // Versions come to this world in whatever state.
  await superuser.query('alter table alerts.words disable trigger guard_words');
});

after(async () => {
  await superuser.end();
  await clone.drop();
});

test('rule, policies and a list of names agree on who knows of which version and reads its words', async (t) => {
  let cases = 0;
  let read = 0;
  let words = 0;
  await fc.assert(
    fc.asyncProperty(world, async ({ sets, versions, visitors }) => {
      await settle(sets, versions);
      for (const actor of visitors) {
        const { known: policies, worded } = await listReadable(actor);
        for (const [n, one] of versions.entries()) {
          const set = sets[one.set]!;
          const bySql = policies.has(n);
          const readers = isOut(one.state) ? set : null;
          const byRule = readsVersion(actor, { ...one, readers }, NOW);
          const byName = namesThatRead(one, set).some((name) => namesOf(actor).includes(name));
          const what = JSON.stringify({ actor: namesOf(actor), version: one, set });
          assert.equal(byRule, byName, `the rule says ${byRule}: ${what}`);
          assert.equal(bySql, byName, `the policies say ${bySql}: ${what}`);
          const isOpen = byName && closenessOf(one.marking) <= provedOf(actor);
          assert.equal(byRule && readsWords(actor, one.marking), isOpen, `words by rule: ${what}`);
          assert.equal(worded.has(n), isOpen, `words by policy: ${what}`);
          words += isOpen ? 1 : 0;
          cases += 1;
          read += bySql ? 1 : 0;
        }
      }
    }),
    { numRuns: WORLDS },
  );
  t.diagnostic(`${cases} cases, known in ${read} of them, and the words read in ${words}`);
  assert.ok(words > cases / 10 && words < read);
  assert.ok(cases >= 100_000 && read > cases / 10 && read < (cases * 9) / 10);
});

test('a reader reads from the very moment on, and no more from the end on', () => {
  const [id] = organisations;
  const actor: Actor = { kind: 'contact', id: idOf('c', 1), organisationIds: [id!] };
  const members = [{ kind: 'organisation' as const, id: id!, from: hours(1), until: hours(2) }];
  const released = {
    state: 'released',
    marking: 'AMBER',
    readers: { kind: 'space', id: setIdOf(0), members },
  } as const;
  const reads = (at: Date) => readsVersion(actor, released, at);
  assert.deepEqual(
    [hours(1).getTime() - 1, hours(1).getTime(), hours(2).getTime() - 1, hours(2).getTime()].map(
      (at) => reads(new Date(at)),
    ),
    [false, true, true, false],
  );
});

/** Held for organisations and spaces alone. */
const OF_OTHERS = new Set<Permission>(['directory.own', 'space.lead']);

/** The names under which somebody may stand on a list; the centre has one of its own. */
function namesOf(actor: Actor): string[] {
  if (actor.kind === 'system') return ['anybody', 'centre'];
  if (actor.kind === 'nobody') return ['anybody'];
  if (actor.kind === 'contact') return ['anybody', ...actor.organisationIds];
  const works = [...actor.permissions].some((permission) => !OF_OTHERS.has(permission));
  const own =
    actor.kind === 'person'
      ? [
          ...(actor.isOfIssuer ? [] : [actor.id]),
          ...(actor.organisationIds ?? []),
          ...(actor.spaceIds ?? []).map(leadOf),
        ]
      : [];
  return ['anybody', ...(works ? ['centre'] : []), ...own];
}

const leadOf = (spaceId: string) => `lead of ${spaceId}`;

const closenessOf = (marking: Marking) =>
  ({ CLEAR: 0, GREEN: 1, AMBER: 2, 'AMBER+STRICT': 3, RED: 4 })[marking];

/** The closest words that whoever has proved so much is shown. */
function provedOf(actor: Actor): number {
  if ('readsUpTo' in actor) return { GREEN: 1, AMBER: 2, RED: 4 }[actor.readsUpTo as string]!;
  return actor.kind === 'system' ? 4 : 2;
}

/** Everybody who knows of a version, written out. */
function namesThatRead({ state, marking }: Version, set: ReaderSet): string[] {
  const names = ['centre'];
  if (!isOut(state)) return names;
  if (marking === 'CLEAR') names.push('anybody');
  if (marking !== 'GREEN' && marking !== 'AMBER') return names;
  if (set.kind === 'community') return [...names, ...organisations];
  if (set.kind === 'space') names.push(leadOf(set.id));
  for (const { id, from, until } of set.members)
    if (from.getTime() <= NOW.getTime() && (until?.getTime() ?? Infinity) > NOW.getTime())
      names.push(id);
  return names;
}

/** The world as rows, in the place of the one before. The community is one row. */
async function settle(sets: readonly ReaderSet[], versions: readonly Version[]): Promise<void> {
  const firstOfAll = sets.findIndex(({ kind }) => kind === 'community');
  const setId = (n: number) => setIdOf(sets[n]!.kind === 'community' ? firstOfAll : n);
  const rows = {
    sets: sets.flatMap((set, n) => (setId(n) === setIdOf(n) ? [{ ...set, id: setId(n) }] : [])),
    members: sets.flatMap((set, n) =>
      set.kind === 'community' ? [] : set.members.map((one) => ({ set: setId(n), ...one })),
    ),
    versions: versions.map((one, n) => ({
      id: idOf('f', n),
      alert: n,
      ...one,
      set: setId(one.set),
    })),
  };
  await superuser.query('truncate alerts.alert, identity.reader_set cascade');
  await superuser.query(SETTLE_SETS, [JSON.stringify(rows)]);
  await superuser.query(SETTLE_MEMBERS, [JSON.stringify(rows)]);
  await superuser.query(SETTLE_ALERTS, [JSON.stringify(rows)]);
  await superuser.query(SETTLE_VERSIONS, [JSON.stringify(rows)]);
  await superuser.query(SETTLE_WORDS, [JSON.stringify(rows)]);
}

const SETTLE_SETS = `
  insert into identity.reader_set (id, kind, digest)
  select id, kind, case when kind in ('organisations', 'people') then sha256(id::text::bytea) end
  from jsonb_to_recordset($1::jsonb -> 'sets') as one (id uuid, kind text)`;
const SETTLE_MEMBERS = `
  insert into identity.reader_set_member (set_id, reader_kind, reader_id, reads_from, reads_until)
  select "set", kind, id, "from", until
  from jsonb_to_recordset($1::jsonb -> 'members')
    as one ("set" uuid, kind text, id uuid, "from" timestamptz, until timestamptz)`;
const SETTLE_ALERTS = `
  insert into alerts.alert (id, created_by)
  select id, 'test' from jsonb_to_recordset($1::jsonb -> 'versions') as one (id uuid)`;
const SETTLE_VERSIONS = `
  insert into alerts.version (id, alert_id, number, kind, state, severity, marking, audience,
    model_version, released_at, asked_at, closed_at, reader_set_id)
  select id, id, 1, 'first', state, 'high', marking, '{}', 'x', out, out,
    case state when 'closed' then now() end, case when out is not null then "set" end
  from jsonb_to_recordset($1::jsonb -> 'versions')
    as one (id uuid, alert int, state text, marking text, "set" uuid)
  cross join lateral (
    select case when state in ('released', 'superseded', 'closed') then now() end as out) released`;

const SETTLE_WORDS = `
  insert into alerts.words (version_id, title, content)
  select id, alert::text, '{}'
  from jsonb_to_recordset($1::jsonb -> 'versions') as one (id uuid, alert int)`;

/** The versions, and those words, that the database shows to the web's role, by their place. */
async function listReadable(actor: Actor): Promise<{ known: Set<number>; worded: Set<number> }> {
  const placeOf = ({ id }: { id: string }) => Number(id.slice(-12));
  return await clone.web.withActor(actor, async (tx) => {
    const known = await tx.rows<{ id: string }>(sql`select id from alerts.version`);
    const worded = await tx.rows<{ id: string }>(sql`select version_id as id from alerts.words`);
    return { known: new Set(known.map(placeOf)), worded: new Set(worded.map(placeOf)) };
  });
}
