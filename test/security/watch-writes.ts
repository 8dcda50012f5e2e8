/** Who wrote to which table, noted beside every row in the same transaction. */
import { Client } from 'pg';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Centre } from '../support/centre.ts';

export async function watchWrites({ db }: Centre): Promise<void> {
  const client = new Client(db.superuser);
  await client.connect();
  await client.query(`
    create schema watch;
    create unlogged table watch.write (
      at timestamptz default clock_timestamp(), actor text, relation text,
      xid xid8 default pg_current_xact_id(),
      primary key (actor, xid, relation));
    create function watch.note() returns trigger language plpgsql security definer as $$
    begin
      insert into watch.write (actor, relation)
      values (coalesce(current_setting('tocsin.actor_id', true), ''), tg_argv[0])
      on conflict do nothing;
      return null;
    end $$;
    do $$ declare one record; begin
      for one in select class.oid::regclass::text as name from pg_class class
        join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'p') and not relispartition
          and nspname not in ('pg_catalog', 'information_schema', 'watch', 'graphile_worker')
      loop
        execute format('create trigger watch after insert or update or delete on %s
          for each row execute function watch.note(%L)', one.name, one.name);
      end loop;
    end $$;
    grant usage on schema watch to public;
    grant select on watch.write to public;`);
  await client.end();
}

/** The tables that one of these wrote to since then, in what was committed. */
export async function wroteSince(
  { db }: Centre,
  actorIds: readonly string[],
  begin: Date,
): Promise<string[]> {
  const rows = await db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ relation: string }>(sql`
      select distinct relation from watch.write
      where actor = any(${[...actorIds]}::text[]) and at >= ${begin} order by relation`),
  );
  return rows.map(({ relation }) => relation);
}

/** The tables that somebody but the test wrote to in a transaction without an entry of the audit. */
export async function wroteWithoutEntry({ db }: Centre): Promise<string[]> {
  const rows = await db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ relation: string }>(sql`
      select distinct relation from watch.write written
      where actor <> 'test' and not exists (select from watch.write entry
        where entry.xid = written.xid and entry.relation = 'audit.entry')
      order by relation`),
  );
  return rows.map(({ relation }) => relation);
}
