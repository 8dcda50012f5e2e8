/**
 * Data folders that cannot be: each start ends soon, with one sentence that says the way out, and
 * leaves no process behind. As root, because only root can mount.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { prepareGround, root, runCommand, startProgram, type Ground } from '../support/program.ts';

const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
const NEEDS_ROOT = 'needs root on Linux';
const FULL = /^The disk of the (data folder .*|database) is full\. Free some space/;
const READ_ONLY = /is on a read-only file system\. Make it writable/;

let ground: Ground;

before(async () => {
  ground = await prepareGround();
});

after(() => {
  ground.remove();
});

async function refusalOf(folder: string, expected: RegExp): Promise<void> {
  const environment = { TOCSIN_DATA_DIR: folder, PORT: String(ground.port) };
  const { code, err } = await runCommand(['start'], environment);
  assert.equal(code, 1, err);
  assert.match(err, expected);
  assert.equal(err.trim().split('\n').length, 1, `more than a sentence: ${err}`);
  assert.deepEqual(commandsNaming(folder), [], 'left behind');
}

/** Command lines of all processes in which this path stands. */
function commandsNaming(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => commandOf(name))
    .filter((command) => command.includes(folder));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** A disk of its own at the ground's folder, until the end of `work`. */
async function onDisk(t: TestContext, size: string, work: () => Promise<void>): Promise<void> {
  const { folder } = ground;
  mkdirSync(folder);
  try {
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
    if (status !== 0) return t.skip('mounting is not allowed here');
    await work();
  } finally {
    // Lazily: what a failed test left running must not hide why it failed.
    spawnSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A disk on which a process that just ended has a file open still stays writable a moment. */
async function remount(how: 'ro' | 'rw'): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { status, stderr } = spawnSync('mount', ['-o', `remount,${how}`, ground.folder]);
    if (status === 0) return;
    assert.ok(tries < 50, `remount ${how}: ${stderr.toString()}`);
    await setTimeout(100);
  }
}

const UUID = '0a1b2c3d-1111-2222-3333-444455556666';

/** What must be right before there is a folder, which is live or not for ever. */
const settings: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  [
    'a sender that no network takes',
    { SMPP_URL: 'smpp://centre:secret@127.0.0.1:9', SMPP_FROM: 'The whole cyber centre' },
    /^SMPP_URL, SMPP_FROM cannot be used: gateway smpp: from: must be a sender$/m,
  ],
  [
    'a certificate that is not there',
    { TOCSIN_TLS_CERT: '/nowhere/cert.pem', TOCSIN_TLS_KEY: '/nowhere/key.pem' },
    /^TOCSIN_TLS_CERT, .* cannot be used together \(ENOENT\)\.$/m,
  ],
];

for (const [name, environment, expected] of settings)
  test(`${name}: refused before a folder becomes live`, async () => {
    const { code, err } = await runCommand(['start'], {
      NOTIFY_API_KEY: `live-${UUID}-${UUID}`,
      TOCSIN_DATA_DIR: ground.folder,
      PORT: String(ground.port),
      ...environment,
    });
    assert.equal(code, 1);
    assert.match(err, expected);
    assert.equal(existsSync(ground.folder), false);
  });

test('a wrong operating model: every error with its line, and nothing is made', async () => {
  const file = `${ground.folder}.yaml`;
  const right = readFileSync(path.join(root, 'operating-model.yaml'), 'utf8');
  writeFileSync(file, right.replace('lane: 1', 'lane: 8').replace('text, mail', 'text, fax'));
  const { code, err } = await runCommand(['start'], {
    TOCSIN_OPERATING_MODEL: file,
    TOCSIN_DATA_DIR: ground.folder,
    PORT: String(ground.port),
  });
  assert.equal(code, 1);
  assert.match(err, /has 2 errors:\n.*yaml:\d+: severities\..*\n.*yaml:\d+: severities\..*/);
  assert.equal(existsSync(ground.folder), false);
});

test(
  'below /proc nothing can be made: one sentence, not a wait for ever',
  { skip: process.platform !== 'linux' && 'needs Linux' },
  async () => {
    await refusalOf('/proc/tocsin', /^\/proc\/tocsin cannot be made\. Set TOCSIN_DATA_DIR to/);
    await refusalOf('/proc/tocsin/var', /^\/proc\/tocsin cannot be made\. Set TOCSIN_DATA_DIR to/);
  },
);

test('a read-only disk, first and second start', { skip: !isRoot && NEEDS_ROOT }, async (t) => {
  await onDisk(t, '300m', async () => {
    await remount('ro');
    await refusalOf(ground.folder, READ_ONLY);
    await remount('rw');
    await (await startProgram(ground)).stop();
    await remount('ro');
    await refusalOf(ground.folder, READ_ONLY);
  });
});

// 4 KB: nothing of ours; 20 MB: in the middle of initdb; 44 MB: of a migration or of the sector; 50
// MB: of the journal, which takes the server with it.
for (const size of ['4k', '20m', '44m', '50m'])
  test(`a disk of ${size}, first start`, { skip: !isRoot && NEEDS_ROOT }, async (t) => {
    await onDisk(t, size, async () => await refusalOf(ground.folder, FULL));
  });

test('a disk that was filled, second start', { skip: !isRoot && NEEDS_ROOT }, async (t) => {
  await onDisk(t, '300m', async () => {
    await (await startProgram(ground)).stop();
    const filler = path.join(ground.folder, 'filler');
    spawnSync('sh', ['-c', 'cat /dev/zero > "$1" 2>/dev/null', 'sh', filler]);
    await refusalOf(ground.folder, FULL);
    rmSync(filler);
    await (await startProgram(ground)).stop();
  });
});
