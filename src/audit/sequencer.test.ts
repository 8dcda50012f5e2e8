import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, test } from 'node:test';
import { DatabaseError } from 'pg';
import type { Database } from '#db/database.ts';
import { sql, type Sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { openAuditScene, type AuditScene } from '../../test/support/audit.ts';
import { runOnSmallDisk } from '../../test/support/small-disk.ts';
import { record, Sequencer } from './index.ts';

const CHILD = path.resolve(import.meta.dirname, '../../test/support/sequencer-child.ts');

let scene: AuditScene;
beforeEach(async () => {
  scene = await openAuditScene();
});
afterEach(() => scene.close());

const actor = system('test');
const subject = { kind: 'alert', id: 'x' };
const write = (database: Database, action: string) =>
  database.withActor(actor, (tx) => record(tx, { action, subject }));

async function logged(): Promise<string[]> {
  const rows = await scene.clone.owner.withActor(actor, (tx) =>
    tx.rows<{ action: string }>(sql`
      select entry.action from audit.leaf leaf join audit.entry entry on entry.id = leaf.entry_id
      where entry.subject_id = 'x' order by leaf.position`),
  );
  return rows.map(({ action }) => action);
}

test('an entry whose transaction commits late is not passed over', async () => {
  const { promise: isWritten, resolve: tellWritten } = Promise.withResolvers<void>();
  const { promise: mayCommit, resolve: letCommit } = Promise.withResolvers<void>();
  const late = scene.clone.web.withActor(actor, async (tx) => {
    await record(tx, { action: 'alert.late', subject });
    tellWritten();
    await mayCommit;
  });
  await isWritten;
  await write(scene.clone.web, 'alert.early');
  await scene.turn();
  assert.deepEqual(await logged(), ['alert.early']);
  letCommit();
  await late;
  await write(scene.clone.web, 'alert.later');
  await scene.turn();
  assert.deepEqual(await logged(), ['alert.early', 'alert.late', 'alert.later']);
  assert.equal((await scene.verify()).isWhole, true);
});

test('entries that were rolled back leave no gap', async () => {
  const failed = scene.clone.web.withActor(actor, async (tx) => {
    await record(tx, { action: 'alert.undone', subject });
    throw new Error('stop');
  });
  await assert.rejects(failed, /stop/);
  await scene.grow(3);
  const { isWhole, size } = await scene.verify();
  assert.deepEqual([isWhole, await logged()], [true, []]);
  assert.ok(size > 3);
});

test('several sequencers at once give each entry one place, while others write', async () => {
  const { clone, files } = scene;
  const log = { error: (event: string) => assert.fail(event) };
  const some = [0, 1, 2].map(() => new Sequencer({ database: clone.sequencer, log, ...files }));
  for (let round = 0; round < 10; round++)
    await Promise.all([
      ...some.map((one) => one.turn()),
      ...['alert.one', 'alert.two'].map((action) => write(clone.web, action)),
    ]);
  await scene.turn();
  assert.equal((await logged()).length, 20);
  const verdict = await scene.verify();
  assert.deepEqual([verdict.findings, verdict.signed], [[], verdict.size]);
});

test('more entries than one batch holds are one log', async () => {
  await scene.clone.web.withActor(actor, (tx) =>
    tx.run(sql`insert into audit.entry (action, subject_kind, subject_id, detail)
      select 'alert.edited', 'alert', n::text, '{}' from generate_series(1, 12000) n`),
  );
  await scene.grow(1);
  const verdict = await scene.verify();
  assert.deepEqual([verdict.isWhole, verdict.checkpoints, verdict.size > 12_000], [true, 1, true]);
});

test('it runs until it is told to stop, and signs what was written last', async () => {
  const { clone, files } = scene;
  const log = { error: (event: string) => assert.fail(event) };
  const sequencer = new Sequencer({ database: clone.sequencer, log, everyMs: 60_000, ...files });
  sequencer.start();
  await write(clone.web, 'alert.last');
  await sequencer.stop();
  const verdict = await scene.verify();
  assert.deepEqual([verdict.isWhole, verdict.signed], [true, verdict.size]);
  assert.deepEqual(await logged(), ['alert.last']);
  assert.equal(statSync(files.keysFile).mode & 0o777, 0o600);
  const before = readFileSync(files.checkpointsFile, 'utf8');
  assert.equal((await scene.turn()).state, 'unchanged', 'nothing new, nothing signed');
  assert.equal(readFileSync(files.checkpointsFile, 'utf8'), before);
});

test('killed at any moment it loses nothing', { timeout: 120_000 }, async () => {
  const committed: string[] = [];
  const { clone, files } = scene;
  const work = { web: clone.web.config, sequencer: clone.sequencer.config, files };
  for (let kill = 0; kill < 6; kill++) {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn(process.execPath, [CHILD, JSON.stringify(work)], { stdio: [...stdio] });
    let left = 15 + kill;
    for await (const line of createInterface({ input: child.stdout })) {
      committed.push(line);
      if (--left === 0) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  // The backend of the one that was killed last may still hold the lock.
  while ((await scene.turn()).state === 'elsewhere');
  await scene.grow(1);
  const verdict = await scene.verify();
  assert.deepEqual([verdict.findings, verdict.signed], [[], verdict.size]);
  assert.equal((await scene.verifyElsewhere()).code, 0);
  const rows = await clone.owner.withActor(actor, (tx) =>
    tx.rows<{ id: string }>(sql`
      select entry.subject_id as id from audit.leaf leaf
      join audit.entry entry on entry.id = leaf.entry_id`),
  );
  const places = new Set(rows.map(({ id }) => id));
  assert.deepEqual(
    committed.filter((id) => !places.has(id)),
    [],
  );
});

test('where the file cannot be written nothing is lost, and it is said', async () => {
  const { checkpointsFile } = scene.files;
  mkdirSync(checkpointsFile);
  const turn = await scene.turn();
  assert.deepEqual(turn.state === 'stopped' && turn.reason, 'cannot_write');
  rmdirSync(checkpointsFile);
  assert.equal((await scene.turn()).state, 'signed');
  assert.equal((await scene.verify()).isWhole, true);
});

test('a checkpoint that the disk took half of is none', async () => {
  await scene.grow(2, 2, 2);
  const { checkpointsFile } = scene.files;
  const line = readFileSync(checkpointsFile, 'utf8').trimEnd().split('\n').at(-1)!;
  writeFileSync(checkpointsFile, '');
  const script = `
    const { appendCheckpoint } = await import('#audit/checkpoint-file.ts');
    const { note, from, at } = JSON.parse(${JSON.stringify(line)});
    const proof = Array.from({ length: 53 }, () => Buffer.alloc(32));
    appendCheckpoint(${JSON.stringify(checkpointsFile)}, { note, from, proof, at: new Date(at) });`;
  assert.match(runOnSmallDisk(script).stderr, /EFBIG/);
});

test('without its key, or with another one, nothing is signed', async () => {
  await scene.grow(2);
  const { keysFile } = scene.files;
  const { out: key } = await scene.run('key');
  rmSync(keysFile);
  await scene.write();
  const turn = await scene.turn();
  assert.deepEqual(turn.state === 'stopped' && turn.reason, 'key_missing');
  assert.equal(existsSync(keysFile), false, 'no other key is made in silence');
  const made = await scene.run('rotate-key', '--by', 'keeper@centre.test');
  assert.equal(made.code, 0, made.err);
  assert.equal((await scene.turn()).state, 'signed');
  const first = ['--key', key.trim()];
  assert.equal((await scene.verify(...first)).isWhole, false, 'nobody vouched for the new one');
  assert.equal((await scene.verify(...first, '--key', made.out.trim())).isWhole, true);
});

const writes: readonly (readonly [string, Sql])[] = [
  [
    'a leaf',
    sql`insert into audit.leaf (position, entry_id, detail_hash, hash)
    values (99, gen_random_uuid(), sha256('x'), sha256('x'))`,
  ],
  ['a node', sql`insert into audit.node (level, position, hash) values (1, 99, sha256('x'))`],
  [
    'a checkpoint',
    sql`insert into audit.checkpoint (size, root, note) values (9, sha256('x'), '')`,
  ],
  ['who waits', sql`delete from audit.waiting`],
  ['how it fares', sql`update audit.sequencer set stopped_reason = 'x', stopped_since = now()`],
];

const changes: readonly Sql[] = [
  sql`update audit.leaf set position = 0`,
  sql`delete from audit.leaf`,
  sql`truncate audit.leaf`,
  sql`update audit.node set position = 0`,
  sql`delete from audit.node`,
  sql`truncate audit.node`,
  sql`update audit.checkpoint set size = 0`,
  sql`delete from audit.checkpoint`,
  sql`truncate audit.checkpoint`,
];

async function refusal(database: Database, statement: Sql): Promise<string | undefined> {
  return await database
    .withActor(actor, (tx) => tx.run(statement))
    .then(
      () => undefined,
      (error: unknown) => (error instanceof DatabaseError ? error.code : String(error)),
    );
}

test('the sequencer alone writes the log, and nobody changes it', async () => {
  await scene.grow(2);
  const { web, worker, sequencer, owner } = scene.clone;
  for (const database of [web, worker])
    for (const [what, statement] of writes)
      assert.equal(await refusal(database, statement), '42501', what);
  for (const database of [web, worker, sequencer, owner])
    for (const change of changes)
      assert.equal(await refusal(database, change), '42501', change.strings.join('?'));
  for (const erasure of [
    sql`update audit.entry set detail = null, salt = null`,
    sql`select audit.erase_detail(gen_random_uuid(), 'why')`,
  ])
    for (const database of [web, worker, sequencer])
      assert.equal(await refusal(database, erasure), '42501');
});
