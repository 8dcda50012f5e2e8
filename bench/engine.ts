/** An engine in a process of its own, on a database and a simulator of its own. */
import { DEFAULT_API_KEYS } from '#simulator/index.ts';
import type { EngineOrder } from './engine-player.ts';
import { startPlayer, type Usage } from './player.ts';
import { seedGateway, type Bucket } from './scene.ts';
import type { BenchDatabase, SimulatorProcess, Stage } from './stage.ts';

export type Theatre = {
  readonly database: BenchDatabase;
  readonly simulator: SimulatorProcess;
  readonly startEngine: () => Promise<EngineProcess>;
};

export type EngineProcess = { usage(): Promise<Usage>; stop(): Promise<void> };

export type TheatreOptions = {
  readonly bucket: Bucket;
  /** Of `bin/tocsin simulator`. */
  readonly simulator: readonly string[];
};

/** Nobody is told of receipts in bench; none falls due while something is measured. */
export const NO_RECEIPTS = '--receipt-delay-ms=600000,600000';

export async function inTheatre<T>(
  stage: Stage,
  options: TheatreOptions,
  play: (theatre: Theatre) => Promise<T>,
): Promise<T> {
  const database = await stage.freshDatabase();
  const simulator = await stage.startSimulator(options.simulator);
  const engines: EngineProcess[] = [];
  try {
    await seedGateway(database.owner, options.bucket);
    return await play({
      database,
      simulator,
      async startEngine() {
        const engine = await startEngine(stage, database, simulator);
        engines.push(engine);
        return engine;
      },
    });
  } finally {
    for (const engine of engines) await engine.stop();
    await simulator.stop();
    await database.drop();
  }
}

async function startEngine(
  stage: Stage,
  database: BenchDatabase,
  simulator: SimulatorProcess,
): Promise<EngineProcess> {
  const player = startPlayer<Usage>('engine-player.ts');
  const start: EngineOrder = {
    kind: 'start',
    database: database.workerConfig,
    notifyUrl: simulator.notifyUrl,
    apiKey: DEFAULT_API_KEYS.live,
    sealingKey: stage.sealingKey,
    installation: stage.installation,
  };
  await player.ask(start);
  const usage: EngineOrder = { kind: 'usage' };
  return { usage: () => player.ask(usage), stop: () => player.stop() };
}
