/** The engine and the sequencer of the audit in a process, as the worker runs them. */
import type { ClientConfig } from 'pg';
import { Sequencer } from '#audit/index.ts';
import { open } from '#kernel/sealed.ts';
import { openDatabase, type Database, type Tx } from '#db/database.ts';
import { Engine, hashContent, openNotifyGateway, type Proof } from '#dispatch/index.ts';
import { createLog } from '#log.ts';
import { playOrders, usageOfThisProcess } from './player.ts';

export type EngineOrder =
  | {
      readonly kind: 'start';
      readonly database: ClientConfig;
      /** Where each gateway of texts is, by its id. */
      readonly gateways: Readonly<Record<string, string>>;
      readonly apiKey: string;
      readonly sealingKey: { readonly id: number; readonly key: Uint8Array };
      readonly installation: string;
      readonly sequencer: ClientConfig;
      /** How the files of the audit log begin: those of one database share them. */
      readonly auditFiles: string;
    }
  | { readonly kind: 'usage' };

type Running = {
  readonly engine: Engine;
  readonly sequencer: Sequencer;
  readonly databases: readonly Database[];
};

let running: Running | undefined;

playOrders<EngineOrder>(
  (order) => {
    if (order.kind === 'start') running = start(order);
    return Promise.resolve(usageOfThisProcess());
  },
  async () => {
    await running?.engine.stop();
    await running?.sequencer.stop();
    for (const database of running?.databases ?? []) await database.end();
  },
);

/** No text comes in during a bench. */
function nothing(): Buffer {
  return Buffer.alloc(0);
}

/** What a bench releases has no alert: its hash costs what that of an alert does, and nobody signs. */
async function hashAlone(tx: Tx, dispatchId: string): Promise<Proof> {
  await hashContent(tx, dispatchId, '');
  return { holds: true, by: { approvalId: dispatchId, part: 'first', isAlone: false } };
}

function start(order: EngineOrder & { kind: 'start' }): Running {
  const { apiKey, installation } = order;
  const sealingKey = { id: order.sealingKey.id, key: Buffer.from(order.sealingKey.key) };
  const log = createLog({ level: 'warn' });
  const database = openDatabase(order.database, { connectionsMax: 12 });
  const engine = new Engine({
    database,
    gateways: Object.entries(order.gateways).map(([id, baseUrl]) =>
      openNotifyGateway(id, { baseUrl, apiKey }),
    ),
    openAddress: (id, sealed) => open([sealingKey], `contact_point|${id}`, sealed),
    installation,
    seals: { indexNumber: nothing, sealNumber: nothing, sealContent: nothing },
    pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
    log,
    clockOf: (time) => time.toISOString().slice(11, 16),
    prove: hashAlone,
  });
  engine.start();
  const forAudit = openDatabase(order.sequencer, { connectionsMax: 1 });
  const sequencer = new Sequencer({
    database: forAudit,
    log,
    installation,
    keysFile: `${order.auditFiles}-keys.json`,
    checkpointsFile: `${order.auditFiles}-checkpoints.jsonl`,
  });
  sequencer.start();
  return { engine, sequencer, databases: [database, forAudit] };
}
