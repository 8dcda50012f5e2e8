/**
 * What the operating system knows about a process. A number alone proves nothing: it may belong to
 * a zombie, or to somebody else by now, so every question here compares more than the number.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type ProcessFacts = {
  readonly pid: number;
  /** Ticks since boot on Linux, seconds on macOS: tells two owners of the same number apart. */
  readonly startedAt: string;
  /** Ended, but its parent has not asked how: still answers signals, runs nothing. */
  readonly zombie: boolean;
  readonly command: readonly string[];
};

const onLinux = process.platform === 'linux';

export function findProcess(pid: number): ProcessFacts | undefined {
  return onLinux ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may itself hold brackets and spaces: fields count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return { pid, startedAt: fields[19] ?? '', zombie: fields[0] === 'Z', command };
  } catch {
    return undefined;
  }
}

function fromPs(pid: number): ProcessFacts | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=,command=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
  });
  const match = /^(\S+)\s+(\S+ +\S+ +\d+ [\d:]+ \d+)\s+(.*)$/.exec(stdout?.trim() ?? '');
  if (match === null) return undefined;
  const [, state = '', started = '', command = ''] = match;
  const startedAt = String(Date.parse(started) / 1000);
  return { pid, startedAt, zombie: state.startsWith('Z'), command: command.split(' ') };
}

/** True while the process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  const found = findProcess(pid);
  return found !== undefined && !found.zombie;
}

/** Names this very process so that others can ask later whether it still lives. */
export function ownToken(): string {
  return `${process.pid}.${findProcess(process.pid)?.startedAt ?? ''}`;
}

/** The number of the process that `ownToken` named, if that process still runs. */
export function findOwner(token: string): number | undefined {
  const [pid, startedAt] = token.split('.');
  const found = findProcess(Number(pid));
  return found !== undefined && !found.zombie && found.startedAt === startedAt
    ? found.pid
    : undefined;
}

/** Processes whose working folder is `folder` (a real path). Empty where there is no /proc. */
export function listProcessesIn(folder: string): ProcessFacts[] {
  if (!onLinux) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && workingFolder(Number(name)) === folder)
    .map((name) => findProcess(Number(name)))
    .filter((found) => found !== undefined);
}

/** Where the process works; undefined if it is gone, or not ours to ask. */
export function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** Sends the signal; false when the process is gone. Throws where we are not allowed to. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Waits until the process has ended; false if it still runs after `timeoutMs`. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  while (isRunning(pid)) {
    if (Date.now() > until) return false;
    await delay(10);
  }
  return true;
}
