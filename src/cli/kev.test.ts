import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { kevCommand } from './kev.ts';

let clone: Clone;
before(async () => {
  clone = await cloneDatabase();
});
after(() => clone.drop());

const run = (...args: string[]) =>
  ran((output) => kevCommand({ database: clone.web }, args, output));

const entry = {
  cveID: 'CVE-2026-12345',
  vendorProject: 'Citrix',
  product: 'NetScaler',
  vulnerabilityName: 'A hole',
  dateAdded: '2026-11-20',
  shortDescription: 'It is open.',
  requiredAction: 'Close it.',
};

test('the command says what it did, and why it did not', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-kev-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'kev.json');
  const catalogue = {
    catalogVersion: '2026.11.20',
    dateReleased: '2026-11-20T15:00:00Z',
    vulnerabilities: [entry],
  };
  await writeFile(file, JSON.stringify(catalogue));
  const done = await run(file);
  assert.deepEqual(done, {
    code: 0,
    out: 'Catalogue 2026.11.20, 1 entries: 1 new, 0 changed, 0 gone.\n',
    err: '',
  });
  assert.equal((JSON.parse((await run(file, '--json')).out) as { added: number }).added, 0);
  await writeFile(file, JSON.stringify({ ...catalogue, dateReleased: '2026-11-19T15:00:00Z' }));
  const older = await run(file);
  assert.deepEqual([older.code, /older than/.test(older.err)], [1, true]);
  const wrong = await run('package.json');
  assert.deepEqual([wrong.code, /no catalogue/.test(wrong.err)], [1, true]);
  const absent = await run('/nowhere/kev.json');
  assert.deepEqual([absent.code, /cannot be read \(ENOENT\)/.test(absent.err)], [2, true]);
  assert.deepEqual([(await run()).code, (await run(file, 'more')).code], [2, 2]);
  assert.match((await run('--help')).out, /^Usage: bin\/tocsin kev FILE/);
});
