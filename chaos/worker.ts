/** A worker in a process of its own: the engine as the product runs it, with the short waits. */
import { open } from '#kernel/sealed.ts';
import { openDatabase } from '#db/database.ts';
import { Engine, openNotifyGateway, type Clocks, type Gateway } from '#dispatch/index.ts';
import { createLog } from '#log.ts';
import type { WorkerTask } from './task.ts';

process.once('message', (task: WorkerTask) => {
  start(task);
  process.send?.('ready');
});
// The run that started us is gone.
process.once('disconnect', () => process.exit(1));

function start(task: WorkerTask): void {
  const key = { id: task.sealingKey.id, key: Buffer.from(task.sealingKey.key) };
  const settings = { baseUrl: task.notifyUrl, apiKey: task.apiKey };
  const gateway = openNotifyGateway('notify', settings, { waits: task.waits.gateway });
  const stopped: Clocks = { monotonicMs: () => 0, wallMs: () => 0 };
  const engine = new Engine({
    pauseWhenRefused: { share: 1, atLeast: 1_000_000 },
    database: openDatabase(task.database, { connectionsMax: 12 }),
    gateways: [task.defect === 'look-up' ? lying(gateway) : gateway],
    openAddress: (id, sealed) => open([key], `contact_point|${id}`, sealed),
    installation: task.installation,
    seals: { indexNumber: nothing, sealNumber: nothing, sealContent: nothing },
    log: createLog({ level: 'silent' }),
    clockOf: (time) => time.toISOString().slice(11, 16),
    prove: (_tx, id) =>
      Promise.resolve({ holds: true, by: { approvalId: id, part: 'first', isAlone: false } }),
    ...task.waits.engine,
    ...(task.defect === 'lease' && { clocks: stopped }),
  });
  engine.start();
}

/** Answers come by the web process alone. */
function nothing(): Buffer {
  return Buffer.alloc(0);
}

/** Says of everything that the provider does not have it, as a look-up with a wrong key would. */
function lying(gateway: Gateway): Gateway {
  return new Proxy(gateway, {
    get(target, property) {
      if (property === 'find') return () => Promise.resolve({ answer: 'absent' });
      // Without a list it is asked one by one, and lies.
      if (property === 'list') return undefined;
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
