/** Hours, absences and covers: SQL says what a plain model says, and nobody loses reach. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  array,
  assert as holds,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  option,
  record as shape,
} from 'fast-check';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { listToldAt, type ToldAt } from './store-duty.ts';

let db: Clone;
before(async () => {
  db = await cloneDatabase();
});
after(async () => await db.drop());

const centre = system('test');
const ZONE = 'Europe/London';
const HOUR = 3_600_000;

type Stretch = { weekday: number; from: number; to: number };
type Away = { from: number; until: number; cover: number | null };
type Person = {
  rank: number;
  kind: string;
  text: boolean;
  mail: boolean;
  active: boolean;
  hours: readonly Stretch[];
  absences: readonly Away[];
};

/** Around a Sunday on which the clock goes back, one on which it goes forward, and in between. */
const moments = [
  '2026-10-25T00:30:00Z',
  '2026-10-25T01:30:00Z',
  '2026-03-29T00:59:00Z',
  '2026-03-29T01:00:00Z',
  '2026-11-27T03:00:00Z',
  '2026-07-06T08:00:00Z',
].map((text) => new Date(text));

const stretch = shape({
  weekday: integer({ min: 1, max: 7 }),
  from: integer({ min: 0, max: 23 }),
  to: integer({ min: 0, max: 23 }),
});
/** In hours before and after the moment that is asked about. */
const away = shape({
  from: integer({ min: -5, max: 2 }),
  until: integer({ min: 3, max: 6 }),
  cover: option(integer({ min: 0, max: 4 })),
});
const person = shape({
  rank: integer({ min: 1, max: 3 }),
  kind: constantFrom('technical', 'technical', 'information'),
  text: boolean(),
  mail: boolean(),
  active: constantFrom(true, true, true, false),
  hours: array(stretch, { maxLength: 3 }),
  absences: array(away, { maxLength: 2 }),
});

type Row = { seat: number; contact: number; channel: 'text' | 'mail'; passedOver: boolean };

/** The rule in plain words of a program: the second opinion. */
function modelRows(people: readonly Person[], at: Date): Row[] {
  const isAway = (i: number) => absencesNow(people[i]!).length > 0;
  const has = (i: number, channel: Row['channel']) => people[i]![channel];
  const standsIn = (i: number, cover: number | null): cover is number =>
    cover !== null &&
    cover !== i &&
    people[cover] !== undefined &&
    people[cover].active &&
    !isAway(cover) &&
    (has(cover, 'text') || !has(i, 'text')) &&
    (has(cover, 'mail') || !has(i, 'mail'));
  const holder = (i: number): number | undefined => {
    if (isAway(i)) {
      return absencesNow(people[i]!)
        .map(({ cover }) => cover)
        .find((cover) => standsIn(i, cover));
    }
    const { hours } = people[i]!;
    return hours.length === 0 || hours.some((one) => isWithin(one, at)) ? i : undefined;
  };
  return people.flatMap((seat, i) => {
    if (!seat.active) return [];
    const told = holder(i) ?? i;
    return (['text', 'mail'] as const)
      .filter((channel) => has(told, channel))
      .map((channel) => ({
        seat: i,
        contact: told,
        channel,
        passedOver:
          holder(i) === undefined &&
          people.some((other, j) => {
            const sits = j !== i && other.active ? holder(j) : undefined;
            const isBefore = other.rank <= seat.rank && other.kind === seat.kind;
            return isBefore && sits !== undefined && has(sits, channel);
          }),
      }));
  });
}

function absencesNow({ absences }: Person): Away[] {
  return absences
    .filter(({ from, until }) => from <= 0 && until > 0)
    .toSorted((a, b) => a.from - b.from);
}

function isWithin({ weekday, from, to }: Stretch, at: Date): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: ZONE,
    weekday: 'long',
    hour: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)!.value;
  const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
  const today = days.indexOf(part('weekday')) + 1;
  const hour = Number(part('hour'));
  const yesterday = ((today + 5) % 7) + 1;
  if (to > from) return weekday === today && hour >= from && hour < to;
  return (weekday === today && hour >= from) || (weekday === yesterday && hour < to);
}

/** No two stretches of a day begin at once, and no two absences at once or without an order. */
function distinct(people: readonly Person[]): Person[] {
  const firsts = <T>(list: readonly T[], key: (one: T) => unknown) =>
    list.filter((one, i) => list.findIndex((other) => key(other) === key(one)) === i);
  return people.map((one) => ({
    ...one,
    hours: firsts(one.hours, ({ weekday, from }) => weekday * 24 + from),
    absences: firsts(one.absences, ({ from }) => from),
  }));
}

