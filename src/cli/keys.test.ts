/** Keys are exchanged while values are read and written, and nobody notices. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { permissions, system, type Actor, type Permission } from '#kernel/actor.ts';
import { ok } from '#kernel/outcome.ts';
import { open, sealedBy } from '#kernel/sealed.ts';
import { newFileKey, openDataFolder, readFileKeys, writeFileKeys } from '#db/data-folder.ts';
import { sql } from '#db/sql.ts';
import { listSealedByOthers, type SealedRow } from '#db/sealed-column.ts';
import { saveGateway } from '#dispatch/index.ts';
import { invitePerson, setPhone } from '#identity/index.ts';
import { sealedColumns } from '#main/sealed-columns.ts';
import { sealsOf, type Seals } from '#main/seals.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import {
  findOwnRun,
  IMPORT_TASK,
  importContacts,
  importOrganisations,
  importTasks,
  keepUpload,
} from '#organisations/index.ts';
import { followKeys, listKeys, openKeyring, tidyKeys, type Keyring } from '#sealing/index.ts';
import { contactsCsv, must, organisationsCsv } from '../../test/support/centre.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { makeDispatch, quiet, until } from '../../test/support/dispatch.ts';
import { keepSealingKey } from '../../test/support/keys.ts';
import { keysCommand } from './keys.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'tocsin-keys-'));
const folder = path.join(base, 'var');
const KEEPER = 'keeper@centre.test';

let db: Clone;
let model: OperatingModel;
let keyring: Keyring;
let seals: Seals;

before(async () => {
  db = await cloneDatabase();
  model = must(await loadOperatingModel('operating-model.yaml'));
  must(openDataFolder({ path: folder, live: false }));
  writeFileKeys(folder, [await keepSealingKey(db)]);
  keyring = must(await openKeyring(db.owner, must(readFileKeys(folder))));
  seals = sealsOf(keyring);
  await fillEveryColumn();
});

after(async () => {
  await db.drop();
  rmSync(base, { recursive: true });
});

const file = (name: string, csv: string) => ({ name, bytes: new TextEncoder().encode(csv) });

/** A value or more in each column of sealed values. */
async function fillEveryColumn(): Promise<void> {
  const now = new Date();
  await db.owner.withActor(system('test'), async (tx) => {
    const options = { rules: model, secrets: seals.directory, startedAt: now };
    must(await importOrganisations(tx, file('o.csv', organisationsCsv), options));
    must(await importContacts(tx, file('c.csv', contactsCsv), options));
    const keeper = { name: 'Kit Marsh', email: KEEPER, roles: ['administrator'] };
    const id = must(await invitePerson(tx, keeper, { model, now }));
    const phone = seals.sealPhone(id, '447700900299');
    must(await setPhone(tx, id, { ...phone, mask: '07700 ····99' }));
    must(
      await invitePerson(tx, { name: 'Al', email: 'al@centre.test', roles: [] }, { model, now }),
    );
    await tx.run(sql`
      insert into identity.authenticator_app (id, person_id, session_id, secret_sealed,
        vouched_by, made_at)
      values (${id}, ${id}, ${id}, ${seals.codes.sealSecret(id, 'ABCDEFGH')}, '{}', ${now})`);
    const issuer = seals.issuers.sealSettings('trust', {
      clientSecret: 'x'.repeat(32),
      sendsSecretBy: 'post',
    });
    await tx.run(sql`
      insert into identity.issuer (id, url, label, client_id, settings_sealed, origins, acr, amr,
        auth_age_max_ms, saved_at, saved_by)
      values ('trust', 'https://id.trust.test', 'Trust', 'tocsin', ${issuer}, '{}', '{}', '{}',
        1000, ${now}, 'test')`);
    const settings = { url: 'smtp://localhost:2525', from: 'Tocsin <alerts@tocsin.test>' };
    const gateway = { id: 'post', kind: 'smtp', channel: 'mail', settings } as const;
    must(await saveGateway(tx, gateway, seals.sealSettings));
    await tx.run(sql`
      insert into dispatch.reply_inbox (id, gateway_id, provider_id, address_index, address_sealed,
        content_sealed)
      select id, 'post', 'r1', ${Buffer.alloc(32)}, sealed.number, sealed.content
      from (values (${id}::uuid, ${seals.sealNumber(id, '447700900299')}::bytea,
        ${seals.sealContent(id, 'got it')}::bytea)) as sealed (id, number, content)`);
  });
  await makeDispatch(db.owner, { messages: 1_200 });
  await uploadWithABadRow();
}

