/**
 * A replica and its promotion, in parts: the tests of lost history and `npm run chaos` put them
 * together. Each part names servers by their places.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { openDataFolder, type DataFolder } from '#db/data-folder.ts';
import { findBinaries } from '#db/postgres-binaries.ts';
import { preparePlace, type Place } from '#db/postgres-place.ts';
import { superuserConfig } from '#db/postgres-takeover.ts';

const FOLLOWS_WITHIN_MS = 60_000;
/** A replica may be so many bytes of the log behind and still count as following. */
const BEHIND_MAX_BYTES = 1_000_000;

export function placeIn(folder: string, name: string): Place {
  const dataFolder = openDataFolder({ path: join(folder, name), live: false });
  if (!dataFolder.ok) throw new Error(dataFolder.message);
  return placeOf(dataFolder.value);
}

export function placeOf(dataFolder: DataFolder): Place {
  const binaries = findBinaries();
  if (!binaries.ok) throw new Error(binaries.message);
  const place = preparePlace(dataFolder, binaries.value);
  if (!place.ok) throw new Error(place.message);
  return place.value;
}

/** One statement as the superuser. */
export async function ask<Row extends object>(place: Place, statement: string): Promise<Row[]> {
  return await withSuperuser(place, async (client) => (await client.query<Row>(statement)).rows);
}

/** Makes `replica` a copy of the running `primary` that follows it once it is started. */
export async function prepareReplica(primary: Place, replica: Place): Promise<void> {
  await copyOnline(primary, replica.data);
  writeFileSync(join(replica.data, 'standby.signal'), '');
  // Not on the command line, which no reload could change: it is to be cut off.
  const settings = `primary_conninfo = 'host=${primary.run} user=postgres'\n`;
  appendFileSync(join(replica.data, 'postgresql.auto.conf'), settings);
  const { user, data } = replica;
  if (user !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, data]);
}

/** Until what the primary commits is on the replica a moment later. */
export async function untilFollowed(primary: Place): Promise<void> {
  const until = performance.now() + FOLLOWS_WITHIN_MS;
  for (;;) {
    const rows = await ask(
      primary,
      `select from pg_stat_replication where state = 'streaming'
        and pg_current_wal_lsn() - replay_lsn < ${BEHIND_MAX_BYTES}`,
    );
    if (rows.length > 0) return;
    if (performance.now() > until) throw new Error('the replica does not follow');
    await delay(50);
  }
}

/** From here on the replica gets no more commits. */
export async function cutOff(primary: Place, replica: Place): Promise<void> {
  await ask(replica, "alter system set primary_conninfo = ''");
  await ask(replica, 'select pg_reload_conf()');
  for (;;) {
    if ((await ask(primary, 'select from pg_stat_replication')).length === 0) return;
    await delay(10);
  }
}

/** The replica becomes a primary of its own; who was the primary must be dead. */
export async function promote(replica: Place): Promise<void> {
  const [done] = await ask<{ done: boolean }>(replica, 'select pg_promote(true, 30) as done');
  if (done?.done !== true) throw new Error('the replica was not promoted within 30 s');
}

/** Puts a copy of a folder where another may be; its files may change and go meanwhile. */
export async function copyFiles(from: string, to: string): Promise<void> {
  rmSync(to, { recursive: true, force: true });
  await run('cp', ['-a', from, to]);
}

/** The files of a running server, taken between the two calls that make such a copy good. */
async function copyOnline(primary: Place, to: string): Promise<void> {
  const label = await withSuperuser(primary, async (client) => {
    await client.query("select pg_backup_start('copy', true)");
    await copyFiles(primary.data, to);
    const { rows } = await client.query<{ labelfile: string }>(
      'select labelfile from pg_backup_stop(false)',
    );
    return rows[0]!.labelfile;
  });
  rmSync(join(to, 'postmaster.pid'), { force: true });
  writeFileSync(join(to, 'backup_label'), label);
}

async function withSuperuser<T>(place: Place, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(superuserConfig(place.run));
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Beside us: what we carry meanwhile must not stand still. Files that went are no error. */
async function run(program: string, words: readonly string[]): Promise<void> {
  const child = spawn(program, words, {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  const errors = said
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('No such file or directory'));
  if (status === null || errors.length > 0 || (status !== 0 && said === ''))
    throw new Error(`${program} ended with ${status}: ${errors.join('; ')}`);
}
