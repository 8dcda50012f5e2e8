/** An engine in a process of its own, on a database and a simulator of its own. */
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { system } from '#kernel/actor.ts';
import { openNotifyGateway, reserveTokens } from '#dispatch/index.ts';
import { DEFAULT_API_KEYS } from '#simulator/index.ts';
import { readModel } from './alert.ts';
import type { EngineOrder } from './engine-player.ts';
import { startPlayer, type Player, type Usage } from './player.ts';
import { seedGateway, type Bucket } from './scene.ts';
import type { BenchDatabase, SimulatorProcess, Stage } from './stage.ts';
import type { WebAnswer, WebOrder } from './web-player.ts';

export type Theatre = {
  readonly database: BenchDatabase;
  readonly simulator: SimulatorProcess;
  /** With these gateways, by id; by default one that sends to the simulator. */
  readonly startEngine: (gateways?: Readonly<Record<string, string>>) => Promise<EngineProcess>;
  /** Where receipts and texts of the gateway are taken; absent unless asked for. */
  readonly door: CallbackDoor | undefined;
};

export type EngineProcess = Pick<Player<Usage>, 'stop' | 'kill'> & { usage(): Promise<Usage> };

/** The part of the web process that providers call, and readers, in a process of its own. */
export type CallbackDoor = {
  readonly url: string;
  readonly token: string;
  readonly origin: string;
};

export type TheatreOptions = {
  readonly bucket: Bucket;
  /** Of `bin/tocsin simulator`. */
  readonly simulator: readonly string[];
  /** True: a web process takes callbacks, and the simulator calls it. */
  readonly callsBack?: boolean;
};

/** How many requests to Notify are on the wire at once: the gateway says. */
export async function readWindow(): Promise<number> {
  const { live: apiKey } = DEFAULT_API_KEYS;
  const gateway = openNotifyGateway('notify', { baseUrl: 'http://127.0.0.1:1', apiKey });
  await gateway.close();
  return gateway.window;
}

/** Nobody is told of receipts in bench; none falls due while something is measured. */
export const NO_RECEIPTS = '--receipt-delay-ms=600000,600000';

export async function inTheatre<T>(
  stage: Stage,
  options: TheatreOptions,
  play: (theatre: Theatre) => Promise<T>,
): Promise<T> {
  const database = await stage.freshDatabase();
  const ends: (() => Promise<void>)[] = [() => database.drop()];
  try {
    const token = randomBytes(16).toString('hex');
    const hash = createHash('sha256').update(token).digest();
    await seedGateway(database.owner, options.bucket, hash);
    let door: CallbackDoor | undefined;
    const calls: string[] = [];
    if (options.callsBack === true) {
      const web = startPlayer<WebAnswer>('web-player.ts');
      ends.push(() => web.stop());
      const order: WebOrder = { database: database.webConfig, sealingKey: stage.sealingKey };
      door = { ...(await web.ask(order)), token };
      calls.push(`--callback-url=${door.url}`, `--callback-token=${token}`);
    }
    const simulator = await stage.startSimulator([...options.simulator, ...calls]);
    ends.push(() => simulator.stop());
    return await play({
      database,
      simulator,
      door,
      async startEngine(gateways = { notify: simulator.notifyUrl }) {
        const engine = await startEngine(stage, database, gateways);
        ends.push(() => engine.stop());
        return engine;
      },
    });
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function startEngine(
  stage: Stage,
  database: BenchDatabase,
  gateways: Readonly<Record<string, string>>,
): Promise<EngineProcess> {
  // As the worker does at its start (src/main/running.ts).
  const { sending } = await readModel();
  await database.owner.withActor(system('bench'), (tx) =>
    reserveTokens(tx, sending.urgentReserveShare),
  );
  const player = startPlayer<Usage>('engine-player.ts');
  const start: EngineOrder = {
    kind: 'start',
    database: database.workerConfig,
    gateways,
    apiKey: DEFAULT_API_KEYS.live,
    sealingKey: stage.sealingKey,
    installation: stage.installation,
    sequencer: database.sequencerConfig,
    auditFiles: path.join(stage.folder, `audit-${database.sequencerConfig.database}`),
  };
  await player.ask(start);
  const usage: EngineOrder = { kind: 'usage' };
  return {
    usage: () => player.ask(usage),
    stop: () => player.stop(),
    kill: () => player.kill(),
  };
}
