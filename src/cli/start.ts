/**
 * `npm start`: PostgreSQL, simulator, web and worker in one go, and the address to open. Also the
 * parts alone, `web` and `worker`, for when one machine is not enough.
 */
import { parseConfig, type Config } from '#config.ts';
import { checkKind, findDataFolder } from '#db/data-folder.ts';
import { findTocsinOn } from '#db/embedded-postgres.ts';
import { watchForNewerVersion } from '#db/newer-version.ts';
import { ok, type Outcome, type Refused } from '#kernel/outcome.ts';
import { createLog, type Log } from '#log.ts';
import { openGround, type Ground } from '#main/ground.ts';
import { signInAdvice, welcomeDemonstration } from '#main/first-start.ts';
import { checkPasskeyDomain } from '#main/passkey-domain.ts';
import {
  simulatorPorts,
  startSimulatorProcess,
  type SimulatorProcess,
} from '#main/simulator-process.ts';
import { startWeb, startWorker, type Running } from '#main/running.ts';
import { answerBareCall, type ExitCode } from './call.ts';
import { standard } from './output.ts';
import { findPortRefusal } from './ports.ts';

export const help = `Usage: bin/tocsin start | web | worker

start   Everything: PostgreSQL (unless DATABASE_URL is set), web, worker, and in a demonstration
        folder the simulator with its phones. Prints the address and a one-time sign-in link.
web     The pages and the API alone; needs DATABASE_URL or a running start.
worker  Sending and background work alone; any number may run on one database.

The environment is described in docs/operating.md; bin/tocsin doctor checks it.
`;

/** Each of the three runs until it is told to stop. */
export async function startCommand(args: readonly string[]): Promise<ExitCode> {
  return await answer('start', args, { web: true, worker: true, join: false });
}

export async function webCommand(args: readonly string[]): Promise<ExitCode> {
  return await answer('web', args, { web: true, worker: false, join: true });
}

export async function workerCommand(args: readonly string[]): Promise<ExitCode> {
  return await answer('worker', args, { web: false, worker: true, join: true });
}

type Parts = { readonly web: boolean; readonly worker: boolean; readonly join: boolean };

async function answer(name: string, args: readonly string[], parts: Parts): Promise<ExitCode> {
  return await answerBareCall(name, { args, help, output: standard }, () => run(parts));
}

async function run(parts: Parts): Promise<ExitCode> {
  const log = createLog({ level: 'warn' });
  const started = await start(parts, log);
  if (!started.ok) {
    standard.err(`${started.message}\n`);
    return 1;
  }
  const newer = await Promise.race([toldToStop(), started.value.overtaken]);
  if (newer !== undefined) standard.err(`${explainOvertaken(newer)}\n`);
  standard.out('Stopping: what is being sent is finished first.\n');
  await started.value.stop();
  return newer === undefined ? 0 : 1;
}

/** As an error: a supervisor starts it again, and by then the new version may be in its place. */
function explainOvertaken(migration: string): string {
  return (
    `A newer Tocsin has changed this database (migration ${migration}); two versions do not send ` +
    'side by side. Start the newer one here too.'
  );
}

type Started = Running & {
  /** Resolves with the migration that this version does not know, when one is found. */
  readonly overtaken: Promise<string>;
};

async function start(parts: Parts, log: Log): Promise<Outcome<Started>> {
  const config = parseConfig(process.env);
  if (!config.ok) return config;
  const obstacle = await findObstacle(config.value, parts);
  if (obstacle !== undefined) return obstacle;
  const say = (sentence: string) => process.stdout.write(`${sentence}\n`);
  const opened = await openGround({
    environment: process.env,
    join: parts.join,
    adopts: true,
    say,
  });
  if (!opened.ok) return opened;
  const ground = opened.value;
  const running: Running[] = [{ stop: () => ground.end() }];
  const stop = async () => {
    for (const part of running.toReversed()) await part.stop();
  };
  try {
    const usable = parts.web ? await checkPasskeyDomain(ground) : ok(undefined);
    if (!usable.ok) {
      await stop();
      return usable;
    }
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
    const watch = watchForNewerVersion(
      ground.open(parts.worker ? 'tocsin_worker' : 'tocsin_web', 1),
    );
    running.push(watch);
    return ok({ stop, overtaken: watch.overtaken });
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

/** Says at once, before anything is made, that somebody is here already or has a port. */
async function findObstacle(config: Config, parts: Parts): Promise<Refused | undefined> {
  const folder = findDataFolder(config.dataDir);
  if (!folder.ok) return folder;
  const suits = folder.value && checkKind(folder.value, config.notify !== undefined);
  if (suits?.ok === false) return suits;
  if (!parts.join && config.databaseUrl === undefined) {
    const other = await findTocsinOn({ path: config.dataDir });
    if (other !== undefined) return other;
  }
  const { port, host } = config;
  const doors = parts.web && port > 0 ? [{ host, port }] : [];
  if (!parts.join && config.notify === undefined)
    for (const own of Object.values(simulatorPorts(port)))
      doors.push({ host: '127.0.0.1', port: own });
  return await findPortRefusal(doors, parts.join ? 'bin/tocsin web' : 'npm start');
}

function toldToStop(): Promise<undefined> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(undefined));
    process.once('SIGTERM', () => resolve(undefined));
  });
}
