/**
 * Every key of the operating model steers something: a rule that nobody reads is a promise that
 * nobody keeps.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { checkOperatingModel } from '#operating-model/index.ts';

const root = path.join(import.meta.dirname, '..', '..');

/** Names of the centre's own under these: no keys of the product. */
const OWN_NAMES = new Set([
  'answers',
  'categories',
  'contactRoles',
  'declaredScales',
  'levels',
  'organisationTypes',
  'readerKinds',
  'regionNames',
  'roles',
  'types',
  'vectors',
]);

function keysOf(value: unknown, name = '', found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const one of value) keysOf(one, name, found);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      if (!OWN_NAMES.has(name)) found.add(key);
      keysOf(inner, key, found);
    }
  return found;
}

/** The rules and their page show everything, whether or not anything obeys it. */
const SHOWN = /^src\/(operating-model|adoption)\/|\.test\.ts$/;

/**
 * How an exercise goes by its severity, and in which saved words an update goes, is worked out
 * here, for all who send and show.
 */
const GONE_BY = new Set([
  'src/operating-model/exercises.ts',
  'src/operating-model/because-following.ts',
]);

/** A key as code reads it: after a dot, or taken out of an object. */
const reads = (key: string) => new RegExp(String.raw`\.${key}\b|[{,(]\s*${key}\b(?=[\s,:}=])`);

test('every key of the operating model is read by what it steers', () => {
  const { model } = checkOperatingModel(
    readFileSync(path.join(root, 'operating-model.yaml'), 'utf8'),
  );
  const keys = keysOf(model);
  assert.ok(keys.size > 100);
  const code = globSync('src/**/*.{ts,njk}', { cwd: root })
    .filter((file) => !SHOWN.test(file) || GONE_BY.has(file))
    .map((file) => readFileSync(path.join(root, file), 'utf8'))
    .join('\n');
  const unread = [...keys].filter((key) => !reads(key).test(code));
  assert.deepEqual(unread.sort(), []);
});
