/** Decisions, parsers and policies read their arguments and nothing else: no clock, no chance. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveImport, unitOf } from './boundaries.ts';
import { assertNone, blanked, importsOf, lineAt, listFiles, type File } from './repository.ts';

const PURE_FILES = /(?:^|\/)(?:model|parse|policy|plan|request)\.ts$/;

/** Files of the kernel that may ask the world, each with its reason. */
const EXEMPT: Readonly<Record<string, string>> = {
  'src/kernel/ids.ts':
    'makes ids: chance is what it is for; the time is an argument with a default',
  'src/kernel/random-bytes.ts': 'draws chance, for ids and for envelopes',
};

/** Functions of Node whose answer depends on their arguments alone. */
const PURE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': [
    'createCipheriv',
    'createDecipheriv',
    'createHash',
    'createHmac',
    'timingSafeEqual',
  ],
  'node:url': ['domainToASCII', 'domainToUnicode'],
};

const BANNED: readonly [RegExp, string][] = [
  [/\bDate\.now\b/g, 'the time is an argument'],
  [/\bnew Date\(\s*\)/g, 'the time is an argument'],
  [/\bperformance\.now\b/g, 'the time is an argument'],
  [/\bMath\.random\b/g, 'randomness is an argument'],
  [/\b(?:crypto\.)?randomUUID\b/g, 'randomness is an argument'],
  [/(?<![\w.'])process\b(?!\s*[:(])/g, 'the environment is read once, in src/config.ts'],
  [/\b(?:setTimeout|setInterval|setImmediate)\b/g, 'waiting belongs to the shell'],
  [/(?<![\w.])fetch\(/g, 'the outside belongs to the shell'],
];

/** The simulation gives the same run for the same seed; these of its files are its shell. */
const SIMULATION = 'test/simulation/';
const SHELL = ['simulate', 'threads', 'replay', 'twin/index', 'twin/postgres', 'twin/differential'];

function isPure(path: string): boolean {
  if (path.startsWith(SIMULATION) && !path.endsWith('.test.ts'))
    return !SHELL.includes(path.slice(SIMULATION.length, -'.ts'.length));
  if (path.endsWith('.test.ts') || Object.hasOwn(EXEMPT, path)) return false;
  return PURE_FILES.test(path) || path.startsWith('src/kernel/');
}

function findImpurities(file: File): string[] {
  const code = blanked(file.text);
  const found = BANNED.flatMap(([pattern, why]) =>
    Array.from(code.matchAll(pattern), (match) => ({
      line: lineAt(code, match.index),
      what: `${match[0]}: ${why}`,
    })),
  );
  const imported = importsOf(file.text).flatMap(({ specifier, line, names }) => {
    const target = resolveImport(file.path, specifier);
    if (isPureImport(specifier, names)) return [];
    if (specifier.startsWith('node:')) return [{ line, what: `${specifier}: no input or output` }];
    // Forms are parsed with the form functions of the server kit.
    const shell = file.path.endsWith('/parse.ts') ? ['db', 'log'] : ['db', 'log', 'web'];
    if (target === undefined || !shell.includes(unitOf(target))) return [];
    return [{ line, what: `${specifier}: belongs to the shell` }];
  });
  return [...found, ...imported].map(({ line, what }) => `${file.path}:${line}: ${what}`);
}

function isPureImport(specifier: string, names: string): boolean {
  const pure = Object.hasOwn(PURE_IMPORTS, specifier) ? PURE_IMPORTS[specifier]! : [];
  const named = names
    .replace(/^\{|\}$/g, '')
    .split(',')
    .map((name) => name.trim());
  return names.startsWith('{') && named.every((name) => name === '' || pure.includes(name));
}

test('pure files are pure', () => {
  const all = [...listFiles('src', /\.ts$/), ...listFiles('test/simulation', /\.ts$/)];
  const files = all.filter((file) => isPure(file.path));
  assert.ok(files.length > 3);
  assertNone(files.flatMap(findImpurities), 'in files that must be pure');
});

test('every exemption is needed', () => {
  for (const path of Object.keys(EXEMPT)) {
    const file = listFiles('src', /\.ts$/).find((one) => one.path === path);
    assert.ok(file && findImpurities(file).length > 0, `${path} is exempt for nothing`);
  }
});

test('the guard bites', () => {
  const impure = [
    'const now = Date.now();',
    'const now = new Date();',
    'const r = Math.random();',
    'const e = process.env;',
    "import { readFile } from 'node:fs';",
    "import { createHash, randomBytes } from 'node:crypto';",
    "import type { Tx } from '#db/database.ts';",
    "import { page } from '#web/index.ts';",
    'setTimeout(f, 1);',
    'await fetch(url);',
  ];
  for (const text of impure) {
    assert.equal(findImpurities({ path: 'src/alerts/model.ts', text }).length, 1, text);
  }
  const pure = [
    '// Date.now() is banned',
    'const at = new Date(ms);',
    "const word = 'process';",
    "import { createHash } from 'node:crypto';",
    'const outcome = prefetch(x).process;',
  ];
  for (const text of pure) {
    assert.deepEqual(findImpurities({ path: 'src/alerts/model.ts', text }), [], text);
  }
});
