/**
 * `npm start`: PostgreSQL, simulator, web and worker in one go, and the address to open. Also the
 * parts alone, `web` and `worker`, for when one machine is not enough.
 */
import { createServer as createNetServer } from 'node:net';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { createLog, type Log } from '#log.ts';
import { openGround, type Ground } from '#main/ground.ts';
import { signInAdvice, welcomeDemonstration } from '#main/first-start.ts';
import {
  simulatorPorts,
  startSimulatorProcess,
  type SimulatorProcess,
} from '#main/simulator-process.ts';
import { startWeb, startWorker, type Running } from '#main/running.ts';
import { printedHelp } from './call.ts';

export const help = `Usage: bin/tocsin start | web | worker

start   Everything: PostgreSQL (unless DATABASE_URL is set), web, worker, and in a demonstration
        folder the simulator with its phones. Prints the address and a one-time sign-in link.
web     The pages and the API alone; needs DATABASE_URL or a running start.
worker  Sending and background work alone; any number may run on one database.

The environment is described in docs/operating.md; bin/tocsin doctor checks it.
`;

export async function startCommand(args: readonly string[]): Promise<number> {
  return await run(args, { web: true, worker: true, join: false });
}

export async function webCommand(args: readonly string[]): Promise<number> {
  return await run(args, { web: true, worker: false, join: true });
}

export async function workerCommand(args: readonly string[]): Promise<number> {
  return await run(args, { web: false, worker: true, join: true });
}

type Parts = { readonly web: boolean; readonly worker: boolean; readonly join: boolean };

async function run(args: readonly string[], parts: Parts): Promise<number> {
  if (printedHelp(args, help)) return 0;
  const log = createLog({ level: 'warn' });
  const started = await start(parts, log);
  if (!started.ok) {
    process.stderr.write(`${started.message}\n`);
    return 1;
  }
  await toldToStop();
  process.stdout.write('Stopping: what is being sent is finished first.\n');
  await started.value.stop();
  return 0;
}

async function start(parts: Parts, log: Log): Promise<Outcome<Running>> {
  const port = Number(process.env['PORT'] ?? 3000);
  if (parts.web) {
    const taken = await portRefusal(port);
    if (taken !== undefined) return taken;
  }
  const say = (sentence: string) => process.stdout.write(`${sentence}\n`);
  const opened = await openGround({ environment: process.env, join: parts.join, say });
  if (!opened.ok) return opened;
  const ground = opened.value;
  const running: Running[] = [{ stop: () => ground.end() }];
  const stop = async () => {
    for (const part of running.toReversed()) await part.stop();
  };
  try {
    const simulator = await startDemonstration(ground, parts);
    if (!simulator.ok) {
      await stop();
      return simulator;
    }
    if (simulator.value !== undefined) running.push(simulator.value);
    if (parts.worker) running.push(await startWorker(ground, simulator.value, log));
    if (parts.web) {
      const web = await startWeb(ground, log);
      running.push(web);
      await printAddress(ground, web.address, simulator.value);
    } else say('The worker is running.');
    return ok({ stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The phones of a demonstration, and its sector on the first start; nothing in a live folder. */
async function startDemonstration(
  ground: Ground,
  parts: Parts,
): Promise<Outcome<SimulatorProcess | undefined>> {
  if (ground.folder.installation.kind !== 'demonstration' || parts.join) return ok(undefined);
  for (const port of Object.values(simulatorPorts(ground.config.port))) {
    const taken = await portRefusal(port);
    if (taken !== undefined) return taken;
  }
  const [simulator, welcome] = await Promise.allSettled([
    startSimulatorProcess(ground),
    welcomeDemonstration(ground),
  ]);
  if (welcome.status === 'fulfilled' && simulator.status === 'fulfilled') return simulator.value;
  // Whichever failed, the other does not stay behind.
  if (simulator.status === 'fulfilled' && simulator.value.ok) await simulator.value.value.stop();
  throw welcome.status === 'rejected'
    ? welcome.reason
    : (simulator as PromiseRejectedResult).reason;
}

async function printAddress(
  ground: Ground,
  address: string,
  simulator: SimulatorProcess | undefined,
): Promise<void> {
  const lines = ['', `Tocsin is ready: ${address}`];
  if (simulator !== undefined) {
    lines.push(`Phones:           ${simulator.pagesUrl}/phones`);
    lines.push(`Mail:             ${simulator.pagesUrl}/mail`);
    lines.push('This is a demonstration: no real phone rings.');
  }
  lines.push(await signInAdvice(ground), '', '');
  process.stdout.write(lines.join('\n'));
}

/** Says at once, before anything is started, that the port is somebody else's. */
function portRefusal(port: number): Promise<Refused | undefined> {
  if (!Number.isInteger(port) || port <= 0 || port > 65_535) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const probe = createNetServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? 'is in use by another program'
          : `cannot be used (${error.code})`;
      const message = `Port ${port} ${reason}. Stop that program, or choose another port: PORT=3001 npm start`;
      resolve(refused('conflict', message));
    });
    probe.listen(port, process.env['TOCSIN_HOST'] ?? '127.0.0.1', () =>
      probe.close(() => resolve(undefined)),
    );
  });
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}
