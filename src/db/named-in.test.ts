import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { namedIn } from './named-in.ts';
import { sql } from './sql.ts';

let db: Clone;

before(async () => {
  db = await cloneDatabase();
});

after(async () => await db.drop());

test('a name is found as words of its own, whatever signs it has', async () => {
  const isIn = async (words: string, ...names: string[]) => {
    const { found } = await db.web.withActor(system('test'), (tx) =>
      tx.one<{ found: boolean }>(sql`select ${namedIn(sql`${words}::text`, names)} as found`),
    );
    return found;
  };
  assert.equal(await isIn('rang al, and then Ada', 'Al'), true);
  assert.equal(await isIn('also the pal', 'Al'), false);
  assert.equal(await isIn('{"by": "Ada Okafor"}', 'ADA OKAFOR'), true);
  assert.equal(await isIn("Mary O'Neill-Vane (Jr.) says", "mary o'neill-vane (jr.)"), true);
  assert.equal(await isIn('Élodie Brun.', 'Élodie Brun'), true);
  assert.equal(await isIn('anything', '.*', '('), false);
  assert.equal(await isIn('Ben', 'Ada', 'Ben'), true);
  assert.equal(await isIn('Ben'), false);
});
