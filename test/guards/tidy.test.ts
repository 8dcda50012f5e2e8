/** What reviewers should not have to say. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNone, blanked, closing, isTest, lineAt, listFiles, root } from './repository.ts';
import type { File } from './repository.ts';

const COLUMNS_MAX = 100;
const FILE_LINES_SOFT = 300;
const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;

/** A line that is one address or one regular expression and cannot be broken. */
const UNBREAKABLE = /^\s*(?:(?:\/\/|\*) *)?(?:https?:\/\/\S+|\/\S.*\/[a-z]*[,;]?)$/;

const BANNED_NAMES = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'manager',
  'service',
  'common',
]);

/** Files that a tool asks for a default export, each with its reason. */
const DEFAULT_EXPORTS: Readonly<Record<string, string>> = {
  'scripts/count-tests.ts': 'a reporter of node --test',
};

const source = ['src', 'test', 'scripts', 'bench', 'chaos']
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) => listFiles(folder, /\.(?:ts|mjs)$/))
  .filter((file) => !file.path.startsWith('src/web/assets/'));
const migrations = listFiles('migrations', /^\d{4}_.*\.sql$/);

function linesOf(file: File): number {
  return file.text.split('\n').length - 1;
}

/**
 * A sentence in one literal stays on one line, so that it can be searched for: what stands around
 * the longest literal must be short.
 */
function isOneLiteral(line: string): boolean {
  if (/^\s*(?:\/\/|\/?\*)/.test(line)) return false;
  const literals =
    line.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\/(?![/*])\S.*\/[a-z]*/g) ?? [];
  const longest = Math.max(0, ...literals.map((literal) => literal.length));
  return line.length - longest <= 40;
}

function findLongLines(file: File): string[] {
  return file.text.split('\n').flatMap((line, i) => {
    const columns = Array.from(line).length;
    const where = `${file.path}:${i + 1}`;
    if (columns <= COLUMNS_MAX || UNBREAKABLE.test(line) || isOneLiteral(line)) return [];
    return [`${where}: ${columns} columns, ${COLUMNS_MAX} at most`];
  });
}

function findLongFiles(files: readonly File[], allowed: ReadonlyMap<string, number>): string[] {
  const listed = 'test/guards/long-files.txt';
  const found = files.flatMap((file) => {
    const [lines, most] = [linesOf(file), allowed.get(file.path)];
    const says = (what: string) => [`${file.path}: ${lines} lines, ${what}`];
    if (lines > FILE_LINES_MAX) return says(`${FILE_LINES_MAX} at the very most`);
    if (isTest(file.path)) return [];
    if (most === undefined) return lines > FILE_LINES_SOFT ? says('300 at most: split it') : [];
    if (lines <= FILE_LINES_SOFT) return says(`take it off ${listed}`);
    if (lines > most) return says(`${listed} allows ${most}, and may only shrink`);
    return lines < most ? says(`write the smaller number into ${listed}`) : [];
  });
  const paths = new Set(files.map((file) => file.path));
  const gone = [...allowed.keys()].filter((path) => !paths.has(path));
  return [...found, ...gone.map((path) => `${listed} names ${path}, which is not there`)];
}

const NOT_FUNCTIONS = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'return']);

