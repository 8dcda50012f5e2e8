/**
 * Migrations that were released never change. (That migrations/schema.sql shows what all of them
 * make is tested in src/db/migrate.test.ts.)
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNone, listFiles, root, type File } from './repository.ts';

// The format of sha256sum: at a release, run
//     (cd migrations && sha256sum 0*.sql > HASHES)
// Before the first release there is no such file, and migrations may still change.
const HASHES = 'migrations/HASHES';

const migrations = listFiles('migrations', /^\d{4}_.*\.sql$/);

function findChanges(files: readonly File[], hashes: string, released: boolean): string[] {
  const listed = hashes
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(/ [ *]/) as [hash: string, name: string]);
  const hashOf = new Map(
    files.map(({ path, text }) => [
      path.replace('migrations/', ''),
      createHash('sha256').update(text).digest('hex'),
    ]),
  );
  const changed = listed
    .filter(([hash, name]) => hashOf.get(name) !== hash)
    .map(([, name]) => `${name} was released and has changed: bring it back, write a new one`);
  const names = listed.map(([, name]) => name);
  const last = names.toSorted().at(-1) ?? '';
  const early = [...hashOf.keys()]
    .filter((name) => !names.includes(name) && (released || name < last))
    .map((name) => `${name} is not in ${HASHES}${released ? '' : ' but stands before ' + last}`);
  return [...changed, ...early];
}

/** True where the newest section of the changelog has a date: this is the commit of a release. */
function isReleased(changelog: string): boolean {
  const [, newest = ''] = /^## (.*)$/m.exec(changelog) ?? [];
  return /\d{4}-\d\d-\d\d/.test(newest);
}

test('released migrations stay as they were', () => {
  const path = join(root, HASHES);
  const released = isReleased(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'));
  const hashes = existsSync(path) ? readFileSync(path, 'utf8') : '';
  assertNone(findChanges(migrations, hashes, released), 'released migrations');
});

test('the guard bites', () => {
  const [first, second] = ['create a;', 'create b;'].map((text, i) => ({
    path: `migrations/000${i + 1}_a.sql`,
    text,
  })) as [File, File];
  const line = (file: File) =>
    `${createHash('sha256').update(file.text).digest('hex')}  ${file.path.slice(11)}\n`;
  assert.deepEqual(findChanges([first, second], '', false), []);
  assert.equal(findChanges([first, second], '', true).length, 2);
  assert.deepEqual(findChanges([first, second], line(first), false), []);
  assert.equal(findChanges([first, second], line(second), false).length, 1);
  assert.equal(findChanges([{ ...first, text: 'x' }, second], line(first), false).length, 1);
  assert.equal(findChanges([second], line(first), false).length, 1);
  assert.equal(isReleased('# C\n\n## 0.1.0, not yet released\n\n## 0.0.9, 2026-01-01'), false);
  assert.equal(isReleased('# C\n\n## 0.1.0, 2026-12-01\n'), true);
});
