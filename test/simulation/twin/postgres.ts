/**
 * The same tables in PostgreSQL, under a clock that the test sets: a schema before `pg_catalog` in
 * the search path has functions `now` and `clock_timestamp` of its own, and the defaults of columns
 * and the views are bound to them too. What the server says of its start, its timeline and itself
 * is said there as well, always the same: histories differ in what the table remembers of it.
 */
import { Client } from 'pg';
import { sql } from '#db/sql.ts';
import { openDatabase, type Database, type Tx } from '#db/database.ts';
import type { Clone } from '../../support/database.ts';
import type { Tables } from './rows.ts';
import { FIRST_SERVER } from './server.ts';

const CLOCK = `
  create schema simulated;
  grant usage on schema simulated to public;
  create function simulated.now() returns timestamptz language sql stable
    return pg_catalog.current_setting('simulated.now')::timestamptz;
  create function simulated.clock_timestamp() returns timestamptz language sql volatile
    return pg_catalog.current_setting('simulated.now')::timestamptz;
  create function simulated.pg_postmaster_start_time() returns timestamptz language sql stable
    return timestamptz 'epoch';
  create function simulated.pg_walfile_name(pg_lsn) returns text language sql stable
    return '${FIRST_SERVER.timeline}' || '0000000000000001';
  create function simulated.pg_control_system() returns table (system_identifier bigint)
    language sql stable as 'select ${FIRST_SERVER.systemIdentifier}::bigint';
  create or replace function dispatch.database_id() returns text language sql stable
    return '${FIRST_SERVER.databaseId}';
  update dispatch.continuity set database_id = dispatch.database_id();
  alter function dispatch.history_is_whole() set search_path = simulated, pg_catalog;
  alter function dispatch.forget_messages(timestamptz, integer)
    set search_path = simulated, pg_catalog;
  alter function dispatch.forget_inbox(timestamptz, integer)
    set search_path = simulated, pg_catalog;
  -- What it forbids the auditor looks for all the same.
  alter table dispatch.dispatch drop constraint dispatch_exercise_lane;
  do $$ declare found record; begin
    for found in select adrelid::regclass::text as relation, attname as name
      from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum
      join pg_class on pg_class.oid = adrelid
      where relnamespace = 'dispatch'::regnamespace and relkind in ('r', 'p')
        and pg_get_expr(adbin, adrelid) in ('now()', 'clock_timestamp()')
    loop
      execute format('alter table %s alter column %I set default simulated.now()',
        found.relation, found.name);
    end loop;
    create temporary table definition as
      select oid::regclass::text as relation, pg_get_viewdef(oid) as body from pg_class
      where relnamespace = 'dispatch'::regnamespace and relkind = 'v'
        and pg_get_viewdef(oid) ~ '\\mnow\\(\\)';
    set local search_path = simulated, pg_catalog, public;
    for found in select * from definition loop
      execute format('create or replace view %s with (security_invoker = true) as %s',
        found.relation, found.body);
    end loop;
  end $$`;

/** Sets up the clock; what is returned sees it, and may write whatever a test needs. */
export async function openUnderClock(clone: Clone): Promise<Database> {
  const client = new Client(clone.superuser);
  await client.connect();
  try {
    await client.query(CLOCK);
  } finally {
    await client.end();
  }
  const options = '-c search_path=simulated,pg_catalog,public -c simulated.now=epoch';
  return openDatabase({ ...clone.superuser, options }, { connectionsMax: 1 });
}

