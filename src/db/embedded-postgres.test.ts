import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, serverPid, startChild, type EmbeddedChild } from './embedded-child.ts';
import { findProcess, isRunning, waitForEnd } from './processes.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'tocsin-embedded-'));
// The server's user must be able to pass, where we are root.
chmodSync(base, 0o711);
const folder = path.join(base, 'var');
const onLinux = process.platform === 'linux';
const children: EmbeddedChild[] = [];

async function start(where = folder): Promise<EmbeddedChild> {
  const child = await startChild(where);
  children.push(child);
  return child;
}

async function up(where = folder): Promise<EmbeddedChild> {
  const child = await start(where);
  assert.equal(child.word, 'up', child.log());
  return child;
}

function kill(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

async function until(happens: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await happens())) {
    if (Date.now() > end) assert.fail('it did not happen within 10 s');
    await delay(20);
  }
}

before(async () => {
  const child = await up();
  await ask(folder, 'create table kept (value text)');
  await child.stop();
});
// A test that failed leaves its children behind; the next ones are not to suffer.
afterEach(() => Promise.all(children.map((child) => child.stop())));
after(() => {
  rmSync(base, { recursive: true, force: true });
});

test('the roles and the database are there, in UTF-8 whatever the surroundings say', async () => {
  const child = await startChild(folder, {
    env: { PGDATA: '/nowhere', PGPORT: '1', PGOPTIONS: '-c wrong=1', LANG: '', TZ: 'Asia/Tokyo' },
  });
  children.push(child);
  assert.equal(child.word, 'up', child.log());
  const roles = `select string_agg(rolname, ' ' order by rolname) from pg_roles
    where rolcanlogin and not rolsuper`;
  assert.equal(await ask(folder, roles), 'tocsin_owner tocsin_sequencer tocsin_web tocsin_worker');
  assert.equal(await ask(folder, `show server_encoding`), 'UTF8');
  assert.equal(await ask(folder, `show timezone`), 'UTC');
  assert.equal(await ask(folder, `select lower('ÅŴÉ')`), 'åŵé');
  await child.stop();
  assert.equal(isRunning(serverPid(folder)), false);
});

test('a second start is refused with the number of the first, and harms nobody', async () => {
  const first = await up();
  const second = await start();
  const expected = `Another Tocsin (process ${first.process.pid}) runs on the data folder`;
  assert.ok(second.word.startsWith(expected), second.word);
  assert.equal(await ask(folder, 'select 1'), 1);
  await first.stop();
});

test('of starts in the same moment one wins', async () => {
  const all = await Promise.all([start(), start(), start()]);
  assert.equal(all.filter((child) => child.word === 'up').length, 1);
  await Promise.all(all.map((child) => child.stop()));
});

test('kill -9 of Tocsin: the server goes too, and what was committed is there again', async () => {
  const child = await up();
  const server = serverPid(folder);
  await ask(folder, `insert into kept values ('before the kill')`);
  kill(child.process.pid!);
  assert.equal(await waitForEnd(server, 5000), true);
  const log = path.join(folder, 'postgres.log');
  const before = readFileSync(log, 'utf8').length;
  const again = await up();
  // Nobody asked it, time and again, whether it is there yet.
  assert.doesNotMatch(readFileSync(log, 'utf8').slice(before), /FATAL/);
  assert.equal(await ask(folder, 'select value from kept'), 'before the kill');
  await again.stop();
});

test('an orphaned server is stopped and replaced', { skip: !onLinux }, async () => {
  const child = await up();
  const server = serverPid(folder);
  // The guard first, or it would stop the server: its shell, and the watch that it started.
  const guards = readdirSync('/proc')
    .map((name) => (/^\d+$/.test(name) ? findProcess(Number(name)) : undefined))
    .filter((found) => found?.command.includes('tocsin-postgres'))
    .filter((found) => found?.command.some((part) => part.startsWith(base)));
  assert.equal(guards.length, 2);
  // Held still meanwhile: it would see the guard end, and bring the server back.
  process.kill(child.process.pid!, 'SIGSTOP');
  for (const guard of guards) kill(guard!.pid);
  kill(child.process.pid!);
  assert.equal(await ask(folder, 'select 1').catch(() => 'gone'), 1);
  assert.equal(isRunning(server), true);
  const again = await up();
  assert.match(again.log(), /PostgreSQL of an earlier run was still there/);
  assert.equal(isRunning(server), false);
  await again.stop();
});