async function uploadWithABadRow(): Promise<void> {
  const all = new Set(Object.keys(permissions) as Permission[]);
  const id = '0193a5d2-0000-7000-8000-00000000000a';
  const actor: Actor = { kind: 'person', id, name: 'Officer', permissions: all };
  const bytes = Buffer.from(`${contactsCsv}ZZ-9999,Nobody,person,ciso,1,07700 900998,\n`);
  const given = { secrets: seals.directory, now: new Date() };
  const runId = await db.web.withActor(actor, async (tx) =>
    must(
      await keepUpload(tx, { kind: 'contacts', name: 'c.csv', allOrNothing: false, bytes }, given),
    ),
  );
  const onError = (error: unknown) => console.error(error);
  const { directory } = seals;
  const tasks = importTasks({ database: db.worker, rules: model, secrets: directory, onError });
  await tasks[IMPORT_TASK]!({ runId, attempt: 0 });
  const find = () => db.web.withActor(actor, (tx) => findOwnRun(tx, runId, given));
  await until(find, (run) => run?.state === 'checked', 20_000);
}

/** Every sealed value, with what it holds. */
async function readEverything(keys: Keyring): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  for (const column of sealedColumns) {
    const rows = await db.owner.withActor(system('test'), (tx) =>
      listSealedByOthers(tx, column, { keyIds: [], most: 10_000 }),
    );
    assert.ok(rows.length > 0, `a value in ${column.table}.${column.column}`);
    for (const { key, context, sealed } of rows)
      held.set(
        `${column.table}.${column.column} ${key.join()}`,
        open(keys.keysOf(column.purpose).all, context, sealed),
      );
  }
  return held;
}

async function call(...args: string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const take = (text: string) => void (said += text);
  const context = {
    database: db.web,
    owner: db.owner,
    model,
    keyring: must(await openKeyring(db.owner, must(readFileKeys(folder)))),
    folder,
    columns: sealedColumns,
    patienceMs: 2_000,
  };
  const code = await keysCommand(context, args, { out: take, err: take });
  return { code, said };
}

const by = ['--by', KEEPER];
const keysNow = () => db.owner.withActor(system('test'), listKeys);
const ofState = async (state: string) =>
  (await keysNow()).filter((key) => key.state === state).map(({ purpose }) => purpose);

type Following = Omit<Parameters<typeof followKeys>[2], 'readFileKeys'> & {
  readonly readFile?: Parameters<typeof followKeys>[2]['readFileKeys'];
};

/** Until it is stopped, and at the latest when the test ends. */
function follow(context: TestContext, { readFile, ...options }: Following): () => Promise<void> {
  const read = readFile ?? (() => readFileKeys(folder));
  const following = followKeys(db.web, quiet, { ...options, readFileKeys: read });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= following.stop());
  context.after(stop);
  return stop;
}

async function holders(): Promise<number> {
  const { count } = await db.owner.withActor(system('test'), (tx) =>
    tx.one<{ count: number }>(sql`select count(*) from kernel.key_holder`),
  );
  return count;
}

test('every column of sealed values is declared by its slice', async () => {
  const found = await db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ name: string }>(sql`
      select format('%s.%s.%s', n.nspname, c.relname, a.attname) as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid
        join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and a.attname like '%\_sealed' order by 1`),
  );
  const declared = sealedColumns.map(({ table, column }) => `${table}.${column}`);
  assert.deepEqual(
    found.map(({ name }) => name),
    declared.toSorted(),
  );
});

test('the database without the file opens nothing', async () => {
  const opened = await openKeyring(db.owner, [newFileKey(1)]);
  assert.ok(!opened.ok);
  assert.match(opened.message, /wrapped by key 1 of secrets\.json, which is not in/);
});

test('keys are exchanged while two processes read and write: no value fails to open', async (context) => {
  const fileKeys = must(readFileKeys(folder));
  const [web, worker] = [
    must(await openKeyring(db.owner, fileKeys)),
    must(await openKeyring(db.owner, fileKeys)),
  ];
  const stops = [
    follow(context, { part: 'web', keyring: web }),
    follow(context, { part: 'worker', keyring: worker }),
  ];
  await until(holders, (count) => count === 2, 5_000);
  const before = await readEverything(keyring);
  const done = new AbortController();
  let reads = 0;
  // The web process writes what the worker reads, as fast as they can.
  const point = sealedColumns.find(({ table }) => table === 'organisations.contact_point')!;
  const busy = (async () => {
    while (!done.signal.aborted)
      await db.owner.withActor(system('test'), async (tx) => {
        const rows: SealedRow[] = await listSealedByOthers(tx, point, { keyIds: [], most: 10 });
        for (const { key, context, sealed } of rows) {
          assert.equal(
            open(worker.keysOf('personal').all, context, sealed),
            before.get(`${point.table}.${point.column} ${key[0]}`),
          );
          reads += 1;
        }
        const { key, context } = rows[reads % rows.length]!;
        const fresh = sealsOf(web).sealAddress(
          context.split('|')[1]!,
          before.get(`${point.table}.${point.column} ${key[0]}`)!,
        );
        await tx.run(sql`
          update organisations.contact_point set address_sealed = ${fresh} where id = ${key[0]}`);
      });
  })();
  const { code, said } = await call('rotate', ...by);
  done.abort();
  await busy;
  assert.equal(code, 0, said);
  assert.match(said, /New keys are in use, and 1,\d\d\d values were sealed anew/);
  assert.ok(reads > 20, `${reads} reads`);
  assert.deepEqual(await ofState('old'), ['personal', 'credential']);
  assert.deepEqual(await readEverything(web), before);
  assert.deepEqual(await readEverything(worker), before);
  await Promise.all(stops.map((stop) => stop()));
  assert.equal(await holders(), 0);
});

