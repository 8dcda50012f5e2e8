/** One import of a file of contacts in a process of its own, as it runs in production. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientConfig } from 'pg';
import { permissions, type Actor, type Permission } from '#kernel/actor.ts';
import { importCommand } from '#cli/import.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { loadOperatingModel, type OperatingModel } from '#operating-model/index.ts';
import {
  confirmRun,
  findOwnRun,
  IMPORT_TASK,
  importTasks,
  keepUpload,
  type DirectorySecrets,
  type OwnRun,
} from '#organisations/index.ts';
import { playOrders, usageOfThisProcess } from './player.ts';

export type ImportOrder = {
  readonly way: 'command' | 'page';
  readonly file: string;
  readonly actorId: string;
  readonly database: ClientConfig;
  readonly sealingKey: { readonly id: number; readonly key: Uint8Array };
};

export type ImportAnswer = {
  readonly seconds: number;
  readonly checkSeconds: number;
  readonly idleMegabytes: number;
  readonly residentMaxMegabytes: number;
};

type Ways = {
  readonly database: Database;
  readonly model: OperatingModel;
  readonly secrets: DirectorySecrets;
};

playOrders<ImportOrder>(async (order) => {
  const model = await loadOperatingModel(path.join(import.meta.dirname, '../operating-model.yaml'));
  if (!model.ok) throw new Error(model.message);
  const key = Buffer.from(order.sealingKey.key);
  const database = openDatabase(order.database);
  const addressKey = { id: order.sealingKey.id, key };
  const secrets = { addressKey, openingKeys: [addressKey], blindIndexKey: key };
  const idleMegabytes = usageOfThisProcess().residentMaxMegabytes;
  try {
    const run = order.way === 'command' ? byCommand : byPage;
    // What it would be with a second person is not measured.
    const rules = { ...model.value, importedAloneADay: 1_000_000 };
    const took = await run({ database, model: rules, secrets }, order);
    const { residentMaxMegabytes } = usageOfThisProcess();
    return { ...took, idleMegabytes, residentMaxMegabytes } satisfies ImportAnswer;
  } finally {
    await database.end();
  }
});

type Took = Pick<ImportAnswer, 'seconds' | 'checkSeconds'>;

async function byCommand(ways: Ways, { file }: ImportOrder): Promise<Took> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-bench-import-'));
  try {
    const name = path.join(folder, 'contacts.csv');
    writeFileSync(name, file);
    const output = { out() {}, err: console.error };
    const call = async (...more: string[]) => {
      const code = await importCommand(ways, ['contacts', name, ...more], output);
      if (code !== 0) throw new Error(`import ended with ${code}`);
    };
    return {
      checkSeconds: await secondsOf(() => call('--dry-run')),
      seconds: await secondsOf(call),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function byPage(ways: Ways, { file, actorId }: ImportOrder): Promise<Took> {
  const { database, model, secrets } = ways;
  const all = new Set(Object.keys(permissions) as Permission[]);
  const officer: Actor = { kind: 'person', id: actorId, name: 'Bench officer', permissions: all };
  const onError = (error: unknown) => console.error(error);
  const tasks = importTasks({ database, rules: model, secrets, onError });
  const given = () => ({ secrets, now: new Date() });
  const upload = {
    kind: 'contacts',
    name: 'contacts.csv',
    allOrNothing: false,
    bytes: Buffer.from(file),
  } as const;
  const kept = await database.attempt(officer, (tx) => keepUpload(tx, upload, given()));
  if (!kept.ok) throw new Error(kept.message);
  const find = async (): Promise<OwnRun> => {
    const run = await database.withActor(officer, (tx) => findOwnRun(tx, kept.value, given()));
    if (run === undefined || run.reason !== null) throw new Error(run?.reason ?? 'no run');
    return run;
  };
  const work = async (until: OwnRun['state']) => {
    const { attempt } = await find();
    await tasks[IMPORT_TASK]!({ runId: kept.value, attempt });
    while ((await find()).state !== until) await delay(20);
  };
  const checkSeconds = await secondsOf(() => work('checked'));
  const press = { ...given(), goodRowsOnly: true, rules: model };
  const pressed = await database.attempt(officer, (tx) => confirmRun(tx, kept.value, press));
  if (!pressed.ok) throw new Error(pressed.message);
  return { checkSeconds, seconds: await secondsOf(() => work('imported')) };
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
