/** Who names which table: statements stay in stores, and inside the schema of their slice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unitOf } from './boundaries.ts';
import { assertNone, blanked, isTest, lineAt, listFiles, sqlOf, type File } from './repository.ts';

/** Files beside `store.ts` that hold statements, each with its reason. */
const STORES = /^src\/[a-z-]+\/(?:[a-z-]+\/)?store(?:-[a-z-]+)?\.ts$/;

const migrations = listFiles('migrations', /^\d{4}_.*\.sql$/);

// A star over a sub-select or over unnest is fine: its columns stand in the statement itself.
const SELECT_ALL =
  /\bselect\s+(?:distinct\s+)?\*(?!\s*from\s+(?:\(|unnest\())|[a-z_]\.\*|\breturning\s+\*/;

/** A qualified name, with what stands before it and whether it is called. */
const NAMED = /(\b\w+\s+|[,(]\s*|)(?<![.\w])([a-z_]+)\.([a-z_0-9]+)(\(?)/g;
const FROM = /^(?:from|join|into|update|only|using|truncate|table|lateral)\s/i;

/** Schemas as the migrations make them. The kernel's belongs to everybody's ground. */
const schemas = Array.from(
  new Set(
    migrations.flatMap(({ text }) =>
      Array.from(text.matchAll(/^create schema (?:if not exists )?([a-z_]+)/gm), (m) => m[1]!),
    ),
  ),
);

function schemaOf(path: string): string {
  return unitOf(path).replaceAll('-', '_');
}

function findInStatements(file: File): string[] {
  const own = schemaOf(file.path);
  return sqlOf(file.text).flatMap(({ sql, line }) => {
    const statement = sql.replaceAll(/--.*$/gm, '').replaceAll(/'[^']*'/g, "''");
    const said: string[] = [];
    for (const [, before, schema, name, after] of statement.matchAll(NAMED)) {
      if (!schemas.includes(schema!) || schema === own || name!.startsWith('v_')) continue;
      // Else it is a column of something that is called like a schema.
      if (!FROM.test(before!) && after !== '(') continue;
      said.push(`${schema}.${name} belongs to ${schema}: read its views v_…, or call its door`);
    }
    if (SELECT_ALL.test(statement)) {
      said.push('select * is forbidden: list the columns');
    }
    return said.map((what) => `${file.path}:${line}: ${what}`);
  });
}

function findStrayStatements(file: File): string[] {
  if (STORES.test(file.path) || file.path.startsWith('src/db/') || isTest(file.path)) return [];
  const [first] = sqlOf(file.text);
  return first === undefined
    ? []
    : [`${file.path}:${first.line}: statements stand in store.ts or store-….ts only`];
}

test('statements stand in stores, list their columns and keep to their schema', () => {
  const files = listFiles('src', /\.ts$/).filter((file) => !isTest(file.path));
  assert.ok(schemas.includes('audit'));
  const others = files.filter((file) => !file.path.startsWith('src/db/'));
  const found = [...files.flatMap(findStrayStatements), ...others.flatMap(findInStatements)];
  assertNone(found, 'statements out of their place');
});

// Definitions only: a foreign key may point to another schema, a view may read another's view.
const DEFINED = 'table|view|function|procedure|type|sequence|domain';
const TARGETS: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:[a-z]+\s+)?(?:${DEFINED})\s+` +
      String.raw`(?:if\s+(?:not\s+)?exists\s+)?([a-z_]+)\.[a-z_]`,
    'g',
  ),
  /\b(?:policy|trigger|index)\s+[a-z_ ]+?\bon\s+([a-z_]+)\.[a-z_]/g,
  /\b(?:create|alter|drop)\s+schema\s+(?:if\s+(?:not\s+)?exists\s+)?([a-z_]+)/g,
  /\b(?:insert\s+into|update|delete\s+from|truncate)\s+([a-z_]+)\.[a-z_]/g,
];

/** `0004_dispatch.sql` → dispatch; `0012_operating_model_caps.sql` → operating_model. */
function schemaOfMigration(path: string, known: readonly string[]): string | undefined {
  const name = /\/\d{4}_(.*)\.sql$/.exec(path)?.[1] ?? '';
  return known
    .filter((schema) => name === schema || name.startsWith(`${schema}_`))
    .toSorted((a, b) => b.length - a.length)[0];
}

function findForeignDefinitions(file: File, known: readonly string[]): string[] {
  const own = schemaOfMigration(file.path, known);
  if (own === undefined) {
    return [`${file.path}: is named for no schema; it should be NNNN_<schema>[_<what>].sql`];
  }
  const code = blankedSql(file.text);
  return TARGETS.flatMap((pattern) => Array.from(code.matchAll(pattern)))
    .filter((match) => match[1] !== own)
    .map((match) => {
      const line = lineAt(code, match.index);
      return `${file.path}:${line}: touches ${match[1]}; write a migration of ${match[1]} for it`;
    });
}

function blankedSql(text: string): string {
  return text
    .replaceAll(/--.*$/gm, (comment) => ' '.repeat(comment.length))
    .replaceAll(/'[^']*'/g, (string) => string.replaceAll(/[^\n']/g, ' '));
}

test('migrations are numbered without gaps, and each touches its own schema', () => {
  const known = ['kernel', ...schemas];
  migrations.forEach((file, i) => {
    const number = `migrations/${String(i + 1).padStart(4, '0')}_`;
    assert.ok(file.path.startsWith(number), `${file.path} should begin with ${number}`);
  });
  assertNone(
    migrations.flatMap((file) => findForeignDefinitions(file, known)),
    'migrations that touch another schema',
  );
});

test('the guard bites', () => {
  const said = (path: string, sql: string) => findInStatements({ path, text: `f(sql\`${sql}\`)` });
  const store = 'src/audit/store.ts';
  assert.equal(said(store, 'select id from operating_model.version').length, 1);
  assert.equal(said(store, 'select * from audit.entry').length, 1);
  assert.equal(said(store, 'select e.* from audit.entry e').length, 1);
  assert.equal(said(store, 'insert into audit.entry (a) values (1) returning *').length, 1);
  assert.equal(said('src/console/store.ts', 'select id from audit.entry').length, 1);
  assert.equal(said('src/console/store.ts', 'select 1 from a\n  join audit.entry on b').length, 1);
  assert.equal(said('src/console/store.ts', 'select audit.refuse_change()').length, 1);
  assert.deepEqual(said('src/console/store.ts', 'select audit.at from audit.v_entry audit'), []);
  assert.deepEqual(said(store, 'select * from (select id from audit.entry) a'), []);
  assert.deepEqual(said(store, 'select e.id, count(*) from audit.entry e'), []);
  assert.deepEqual(said('src/console/store.ts', 'select id from audit.v_entry'), []);
  assert.deepEqual(
    said('src/operating-model/store.ts', 'select a from operating_model.version'),
    [],
  );
  const stray = { path: 'src/audit/actions.ts', text: 'tx.run(sql`select 1`)' };
  assert.equal(findStrayStatements(stray).length, 1);
  assert.deepEqual(findStrayStatements({ ...stray, text: blanked('// sql`x`') }), []);
  const migration = (sql: string, path = 'migrations/0009_audit_x.sql') =>
    findForeignDefinitions({ path, text: sql }, ['kernel', 'audit', 'alerts']);
  for (const sql of [
    'create table alerts.x (id int);',
    'alter table alerts.x add y int;',
    'create index i on alerts.x (y);',
    'create policy p on alerts.x for select using (true);',
    'create trigger t before update or delete on alerts.x for each row execute function audit.f();',
    'create schema alerts;',
    'update alerts.x set y = 1;',
  ]) {
    assert.equal(migration(sql).length, 1, sql);
  }
  assert.deepEqual(migration('create table audit.x (id int references alerts.x);'), []);
  assert.deepEqual(migration('-- create table alerts.x\nselect 1;'), []);
  assert.equal(migration('select 1;', 'migrations/0009_rumours.sql').length, 1);
});
