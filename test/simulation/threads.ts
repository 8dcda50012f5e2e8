/** Shares the work of a long run out to threads; each takes the next task when it is done. */
import { MessageChannel, Worker, isMainThread, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { cloneDatabase } from '../support/database.ts';
import { crashEverywhere, crashScenarios } from './crashes.ts';
import { runScenario } from './run.ts';
import { drawScenario } from './scenario.ts';
import { runHistory } from './twin/differential.ts';
import { addEffects, type Effects } from './twin/effects.ts';
import { openUnderClock, sweep } from './twin/postgres.ts';

export type Task =
  | { readonly kind: 'runs' | 'differential'; readonly first: number; readonly count: number }
  | { readonly kind: 'crashes'; readonly scene: number };

type Failure = { readonly replay: string; readonly what: readonly string[] };

const nothing = {
  runs: 0,
  crashRuns: 0,
  histories: 0,
  steps: 0,
  requests: 0,
  lookups: 0,
  virtualHours: 0,
};
type Part = typeof nothing & {
  readonly failed: readonly Failure[];
  /** What statements did on histories; of other tasks none. */
  readonly effects?: Effects;
};
export type Report = Required<Part> & { readonly seconds: number };

/** Runs all tasks and adds up what came of them. */
export async function runInThreads(tasks: readonly Task[], threads: number): Promise<Report> {
  const startedAt = performance.now();
  const waiting = [...tasks];
  const parts: Part[] = [];
  await Promise.all(Array.from({ length: threads }, () => work(waiting, parts)));
  const total = { ...nothing };
  for (const part of parts)
    for (const name of Object.keys(nothing) as (keyof typeof nothing)[]) total[name] += part[name];
  return {
    ...total,
    virtualHours: Math.round(total.virtualHours),
    failed: parts.flatMap((part) => part.failed),
    effects: parts.reduce<Effects>((sum, part) => addEffects(sum, part.effects ?? {}), {}),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

/** One thread: gets a task for each answer, and ends when there is none left. */
function work(waiting: Task[], parts: Part[]): Promise<void> {
  const { port1: ours, port2: theirs } = new MessageChannel();
  const thread = new Worker(import.meta.filename, { workerData: theirs, transferList: [theirs] });
  const next = () => ours.postMessage(waiting.shift() ?? 'end', []);
  ours.on('message', (part: Part) => {
    parts.push(part);
    next();
  });
  next();
  return new Promise((resolve, reject) => {
    thread.once('error', reject).once('exit', () => resolve());
  });
}

function playRuns(first: number, count: number): Part {
  const part = { ...nothing, runs: count, failed: [] as Failure[] };
  for (let seed = first; seed < first + count; seed++) {
    const outcome = runScenario(drawScenario(seed));
    part.steps += outcome.steps;
    part.requests += outcome.requests;
    part.lookups += outcome.lookups;
    part.virtualHours += outcome.virtualMs / 3_600_000;
    if (outcome.breaches.length > 0)
      part.failed.push({ replay: `--seed ${seed}`, what: outcome.breaches });
  }
  return part;
}

function playCrashes(scene: number): Part {
  const scenario = crashScenarios(scene + 1)[scene]!;
  const { runs, failed } = crashEverywhere(scenario, Infinity);
  return {
    ...nothing,
    crashRuns: runs,
    failed: failed.map(({ step, kind, outcome }) => ({
      replay: `--seed ${scenario.seed} --step ${step} (${kind})`,
      what: outcome.breaches,
    })),
  };
}

async function openHistories() {
  const clone = await cloneDatabase();
  const database = await openUnderClock(clone);
  return {
    async play(first: number, count: number): Promise<Part> {
      const failed: Failure[] = [];
      let effects: Effects = {};
      for (let seed = first; seed < first + count; seed++) {
        const history = await runHistory(database, seed);
        effects = addEffects(effects, history.effects);
        if (history.difference !== undefined)
          failed.push({ replay: `history ${seed}`, what: [JSON.stringify(history.difference)] });
      }
      await sweep(clone);
      return { ...nothing, histories: count, failed, effects };
    },
    async close() {
      await database.end();
      await clone.drop();
    },
  };
}

/** The life of a thread: a task, its answer, and so on until it is told to end. */
function serve(port: MessagePort): void {
  let histories: ReturnType<typeof openHistories> | undefined;
  const play = async (task: Task): Promise<Part> => {
    if (task.kind === 'crashes') return playCrashes(task.scene);
    if (task.kind === 'runs') return playRuns(task.first, task.count);
    histories ??= openHistories();
    return await (await histories).play(task.first, task.count);
  };
  const obey = async (task: Task | 'end') => {
    if (task !== 'end') return port.postMessage(await play(task), []);
    await (await histories)?.close();
    port.close();
  };
  // What fails here is a bug: unhandled, it ends the thread, and the run with it.
  port.on('message', (task: Task | 'end') => void obey(task));
}

if (!isMainThread) serve(workerData as MessagePort);
