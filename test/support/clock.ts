/** A clock of the test, of which PostgreSQL asks the time: half an hour takes seconds. */
import { after } from 'node:test';
import { Client } from 'pg';
import { ZONE } from '#kernel/day.ts';
import { openDatabase, type Database } from '#db/database.ts';
import type { Centre } from './centre.ts';

export type Clocked = { readonly centre: Centre; readonly setClock: (ms: number) => Promise<void> };

/** The centre on connections of its own, on which each statement is given the time of the test. */
export async function onClock(centre: Centre, startMs: number): Promise<Clocked> {
  const client = new Client(centre.db.superuser);
  await client.connect();
  const { rows } = await client.query('select current_database() as name');
  await client.query(`
    create schema test_clock;
    create table test_clock.clock (at timestamptz not null);
    insert into test_clock.clock values (to_timestamp(${startMs / 1000}));
    create function test_clock.now() returns timestamptz language sql stable
      as 'select at from test_clock.clock';
    create function test_clock.clock_timestamp() returns timestamptz language sql volatile
      as 'select at from test_clock.clock';
    grant usage on schema test_clock to public;
    grant select on test_clock.clock to public;
    alter database ${rows[0].name} set search_path = test_clock, pg_catalog, public`);
  const open = ({ config }: Database) => openDatabase(config);
  const [web, worker, owner] = [centre.db.web, centre.db.worker, centre.db.owner].map(open) as [
    Database,
    Database,
    Database,
  ];
  after(async () => {
    await Promise.all([web, worker, owner].map((database) => database.end()));
    await client.end();
    await centre.close();
  });
  const db = { ...centre.db, web, worker, owner };
  return {
    centre: { ...centre, db, product: { ...centre.product, database: web } },
    setClock: async (ms) => {
      await client.query(`update test_clock.clock set at = to_timestamp(${ms} / 1000.0)`);
    },
  };
}

/** When it is so late in London next, at least a minute from now. */
export function nextAt(hour: number, minute: number, second: number): number {
  const soon = Temporal.Now.zonedDateTimeISO(ZONE).add({ minutes: 1 });
  const today = soon.with({ hour, minute, second, millisecond: 0, microsecond: 0, nanosecond: 0 });
  const late = Temporal.ZonedDateTime.compare(today, soon) > 0 ? today : today.add({ days: 1 });
  return late.epochMilliseconds;
}
