import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ask, startChild, type ChildOptions } from './embedded-child.ts';
import { copyBinaries, findBinaries } from './postgres-binaries.ts';
import { readRemembered } from './postgres-place.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'tocsin-places-'));
chmodSync(base, 0o711);
after(() => rmSync(base, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const mountable = isRoot && process.platform === 'linux';
const NOBODY = 65534;
const nobody: ChildOptions = { uid: NOBODY, gid: NOBODY };
const nobodyCanRead =
  isRoot &&
  spawnSync(process.execPath, ['-e', `require('fs').readdirSync(${JSON.stringify(base)})`], {
    uid: NOBODY,
    gid: NOBODY,
  }).error === undefined;

const NEEDS_NOBODY = 'needs root, and a checkout that others may read';

/** Starts, asks something, stops; gives back the refusal if there was one, and the log. */
async function startAndStop(folder: string, options: ChildOptions = {}) {
  const child = await startChild(folder, options);
  if (child.word === 'up') assert.equal(await ask(folder, 'select 1'), 1);
  await child.stop();
  return { word: child.word, log: child.log() };
}

async function works(folder: string, options: ChildOptions = {}): Promise<string> {
  const { word, log } = await startAndStop(folder, options);
  assert.equal(word, 'up', log);
  return log;
}

test(
  'an ordinary user owns all of it, and may hand it to root and take it back',
  { skip: !nobodyCanRead && NEEDS_NOBODY },
  async () => {
    const folder = path.join(base, 'ordinary');
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, NOBODY, NOBODY);
    await works(folder, nobody);
    assert.equal(statSync(path.join(folder, 'postgres')).uid, NOBODY);
    await works(folder);
    assert.equal(statSync(path.join(folder, 'postgres')).uid, NOBODY);
    await works(folder, nobody);
  },
);

test('root below a folder that nobody may enter', { skip: !isRoot && 'needs root' }, async () => {
  const closed = path.join(base, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const folder = path.join(closed, 'var');
  const log = await works(folder);
  const { data } = readRemembered({ path: folder })!;
  try {
    assert.match(data, /^\/var\/lib\/tocsin\/[0-9a-f-]{36}\/postgres$/);
    assert.ok(log.includes(`The database lives in ${data}`), log);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    await works(folder);
  } finally {
    rmSync(path.dirname(data), { recursive: true });
  }
});

test('programs in a closed folder are copied, whole, once', () => {
  const found = findBinaries();
  assert.ok(found.ok);
  const copy = copyBinaries(found.value, path.join(base, 'programs'));
  assert.match(spawnSync(copy.postgres, ['--version'], { encoding: 'utf8' }).stdout, /PostgreSQL/);
  const { ino } = statSync(copy.postgres);
  assert.equal(statSync(copyBinaries(found.value, path.join(base, 'programs')).postgres).ino, ino);
});

test('a path too long for a socket gets a short one, and keeps it', async () => {
  const folder = path.join(base, 'long-'.repeat(20));
  await works(folder);
  const { run } = readRemembered({ path: folder })!;
  assert.ok(run.length <= 90, run);
  await works(folder);
  assert.equal(readRemembered({ path: folder })!.run, run);
  rmSync(run, { recursive: true });
  await works(folder);
  rmSync(readRemembered({ path: folder })!.run, { recursive: true, force: true });
});

test(
  'a read-only and a full disk are each one sentence',
  { skip: !mountable && 'needs root on Linux' },
  async (t) => {
    const folder = path.join(base, 'disk');
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=150m', 'tmpfs', folder]);
    if (mounted.status !== 0) return t.skip('mounting is not allowed here');
    try {
      await works(folder);
      spawnSync('mount', ['-o', 'remount,ro', folder]);
      const readOnly = await startAndStop(folder);
      assert.match(readOnly.word, /is on a read-only file system\. Make it writable/);
      spawnSync('mount', ['-o', 'remount,rw', folder]);
      spawnSync('sh', ['-c', 'cat /dev/zero > "$1/filler" 2>/dev/null', 'sh', folder]);
      const full = await startAndStop(folder);
      assert.match(full.word, /^The disk of the data folder .* is full\. Free some space/);
      rmSync(path.join(folder, 'filler'));
      await works(folder);
    } finally {
      spawnSync('umount', [folder]);
    }
  },
);

test(
  'a disk too small for a first start leaves nothing behind',
  { skip: !mountable && 'needs root on Linux' },
  async (t) => {
    const folder = path.join(base, 'small');
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', folder]);
    if (mounted.status !== 0) return t.skip('mounting is not allowed here');
    try {
      const { word } = await startAndStop(folder);
      assert.match(word, /^The disk of the data folder .* is full\. Free some space/);
      spawnSync('mount', ['-o', 'remount,size=150m', folder]);
      await works(folder);
    } finally {
      spawnSync('umount', [folder]);
    }
  },
);

/** One cluster for the tests that need no new one. */
const common = path.join(base, 'common');

test('rights that somebody widened are narrowed again', async () => {
  await works(common);
  chmodSync(path.join(common, 'postgres'), 0o755);
  chmodSync(path.join(common, 'run'), 0o777);
  await works(common);
  assert.equal(statSync(path.join(common, 'run')).mode & 0o777, 0o700);
  assert.equal(statSync(path.join(common, 'postgres')).mode & 0o777, 0o700);
  assert.ok(existsSync(path.join(common, 'postgres.log')));
  assert.equal(JSON.parse(readFileSync(path.join(common, 'postgres.json'), 'utf8')).run, 'run');
});

test('a database of another major version is refused', async () => {
  writeFileSync(path.join(common, 'postgres/PG_VERSION'), '17\n');
  const { word } = await startAndStop(common);
  writeFileSync(path.join(common, 'postgres/PG_VERSION'), '18\n');
  assert.match(word, /was made by another major version of PostgreSQL than the one included here/);
});

test(
  'what belongs to another user is refused',
  { skip: !nobodyCanRead && NEEDS_NOBODY },
  async () => {
    chownSync(common, NOBODY, NOBODY);
    for (const name of ['installation.json', 'secrets.json', 'postgres.json', 'postgres.log']) {
      chownSync(path.join(common, name), NOBODY, NOBODY);
    }
    const { word } = await startAndStop(common, nobody);
    const owner = statSync(path.join(common, 'postgres')).uid;
    if (owner === NOBODY) return;
    assert.match(
      word,
      new RegExp(`belongs to the user with number ${owner}\\. Start Tocsin as that`),
    );
  },
);
