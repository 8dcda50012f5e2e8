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
  importedAloneADay: 1,
  readerKinds: { technical: { label: 'Technical', chased: true } },
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

test('columns with other names are said once, and one value for all rows', async () => {
  const file = fileOf('odd.csv', 'Org code,Full name,E-mail address\nAA-01,Odd Page,o@a.test\n');
  const asIs = await called('contacts', file);
  assert.equal(asIs.code, 2);
  assert.match(asIs.err, /name, role missing.*--map email="E-mail address"/);
  const map = [
    'organisation_code=Org code',
    'name=full NAME',
    'email=E-mail address',
    'role==ciso',
  ];
  const said = map.flatMap((one) => ['--map', one]);
  const tried = await called('contacts', file, '--dry-run', ...said);
  assert.match(tried.out, /added +1\n/);
  assert.equal((await called('contacts', file)).code, 2, 'a dry run remembers nothing');
  assert.equal((await called('contacts', file, ...said)).code, 0);
  assert.match((await called('contacts', file)).out, /unchanged +1\n/);
  const wrong = await called('contacts', file, '--map', 'email=Post');
  assert.match(wrong.err, /The file has no column "Post" that could be email/);
  assert.equal((await called('contacts', file, '--map', 'email')).code, 2);
});

test('all or nothing, and what becomes of each row in a file', async () => {
  const changes = join(folder, 'changes.csv');
  const bad = fileOf('all.csv', 'code,name,type\nAA-11,New,trust\nAA-12,Bad,castle\n');
  const withheld = await called('organisations', bad, '--all-or-nothing', '--changes', changes);
  assert.equal(withheld.code, 1);
  assert.match(withheld.out, /^All or nothing, nothing written: .*\n {2}added +1\n/);
  assert.equal(
    readFileSync(changes, 'utf8').slice(1),
    ['line,outcome,what,field,from,to', '2,added,AA-11 New,,,\n'].join('\n'),
  );
  assert.match((await called('organisations', bad)).out, /^organisations of .*\n {2}added +1\n/);
});

test('the last import is taken back, after a dry run', async () => {
  const file = fileOf('undo.csv', 'code,name,type\nAA-21,Undone,trust\n');
  await called('organisations', file);
  const dry = await called('import', 'undo');
  assert.equal(dry.code, 2);
  assert.match(
    (await called('undo', '--dry-run')).out,
    /^Dry run, nothing undone: organisations of/,
  );
  const done = await called('undo', '--json');
  assert.deepEqual(JSON.parse(done.out).counts, { removed: 1, ended: 0, putBack: 0, left: 0 });
  const again = await called('undo');
  assert.deepEqual([again.code, again.err], [1, 'The last import is undone already.\n']);
  assert.match((await called('organisations', file)).out, /added +1\n/);
});

test('progress is drawn at a terminal, and Ctrl-C leaves nothing written', async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `CC-${i},Name ${i},trust`);
  const file = fileOf('large.csv', `code,name,type\n${lines.join('\n')}\n`);
  let drawn = '';
  let press = () => {};
  const terminal = {
    isTerminal: true,
    write(text: string) {
      drawn += text;
      if (text.includes('writing')) press();
    },
    onInterrupt(listener: () => void) {
      press = listener;
      return () => (press = () => {});
    },
  };
  const context = { database: db.worker, secrets, model, terminal };
  const ended = await ran((output) => importCommand(context, ['organisations', file], output));
  assert.deepEqual([ended.code, ended.err], [1, 'Ended: nothing was written.\n']);
  assert.match(drawn, /reading: \d+ %[^]*writing: \d+ %, about \d+ s left/);
  const dry = await called('organisations', file, '--dry-run');
  assert.match(dry.out, /added +30000\n/);
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
