/** The real program in a process of its own, on free ports, with a data folder that goes again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

export type Program = {
  readonly address: string;
  readonly phonesAddress: string;
  readonly printed: string;
  /** All that it wrote so far, its log among it. */
  written(): string;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** SIGKILL to the program alone; what it started finds out by itself. */
  kill(): Promise<void>;
};

export type Ground = { readonly folder: string; readonly port: number; remove(): void };

/** A place to start in: kept from one start to the next. */
export async function prepareGround(): Promise<Ground> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-journey-'));
  // As root PostgreSQL runs as another user, who has to get through.
  chmodSync(folder, 0o711);
  return {
    folder: path.join(folder, 'var'),
    port: await freePorts(3),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts and waits until it says that it is ready. Rejects with what it printed where it ends. */
export async function startProgram(
  ground: Ground,
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const child = spawn(process.execPath, [path.join(root, 'src/main.ts'), 'start'], {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(ground.port),
      TOCSIN_DATA_DIR: ground.folder,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (written += part));
  const printed = await outputUntil(child, /Sign in, once.*\n/);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  return {
    printed,
    written: () => written,
    address: /Tocsin is ready: (\S+)/.exec(printed)![1]!,
    phonesAddress: /Phones:\s+(\S+)/.exec(printed)![1]!,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** A worker alone, in a process of its own; `ended` is its exit code, null where a signal ended it. */
export type WorkerProcess = {
  readonly ended: Promise<number | null>;
  /** All that it wrote so far. */
  printed(): string;
  signal(signal: NodeJS.Signals): void;
};

/** Starts `bin/tocsin worker` and waits until it says that it runs. */
export async function startWorkerProcess(
  environment: Readonly<Record<string, string>>,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [path.join(root, 'src/main.ts'), 'worker'], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (printed += part));
  await outputUntil(child, /The worker is running/);
  return { ended, printed: () => printed, signal: (signal) => void child.kill(signal) };
}

/** No command takes so long, not beside seven others; one that hangs is a failure, not a wait. */
const COMMAND_MAX_MS = 180_000;

/** Runs a command to its end; `code` is null where it had to be killed. */
export async function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [path.join(root, 'src/main.ts'), ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_MAX_MS,
    killSignal: 'SIGKILL',
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

function outputUntil(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const hear = (part: string) => {
      printed += part;
      if (pattern.test(printed)) resolve(printed);
    };
    child.stdout!.setEncoding('utf8').on('data', hear);
    child.stderr!.setEncoding('utf8').on('data', hear);
    child.once('exit', (code) => reject(new Error(`ended with ${code} after: ${printed}`)));
  });
}

/** Of so many ports each process looks among some of its own. */
const PORTS = { from: 20_000, bands: 400, each: 30 };

let looked = 0;

/**
 * The first of `count` neighbouring ports that are all free. A program takes seconds from here to
 * its port, and the tests of other processes look for theirs meanwhile.
 */
export async function freePorts(count: number): Promise<number> {
  const band = PORTS.from + (process.pid % PORTS.bands) * PORTS.each;
  for (;;) {
    const first = band + (looked % (PORTS.each - count + 1));
    looked += count;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
