/** Each table with something of a person has a class in docs/dpia.md that says what ends it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { loadOperatingModel } from '#operating-model/index.ts';
import { cloneDatabase } from '../support/database.ts';

const clone = await cloneDatabase();
after(() => clone.drop());

/** Sealed, found by a keyed hash, masked, an address, a name or words that somebody typed. */
const PERSONAL =
  '(_sealed|_mask|_index|^email|_by_name|^name_key|^device|^place|^shown|person_name|^note|^said_by|^remark)$';

async function personalTables(database = clone.owner): Promise<string[]> {
  const rows = await database.withActor(system('guard'), (tx) =>
    tx.rows<{ name: string }>(sql`
      select distinct format('%s.%s', n.nspname, c.relname) as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
        and a.attname ~ ${PERSONAL}
        and n.nspname !~ '^(pg_|information_schema|public$|graphile_worker$)'
      order by 1`),
  );
  return rows.map(({ name }) => name);
}

/** Of the section of the assessment that says where personal data lie, one row for each class. */
function section(): string[][] {
  const text = readFileSync(new URL('../../docs/dpia.md', import.meta.url), 'utf8');
  const [, after_ = ''] = text.split('### Where it lies, and what ends it');
  const [own = ''] = after_.split('\n## ');
  const rows = own.split('\n').filter((line) => line.startsWith('| '));
  return rows.map((line) => line.split('|').map((cell) => cell.trim()));
}

/** What each class says of its key. */
function classes(): string[] {
  return section()
    .filter(([, name = '']) => name !== 'Class' && !name.startsWith('-'))
    .map((cells) => cells[4] ?? '');
}

function listed(): string[] {
  return section().flatMap((cells) =>
    Array.from((cells[2] ?? '').matchAll(/`([a-z_]+\.[a-z_]+)`/g), (match) => match[1]!),
  );
}

test('every table with personal data has a class, and no class names a table that has none', async () => {
  assert.deepEqual(listed().toSorted(), await personalTables());
});

test('every class names a key of retention, or says why there is none; no key is without a class', async () => {
  const rows = classes();
  assert.ok(rows.length > 10);
  const named = rows.flatMap((row) => (/^`([a-z]+)`$/.exec(row) ?? []).slice(1));
  for (const row of rows) assert.match(row, /^(`[a-z]+`|none: .{8,})$/);
  for (const file of ['operating-model.yaml', 'examples/regional-cert/operating-model.yaml']) {
    const model = await loadOperatingModel(file);
    assert.ok(model.ok);
    const keys = Object.keys(model.value.retention).map((key) => key.replace(/Ms$/, ''));
    assert.deepEqual(named.toSorted(), keys.toSorted());
  }
});

test('a table that nobody classed is found', async () => {
  await clone.owner.withActor(system('guard'), (tx) =>
    tx.run(sql`create table organisations.forgotten (id uuid, phone_sealed bytea)`),
  );
  const unknown = (await personalTables()).filter((name) => !listed().includes(name));
  assert.deepEqual(unknown, ['organisations.forgotten']);
});
