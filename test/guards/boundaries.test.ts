import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBoundaryViolations, findCycles, order } from './boundaries.ts';
import { assertNone, listFiles, type File } from './repository.ts';

const files = [...listFiles('src', /\.ts$/), ...listFiles('test', /\.ts$/)];

test('imports follow the order of the slices', () => {
  assertNone(findBoundaryViolations(files), 'imports against the order (types count)');
});

test('no file imports itself by a detour', () => {
  assertNone(findCycles(files), 'circles of imports (types count)');
});

test('the order itself has no circle', () => {
  for (const [unit, { may }] of Object.entries(order)) {
    for (const lower of may.filter((name) => name !== '*')) {
      assert.equal(order[lower]!.may.includes(unit), false, `${unit} and ${lower}`);
    }
  }
});

/** What the guard says of one file that imports `specifier`, beside files that exist. */
function saidOf(path: string, specifier: string): string[] {
  const others = [
    'src/kernel/ids.ts',
    'src/db/sql.ts',
    'src/audit/index.ts',
    'src/audit/store.ts',
    'src/dispatch/index.ts',
    'src/alerts/index.ts',
    'src/alerts/parts/form.ts',
    'src/simulator/index.ts',
    'test/support/database.ts',
  ];
  const invented: File[] = others.map((other) => ({ path: other, text: '' }));
  return findBoundaryViolations([...invented, { path, text: `import x from '${specifier}';` }]);
}

test('the guard bites', () => {
  const banned: [string, string, RegExp][] = [
    ['src/kernel/x.ts', '#db/sql.ts', /the kernel is pure/],
    ['src/audit/x.ts', '#dispatch/index.ts', /audit may not import dispatch/],
    ['src/dispatch/x.ts', '#alerts/index.ts', /knows recipients and texts/],
    ['src/dispatch/x.test.ts', '#alerts/index.ts', /knows recipients and texts/],
    ['src/alerts/x.ts', '#audit/store.ts', /only through #audit\/index\.ts/],
    ['src/alerts/x.ts', '../audit/index.ts', /across folders by #audit/],
    ['src/alerts/x.ts', '../../test/support/database.ts', /does not import tests/],
    ['src/alerts/x.ts', '#nowhere/index.ts', /no such file/],
    ['src/alerts/x.ts', 'pg', /withActor/],
    ['src/dispatch/x.ts', '#simulator/index.ts', /dispatch may not import simulator/],
    ['src/simulator/x.ts', '#kernel/ids.ts', /common code, common error/],
    ['src/console/x.ts', '#alerts/index.ts', /not their code/],
    ['src/rumours/x.ts', '#kernel/ids.ts', /has no place in the order/],
    ['test/journeys/x.ts', '#audit/store.ts', /only through/],
  ];
  for (const [path, specifier, message] of banned) {
    const said = saidOf(path, specifier);
    assert.equal(said.length, 1, `${path} → ${specifier}: ${said.join('; ')}`);
    assert.match(said[0]!, message);
  }
  const allowed: [string, string][] = [
    ['src/alerts/x.ts', '#audit/index.ts'],
    ['src/alerts/parts/x.ts', './form.ts'],
    ['src/alerts/x.test.ts', '../../test/support/database.ts'],
    ['src/cli/x.ts', '#simulator/index.ts'],
    ['src/db/x.ts', 'pg'],
    ['test/support/x.ts', 'pg'],
  ];
  for (const [path, specifier] of allowed) assert.deepEqual(saidOf(path, specifier), []);
  assert.deepEqual(
    findCycles([
      { path: 'src/a/x.ts', text: "import type { Y } from './y.ts';" },
      { path: 'src/a/y.ts', text: "import './x.ts';" },
    ]),
    ['src/a/x.ts → src/a/y.ts → src/a/x.ts'],
  );
});
