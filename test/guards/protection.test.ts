/**
 * What the database itself refuses, read from the catalogs of a freshly migrated one: row-level
 * security, functions that run as their owner, views, grants. The lists below are the exceptions,
 * each with its reason; they are for review and should be short.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase } from '../support/database.ts';
import { assertNone } from './repository.ts';

/** Tables without forced row-level security: nothing in them has a marking or belongs to somebody. */
const OPEN_TABLES: Readonly<Record<string, string>> = {
  'kernel.migration': 'names and hashes of the migrations',
  'kernel.installation': 'one row: which installation this is',
  'kernel.sealing_key': 'keys, each wrapped by one outside of the database',
  'kernel.key_holder': 'ids of processes and of keys, and times',
  'audit.waiting': 'ids of entries that are not in the log yet',
  'audit.leaf': 'ids and hashes of entries; a detail is hashed with a salt',
  'audit.node': 'hashes of hashes',
  'audit.checkpoint': 'sizes, roots and signatures: what is given to others',
  'audit.sequencer': 'when the log was last written, and why not',
  'operating_model.version': 'the rules of the centre, shown to everybody who signs in',
  'operating_model.adoption': 'which rules are in force since when; who decided is in the proposal',
  'dispatch.kept_count': 'counts by state, of nobody in particular',
  'dispatch.kept_ledger': 'counts of a dispatch, of nobody in particular',
  'dispatch.auditor': 'when the engine was last checked',
  'dispatch.invariant': 'counts, sentences of ours and an id: nothing of an alert or a person',
  'dispatch.bucket': 'tokens and pauses of a limiter at a provider',
  'dispatch.breaker': 'whether a gateway takes messages',
  'dispatch.tally': 'counts of requests, nothing of whom they were for',
  'dispatch.gateway': 'settings are sealed, and their column is granted to the worker only',
  'dispatch.dispatch': 'counts, hashes and times of a release; the texts are in dispatch.message',
  'dispatch.round': 'when the rounds of a dispatch open',
  'dispatch.proof': 'by which approval a dispatch leaves',
  'dispatch.attempt': 'ids and times; whom it went to is in dispatch.message',
  'dispatch.attempt_end': 'classes and codes of answers; whom it went to is in dispatch.message',
  'dispatch.lookup': 'what a provider answered about a reference of ours',
  'dispatch.part': 'ids and states from a provider; whom the text went to is in dispatch.message',
  'dispatch.poll': 'when which provider was asked',
  'dispatch.alarm': 'ids of second and stuck texts; whom they went to is in dispatch.message',
  'dispatch.continuity': 'which server our history was last seen whole in',
  'dispatch.lost_text': 'references that a provider has and we do not; no number and no words',
  'dispatch.risk_decision': 'who risked second copies of a dispatch, and why',
  'dispatch.risk_taken': 'ids of attempts; whom they went to is in dispatch.message',
  'dispatch.receipt_inbox': 'ids and states from a provider, stored before anybody is known',
  'organisations.region': 'public directory',
  'organisations.system': 'public directory',
  'organisations.import': 'names, hashes and counts of imported files',
  'organisations.import_mapping': 'places of columns in files; no word of a file',
  'alerts.alert': 'a number and a time; every wording is in alerts.words',
  'alerts.editor': 'ids: who shaped which version',
  'alerts.kev_entry': 'a public catalogue of CISA',
  'alerts.kev_import': 'when which public catalogue was imported',
  'responses.failed_try': 'blind indexes and times, written by nobody in particular',
};

/** Functions that run with the rights of their owner. */
const DEFINER_FUNCTIONS: Readonly<Record<string, string>> = {
  'dispatch.forget_inbox':
    'retention: deletes what was dealt with, never what is younger than 30 days',
  'dispatch.forget_messages': 'retention: deletes what is over, never what is younger than 30 days',
  'identity.readers_of_space':
    'who reads along: for the centre and whoever reads in that space; to others there is nobody',
  'organisations.forget_left':
    'retention: deletes contacts who have left, never those changed within 30 days',
  'organisations.forget_unused_points':
    'retention: deletes numbers that no contact has or had, never those of the last day',
  'responses.forget_notes': 'retention: empties notes, never those younger than 30 days',
  'identity.hand_over_roles':
    'mergers: a role held for one organisation for those that take over, never for the centre',
  'kernel.those_cut_off': 'says of ids which are cut off: those concerned may not read the table',
  'kernel.is_anything_held':
    'says whether any legal hold is on anything, and on what it does not say',
  'kernel.hold_also':
    'adds to a hold what came to something that it is on: whoever adds a contact reads of no hold',
  'kernel.enqueue': 'adds a job; the tables of graphile-worker are closed to the run-time roles',
};

