import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { secrets } from '../../test/support/directory.ts';
import { importCommand } from './import.ts';

const model = {
  organisationTypes: { trust: { label: 'NHS trust', mustAnswer: true } },
  contactRoles: { ciso: { label: 'CISO' } },
};
const folder = mkdtempSync(join(tmpdir(), 'tocsin-import-'));

let db: Clone;
before(async () => void (db = await cloneDatabase()));
after(async () => {
  rmSync(folder, { recursive: true });
  await db.drop();
});

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const called = async (...args: string[]) =>
  await ran((output) => importCommand({ database: db.worker, secrets, model }, args, output));

const organisations = fileOf('organisations.csv', 'code,name,type\nAA-01,Northmoor,trust\n');
const contacts = fileOf(
  'contacts.csv',
  'organisation_code;name;role;mobile\nAA-01;Sam;ciso;07700 900123\nAA-01;"Low; Kim";boss;0770\n',
);

test('a right file is summed up and exits 0, also the second time', async () => {
  const first = await called('organisations', organisations);
  assert.deepEqual([first.code, first.err], [0, '']);
  assert.match(first.out, /added +1\n/);
  const second = await called('organisations', organisations);
  assert.equal(second.code, 0);
  assert.match(second.out, /unchanged +1\n[^]*Nothing changed\./);
});

test('refused rows are told without their numbers, written to a file, and exit 1', async () => {
  const refused = join(folder, 'refused.csv');
  const { code, out, err } = await called('contacts', contacts, '--refused', refused);
  assert.equal(code, 1);
  assert.match(out, /added +1\n[^]*refused +1\n/);
  assert.match(err, /^line 3: mobile Not enough digits\nline 3: role must be one of ciso\n$/);
  const text = readFileSync(refused, 'utf8');
  assert.match(
    text,
    /^organisation_code,name,role,mobile,refused_line,refused_reason\nAA-01,"Low; K/,
  );
  assert.equal(statSync(refused).mode & 0o777, 0o600);
  const mended = text.replace('boss', 'ciso').replace('0770,', '07700 900124,');
  assert.equal((await called('contacts', fileOf('mended.csv', mended))).code, 0);
});

test('refused rows of etr.csv are mended and imported like any others', async () => {
  const row = (code: string) =>
    `"${code}","MOOR END NHS TRUST","Y62","QOP"${',""'.repeat(6)},"20171001"${',""'.repeat(16)}\n`;
  const refused = join(folder, 'refused-etr.csv');
  const etr = fileOf('etr.csv', row('AA-71') + row('?'));
  assert.equal((await called('organisations', etr, '--refused', refused)).code, 1);
  const mended = readFileSync(refused, 'utf8').replace(/^\?/m, 'AA-72');
  const { code, out, err } = await called('organisations', fileOf('mended-etr.csv', mended));
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /added +1\n/);
});

test('a dry run and --json', async () => {
  const file = fileOf('new.csv', 'code,name,type\nAA-07,Westmere,trust\n');
  const { code, out } = await called('organisations', file, '--dry-run', '--json');
  const result = JSON.parse(out);
  assert.deepEqual([code, result.dryRun, result.counts.added], [0, true, 1]);
  assert.match((await called('organisations', file, '--dry-run')).out, /^Dry run, nothing written/);
});

test('what cannot be read exits 2 with one sentence', async () => {
  const wrong = await called('contacts', organisations);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /organisations\.csv: This is a file of organisations/);
  const missing = await called('contacts', join(folder, 'none.csv'));
  assert.deepEqual([missing.code, /\(ENOENT\)/.test(missing.err)], [2, true]);
  for (const args of [[], ['people', 'x'], ['contacts'], ['contacts', 'a', 'b'], ['--colour']]) {
    assert.equal((await called(...args)).code, 2);
  }
  assert.equal((await called('--help')).code, 0);
});
