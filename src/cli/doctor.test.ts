import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { system } from '#kernel/actor.ts';
import { openDataFolder } from '#db/data-folder.ts';
import { sql, type Sql } from '#db/sql.ts';
import { adoptFile, loadOperatingModel } from '#operating-model/index.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import { basicChecks, doctorCommand } from './doctor.ts';
import type { Check } from './finding.ts';

const operatingModelFile = fileURLToPath(new URL('../../operating-model.yaml', import.meta.url));
const base = mkdtempSync(path.join(os.tmpdir(), 'tocsin-doctor-'));
after(() => rmSync(base, { recursive: true }));

async function consult(checks: readonly Check[], args: readonly string[] = []) {
  const { code, out, err } = await ran((output) => doctorCommand({ checks }, args, output));
  return { code, text: out + err };
}

const well: Check = { name: 'one', run: () => ({ state: 'ok', found: 'fine' }) };
const ill: Check = { name: 'two', run: () => ({ state: 'fail', found: 'bad', mend: 'mend it' }) };
const broken: Check = { name: 'three', run: () => Promise.reject(new Error('oh')) };

test('the exit code is 1 when a check fails, and the way out is printed', async () => {
  assert.deepEqual(await consult([well]), {
    code: 0,
    text: 'ok    one               fine\nNothing stands in the way of a start.\n',
  });
  const { code, text } = await consult([well, ill, broken]);
  assert.equal(code, 1);
  assert.match(text, /fail {2}two +bad\n +→ mend it\n/);
  assert.match(text, /fail {2}three +oh\n[^]*2 checks failed/);
});

test('--json is one object; --help helps; anything else is a misuse', async () => {
  const { text } = await consult([ill], ['--json']);
  const checks = [{ name: 'two', state: 'fail', found: 'bad', mend: 'mend it' }];
  assert.deepEqual(JSON.parse(text), { ok: false, checks });
  assert.equal((await consult([ill], ['--help'])).code, 0);
  assert.equal((await consult([], ['--wrong'])).code, 2);
});

test('a machine that was never started on is well', async () => {
  const dataDir = path.join(base, 'new');
  const { code, text } = await consult(
    basicChecks({ dataDir, operatingModelFile, host: '127.0.0.1', port: 0, warnings: [] }),
  );
  assert.equal(code, 0, text);
  assert.match(text, /will be made by the first start/);
});

test('it looks at a database of the operator, a taken port and a strange folder', async () => {
  const database = await cloneDatabase();
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const { host = '', database: name } = database.config;
  const socket = encodeURIComponent(host);
  const databaseUrl = `postgresql://tocsin_owner@localhost/${name}?host=${socket}`;
  const dataDir = path.join(base, 'live');
  openDataFolder({ path: dataDir, live: true });
  const place = { dataDir, databaseUrl, operatingModelFile, host: '127.0.0.1', port };
  const config = { ...place, notify: {}, warnings: ['A setting is odd.'] };
  const { code, text } = await consult(basicChecks(config));
  assert.equal(code, 1);
  assert.match(text, /warn {2}settings +A setting is odd\.\n/);
  assert.match(text, /data folder +.*live is live\n/);
  assert.match(text, /PostgreSQL +18\.\d+, yours, fsync is off\n/);
  assert.match(text, /taken by another program\n +→ Set PORT/);
  const without = await consult(basicChecks({ ...place, warnings: [] }));
  assert.match(without.text, /fail {2}data folder +.* set NOTIFY_API_KEY, or/);
  server.close();
  await database.drop();
  writeFileSync(path.join(base, 'x'), '');
  const strange = await consult(basicChecks({ ...config, dataDir: path.join(base, 'x') }));
  assert.match(strange.text, /is a file, not a folder/);
  assert.match(strange.text, /PostgreSQL +does not answer\n +→ Check DATABASE_URL/);
});

test('what the auditor found is a failure, and so is an auditor that does not look', async () => {
  const database = await cloneDatabase();
  const { host = '', database: name } = database.config;
  const socket = encodeURIComponent(host);
  const databaseUrl = `postgresql://tocsin_owner@localhost/${name}?host=${socket}`;
  const dataDir = path.join(base, 'audited');
  const place = { dataDir, databaseUrl, operatingModelFile, host: '127.0.0.1', port: 0 };
  const checks = basicChecks({ ...place, warnings: [] });
  const look = async () => await consult(checks.filter((check) => check.name === 'invariants'));
  const own = (statement: Sql) =>
    database.owner.withActor(system('test'), (tx) => tx.run(statement));
  assert.match((await look()).text, /^ok {4}invariants +not checked yet/);
  await own(sql`update dispatch.auditor set ended_at = now()`);
  assert.match((await look()).text, /^ok {4}invariants +all held at/);
  await own(sql`update dispatch.auditor set ended_at = now() - interval '4 minutes'`);
  const stale = await look();
  assert.equal(stale.code, 1);
  assert.match(stale.text, /No worker looked since/);
  await own(sql`insert into dispatch.invariant
    (id, holds, mend, checked_at, breaches, sample, broken_since)
    values ('paced', 'no bucket was overspent', 'Do it.', now(), 2, 'notify', now())`);
  const found = await look();
  assert.equal(found.code, 1);
  assert.match(found.text, /2 against “no bucket was overspent”, such as notify\n +→ Do it\./);
  await database.drop();
});

test('it says where the file of rules is wrong, and where it is not what is in force', async () => {
  const database = await cloneDatabase();
  const { host = '', database: name } = database.config;
  const databaseUrl = `postgresql://tocsin_owner@localhost/${name}?host=${encodeURIComponent(host)}`;
  const file = path.join(base, 'rules.yaml');
  const shipped = readFileSync(operatingModelFile, 'utf8');
  const look = async (yaml: string) => {
    writeFileSync(file, yaml);
    const place = { dataDir: path.join(base, 'ruled'), databaseUrl, operatingModelFile: file };
    const checks = basicChecks({ ...place, host: '127.0.0.1', port: 0, warnings: [] });
    return await consult(checks.filter((check) => check.name === 'rules'));
  };
  const broken = shipped.replace('lane: 1', 'lane: 8');
  const first = await look(broken);
  assert.equal(first.code, 1);
  assert.match(
    first.text,
    /fail {2}rules +.*rules\.yaml has one error:\n.*rules\.yaml:\d+: severities/,
  );
  const model = await loadOperatingModel(operatingModelFile);
  assert.ok(model.ok);
  await database.web.withActor(system('test'), (tx) => adoptFile(tx, model.value));
  assert.match((await look(shipped)).text, /^ok {4}rules +Health and care, version [0-9a-f]{12}\n/);
  const later = await look(broken);
  assert.equal(later.code, 0);
  assert.match(
    later.text,
    /warn {2}rules +Health and care.*has one error[^]*The rules before it stay in force/,
  );
  await database.drop();
});