/** Tables that no run-time role may change or empty. */
const INSERT_ONLY = [
  'audit.entry',
  'audit.leaf',
  'audit.node',
  'audit.checkpoint',
  'operating_model.version',
  'operating_model.adoption',
  'organisations.audience_version',
  'dispatch.attempt',
  'dispatch.attempt_end',
  'dispatch.lookup',
  'dispatch.alarm',
  'dispatch.lost_text',
  'dispatch.risk_taken',
  'identity.approval_signature',
];

const clone = await cloneDatabase();
after(() => clone.drop());

const ours = sql`n.nspname !~ '^(pg_|information_schema|public$|graphile_worker$)'`;

async function names(statement: ReturnType<typeof sql>): Promise<string[]> {
  const rows = await clone.owner.withActor(system('guard'), (tx) =>
    tx.rows<{ name: string }>(statement),
  );
  return rows.map(({ name }) => name);
}

/** What differs between a reviewed list and the database. */
function differences(
  listed: Readonly<Record<string, string>>,
  found: readonly string[],
  what: string,
): string[] {
  const unknown = found.filter((name) => !Object.hasOwn(listed, name));
  const gone = Object.keys(listed).filter((name) => !found.includes(name));
  return [
    ...unknown.map((name) => `${name} ${what}: close it, or list it with a reason`),
    ...gone.map((name) => `${name} is listed and needs it no more: take it off the list`),
  ];
}

test('row-level security is forced on every table, or its absence has a reason', async () => {
  const open = await names(sql`
    select format('%s.%s', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and ${ours}
      and not (c.relrowsecurity and c.relforcerowsecurity)
    order by 1`);
  assertNone(differences(OPEN_TABLES, open, 'has no forced row-level security'), 'open tables');
});

test('functions that run as their owner are the reviewed ones', async () => {
  const definers = await names(sql`
    select distinct format('%s.%s', n.nspname, p.proname) as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and ${ours} order by 1`);
  assertNone(differences(DEFINER_FUNCTIONS, definers, 'runs as its owner'), 'definer functions');
  const bendable = await names(sql`
    select format('%s.%s', n.nspname, p.proname) as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and ${ours} and not coalesce(p.proconfig @> array['search_path=""'], false)`);
  assertNone(bendable, "functions that run as their owner without set search_path = ''");
  const anybody = await names(sql`
    select format('%s.%s', n.nspname, p.proname) as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and ${ours} and has_function_privilege('public', p.oid, 'execute')`);
  assertNone(anybody, 'functions that run as their owner, for anybody: revoke all … from public');
});

test('every view reads with the rights of the one who asks', async () => {
  const lending = await names(sql`
    select format('%s.%s', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v' and ${ours}
      and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on'], false)
    order by 1`);
  assertNone(lending, 'views without (security_invoker = true)');
});

test('what is never changed may not be changed', async () => {
  for (const role of ['tocsin_web', 'tocsin_worker', 'tocsin_sequencer']) {
    const changeable = await names(sql`
      select format('%s may %s %s', ${role}::text, privilege, name) as name
      from unnest(${INSERT_ONLY}::text[]) name,
        unnest(array['update', 'delete', 'truncate']) privilege
      where has_table_privilege(${role}, name, privilege)
        or privilege = 'update' and has_any_column_privilege(${role}, name, privilege)`);
    assertNone(changeable, 'grants on tables that are insert-only');
    const owned = await names(sql`
      select format('%s.%s', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where ${ours} and c.relowner = ${role}::regrole`);
    assertNone(owned, `tables owned by ${role}`);
    const bypassing = await names(sql`
      select rolname as name from pg_roles where rolname = ${role} and (rolbypassrls or rolsuper)`);
    assertNone(bypassing, 'roles that pass row-level security by');
  }
});

test('the guard bites', async () => {
  await clone.owner.withActor(system('guard'), async (tx) => {
    await tx.run(sql`create table audit.loose (id integer)`);
    await tx.run(sql`create view audit.v_loose as select id from audit.loose`);
    await tx.run(sql`create function audit.lend() returns integer
      language sql security definer return 1`);
  });
  assert.deepEqual(differences({ a: '' }, ['b'], 'is open').length, 2);
  const views = await names(sql`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v' and ${ours} and c.reloptions is null`);
  assert.ok(views.includes('v_loose'));
  const open = await names(sql`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and ${ours} and not c.relforcerowsecurity`);
  assert.ok(open.includes('loose'));
  const definers = await names(sql`
    select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and ${ours} and has_function_privilege('public', p.oid, 'execute')`);
  assert.deepEqual(definers, ['lend']);
});