async function insert(tx: Tx, people: readonly Person[], at: Date) {
  const organisationId = newId();
  const code = `T-${organisationId.slice(-12).toUpperCase()}`;
  await tx.run(sql`
    insert into organisations.organisation (id, code, name, short_name, type, must_answer, source)
    values (${organisationId}, ${code}, ${code}, ${code}, 'trust', true, 'csv')`);
  const ids = people.map(() => newId());
  for (const [i, one] of people.entries()) {
    await tx.run(sql`
      insert into organisations.contact (id, organisation_id, name, is_post, role, rank,
        reader_kind, active)
      values (${ids[i]}, ${organisationId}, ${`Contact ${i}`}, false, 'ciso', ${one.rank},
        ${one.kind}, ${one.active})`);
    for (const channel of (['text', 'mail'] as const).filter((name) => one[name])) {
      const pointId = newId();
      await tx.run(sql`
        insert into organisations.contact_point (id, channel, address_sealed, address_index, shown)
        values (${pointId}, ${channel}, '\\x00', ${randomBytes(32)}, 'a@b.test')`);
      await tx.run(sql`
        insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
          position)
        values (${ids[i]}, ${pointId}, ${channel}, 1)`);
    }
    const time = (hour: number) => `${String(hour).padStart(2, '0')}:00`;
    for (const { weekday, from, to } of one.hours) {
      await tx.run(sql`
        insert into organisations.duty_hours (contact_id, weekday, starts_at, ends_at, time_zone)
        values (${ids[i]}, ${weekday}, ${time(from)}, ${time(to)}, ${ZONE})`);
    }
  }
  for (const [i, { absences }] of people.entries()) {
    for (const { from, until, cover } of absences) {
      const coverId = cover === null || cover === i ? null : (ids[cover] ?? null);
      await tx.run(sql`
        insert into organisations.absence (contact_id, starts_at, ends_at, cover_id)
        values (${ids[i]}, ${new Date(at.getTime() + from * HOUR)},
          ${new Date(at.getTime() + until * HOUR)}, ${coverId})`);
    }
  }
  return { organisationId, ids };
}

function rowsOf(told: readonly ToldAt[], ids: readonly string[]): Row[] {
  return told.flatMap(({ seatId, contactId, told: now, passedOver }) => {
    const [seat, contact] = [ids.indexOf(seatId), ids.indexOf(contactId)];
    const row = (passed: boolean) => (channel: string) =>
      ({ seat, contact, channel, passedOver: passed }) as Row;
    return [...now.map(row(false)), ...passedOver.map(row(true))];
  });
}

const sorted = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).toSorted();

/** Which channels of which readers are reached by each rank and those before it. */
function reach(rows: readonly Row[], people: readonly Person[]): string[] {
  const found = rows
    .filter(({ passedOver }) => !passedOver)
    .flatMap(({ seat, channel }) => {
      const { rank, kind } = people[seat]!;
      return [1, 2, 3].filter((upTo) => rank <= upTo).map((upTo) => `${upTo} ${kind} ${channel}`);
    });
  return [...new Set(found)].toSorted();
}

test('SQL tells whom the plain model tells, and every rank and channel is reached as ever', async () => {
  await holds(
    asyncProperty(
      array(person, { minLength: 1, maxLength: 5 }),
      constantFrom(...moments),
      async (drawn, at) => {
        const people = distinct(drawn);
        const found = await db.web.withActor(centre, async (tx) => {
          const { organisationId, ids } = await insert(tx, people, at);
          return rowsOf(await listToldAt(tx, organisationId, { moment: at }), ids);
        });
        assert.deepEqual(sorted(found), sorted(modelRows(people, at)));
        const always = people.map((one) => ({ ...one, hours: [], absences: [] }));
        const asEver = modelRows(always, at);
        // Never less than as if nobody had hours, were away or stood in.
        const lost = reach(asEver, always).filter((one) => !reach(found, people).includes(one));
        assert.deepEqual(lost, []);
      },
    ),
    { numRuns: 60 },
  );
});

test('the view that alerts freeze from is the chain of this moment', async () => {
  const at = new Date();
  await db.web.withActor(centre, async (tx) => {
    const base = { kind: 'technical', text: true, mail: false, active: true, hours: [] };
    const people: Person[] = [
      { ...base, rank: 1, absences: [{ from: -1, until: 1, cover: 1 }] },
      { ...base, rank: 2, absences: [] },
    ];
    const { organisationId, ids } = await insert(tx, people, at);
    const rows = await tx.rows<{ seatId: string; contactId: string; passedOver: boolean }>(sql`
      select seat_id, contact_id, passed_over from organisations.v_reachable
      where organisation_id = ${organisationId} order by rank`);
    assert.deepEqual(rows, [
      { seatId: ids[0], contactId: ids[1], passedOver: false },
      { seatId: ids[1], contactId: ids[1], passedOver: false },
    ]);
  });
});

test('whoever has neither hours nor absences is marked so, again after they went', async () => {
  await db.web.withActor(centre, async (tx) => {
    const base = { kind: 'technical', text: true, mail: false, active: true, rank: 1 };
    const hours = [{ weekday: 1, from: 9, to: 17 }];
    const { ids } = await insert(tx, [{ ...base, hours, absences: [] }], new Date());
    const marked = async () =>
      (
        await tx.one<{ hasTimes: boolean }>(sql`
          select has_times from organisations.contact where id = ${ids[0]}`)
      ).hasTimes;
    assert.equal(await marked(), true);
    await tx.run(sql`delete from organisations.duty_hours where contact_id = ${ids[0]}`);
    assert.equal(await marked(), false);
  });
});
