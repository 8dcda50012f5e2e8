/** Making a cluster, and what every cluster of ours holds: its roles and one database. */
import { chownSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Client } from 'pg';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { syncFolder } from './data-folder.ts';
import { explainServerLog } from './postgres-messages.ts';
import type { Place } from './postgres-place.ts';
import { spawnGuarded } from './postgres-process.ts';

/** Makes the cluster beside its place and moves it there when it is whole: a kill in between
 * leaves a folder that looks like a cluster and is none. */
export async function initialiseCluster(place: Place, durable: boolean): Promise<Outcome<void>> {
  // A name of its own: the initdb of a start that was killed may still be writing into another.
  const unfinished = mkdtempSync(`${place.data}.new-`);
  try {
    if (place.user !== undefined) chownSync(unfinished, place.user.uid, place.user.gid);
    const words = await runInitdb(place, unfinished, durable);
    if (words !== undefined) return refused('unavailable', explainServerLog(words, place));
    renameSync(unfinished, place.data);
    if (durable) syncFolder(path.dirname(place.data));
    return ok(undefined);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Removes what first starts left that were killed. */
export function sweepUnfinished(data: string): void {
  const start = `${path.basename(data)}.new-`;
  for (const name of readdirSync(path.dirname(data))) {
    if (!name.startsWith(start)) continue;
    try {
      rmSync(path.join(path.dirname(data), name), { recursive: true, force: true });
    } catch {
      // Still being written into; the next first start gets it.
    }
  }
}

/** What initdb said when it failed; undefined when it did not. */
async function runInitdb(
  place: Place,
  folder: string,
  durable: boolean,
): Promise<string | undefined> {
  const flags = ['-D', folder, '-U', 'postgres', '--auth-local=trust', '--auth-host=reject'];
  // Without these an empty LANG would make an SQL_ASCII cluster, and the order of texts would
  // change with the system's C library.
  flags.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin');
  flags.push('--builtin-locale=C.UTF-8', '--no-instructions', ...(durable ? [] : ['--no-sync']));
  const child = spawnGuarded([place.binaries.initdb, ...flags], place.user, 'pipe');
  let words = '';
  child.stdout?.on('data', (part) => (words += String(part)));
  child.stderr?.on('data', (part) => (words += String(part)));
  const code = await new Promise((resolve) => {
    child.once('close', resolve);
    child.once('error', (error) => {
      words += error.message;
      resolve(1);
    });
  });
  return code === 0 ? undefined : words;
}

/**
 * The roles of design section 4 and the database they share. Repeated at every start: a kill may
 * have come between any two of these steps.
 */
export async function furnishCluster(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select rolname as name from pg_roles where rolname like 'tocsin\\_%'
     union all select datname from pg_database where datname = 'tocsin'`,
  );
  const found = new Set(rows.map((row) => row.name));
  const steps: readonly (readonly [string, string])[] = [
    ['tocsin_owner', 'create role tocsin_owner login createrole createdb'],
    ['tocsin_web', 'create role tocsin_web login'],
    ['tocsin_worker', 'create role tocsin_worker login'],
    ['tocsin_sequencer', 'create role tocsin_sequencer login'],
    ['tocsin', 'create database tocsin owner tocsin_owner'],
  ];
  for (const [name, statement] of steps) if (!found.has(name)) await client.query(statement);
}
