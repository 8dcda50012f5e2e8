/** What we install: its licences, its scripts, and the bill of materials that says so. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import lockFile from '../../package-lock.json' with { type: 'json' };
import packageFile from '../../package.json' with { type: 'json' };
import { assertNone, root } from './repository.ts';

type Entry = {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
};

type Entries = Readonly<Record<string, Entry>>;

/** As docs/dependencies.md has them. */
const EVERYWHERE = new Set([
  'MIT',
  'MIT-0',
  '0BSD',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'Python-2.0',
  'PSF-2.0',
  '(MIT OR EUPL-1.1+)',
]);
const IN_TESTS_ALONE = new Set(['MPL-2.0']);

const packages: Entries = Object.fromEntries(
  Object.entries(lockFile.packages as Entries).filter(([path]) => path !== ''),
);

function findUnknownLicences(entries: Entries): string[] {
  return Object.entries(entries).flatMap(([path, { license = 'no licence', dev = false }]) =>
    EVERYWHERE.has(license) || (dev && IN_TESTS_ALONE.has(license)) ? [] : [`${path}: ${license}`],
  );
}

/** Packages with an install script about which nobody decided. */
function findUndecidedScripts(
  entries: Entries,
  decided: Readonly<Record<string, boolean>>,
): string[] {
  return Object.entries(entries)
    .filter(([, { hasInstallScript = false }]) => hasInstallScript)
    .map(([path]) => nameOf(path))
    .filter((name) => !Object.hasOwn(decided, name));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

test('every licence is one that we allow', () => {
  assertNone(findUnknownLicences(packages), 'licences to be decided on in docs/dependencies.md');
});

test('no package runs a script at install unless somebody decided so', () => {
  assertNone(
    findUndecidedScripts(packages, packageFile.allowScripts),
    'packages with an install script, missing in allowScripts of package.json',
  );
});

test('the bill of materials has every package of the lock file with its checksum', () => {
  const printed = execFileSync('npm', ['run', '-s', 'sbom'], { cwd: root, encoding: 'utf8' });
  const bill = JSON.parse(printed) as {
    bomFormat: string;
    components: {
      purl: string;
      hashes?: { alg: string; content: string }[];
      licenses?: unknown[];
    }[];
  };
  assert.equal(bill.bomFormat, 'CycloneDX');
  const listed = new Map(bill.components.map((one) => [decodeURIComponent(one.purl), one]));
  const wrong = Object.entries(packages).flatMap(([path, { version, integrity = '' }]) => {
    const component = listed.get(`pkg:npm/${nameOf(path)}@${version}`);
    if (component === undefined) return [`${path}: not in the bill`];
    const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
    const isWhole =
      component.hashes?.some(({ alg, content }) => alg === 'SHA-512' && content === sha512) &&
      (component.licenses?.length ?? 0) > 0;
    return isWhole === true ? [] : [`${path}: other checksum or no licence`];
  });
  assertNone(wrong, 'npm run sbom');
});

test('the guards bite', () => {
  const bad = { 'node_modules/a': { license: 'GPL-3.0' }, 'node_modules/b': {} };
  assert.equal(findUnknownLicences(bad).length, 2);
  assert.equal(findUnknownLicences({ 'node_modules/c': { license: 'MPL-2.0' } }).length, 1);
  const script = { 'node_modules/x/node_modules/@a/b': { hasInstallScript: true } };
  assert.deepEqual(findUndecidedScripts(script, {}), ['@a/b']);
  assert.deepEqual(findUndecidedScripts(script, { '@a/b': false }), []);
});