test('kill -9 of the server under busy work: it comes back by itself', async () => {
  const child = await up();
  const server = serverPid(folder);
  const busy = ask(folder, 'select pg_sleep(60)').catch((error: Error) => error);
  await until(async () => {
    const count = `select count(*)::int from pg_stat_activity where query like 'select pg_sleep%'`;
    return (await ask(folder, count)) === 1;
  });
  kill(server);
  await until(() => ask(folder, 'select 1').then(Boolean, () => false));
  assert.notEqual(serverPid(folder), server);
  assert.ok((await busy) instanceof Error);
  const story = /ended unexpectedly and is being started again[^]*up again/;
  await until(() => story.test(child.log()));
  const second = await start();
  assert.match(second.word, /^Another Tocsin/, 'the instance lock is held again');
  await child.stop();
});

test('kill -9 of everything but a busy backend: the next start works', async () => {
  const child = await up();
  const server = serverPid(folder);
  ask(folder, 'select pg_sleep(60)').catch(() => {});
  await until(async () => {
    const count = `select count(*)::int from pg_stat_activity where query like 'select pg_sleep%'`;
    return (await ask(folder, count)) === 1;
  });
  kill(child.process.pid!);
  kill(server);
  const again = await up();
  await again.stop();
});

test('a stale number in postmaster.pid is not believed', { skip: !onLinux }, async () => {
  const file = path.join(folder, 'postgres/postmaster.pid');
  // Ours, another program's, and a zombie's: the first child of a process that never waits.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60']);
  after(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = Number(line);
  await until(() => findProcess(zombie)?.zombie === true);
  for (const pid of [process.pid, parent.pid!, zombie, 4_000_000]) {
    writeFileSync(file, `${pid}\n${folder}\n1\n5432\n`);
    const { uid, gid } = statSync(path.join(folder, 'postgres'));
    spawnSync('chown', [`${uid}:${gid}`, file]);
    const child = await up();
    await child.stop();
  }
});

test('a first start killed in the middle of its work is repeated', async () => {
  const fresh = path.join(base, 'interrupted');
  const starting = startChild(fresh);
  await until(() => existsSync(fresh) && readdirSync(fresh).some((name) => /\.new-/.test(name)));
  await delay(30);
  const found = readdirSync('/proc')
    .map((name) => (/^\d+$/.test(name) ? findProcess(Number(name)) : undefined))
    .find((process) => process?.command.at(-1) === fresh && !process.zombie);
  kill(found!.pid);
  await starting;
  const child = await up(fresh);
  assert.equal(await ask(fresh, 'select 1'), 1);
  assert.deepEqual(
    readdirSync(fresh).filter((name) => name.includes('.new-')),
    [],
  );
  await child.stop();
});

test('a database that is gone is not replaced by an empty one', async () => {
  const copy = path.join(base, 'gone');
  cpSync(folder, copy, { recursive: true, filter: (file) => !/\/(postgres|run)$/.test(file) });
  const child = await start(copy);
  assert.match(child.word, /^The database of this installation was in .*gone\/postgres, and it is/);
});

test('no value of a statement reaches the log', async () => {
  const child = await up();
  const secret = '07700900123';
  await ask(folder, 'create unique index kept_once on kept (value)');
  for (const statement of [
    `insert into kept values ('${secret}'), ('${secret}')`,
    `select '${secret}'::uuid`,
    `do $$ begin raise warning '${secret}'; end $$`,
    `do $$ begin raise exception '${secret}'; end $$`,
    `select broken '${secret}'`,
  ]) {
    await ask(folder, statement).catch(() => {});
  }
  await child.stop();
  const log = readFileSync(path.join(folder, 'postgres.log'), 'utf8');
  assert.ok(log.includes('database system is shut down'));
  assert.ok(!log.includes(secret));
});
