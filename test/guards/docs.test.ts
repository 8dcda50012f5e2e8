/** What the documents promise exists: commands, paths, links, and a reason for each dependency. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import packageFile from '../../package.json' with { type: 'json' };
import { assertNone, lineAt, listFiles, root, type File } from './repository.ts';

const documents = listFiles('', /\.md$/);
const scripts: Readonly<Record<string, string>> = packageFile.scripts;

/** Words after `npm` that are npm's own. */
const NPM_VERBS = ['ci', 'install', 'run'];

/** Folders whose paths are checked where they stand in back-ticks. */
const CHECKED_PATH = /^(?:src|test|docs|migrations|scripts|bin|bench|chaos)\/[\w./-]*$/;

function findStaleCommands(file: File): string[] {
  const said: string[] = [];
  const say = (index: number, what: string) => {
    said.push(`${file.path}:${lineAt(file.text, index)}: ${what}`);
  };
  for (const match of file.text.matchAll(/\bnpm (?:run ([a-z][\w:-]*)|(test|start)\b)/g)) {
    const name = (match[1] ?? match[2])!;
    if (!Object.hasOwn(scripts, name)) say(match.index, `npm has no script ‘${name}’`);
  }
  for (const match of file.text.matchAll(/[`$] ?npm ([a-z]+)\b/g)) {
    const [, name = ''] = match;
    if (!NPM_VERBS.includes(name) && name !== 'test' && name !== 'start') {
      say(match.index, `‘npm ${name}’ is not a command of this project`);
    }
  }
  for (const match of file.text.matchAll(/\bbin\/tocsin ([a-z][a-z-]*)/g)) {
    if (!isCommand(match[1]!)) say(match.index, `bin/tocsin has no command ‘${match[1]}’`);
  }
  return said;
}

/** A command is a file of src/cli, or a word that src/main.ts or src/cli/index.ts knows. */
function isCommand(name: string): boolean {
  if (existsSync(join(root, 'src/cli', `${name}.ts`))) return true;
  const word = new RegExp(`['"]${name}['"]|^\\s+${name}(?::|\\()`, 'm');
  return listFiles('src', /^(?:main|index|commands)\.ts$/)
    .filter(({ path }) => path === 'src/main.ts' || path.startsWith('src/cli/'))
    .some(({ text }) => word.test(text));
}

function findStalePaths(file: File, exists: (path: string) => boolean): string[] {
  const folder = posix.dirname(file.path);
  const links = Array.from(file.text.matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)[^)]*\)/g)).map(
    (match) => ({ index: match.index, path: posix.join(folder, match[1]!), said: match[1]! }),
  );
  const quoted = Array.from(file.text.matchAll(/`([^`\s]+)`/g))
    .filter((match) => CHECKED_PATH.test(match[1]!))
    .map((match) => ({ index: match.index, path: match[1]!, said: match[1]! }));
  return [...links, ...quoted]
    .filter(({ path }) => !exists(path))
    .map(({ index, said }) => `${file.path}:${lineAt(file.text, index)}: there is no ${said}`);
}

const inRoot = (path: string) => existsSync(join(root, path));

test('commands in documents exist', () => {
  assert.ok(documents.length > 0);
  assertNone(documents.flatMap(findStaleCommands), 'commands that are not there');
});

test('links and paths in documents exist', () => {
  assertNone(
    documents.flatMap((file) => findStalePaths(file, inRoot)),
    'paths that are not there',
  );
});

test('every dependency has a sentence, and every sentence a dependency', () => {
  const { dependencies, devDependencies, optionalDependencies } = packageFile;
  const used = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  const page = documents.find(({ path }) => path === 'docs/dependencies.md');
  assert.ok(page);
  const described = Array.from(page.text.matchAll(/^\|(.*?)\|/gm)).flatMap((row) =>
    Array.from(row[1]!.matchAll(/`([@a-z][\w@/.-]*)`/g), (match) => match[1]!),
  );
  assertNone(
    used.filter((name) => !described.includes(name)),
    'dependencies without a sentence in docs/dependencies.md',
  );
  assertNone(
    described.filter((name) => !used.includes(name)),
    'described in docs/dependencies.md, not in package.json',
  );
});

test('every slice has its page', () => {
  const slices = listFiles('src', /^index\.ts$/)
    .map(({ path }) => path.split('/'))
    .filter((parts) => parts.length === 3 && !['cli', 'web', 'db', 'kernel'].includes(parts[1]!))
    .map(([, slice]) => slice!);
  assert.ok(slices.includes('audit'));
  assertNone(
    slices.filter((slice) => !inRoot(`src/${slice}/README.md`)),
    'slices without README.md',
  );
});

test('the guard bites', () => {
  const file = (text: string): File => ({ path: 'docs/x.md', text });
  for (const text of ['npm run fly', '`npm tset`', '$ npm fly', '`bin/tocsin fly`']) {
    assert.equal(findStaleCommands(file(text)).length, 1, text);
  }
  for (const text of ['npm run check', '`npm test`', 'npm start', 'npm packages', '`npm ci`']) {
    assert.deepEqual(findStaleCommands(file(text)), [], text);
  }
  const nothing = () => false;
  for (const text of ['[a](b.md)', '[a](../b.md#c)', '`src/kernel/x.ts`', '`docs/y`']) {
    assert.equal(findStalePaths(file(text), nothing).length, 1, text);
  }
  for (const text of ['[a](https://x.test)', '[a](#b)', '`src/<slice>/x.ts`', '`a/b`']) {
    assert.deepEqual(findStalePaths(file(text), nothing), [], text);
  }
});
