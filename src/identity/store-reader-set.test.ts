import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { nameReaders } from './store-reader-set.ts';

let clone: Clone;

before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

const list = (...ns: number[]) => sql`
  select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from unnest(${ns}::int[]) n`;

const named = (kind: 'organisations' | 'people', ...ns: number[]) =>
  clone.web.withActor(system('test'), (tx) => nameReaders(tx, kind, list(...ns)));

const members = (id: string) =>
  clone.web.withActor(system('test'), (tx) =>
    tx.rows<{ readerKind: string }>(sql`
      select reader_kind from identity.reader_set_member where set_id = ${id}`),
  );

test('the same readers are one row, in whatever order and however many name them at once', async () => {
  const ids = await Promise.all([
    named('organisations', 1, 2, 3),
    named('organisations', 3, 2, 1),
    named('organisations', 2, 3, 1),
    named('organisations', 1, 3, 2),
  ]);
  assert.equal(new Set(ids).size, 1);
  assert.equal((await members(ids[0])).length, 3);
  assert.equal(await named('organisations', 1, 2, 3), ids[0]);
});

test('other readers, and the same ids as people, are other rows', async () => {
  const ids = [
    await named('organisations', 1, 2),
    await named('organisations', 1, 2, 3),
    await named('people', 1, 2),
    await named('people'),
  ];
  assert.equal(new Set(ids).size, 4);
  assert.deepEqual(await members(ids[2]!), [{ readerKind: 'person' }, { readerKind: 'person' }]);
});
