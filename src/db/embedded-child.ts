/** For tests only: runs the embedded PostgreSQL in a process of its own, which may be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Client } from 'pg';
import { openDataFolder } from './data-folder.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { readRemembered } from './postgres-place.ts';
import { readPostmasterPid } from './postgres-process.ts';
import { superuserConfig } from './postgres-takeover.ts';

export type EmbeddedChild = {
  readonly process: ChildProcess;
  /** 'up', or the sentence that was the reason why not. */
  readonly word: string;
  /** Everything it logged so far. */
  log(): string;
  /** Lets it stop the server in order, and waits for its end. */
  stop(): Promise<void>;
};

export type ChildOptions = {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** Starts on `folder` in another process and waits until it is up or has refused. */
export async function startChild(
  folder: string,
  { env, ...user }: ChildOptions = {},
): Promise<EmbeddedChild> {
  const child = spawn(process.execPath, [import.meta.filename, folder], {
    ...user,
    cwd: '/',
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (part) => (log += String(part)));
  let text = '';
  for await (const part of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(part);
    if (text.includes('\n')) break;
  }
  return {
    process: child,
    word: text.trim() || log,
    log: () => log,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** The number of the server that runs, or ran, on the folder. */
export function serverPid(folder: string): number {
  return readPostmasterPid(readRemembered({ path: folder })?.data ?? '') ?? -1;
}

/** One statement as the superuser, on a connection of its own. */
export async function ask(
  folder: string,
  statement: string,
  database = 'tocsin',
): Promise<unknown> {
  const client = new Client(superuserConfig(readRemembered({ path: folder })?.run ?? '', database));
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: statement, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end().catch(() => {});
  }
}

async function run(folder: string): Promise<void> {
  const dataFolder = openDataFolder({ path: folder, live: false });
  if (!dataFolder.ok) return console.log(dataFolder.message);
  const log = { info: console.error, warn: console.error, error: console.error };
  // Nothing here is worth waiting for the disk; recovery after a kill works without it.
  const settings = { fsync: 'off', shared_buffers: '16MB' };
  const started = await startEmbeddedPostgres({ dataFolder: dataFolder.value, log, settings });
  if (!started.ok) return console.log(started.message);
  console.log('up');
  await new Promise((resolve) => process.stdin.resume().once('end', resolve));
  await started.value.stop();
}

if (process.argv[1] === import.meta.filename) await run(process.argv[2]!);
