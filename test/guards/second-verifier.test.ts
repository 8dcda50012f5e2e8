/** The second verifier of the audit is worth something only if it shares nothing with the first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, listFiles } from './repository.ts';

test('the second verifier imports nothing of ours, and nothing that has to be installed', () => {
  const [script] = listFiles('scripts', /^verify-audit\.mjs$/);
  assert.ok(script);
  const specifiers = importsOf(script.text).map(({ specifier }) => specifier);
  assert.ok(specifiers.length > 0);
  for (const specifier of specifiers) assert.match(specifier, /^node:/);
  assert.doesNotMatch(script.text, /\brequire\b|\bgetBuiltinModule\b/);
});

test('nothing of ours imports the second verifier', () => {
  const importing = ['src', 'test', 'scripts', 'bench', 'chaos']
    .flatMap((folder) => listFiles(folder, /\.(?:ts|mjs)$/))
    .filter(({ text }) => importsOf(text).some(({ specifier }) => /verify-audit/.test(specifier)));
  assert.deepEqual(importing, []);
});
