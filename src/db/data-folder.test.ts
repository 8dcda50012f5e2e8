import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { runOnSmallDisk } from '../../test/support/small-disk.ts';
import { findDataFolder, openDataFolder } from './data-folder.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'tocsin-folder-'));
after(() => rmSync(base, { recursive: true }));
const folder = path.join(base, 'var');
beforeEach(() => rmSync(folder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const mountable = isRoot && process.platform === 'linux';

function open(live = false) {
  return openDataFolder({ path: folder, live });
}

function message(outcome: ReturnType<typeof findDataFolder>): string {
  return outcome.ok ? 'it worked' : outcome.message;
}

function mode(name: string): number {
  return statSync(path.join(folder, name)).mode & 0o777;
}

test('a new folder is private, and stays what it became', () => {
  const opened = open();
  assert.ok(opened.ok);
  assert.equal(mode('.'), 0o700);
  assert.equal(mode('secrets.json'), 0o600);
  const [key, ...more] = opened.value.secrets.keyEncryptionKeys;
  assert.equal(Buffer.from(key!.key, 'base64').length, 32);
  assert.deepEqual([key!.id, more], [1, []]);
  assert.deepEqual(open(), opened);
  assert.deepEqual(findDataFolder(folder), opened);
  assert.deepEqual(readdirSync(folder).sort(), ['installation.json', 'secrets.json']);
});

test('a demonstration never becomes live, nor live a demonstration', () => {
  open();
  assert.match(message(open(true)), /is a demonstration \(since .*set TOCSIN_DATA_DIR to a new/);
  rmSync(folder, { recursive: true });
  open(true);
  assert.match(message(open()), /is live \(since .*set NOTIFY_API_KEY, or set TOCSIN_DATA_DIR/);
});

test('a folder that is not there is not made by looking', () => {
  assert.deepEqual(findDataFolder(folder), { ok: true, value: undefined });
  assert.deepEqual(findDataFolder(folder), { ok: true, value: undefined });
});

test('a first start that was killed half-way is taken up', () => {
  const first = open();
  assert.ok(first.ok);
  rmSync(path.join(folder, 'installation.json'));
  writeFileSync(path.join(folder, 'installation.json.0000.tmp'), '{"id":');
  const again = open();
  assert.ok(again.ok);
  assert.deepEqual(again.value.secrets, first.value.secrets);
});

test('a folder of other things is refused', () => {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'thesis.txt'), '');
  assert.match(message(open()), /holds other things \(such as thesis\.txt\)/);
});

test('a file, a damaged file and missing secrets are each one sentence', () => {
  writeFileSync(folder, '');
  assert.match(message(open()), /is a file, not a folder\. Set TOCSIN_DATA_DIR/);
  rmSync(folder);
  open();
  const secrets = path.join(folder, 'secrets.json');
  const before = readFileSync(secrets, 'utf8');
  for (const text of [
    '',
    '{}',
    'null',
    before.slice(0, 40),
    before.replace(/"key": "..../, '"key": "'),
  ]) {
    writeFileSync(secrets, text);
    assert.match(message(open()), /secrets\.json is damaged: .* from your backup/, text);
  }
  rmSync(secrets);
  assert.match(message(open()), /secrets\.json is missing; without its keys/);
  writeFileSync(secrets, before);
  writeFileSync(path.join(folder, 'installation.json'), '{"id": "x"}');
  assert.match(message(open()), /installation\.json is damaged/);
});

test('two first starts at once go on with the same keys', async () => {
  const script = `
    const { openDataFolder } = await import('./src/db/data-folder.ts');
    const opened = openDataFolder({ path: ${JSON.stringify(folder)}, live: false });
    console.log(JSON.stringify(opened));`;
  const { spawn } = await import('node:child_process');
  const outputs = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
      let text = '';
      for await (const part of child.stdout) text += String(part);
      return text;
    }),
  );
  assert.equal(new Set(outputs).size, 1);
  assert.match(outputs[0]!, /"ok":true/);
});

test(
  'a read-only and a full disk are each one sentence',
  { skip: !mountable && 'needs root on Linux' },
  (t) => {
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    if (mounted.status !== 0) return t.skip('mounting is not allowed here');
    try {
      try {
        writeFileSync(path.join(folder, 'filler.tmp'), Buffer.alloc(1_000_000));
      } catch {
        // It is full now.
      }
      assert.match(message(open()), /^The disk of the data folder .* is full\. Free some space/);
      spawnSync('mount', ['-o', 'remount,ro', folder]);
      assert.match(message(open()), /is on a read-only file system\. Make it writable/);
    } finally {
      spawnSync('umount', [folder]);
    }
  },
);

test('a disk that takes half of a file leaves the one of before', () => {
  open();
  const before = readFileSync(path.join(folder, 'secrets.json'), 'utf8');
  const script = `
    const { newFileKey, writeFileKeys } = await import('#db/data-folder.ts');
    const keys = Array.from({ length: 60 }, (_, i) => newFileKey(i + 1));
    writeFileKeys(${JSON.stringify(folder)}, keys);`;
  const { stderr } = runOnSmallDisk(script);
  assert.match(stderr, /EFBIG/);
  assert.equal(readFileSync(path.join(folder, 'secrets.json'), 'utf8'), before);
  assert.deepEqual(readdirSync(folder).sort(), ['installation.json', 'secrets.json']);
});

test('a folder of another user is one sentence', { skip: !isRoot && 'needs root' }, () => {
  open();
  chmodSync(base, 0o755);
  const script = `
    const { openDataFolder } = await import('./src/db/data-folder.ts');
    // Only now: that user may not be allowed to read this checkout either.
    process.setgroups([]), process.setgid(65534), process.setuid(65534);
    console.log(openDataFolder({ path: ${JSON.stringify(folder)}, live: false }).message);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^This user may not read or write .*var.* Give it the rights, or set/);
});
