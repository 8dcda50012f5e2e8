/** Each table with something of a person has a class in docs/dpia.md that says what ends it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
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

/** The tables of the section of the assessment that says where personal data lie. */
function listed(): string[] {
  const text = readFileSync(new URL('../../docs/dpia.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('### Where it lies, and what ends it');
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.flatMap((line) =>
    Array.from((line.split('|')[2] ?? '').matchAll(/`([a-z_]+\.[a-z_]+)`/g), (match) => match[1]!),
  );
}

test('every table with personal data has a class, and no class names a table that has none', async () => {
  assert.deepEqual(listed().toSorted(), await personalTables());
});

test('a table that nobody classed is found', async () => {
  await clone.owner.withActor(system('guard'), (tx) =>
    tx.run(sql`create table organisations.forgotten (id uuid, phone_sealed bytea)`),
  );
  const unknown = (await personalTables()).filter((name) => !listed().includes(name));
  assert.deepEqual(unknown, ['organisations.forgotten']);
});
