/** `npm ci` works on a bare clone, on every platform and with every registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import lockFile from '../../package-lock.json' with { type: 'json' };
import { assertNone } from './repository.ts';

type Entry = {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

type Entries = Readonly<Record<string, Entry>>;

/** What npm calls "Missing … from lock file": it then refuses to install anything (EUSAGE). */
function findMissing(entries: Entries): string[] {
  return Object.entries(entries).flatMap(([path, entry]) => {
    const { dependencies, devDependencies, optionalDependencies } = entry;
    const wanted = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    return wanted
      .filter((name) => !isInReach(entries, path, name))
      .map((name) => `${path === '' ? 'package.json' : path} wants ${name}`);
  });
}

/** As Node looks it up: in the folder of the package, then outwards. */
function isInReach(entries: Entries, path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (Object.hasOwn(entries, at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`))
      return true;
    if (at === '') return false;
  }
}

const entries: Entries = lockFile.packages;

test('the lock file holds every package that any platform needs', () => {
  assert.ok(Object.keys(entries).length > 200);
  assertNone(findMissing(entries), 'not in package-lock.json: npm ci would refuse it');
});

test('the lock file pins by checksum and names no registry', () => {
  const packages = Object.entries(entries).filter(([path]) => path !== '');
  const wrong = packages.flatMap(([path, { integrity, resolved }]) => [
    ...(integrity?.startsWith('sha512-') ? [] : [`${path}: no SHA-512`]),
    ...(resolved === undefined ? [] : [`${path}: resolved to an address`]),
  ]);
  assertNone(wrong, 'in package-lock.json');
});

test('the guard bites', () => {
  const root: Entry = { devDependencies: { a: '1' } };
  const a: Entry = { dependencies: { b: '1' }, optionalDependencies: { 'a-linux': '1' } };
  assert.deepEqual(findMissing({ '': root }), ['package.json wants a']);
  assert.deepEqual(findMissing({ '': root, 'node_modules/a': a, 'node_modules/b': {} }), [
    'node_modules/a wants a-linux',
  ]);
  const nested = { 'node_modules/a/node_modules/b': {}, 'node_modules/a-linux': {} };
  assert.deepEqual(findMissing({ '': root, 'node_modules/a': a, ...nested }), []);
});
