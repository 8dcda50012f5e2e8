/** Nothing in the repository tells on which machine, or from which registry, it was made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNone, lineAt, listFiles, type File } from './repository.ts';

const BINARY = /\.(?:png|jpg|ico|woff2?|gz|br|zip|pdf)$/;

const TRACES: readonly [RegExp, string][] = [
  [/(?<![\w.$}~])\/(?:work|home|root|Users|workspace)\/[\w.-]/g, 'a path of one machine'],
  [/\b[A-Z]:\\(?:Users|Windows)/g, 'a path of one machine'],
  [/\bfile:\/\/\/(?!\$|opt\/tocsin|srv\/)/g, 'a path of one machine'],
  [/\bregistry\.[a-z0-9-]+\.[a-z]+/g, 'the host of a registry'],
];

function findTraces(file: File): string[] {
  return TRACES.flatMap(([pattern, what]) =>
    Array.from(
      file.text.matchAll(pattern),
      (match) => `${file.path}:${lineAt(file.text, match.index)}: ${match[0]} is ${what}`,
    ),
  );
}

test('no file names a machine or a registry', () => {
  // The guard's own table and examples are full of them.
  const files = listFiles('', /./).filter(
    ({ path }) => !BINARY.test(path) && path !== 'test/guards/traces.test.ts',
  );
  assertNone(files.flatMap(findTraces), 'traces of a machine');
});

test('the lock file has hashes and no addresses', () => {
  const [lock] = listFiles('', /^package-lock\.json$/);
  assert.ok(lock);
  assert.doesNotMatch(lock.text, /"resolved":/);
  const { packages } = JSON.parse(lock.text) as {
    packages: Record<string, { integrity?: string }>;
  };
  const loose = Object.entries(packages)
    .filter(([path, { integrity }]) => path !== '' && integrity === undefined)
    .map(([path]) => path);
  assertNone(loose, 'packages without integrity');
});

test('the guard bites', () => {
  for (const text of [
    'see /home/jo/x',
    "'/root/.npmrc'",
    'C:\\Users\\jo',
    'https://registry.example.org/pg',
    'file:///tmp/x',
  ]) {
    assert.equal(findTraces({ path: 'x', text }).length, 1, text);
  }
  for (const text of [
    './work/x',
    'docs/home/x',
    '`${root}/home/x`',
    'https://docs.example/home/x',
  ]) {
    assert.deepEqual(findTraces({ path: 'x', text }), [], text);
  }
});
