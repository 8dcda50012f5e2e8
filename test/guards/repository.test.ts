import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blanked, importsOf, sqlOf } from './repository.ts';

test('comments and strings are blanked, code and lines stay', () => {
  const text = [
    'const a = \'any\' + "any"; // any',
    '/* any',
    ' any */ const b = `any ${c({ d: `any` })} any`;',
    'const e = /any[/]any/.test(b) ? 4 / 2 / any : 0;',
  ].join('\n');
  const code = blanked(text);
  assert.equal(code.length, text.length);
  assert.equal(code.split('any').length, 2, code);
  assert.match(code, /const b = `\s+\{c\(\{ d: `\s+` \}\)\}\s+`;/);
});

test('imports are found in every form, and only imports', () => {
  const text = [
    "import a from 'one';",
    "import type { B } from '#two/index.ts';",
    "import {\n  c,\n  d,\n} from './three.ts';",
    "export * from './four.ts';",
    "import './five.ts';",
    "const six = await import('./six.ts');",
    "type Seven = import('./seven.ts').Seven;",
    "// import x from 'comment';",
    "const text = `import x from 'template'`;",
  ].join('\n');
  assert.deepEqual(
    importsOf(text).map(({ specifier, line }) => [specifier, line]),
    [
      ['one', 1],
      ['#two/index.ts', 2],
      ['./three.ts', 3],
      ['./four.ts', 7],
      ['./five.ts', 8],
      ['./six.ts', 9],
      ['./seven.ts', 10],
    ],
  );
});

test('statements are found with their nested parts', () => {
  const text = 'f(sql`select a from x.y where ${c ? sql`b = ${b}` : sql`true`} and d`); `select 1`';
  assert.deepEqual(
    sqlOf(text).map(({ sql }) => sql.replaceAll(/\s+/g, ' ').trim()),
    ['select a from x.y where and d', 'b =', 'true'],
  );
});
