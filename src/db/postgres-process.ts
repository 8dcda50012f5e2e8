/** One run of the PostgreSQL server as a child process that cannot outlive us. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownToken, signal, waitForEnd } from './processes.ts';
import { explainFullDisk } from './postgres-messages.ts';
import type { Place, ServerUser } from './postgres-place.ts';

export type ServerRun = {
  /** Settles when the server has ended, however that happened. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  /** What the server wrote since it was started: its reasons, when it did not come up. */
  words(): string;
  /** Disconnects everybody, writes everything, ends. Forces it after 10 s, on a full disk 1 s. */
  stop(): Promise<void>;
};

/** Nothing of ours (PGDATA, LANG, …) may change what the server does. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * The guard: a shell between us and the program holds the other end of our pipe. However we die,
 * the pipe closes and the program gets its order to stop (seen within 0.3 s of a kill -9). The
 * program reads nothing, from /dev/null: were its input closed, the next file it opens would take
 * that place. A backend that waited for a replica when its server died reads on there for orders:
 * from /dev/urandom it never came to an end, and wrote "backend>" into the log for ever.
 */
const GUARD = [
  'exec 3<&0',
  '"$@" </dev/null 3<&- & program=$!',
  '(cat <&3 >/dev/null; kill -INT $program 2>/dev/null) >/dev/null 2>&1 & watch=$!',
  'wait $program; status=$?',
  'kill $watch 2>/dev/null',
  'exit $status',
].join('\n');

/** Starts a program of PostgreSQL that cannot outlive us; `output` takes what it says. */
export function spawnGuarded(
  command: readonly string[],
  user: ServerUser | undefined,
  output: number | 'pipe',
): ChildProcess {
  return spawn('/bin/sh', ['-c', GUARD, 'tocsin-postgres', ...command], {
    ...user,
    cwd: '/',
    env: ENVIRONMENT,
    // A session of its own, so that Ctrl-C reaches us first and we stop in our order.
    detached: true,
    stdio: ['pipe', output, output],
  });
}

/** Kept when the log is turned over; two such files are the most there ever is. */
const LOG_BYTES_MAX = 10_000_000;
const LOG_CHECK_INTERVAL_MS = 60_000;

/** For two cores and a machine shared with other things; who has more sets DATABASE_URL. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  cluster_name: 'tocsin',
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '100',
  shared_buffers: '192MB',
  // A freeze of 100,000 writes 100 MB of log in two seconds, and waited for it with 16 MB.
  wal_buffers: '64MB',
  effective_cache_size: '1GB',
  maintenance_work_mem: '64MB',
  random_page_cost: '1.1',
  jit: 'off',
  synchronous_commit: 'on',
  // After a kill each of 1,300 files was synced, one after the other: 2 to 5 s beside a busy disk,
  // against 0.6 s in one call for the file system. Only Linux has it.
  ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
  // P12: values of statements appear in errors, details and parameters, so none of them is logged.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
};

export function spawnServer(place: Place, settings: Readonly<Record<string, string>>): ServerRun {
  const all = {
    ...SETTINGS,
    ...settings,
    unix_socket_directories: place.run,
    'tocsin.owner': ownToken(),
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // Read and append: the server writes at the end even after we cut the file.
  const log = openSync(place.logFile, 'a+', 0o600);
  turnOver(place.logFile, log);
  const from = fstatSync(log).size;
  const command = [place.binaries.postgres, '-D', place.data, ...flags];
  const child = spawnGuarded(command, place.user, log);
  return followServer(child, place, { log, from });
}

function followServer(
  child: ChildProcess,
  place: Place,
  { log, from }: { log: number; from: number },
): ServerRun {
  let over = false;
  let failure = '';
  let words: string | undefined;
  const read = () => (failure === '' ? readFrom(log, from) : failure);
  const turning = setInterval(() => turnOver(place.logFile, log), LOG_CHECK_INTERVAL_MS).unref();
  const ended = new Promise<void>((resolve) => {
    const finish = () => {
      if (over) return;
      over = true;
      clearInterval(turning);
      words = read();
      closeSync(log);
      resolve();
    };
    child.once('exit', finish);
    child.once('error', (error) => {
      failure = error.message;
      finish();
    });
  });
  // Neither keeps the process alive: when all else is done it may end, and the guard cleans up.
  child.unref();
  child.stdin?.on('error', () => {});
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return {
    ended,
    hasEnded: () => over,
    words: () => words ?? read(),
    async stop() {
      if (over) return;
      child.ref();
      child.stdin?.end();
      // A full disk can keep a polite stop from ever ending; the next start then recovers.
      const isFull = explainFullDisk(place.data) !== undefined;
      if (await settlesWithin(ended, isFull ? 1000 : 10_000)) return;
      const pid = readPostmasterPid(place.data);
      if (pid !== undefined) await forceEnd(pid);
      await ended;
    },
  };
}

async function settlesWithin(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return inTime;
}

/** Ends a server: politely, then at once, then without asking. */
export async function endServer(pid: number): Promise<void> {
  if (!signal(pid, 'SIGINT') || (await waitForEnd(pid, 10_000))) return;
  await forceEnd(pid);
}

async function forceEnd(pid: number): Promise<void> {
  if (!signal(pid, 'SIGQUIT') || (await waitForEnd(pid, 5000))) return;
  signal(pid, 'SIGKILL');
  await waitForEnd(pid, 5000);
}

/** The process number in the server's own lock file; says nothing about whether it lives. */
export function readPostmasterPid(data: string): number | undefined {
  const pid = Math.abs(Number(readLockFile(data)[0]));
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** Whether the server says in its lock file that it takes connections: asking itself, while it
 * recovers, writes a line into its log each time. */
export function saysReady(data: string): boolean {
  return readLockFile(data)[7]?.trim() === 'ready';
}

/** The lines of PostgreSQL's `miscadmin.h`: the process first, the status eighth. */
function readLockFile(data: string): readonly string[] {
  try {
    return readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

function turnOver(file: string, descriptor: number): void {
  try {
    if (fstatSync(descriptor).size < LOG_BYTES_MAX) return;
    copyFileSync(file, `${file}.1`);
    ftruncateSync(descriptor);
  } catch {
    // A full disk: better a long log than a stopped service.
  }
}

function readFrom(descriptor: number, from: number): string {
  const bytes = Buffer.alloc(64_000);
  const length = readSync(descriptor, bytes, 0, bytes.length, from);
  return bytes.toString('utf8', 0, length);
}