test('what was sealed late by an old key is sealed anew at night, and the key forgotten', async () => {
  const [old] = (await keysNow()).filter(({ state }) => state === 'old');
  const before = await readEverything(must(await openAll()));
  const lateId = await db.owner.withActor(system('test'), async (tx) => {
    const person = { name: 'Late', email: 'late@centre.test', roles: [] };
    const id = must(await invitePerson(tx, person, { model, now: new Date() }));
    // The first keyring was told of nothing since.
    const phone = seals.sealPhone(id, '447700900298');
    assert.equal(sealedBy(phone.sealed), old!.id);
    must(await setPhone(tx, id, { ...phone, mask: '07700 ····98' }));
    return id;
  });
  const night = must(await openAll());
  const tidy = (hours: number) =>
    tidyKeys(db.owner, night, {
      columns: sealedColumns,
      now: new Date(Date.now() + hours * 3_600_000),
    });
  await tidy(23);
  assert.deepEqual(await ofState('old'), ['personal', 'credential'], 'kept for a day');
  await tidy(25);
  assert.deepEqual(await ofState('old'), []);
  const all = await readEverything(must(await openAll()));
  assert.equal(all.get(`identity.person.phone_sealed ${lateId}`), '447700900298');
  before.forEach((held, name) => assert.equal(all.get(name), held));
});

async function openAll() {
  return await openKeyring(db.owner, must(readFileKeys(folder)));
}

test('a process that cannot open the new key is waited for, and nothing is exchanged', async (context) => {
  const behind = must(await openAll());
  const readFile = () => ok([newFileKey(9)]);
  const stop = follow(context, { part: 'worker', keyring: behind, readFile });
  await until(holders, (count) => count === 1, 5_000);
  const inUse = (await keysNow()).filter(({ state }) => state === 'current').map(({ id }) => id);
  const { code, said } = await call('rotate', ...by);
  assert.equal(code, 1);
  assert.match(said, /do not open the new keys: worker\. Nothing was exchanged/);
  assert.deepEqual(await ofState('coming'), ['personal', 'credential']);
  assert.deepEqual(
    (await keysNow()).filter(({ state }) => state === 'current').map(({ id }) => id),
    inUse,
  );
  await stop();
  // Taken up again, by the same keys.
  assert.equal((await call('rotate', ...by)).code, 0);
  assert.deepEqual(await ofState('coming'), []);
});

test('another key of the file comes into use, and the first one goes', async () => {
  const before = await readEverything(must(await openAll()));
  assert.match((await call('remove-file-key', '1', ...by)).said, /Key 1 wraps keys/);
  assert.match((await call('use-file-key', '2', ...by)).said, /There is no key 2/);
  const [first] = must(readFileKeys(folder));
  assert.match((await call('add-file-key', ...by)).said, /Key 2 is in secrets\.json/);
  assert.equal((await call('use-file-key', '2', ...by)).code, 0);
  assert.match(
    (await call('status')).said,
    /file {6}1 {2}wraps 0 keys\nfile {6}2 {2}wraps \d keys/,
  );
  assert.match((await call('remove-file-key', '1', ...by)).said, /out of secrets\.json/);
  assert.deepEqual(
    must(readFileKeys(folder)).map(({ id }) => id),
    [2],
  );
  const opened = must(await openAll());
  assert.deepEqual(await readEverything(opened), before);
  assert.equal((await openKeyring(db.owner, [first!])).ok, false);
});

test('whoever may not keep the audit exchanges no key, and each exchange is in the audit', async () => {
  const { code, said } = await call('rotate', '--by', 'al@centre.test');
  assert.equal(code, 1);
  assert.match(said, /may not audit\.keep/);
  assert.equal((await call('rotate')).code, 2);
  assert.equal((await call('use-file-key', 'two', ...by)).code, 2);
  const entries = await db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ action: string; actor: string }>(sql`
      select distinct action, actor_kind as actor from audit.entry
      where action like 'sealing_key.%' or action like 'file_key.%' order by 1, 2`),
  );
  assert.deepEqual(
    entries.map(({ action, actor }) => `${action} ${actor}`),
    [
      'file_key.made person',
      'file_key.put_in_use person',
      'file_key.removed person',
      'sealing_key.forgotten system',
      'sealing_key.made person',
      'sealing_key.put_in_use person',
    ],
  );
});
