import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { listEntries } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { gatewayCommand } from './gateway.ts';
import { ran } from '../../test/support/command.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { DEFAULT_API_KEYS, seedNotify } from '../../test/support/dispatch.ts';

const settings = JSON.stringify({ apiKey: DEFAULT_API_KEYS.live, serviceName: 'Centre' });
const relay = JSON.stringify({ url: 'smtp://relay.test', from: 'Centre <a@centre.test>' });

let db: Clone;
let folder: string;
before(async () => {
  db = await cloneDatabase();
  folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-gateway-'));
});
after(async () => {
  rmSync(folder, { recursive: true });
  await db.drop();
});

const sealSettings = (id: string, value: object) => Buffer.from(`${id}|${JSON.stringify(value)}`);

function run(args: string, input = ''): ReturnType<typeof ran> {
  const context = { database: db.worker, sealSettings, readInput: () => input };
  return ran((output) => gatewayCommand(context, args.split(' '), output));
}

function row(id: string) {
  return db.owner.withActor(system('test'), (tx) =>
    tx.one<{ sealed: string; hashes: Buffer[]; bucketId: string; removed: boolean }>(sql`
      select convert_from(settings_sealed, 'UTF8') as sealed, callback_token_hashes as hashes,
        bucket_id, removed_at is not null as removed
      from dispatch.gateway where id = ${id}`),
  );
}

test('a second service, its mail and a relay are added, and listed without a secret', async () => {
  const file = path.join(folder, 'settings.json');
  writeFileSync(file, settings);
  const added = await run(`add second --kind notify --channel text --settings ${file}`);
  assert.equal(added.code, 0, added.err);
  assert.match(added.out, /bin\/tocsin gateway token second/);
  const mail = await run('add second-mail --kind notify --channel mail', settings);
  assert.equal(mail.code, 0, mail.err);
  assert.equal((await run('add relay --kind smtp --channel mail', relay)).code, 0);
  assert.equal((await row('second')).bucketId, (await row('second-mail')).bucketId);
  assert.match((await row('second')).sealed, /^second\|\{.*"serviceName":"Centre"/);
  const { out } = await run('list');
  assert.match(
    out,
    /^second {2}notify text {2}49\.5\/s of notify:.*can be asked, replies come back/m,
  );
  assert.match(out, /^second-mail {2}notify mail .*no replies/m);
  assert.match(out, /^relay {2}smtp mail .*cannot be asked.*receipts: failures/m);
  assert.doesNotMatch(out, /simulator_live|smtp:\/\//);
  const { entries } = await db.owner.withActor(system('test'), (tx) =>
    listEntries(tx, { action: 'gateway.saved' }),
  );
  assert.deepEqual(entries.map(({ subjectId }) => subjectId).sort(), [
    'relay',
    'second',
    'second-mail',
  ]);
  assert.doesNotMatch(JSON.stringify(entries), /simulator_live|smtp:/);
});

test('tokens are exchanged: a new one beside the old, then the old dropped', async () => {
  const hash = (token: string) => createHash('sha256').update(token).digest('hex');
  await run('add exchange --kind notify --channel text', settings);
  const first = JSON.parse((await run('token exchange --json')).out) as { token: string };
  const second = await run('token exchange --from -', 'second-token\n');
  assert.match(second.out, /^Added\. It opens \/callbacks\/exchange\/receipts/);
  assert.doesNotMatch(second.out, /second-token/);
  const hashes = async () => (await row('exchange')).hashes.map((one) => one.toString('hex'));
  assert.deepEqual(await hashes(), [hash('second-token'), hash(first.token)]);
  const third = await run('token exchange');
  assert.equal(third.code, 1);
  assert.match(third.err, /two are valid already/);
  assert.equal((await run('token exchange --drop-old')).code, 0);
  assert.deepEqual(await hashes(), [hash('second-token')]);
  assert.equal((await run('token exchange --drop-old')).code, 1);
  assert.equal((await run('token exchange --drop-all')).code, 0);
  assert.deepEqual(await hashes(), []);
});

test('a removed gateway is opened no more; one that a message depends on stays', async () => {
  await seedNotify(db.worker);
  await db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      insert into dispatch.message (dispatch_id, contact_point_id, channel, round, rank, code, body,
        address_sealed, state, attempt, gateway_id, due_at, check_at, rule, rule_version, rule_fact)
      values ('00000000-0000-4000-8000-000000000000', kernel.uuid_v7(), 'text', 1, 1, '4821', 'x',
        '', 'unknown', 1, 'notify', now(), now(), 'texts.after_reply', repeat('0', 64), 'x')`),
  );
  const kept = await run('remove notify');
  assert.deepEqual([kept.code, (await row('notify')).removed], [1, false]);
  assert.match(kept.err, /unknown at it/);
  await run('add passing --kind notify --channel text', settings);
  await run('token passing');
  assert.equal((await run('remove passing')).code, 0);
  assert.deepEqual([(await row('passing')).removed, (await row('passing')).hashes], [true, []]);
  assert.equal((await run('remove passing')).code, 1);
  assert.equal((await run('token passing')).code, 1);
  assert.match((await run('list')).out, /^passing .*removed/m);
  await run('add passing --kind notify --channel text', settings);
  assert.equal((await row('passing')).removed, false, 'saving it brings it back');
});

test('a gateway that cannot be says why, and never repeats its settings', async () => {
  const cases: [string, string, RegExp][] = [
    ['add Second --kind notify --channel text', settings, /lower-case letters/],
    ['add x --kind pigeon --channel text', settings, /write notify, smtp/],
    ['add x --kind notify --channel fax', settings, /write text or mail/],
    ['add x --kind smtp --channel text', relay, /of kind smtp carries mail/],
    ['add x --kind notify --channel text', '{"apiKey": sesame', /^The settings are not JSON\.$/m],
    ['add x --kind notify --channel text', '{"apiKey":"sesame"}', /^apiKey: must be/],
    ['add x --kind notify --channel text --settings /nowhere', '', /cannot be read \(ENOENT\)/],
    ['token x --from -', 'short', /at least 10/],
    ['add', '', /^Usage/],
    ['list x', '', /^Usage/],
    ['fly x', '', /^Usage/],
  ];
  for (const [args, input, why] of cases) {
    const { code, err } = await run(args, input);
    assert.equal(code, 2, args);
    assert.match(err, why);
    assert.doesNotMatch(err, /sesame/);
  }
});
