/**
 * What every figure stands on: the embedded PostgreSQL as in production (fsync on) in a folder of
 * its own, a fresh database for each run, and the simulator as a process of its own.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client, type ClientConfig } from 'pg';
import { newId } from '#kernel/ids.ts';
import type { SealingKey } from '#kernel/sealed.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { openDataFolder } from '#db/data-folder.ts';
import { startEmbeddedPostgres, type Embedded } from '#db/embedded-postgres.ts';
import { migrate } from '#db/migrate.ts';
import { readMachine, type Machine } from './machine.ts';

export type BenchDatabase = {
  readonly owner: Database;
  readonly web: Database;
  readonly ownerConfig: ClientConfig;
  readonly webConfig: ClientConfig;
  readonly workerConfig: ClientConfig;
  readonly sequencerConfig: ClientConfig;
  drop(): Promise<void>;
};

export type Stage = {
  readonly machine: Machine;
  readonly sealingKey: SealingKey;
  readonly installation: string;
  /** Goes with the stage. */
  readonly folder: string;
  /** A copy of the migrated database in which nothing has happened yet. */
  freshDatabase(): Promise<BenchDatabase>;
  startSimulator(options: readonly string[]): Promise<SimulatorProcess>;
  say(sentence: string): void;
};

export type SimulatorProcess = {
  readonly notifyUrl: string;
  readonly controlUrl: string;
  stop(): Promise<void>;
};

const TEMPLATE = 'tocsin';

/** Runs `work` on a stage and takes everything away afterwards, also after a failure. */
export async function onStage<T>(
  say: (sentence: string) => void,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-bench-'));
  // As root the server runs as another user. Where that user may not enter, the cluster would be
  // put outside of this folder and stay behind.
  chmodSync(folder, 0o755);
  const embedded = await startPostgres(folder);
  const simulators = new Set<SimulatorProcess>();
  try {
    const [version] = await asSuperuser(embedded, 'show server_version');
    return await work({
      machine: readMachine(String(version!['server_version'])),
      sealingKey: { id: 1, key: randomBytes(32) },
      installation: newId(),
      folder,
      freshDatabase: () => freshDatabase(embedded),
      async startSimulator(options) {
        const data = path.join(folder, `simulator-${simulators.size}`);
        const simulator = await startSimulator([...options, `--data=${data}`]);
        simulators.add(simulator);
        return simulator;
      },
      say,
    });
  } finally {
    for (const simulator of simulators) await simulator.stop();
    await embedded.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startPostgres(folder: string): Promise<Embedded> {
  const dataFolder = openDataFolder({ path: folder, live: false });
  if (!dataFolder.ok) throw new Error(dataFolder.message);
  const log = { info() {}, warn: console.error, error: console.error };
  const started = await startEmbeddedPostgres({ dataFolder: dataFolder.value, log });
  if (!started.ok) throw new Error(started.message);
  const migrated = await migrate({ config: started.value.configFor('tocsin_owner', TEMPLATE) });
  if (!migrated.ok) {
    await started.value.stop();
    throw new Error(migrated.message);
  }
  return started.value;
}

async function freshDatabase(embedded: Embedded): Promise<BenchDatabase> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  await asSuperuser(embedded, `create database ${name} template ${TEMPLATE} owner tocsin_owner`);
  // A copied database counts as restored, and would send nothing (P10).
  await asSuperuser(
    embedded,
    'update dispatch.continuity set database_id = dispatch.database_id()',
    name,
  );
  const owner = openDatabase(embedded.configFor('tocsin_owner', name));
  const web = openDatabase(embedded.configFor('tocsin_web', name));
  return {
    owner,
    web,
    ownerConfig: embedded.configFor('tocsin_owner', name),
    webConfig: embedded.configFor('tocsin_web', name),
    workerConfig: embedded.configFor('tocsin_worker', name),
    sequencerConfig: embedded.configFor('tocsin_sequencer', name),
    async drop() {
      await Promise.all([owner.end(), web.end()]);
      await asSuperuser(embedded, `drop database ${name} with (force)`);
      // What this run wrote must not be flushed in the middle of the next one.
      await asSuperuser(embedded, 'checkpoint');
    },
  };
}

async function asSuperuser(
  embedded: Embedded,
  statement: string,
  database?: string,
): Promise<Record<string, unknown>[]> {
  const client = new Client(embedded.superuserConfig(database));
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function startSimulator(options: readonly string[]): Promise<SimulatorProcess> {
  const main = path.join(import.meta.dirname, '../src/main.ts');
  const child = spawn(process.execPath, [main, 'simulator', '--exit-with-stdin', ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    exited.then(() => Promise.reject(new Error('the simulator ended before it was ready'))),
  ])) as [string];
  const { notifyUrl, controlUrl } = JSON.parse(line) as Record<'notifyUrl' | 'controlUrl', string>;
  return {
    notifyUrl,
    controlUrl,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** What the simulator itself counted. */
export async function readState(
  simulator: SimulatorProcess,
): Promise<{ accepted: number; refused: number }> {
  const response = await fetch(`${simulator.controlUrl}/_control/state`);
  return (await response.json()) as { accepted: number; refused: number };
}

/** Makes the simulator misbehave, in the words of its `/_control/faults`. */
export async function addFault(
  simulator: Pick<SimulatorProcess, 'controlUrl'>,
  fault: object,
): Promise<void> {
  const response = await fetch(`${simulator.controlUrl}/_control/faults`, {
    method: 'POST',
    body: JSON.stringify(fault),
  });
  if (response.status !== 201) throw new Error(`no such fault: ${await response.text()}`);
}

/** When each request after byte `after` of the ledger was accepted, in epoch ms. */
export async function readAccepted(
  simulator: SimulatorProcess,
  after: number,
): Promise<{ times: number[]; next: number }> {
  const url = `${simulator.controlUrl}/_control/ledger?type=accepted&after=${after}`;
  const response = await fetch(url);
  const page = (await response.json()) as { entries: { at: string }[]; next: number };
  return { times: page.entries.map(({ at }) => Date.parse(at)), next: page.next };
}
