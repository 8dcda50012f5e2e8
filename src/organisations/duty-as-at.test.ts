/** When contacts were on duty and away on another day, however often it was changed since. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { system, type Permission } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { rules, secrets } from '../../test/support/directory.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { endAbsence, recordAbsence, setHours } from './contacts/duty.ts';
import { weekWords } from './contacts/form-duty.ts';
import { findContact } from './contacts/store-contacts.ts';
import type { DutyHours } from './contacts/store-duty.ts';
import { importContacts, importOrganisations } from './imports/actions.ts';
import { organisationRoutes } from './routes.ts';
import { listOrganisations } from './store.ts';
import { listAwayOn, listHoursOn } from './store-as-at.ts';

const actor = system('import');
const now = new Date();
const hour = (count: number) => new Date(now.getTime() + count * 3_600_000);
const day = (days: number) =>
  hour(days * 24)
    .toISOString()
    .slice(0, 10);
const yesterday = { day: day(-1), isPast: true };

let db: Clone;
let site: Site;
let organisationId: string;
/** Sam, Kim and Ida. */
let people: string[];

before(async () => {
  db = await cloneDatabase();
  const context = { database: db.web, model: rules, secrets };
  site = await startSite({ routes: organisationRoutes(context), now: () => now });
  const lines = ['AA-1,Sam,ciso,1', 'AA-1,Kim,ciso,2', 'AA-1,Ida,ciso,3'];
  await db.web.withActor(actor, async (tx) => {
    const options = { rules, secrets, startedAt: now };
    const file = (text: string) => ({ name: 'x.csv', bytes: Buffer.from(text) });
    await importOrganisations(tx, file('code,name,type\nAA-1,Body,trust\n'), options);
    const rows = lines.map((line, i) => `${line},07700 90030${i}`);
    const text = ['organisation_code,name,role,rank,mobile', ...rows, ''].join('\n');
    await importContacts(tx, file(text), options);
    organisationId = (await listOrganisations(tx, { limit: 1 }))[0]!.id;
    people = (
      await tx.rows<{ id: string }>(sql`select id from organisations.contact order by rank`)
    ).map(({ id }) => id);
  });
  // Nobody may change what was noted, not even who owns the table: but for this test.
  await db.owner.withActor(actor, (tx) =>
    tx.run(sql`alter table organisations.change no force row level security`),
  );
  await age();
});
after(async () => {
  await site.close();
  await db.drop();
});

/** As if all that was done so far had been done ten days ago. */
async function age(): Promise<void> {
  await db.owner.withActor(actor, async (tx) => {
    await tx.run(sql`update organisations.change set changed_at = changed_at - interval '10 days'`);
    await tx.run(sql`
      update organisations.contact set created_at = created_at - interval '10 days'`);
    await tx.run(sql`
      update organisations.organisation set created_at = created_at - interval '10 days'`);
  });
}

async function set(contactId: string, hours: readonly DutyHours[]): Promise<void> {
  await db.web.withActor(actor, async (tx) => {
    const { version } = (await findContact(tx, contactId))!;
    const done = await setHours(tx, { contactId, version, hours, timeZone: 'Europe/London' });
    assert.ok(done.ok, JSON.stringify(done));
  });
}

const stretches: readonly DutyHours[] = [
  { weekday: 1, startsAt: '08:00', endsAt: '12:00' },
  { weekday: 1, startsAt: '13:00', endsAt: '18:00' },
  { weekday: 2, startsAt: '08:00', endsAt: '18:00' },
  { weekday: 7, startsAt: '22:00', endsAt: '06:00' },
];
const week = fc.subarray([...stretches]);

test('hours of yesterday are those of then, whatever was changed since', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(week, week, week), { minLength: 1 }), async (weeks) => {
      const [first, ...later] = weeks;
      const bring = async (all: readonly (readonly DutyHours[])[]) => {
        for (const [i, hours] of all.entries()) await set(people[i]!, hours);
      };
      await bring(first!);
      await age();
      for (const one of later) await bring(one);
      const told = await db.web.withActor(actor, (tx) =>
        listHoursOn(tx, organisationId, yesterday),
      );
      for (const [i, id] of people.entries()) {
        const own = told.filter(({ contactId }) => contactId === id);
        assert.deepEqual(
          own.map(({ weekday, startsAt, endsAt }) => ({ weekday, startsAt, endsAt })),
          first![i],
        );
      }
    }),
    { numRuns: 15 },
  );
});

test('who was away yesterday still was, though the absence was ended since', async () => {
  const [sam, kim] = people as [string, string];
  const ended = newId();
  const taken = newId();
  const absence = { contactId: sam, startsAt: hour(-72), endsAt: hour(72), coverId: kim };
  const coming = { contactId: sam, startsAt: hour(96), endsAt: hour(120), coverId: null };
  const away = async (asAt: typeof yesterday) =>
    await db.web.withActor(actor, (tx) => listAwayOn(tx, organisationId, asAt));
  await db.web.withActor(actor, async (tx) => {
    assert.ok((await recordAbsence(tx, { id: ended, ...absence }, now)).ok);
    assert.ok((await recordAbsence(tx, { id: taken, ...coming }, now)).ok);
    assert.ok((await endAbsence(tx, ended, now)).ok);
  });
  assert.deepEqual(await away(yesterday), [
    { contactId: sam, from: absence.startsAt, until: now, cover: 'Kim' },
  ]);
  assert.deepEqual(await away({ day: day(2), isPast: false }), []);
  assert.equal((await away({ day: day(4), isPast: false })).length, 1);
  await db.web.withActor(actor, (tx) => endAbsence(tx, taken, now));
  assert.deepEqual(await away({ day: day(4), isPast: false }), [], 'it never began');
  assert.deepEqual(await away({ day: day(-9), isPast: true }), []);
});

test('the page of another day says when each was on duty, and the history what became what', async () => {
  const [, , ida] = people as [string, string, string];
  await set(ida, stretches.slice(2, 3));
  await age();
  await set(ida, []);
  const ada = site.visitorAs({
    kind: 'person',
    id: newId(),
    name: 'Ada Okafor',
    permissions: new Set<Permission>(['directory.read']),
  });
  const past = await ada.get(`/organisations/${organisationId}?as-at=${yesterday.day}`);
  assert.match(past.text, /contacts and their duty hours: as the directory had them/);
  assert.match(past.text, /Ida ?CISO ?text ?Tuesday 08:00 to 18:00/);
  assert.match(past.text, /away .* to .*, Kim stands in/);
  const coming = await ada.get(`/organisations/${organisationId}?as-at=${day(2)}`);
  assert.match(coming.text, /Ida ?CISO ?text ?always/);
  const history = await ada.get(`/organisations/${organisationId}/history`);
  assert.match(history.text, /Ida: on duty Tuesday 08:00 to 18:00 → always/);
});

test('a week in words', () => {
  const hours = { startsAt: '08:00', endsAt: '18:00' };
  assert.equal(weekWords([]), 'always');
  assert.equal(
    weekWords([1, 2, 3, 5].map((weekday) => ({ weekday, ...hours }))),
    'Monday to Wednesday 08:00 to 18:00, Friday 08:00 to 18:00',
  );
  assert.equal(
    weekWords(stretches),
    'Monday 08:00 to 12:00 and 13:00 to 18:00, Tuesday 08:00 to 18:00, Sunday 22:00 to 06:00',
  );
});