/** What a rolled back history leaves behind slows the next ones down. */
export async function sweep(clone: Clone): Promise<void> {
  const client = new Client(clone.superuser);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname = 'dispatch'`,
    );
    for (const { name } of rows) await client.query(`vacuum ${name}`);
  } finally {
    await client.end();
  }
}

export async function setClock(tx: Tx, ms: number): Promise<void> {
  await tx.run(sql`select set_config('simulated.now', ${new Date(ms).toISOString()}, true)`);
}

type Rows = Record<string, object[]>;

/** Each table of the schema by name, with its rows in the words of TypeScript. */
function rowsByTable(tables: Tables): Rows {
  const credits = [...tables.credit].flatMap(([messageId, organisations]) =>
    Array.from(organisations, (organisationId) => ({ messageId, organisationId })),
  );
  return {
    bucket: [...tables.bucket.values()],
    gateway: [...tables.gateway.values()],
    breaker: [...tables.breaker.values()],
    tally: tables.tally,
    poll: [...tables.poll.values()],
    sender: [...tables.sender.values()],
    dispatch: [...tables.dispatch.values()],
    round: [...tables.round.values()],
    message: [...tables.message.values()],
    message_credit: credits,
    settled: [...tables.settled.values()],
    stopped: [...tables.stopped.values()],
    attempt: [...tables.attempt.values()],
    attempt_end: [...tables.attemptEnd.values()],
    lookup: tables.lookup,
    receipt_inbox: [...tables.receipt.values()],
    alarm: [...tables.alarm.values()],
    part: [...tables.part.values()],
    reply_inbox: [...tables.reply.values()],
    continuity: [...tables.continuity.values()],
    lost_text: [...tables.lostText.values()],
    risk_decision: [...tables.riskDecision.values()],
    risk_taken: [...tables.riskTaken.values()],
    kept_ledger: [...tables.keptLedger.values()],
    kept_count: [...tables.keptCount.values()],
    auditor: [...tables.auditor.values()],
    invariant: [...tables.invariant.values()],
  };
}

const isTime = (column: string) =>
  /_(?:at|until|from|start|since)$/.test(column) || column === 'at';
const isDuration = (column: string) => /_(?:after|lag|for|within|off)$/.test(column);
const snakeCased = (name: string) => name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** A row with the names and values that PostgreSQL takes and gives as JSON. */
function toJson(row: object): Record<string, unknown> {
  const entries = Object.entries(row).map(([name, value]) => {
    const column = snakeCased(name);
    return [column, valueToJson(column, value)] as const;
  });
  return Object.fromEntries(entries);
}

function valueToJson(column: string, value: unknown): unknown {
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  if (Array.isArray(value)) return value.map((one) => valueToJson(column, one));
  // PostgreSQL's word for “since ever”.
  if (column === 'refusals_from' && value === null) return '-infinity';
  if (typeof value !== 'number') return value;
  if (isTime(column)) return new Date(value).toISOString();
  return isDuration(column) ? `${value} milliseconds` : value;
}

/** Replaces the content of all tables. Triggers and foreign keys are off meanwhile. */
export async function loadTables(tx: Tx, tables: Tables): Promise<void> {
  await tx.run(sql`set local session_replication_role = replica`);
  await tx.run(sql`delete from dispatch.dispatch`);
  await tx.run(sql`delete from dispatch.continuity`);
  await tx.run(sql`delete from dispatch.stopped`);
  await tx.run(sql`delete from dispatch.auditor`);
  const filled = Object.entries(rowsByTable(tables)).filter(([, rows]) => rows.length > 0);
  const parts = filled.map(
    ([name], i) =>
      `${i === 0 ? 'with' : '::jsonb)), '} ${name}_ as (insert into dispatch.${name}
      select * from jsonb_populate_recordset(null::dispatch.${name}, `,
  );
  const strings = [...parts, '::jsonb)) select 1'] as unknown as TemplateStringsArray;
  await tx.run(sql(strings, ...filled.map(([, rows]) => JSON.stringify(rows.map(toJson)))));
  await tx.run(sql`set local session_replication_role = origin`);
}

/** The content of all tables, in one form on both sides: `table` to its rows, sorted. */
export type Dump = Record<string, string[]>;

export function dumpTwin(tables: Tables): Dump {
  return mapTables(rowsByTable(tables), (rows) => rows.map((row) => comparable(toJson(row))));
}

export async function dumpPostgres(tx: Tx): Promise<Dump> {
  const { content } = await tx.one<{ content: Record<string, object[]> }>(sql`
    select jsonb_build_object(
      'bucket', (select jsonb_agg(to_jsonb(t)) from dispatch.bucket t),
      'gateway', (select jsonb_agg(to_jsonb(t)) from dispatch.gateway t),
      'breaker', (select jsonb_agg(to_jsonb(t)) from dispatch.breaker t),
      'tally', (select jsonb_agg(to_jsonb(t)) from dispatch.tally t),
      'poll', (select jsonb_agg(to_jsonb(t)) from dispatch.poll t),
      'sender', (select jsonb_agg(to_jsonb(t)) from dispatch.sender t),
      'dispatch', (select jsonb_agg(to_jsonb(t)) from dispatch.dispatch t),
      'round', (select jsonb_agg(to_jsonb(t)) from dispatch.round t),
      'message', (select jsonb_agg(to_jsonb(t)) from dispatch.message t),
      'message_credit', (select jsonb_agg(to_jsonb(t)) from dispatch.message_credit t),
      'settled', (select jsonb_agg(to_jsonb(t)) from dispatch.settled t),
      'stopped', (select jsonb_agg(to_jsonb(t)) from dispatch.stopped t),
      'attempt', (select jsonb_agg(to_jsonb(t)) from dispatch.attempt t),
      'attempt_end', (select jsonb_agg(to_jsonb(t)) from dispatch.attempt_end t),
      'lookup', (select jsonb_agg(to_jsonb(t)) from dispatch.lookup t),
      'receipt_inbox', (select jsonb_agg(to_jsonb(t)) from dispatch.receipt_inbox t),
      'alarm', (select jsonb_agg(to_jsonb(t)) from dispatch.alarm t),
      'part', (select jsonb_agg(to_jsonb(t)) from dispatch.part t),
      'reply_inbox', (select jsonb_agg(to_jsonb(t)) from dispatch.reply_inbox t),
      'continuity', (select jsonb_agg(to_jsonb(t)) from dispatch.continuity t),
      'lost_text', (select jsonb_agg(to_jsonb(t)) from dispatch.lost_text t),
      'risk_decision', (select jsonb_agg(to_jsonb(t)) from dispatch.risk_decision t),
      'risk_taken', (select jsonb_agg(to_jsonb(t)) from dispatch.risk_taken t),
      'kept_ledger', (select jsonb_agg(to_jsonb(t)) from dispatch.kept_ledger t),
      'kept_count', (select jsonb_agg(to_jsonb(t)) from dispatch.kept_count t),
      'auditor', (select jsonb_agg(to_jsonb(t)) from dispatch.auditor t),
      'invariant', (select jsonb_agg(to_jsonb(t)) from dispatch.invariant t)) as content`);
  return mapTables(content, (rows) => (rows ?? []).map((row) => comparable(row)));
}

function mapTables(tables: Rows, map: (rows: object[]) => string[]): Dump {
  return Object.fromEntries(
    Object.entries(tables).map(([name, rows]) => [name, map(rows).toSorted()]),
  );
}

/** One row as text: columns by name, times in ms, fractions to a trillionth. */
function comparable(row: object): string {
  const columns = Object.entries(row).map(([column, value]) => {
    if (typeof value === 'string' && isTime(column)) return [column, Date.parse(value)];
    if (typeof value === 'string' && isDuration(column)) return [column, durationMs(value)];
    return [column, typeof value === 'number' ? Math.round(value * 1e12) / 1e12 : value];
  });
  return JSON.stringify(columns.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** `00:15:00.5`, `-00:15:00` and `900500 milliseconds`, in ms. */
function durationMs(text: string): number {
  if (text.endsWith(' milliseconds')) return Number(text.slice(0, -' milliseconds'.length));
  if (text.startsWith('-')) return -durationMs(text.slice(1));
  const [hours, minutes, seconds] = text.split(':').map(Number);
  return Math.round((hours! * 3600 + minutes! * 60 + seconds!) * 1000);
}
