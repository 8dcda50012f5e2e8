/**
 * Clearing the way before a start (technology-facts, section 2). Whoever holds the advisory lock,
 * or is named as owner in the server's own settings and lives, keeps the folder; everything else
 * that is left of earlier runs is ended or deleted.
 */
import { rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { refused, type Refused } from '#kernel/outcome.ts';
import { endServer, readPostmasterPid } from './postgres-process.ts';
import type { Place } from './postgres-place.ts';
import { SESSION } from './session.ts';
import {
  findOwner,
  findProcess,
  listProcessesIn,
  signal,
  waitForEnd,
  workingFolder,
  type ProcessFacts,
} from './processes.ts';

/** "tocs", as a number: the advisory lock of the one process that runs this server. */
const INSTANCE_LOCK = 0x746f6373;

/** Whole sentences for the person who runs this; never a value out of the database (P12). */
export type Log = {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
};

/** As the superuser over the socket; `run` is the socket's folder. */
export function superuserConfig(run: string, database = 'postgres'): ClientConfig {
  return socketConfig(run, 'postgres', database);
}

/** Every field that `pg` would otherwise take from PG… variables is given here. */
export function socketConfig(run: string, user: string, database: string): ClientConfig {
  return { host: run, port: 5432, user, database, ssl: false, options: SESSION };
}

/** Answers on the socket? The client, or the error's code where there is no ready server. */
export async function tryConnect(config: ClientConfig): Promise<Client | { code: string }> {
  const client = new Client({ connectionTimeoutMillis: 2000, ...config });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    return { code: (error as { code?: string }).code ?? 'none' };
  }
}

/** Takes the lock for as long as the connection lives; false where another process has it. */
export async function takeInstanceLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(
    `select pg_try_advisory_lock(${INSTANCE_LOCK}) as taken`,
  );
  return rows[0]?.taken === true;
}

/** Ends what is left of earlier runs; a refusal where another Tocsin runs here. */
export async function clearTheWay(place: Place, log: Log): Promise<Refused | undefined> {
  const client = await tryConnect(superuserConfig(place.run));
  if (client instanceof Client) {
    const owner = await readOwner(client);
    const free = await takeInstanceLock(client);
    await client.end().catch(() => {});
    const folder = path.dirname(place.logFile);
    if (!free || isSomebodyElse(findOwner(owner.token))) return runsElsewhere(folder, owner);
  }
  return await clearProcesses(place, log);
}

/** The refusal where another Tocsin runs on this data folder; `run` is its socket's folder. */
export async function findOtherTocsin(folder: string, run: string): Promise<Refused | undefined> {
  const client = await tryConnect(superuserConfig(run));
  if (!(client instanceof Client)) return undefined;
  const owner = await readOwner(client);
  await client.end().catch(() => {});
  return isSomebodyElse(findOwner(owner.token)) ? runsElsewhere(folder, owner) : undefined;
}

/** Who runs a server, from the settings it was started with. */
type Owner = {
  /** Of `ownToken`. */
  readonly token: string;
  /** Where its pages are; '' where that was not told. */
  readonly address: string;
};

async function readOwner(client: Client): Promise<Owner> {
  const { rows } = await client.query<Owner>(
    `select coalesce(current_setting('tocsin.owner', true), '') as token,
       coalesce(current_setting('tocsin.address', true), '') as address`,
  );
  return rows[0] ?? { token: '', address: '' };
}

async function clearProcesses(place: Place, log: Log): Promise<Refused | undefined> {
  const pid = readPostmasterPid(place.data);
  const found = pid === undefined ? undefined : findProcess(pid);
  if (found !== undefined && isServerOf(found, place)) {
    const told = (name: string) =>
      found.command.find((argument) => argument.startsWith(name))?.slice(name.length) ?? '';
    const owner = { token: told('tocsin.owner='), address: told('tocsin.address=') };
    if (isSomebodyElse(findOwner(owner.token)))
      return runsElsewhere(path.dirname(place.logFile), owner);
    log.warn('A PostgreSQL of an earlier run was still there; it is being stopped.');
    await endServer(found.pid);
  }
  await endLeftBackends(place, log);
  // The number in the file is gone, a zombie's, or another program's: PostgreSQL would believe it.
  if (pid !== undefined) rmSync(path.join(place.data, 'postmaster.pid'), { force: true });
  return undefined;
}

/** The number alone may be another program's by now; its name and working folder tell. */
function isServerOf({ pid, zombie, command }: ProcessFacts, place: Place): boolean {
  if (zombie || !/^postgres\b/.test(path.basename(command[0] ?? ''))) return false;
  const folder = workingFolder(pid);
  return folder === undefined ? command.includes(place.data) : folder === place.data;
}

/** A server process killed hard leaves its busy children working on the files. */
async function endLeftBackends(place: Place, log: Log): Promise<void> {
  const list = () => listProcessesIn(place.data).filter((found) => isServerOf(found, place));
  if (list().length === 0) return;
  // Most notice by themselves that their parent is gone.
  await delay(50);
  const busy = list();
  if (busy.length > 0) log.warn(`${busy.length} left-over PostgreSQL processes are being ended.`);
  for (const { pid } of busy) signal(pid, 'SIGKILL');
  for (const { pid } of busy) await waitForEnd(pid, 5000);
}

function isSomebodyElse(owner: number | undefined): boolean {
  return owner !== undefined && owner !== process.pid;
}

function runsElsewhere(folder: string, { token, address }: Owner): Refused {
  const pid = token.split('.')[0] || 'unknown';
  const where = address === '' ? '' : ` at ${address}`;
  return refused(
    'conflict',
    `Another Tocsin (process ${pid}) runs on the data folder ${folder}${where}. ` +
      'Stop it first, or set TOCSIN_DATA_DIR to another folder.',
  );
}

/**
 * Only one process at a time may clear and start: between looking at a stale file and deleting it,
 * another start could have made it anew. An abstract socket is a lock that no crash leaves behind;
 * macOS has none, and goes without. Returns how to let go.
 */
export async function holdStartLock(folder: string): Promise<() => void> {
  if (process.platform !== 'linux') return () => {};
  const { dev, ino } = statSync(folder);
  const until = Date.now() + 30_000;
  for (;;) {
    const server = await listenOnce(`\0tocsin-start-${dev}-${ino}`);
    if (server !== undefined) return () => server.close();
    // After so long it is no start of ours that holds it; PostgreSQL's own locks still protect.
    if (Date.now() > until) return () => {};
    await delay(20);
  }
}

function listenOnce(address: string): Promise<Server | undefined> {
  const server = createServer().unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(address, () => resolve(server));
  });
}