/** Every function body in blanked code: arrows with a block, `function`s, methods. */
function functionBodies(code: string): { start: number; open: number }[] {
  const arrows = Array.from(code.matchAll(/=>\s*\{/g), (match) => ({
    start: match.index,
    open: match.index + match[0].length - 1,
  }));
  const named = Array.from(code.matchAll(/\bfunction\b[^(]*\(|^ +(?:[a-z]+ )*#?(\w+)\(/gm)).flatMap(
    (match) => {
      if (match[1] !== undefined && NOT_FUNCTIONS.has(match[1])) return [];
      const end = closing(code, match.index + match[0].length - 1);
      const open = bodyAfter(code, end + 1);
      return open === undefined ? [] : [{ start: match.index, open }];
    },
  );
  return [...arrows, ...named];
}

/** Where the body begins after the parameters, past a return type; undefined where none does. */
function bodyAfter(code: string, from: number): number | undefined {
  const rest = /^\s*(:)?\s*/.exec(code.slice(from))!;
  let i = from + rest[0].length;
  if (rest[1] === undefined) return code[i] === '{' ? i : undefined;
  if (code[i] === '{') i = closing(code, i) + 1;
  while (i < code.length && !'{;\n'.includes(code[i]!)) i++;
  return code[i] === '{' ? i : undefined;
}

function findLongFunctions(file: File): string[] {
  const code = blanked(file.text);
  return functionBodies(code).flatMap(({ start, open }) => {
    const [first, last] = [lineAt(code, start), lineAt(code, closing(code, open))];
    const lines = last - first + 1;
    if (lines <= FUNCTION_LINES_MAX || /\b(?:describe|suite)\(.*$/.test(lineText(code, first))) {
      return [];
    }
    return [`${file.path}:${first}: a function of ${lines} lines, ${FUNCTION_LINES_MAX} at most`];
  });
}

function lineText(text: string, line: number): string {
  return text.split('\n')[line - 1] ?? '';
}

const BANNED: readonly [RegExp, string, 'code' | 'text'][] = [
  [/\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))/g, 'a note to do something names its issue: (#n)', 'text'],
  [/\.only\b\s*\(|\bonly:\s*true/g, 'one test alone hides the others', 'code'],
  [
    /\b(?:test|it|describe|suite)\.(?:skip|todo)\b/g,
    'a skipped test says why: { skip: … }',
    'code',
  ],
  [/\bskip:\s*true/g, 'a skipped test says why: { skip: … }', 'code'],
  [/(?::|<|\bas|,|\|)\s*any\b(?!\s*[:(])/g, 'any switches the types off', 'code'],
  [/@ts-(?:ignore|nocheck|expect-error)/g, 'no switching the types off', 'text'],
];

function findBannedWords(file: File): string[] {
  const code = blanked(file.text);
  const said = BANNED.flatMap(([pattern, why, where]) => {
    const text = where === 'code' ? code : file.text;
    return Array.from(text.matchAll(pattern), (match) => ({
      line: lineAt(text, match.index),
      why,
    }));
  });
  const byDefault = /\bexport\s+default\b/.exec(code);
  if (byDefault !== null && !Object.hasOwn(DEFAULT_EXPORTS, file.path)) {
    said.push({ line: lineAt(code, byDefault.index), why: 'exports have names' });
  }
  return said.map(({ line, why }) => `${file.path}:${line}: ${why}`);
}

function findBannedNames(path: string): string[] {
  const words = path.split(/[/.-]/).filter((word) => BANNED_NAMES.has(word));
  return words.map((word) => `${path}: ‘${word}’ says nothing: name it by what it holds`);
}

test('columns, files and functions keep their limits', () => {
  const listed = readFileSync(join(root, 'test/guards/long-files.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/) as [string, string]);
  const allowed = new Map(listed.map(([path, lines]) => [path, Number(lines)]));
  const found = [
    ...[...source, ...migrations].flatMap(findLongLines),
    ...findLongFiles(source, allowed),
    ...source.flatMap(findLongFunctions),
  ];
  assertNone(found, 'too long');
});

test('no banned word, no banned name', () => {
  // The guard's own table is full of them.
  const others = source.filter((file) => file.path !== 'test/guards/tidy.test.ts');
  const names = source.flatMap((file) => findBannedNames(file.path));
  assertNone([...others.flatMap(findBannedWords), ...names], 'banned');
});

test('the guard bites', () => {
  const file = (text: string, path = 'src/x/y.ts'): File => ({ path, text });
  const body = (lines: number) => '  f();\n'.repeat(lines - 2);
  for (const [text, expected] of [
    [`function f(a: { b: 1 }): { c: 2 } {\n${body(71)}}\n`, 1],
    [`function f(a: { b: 1 }): { c: 2 } {\n${body(70)}}\n`, 0],
    [`const f = async () => {\n${body(71)}};\n`, 1],
    [`  async handle(a: string): Promise<void> {\n${body(71)}}\n`, 1],
    [`describe('', () => {\n${body(300)}});\n`, 0],
    [`  if (a) {\n${body(300)}}\n`, 0],
  ] as const) {
    assert.equal(findLongFunctions(file(text)).length, expected, text.slice(0, 60));
  }
  assert.equal(findLongLines(file('x'.repeat(101))).length, 1);
  assert.deepEqual(findLongLines(file('é'.repeat(100))), []);
  const long = (lines: number) => [file('\n'.repeat(lines))];
  assert.equal(findLongFiles(long(301), new Map()).length, 1);
  assert.deepEqual(findLongFiles(long(301), new Map([['src/x/y.ts', 301]])), []);
  assert.equal(findLongFiles(long(302), new Map([['src/x/y.ts', 301]])).length, 1);
  assert.equal(findLongFiles(long(301), new Map([['src/x/y.ts', 302]])).length, 1);
  assert.equal(findLongFiles(long(300), new Map([['src/x/y.ts', 301]])).length, 1);
  assert.equal(findLongFiles(long(501), new Map([['src/x/y.ts', 501]])).length, 1);
  assert.equal(findLongFiles([], new Map([['src/x/y.ts', 301]])).length, 1);
  for (const text of [
    '// TODO: later',
    'test.only(f)',
    "test('x', { only: true }, f)",
    "test.skip('x', f)",
    "test('x', { skip: true }, f)",
    'const a: any = 1;',
    'const a = b as any;',
    'type A = Record<string, any>;',
    '// @ts-ignore',
    'export default 1;',
  ]) {
    assert.equal(findBannedWords(file(text)).length, 1, text);
  }
  for (const text of ['// TODO(#12): later', "f('any: any');", 'a.any(b)', "{ skip: 'no data' }"]) {
    assert.deepEqual(findBannedWords(file(text)), [], text);
  }
  assert.equal(findBannedNames('src/x/date-utils.ts').length, 1);
  assert.equal(findBannedNames('src/common/x.ts').length, 1);
  assert.deepEqual(findBannedNames('src/x/utilisation.ts'), []);
});
