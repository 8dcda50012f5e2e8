/**
 * `npm run simulate`: the engine's decisions against a simulated provider, database, clock and
 * people, by seed; every single fault; and the twins against PostgreSQL. docs/testing.md tells what
 * it proves.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { replay } from './replay.ts';
import { runInThreads, type Report, type Task } from './threads.ts';
import { calls } from './twin/calls.ts';
import { rankEffects } from './twin/effects.ts';

const SEEDS = 1_000;
const CRASH_SCENARIOS = 3;
const CHUNK = 50;
/** So many histories let every statement do something; a few may miss one by chance. */
const EFFECTS_FROM = 1_000;
const EFFECTS_TOLD = 10;

const help = `Usage: npm run simulate -- [--seeds N] [--crashes N] [--json]
       npm run simulate -- --differential [--seeds N] [--json]
       npm run simulate -- --seed S [--step K]

Exit code: 0 every promise held, 1 one did not, 2 misused.

  --seeds N        so many runs, of seeds 1 to N; ${SEEDS} unless told
  --from S         the first seed, 1 unless told
  --crashes N      so many scenes with every fault at every step, ${CRASH_SCENARIOS} unless told
  --differential   statements against their twins on so many random histories, on PostgreSQL; of
                   ${EFFECTS_FROM} or more, one in which a statement never did anything is a failure
  --seed S         plays this seed and prints what happens, step by step
  --step K         plays the scene S with each fault at step K, and prints the first that fails
  --threads N      so many threads; as many as there are processors unless told
  --json           one object on standard output and nothing else
`;

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  const asked = parse(words);
  if (typeof asked === 'string') {
    process.stderr.write(`${asked}\n\n${help}`);
    return 2;
  }
  if (asked.help === true) {
    process.stdout.write(help);
    return 0;
  }
  if (asked.seed !== undefined) return replay(asked.seed, asked.step);
  const report = withIdle(await runInThreads(planTasks(asked), asked.threads));
  process.stdout.write(asked.json === true ? `${JSON.stringify(report)}\n` : inWords(report));
  return report.failed.length === 0 ? 0 : 1;
}

type Asked = {
  readonly seeds: number;
  readonly from: number;
  readonly crashes: number;
  readonly threads: number;
  readonly seed: number | undefined;
  readonly step: number | undefined;
  readonly differential: boolean | undefined;
  readonly json: boolean | undefined;
  readonly help: boolean | undefined;
};

function parse(words: string[]): Asked | string {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const numbers = { seeds: text, from: text, crashes: text, threads: text, seed: text, step: text };
  const options = { ...numbers, differential: flag, json: flag, help: flag };
  try {
    const { values } = parseArgs({ args: words, options });
    const whole = (name: keyof typeof numbers) => {
      const value = values[name];
      if (value === undefined) return undefined;
      if (!/^\d{1,9}$/.test(value)) throw new TypeError(`--${name} is a whole number`);
      return Number(value);
    };
    const { differential, json, help } = values;
    return {
      seeds: whole('seeds') ?? SEEDS,
      from: whole('from') ?? 1,
      crashes: whole('crashes') ?? CRASH_SCENARIOS,
      threads: whole('threads') ?? os.availableParallelism(),
      seed: whole('seed'),
      step: whole('step'),
      differential,
      json,
      help,
    };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Long tasks first, so that no thread is left alone with one at the end. */
function planTasks({ seeds, from, crashes, differential }: Asked): Task[] {
  const kind = differential === true ? 'differential' : 'runs';
  const chunks: Task[] = [];
  for (let first = from; first < from + seeds; first += CHUNK)
    chunks.push({ kind, first, count: Math.min(CHUNK, from + seeds - first) });
  if (differential === true) return chunks;
  const scenes = Array.from({ length: crashes }, (_, i): Task => ({ kind: 'crashes', scene: i }));
  return [...scenes, ...chunks];
}

function ranked({ effects }: Report) {
  return rankEffects(Object.keys(calls), effects);
}

/** A statement that never took effect on enough histories was not compared: that is a failure. */
function withIdle(report: Report): Report {
  if (report.histories < EFFECTS_FROM) return report;
  const idle = ranked(report).filter(([, { took }]) => took === 0);
  const failed = idle.map(([name, { asked }]) => ({
    replay: '--differential',
    what: [`${name} was asked ${asked} times and never took effect`],
  }));
  return { ...report, failed: [...report.failed, ...failed] };
}

function inWords(report: Report): string {
  const { runs, crashRuns, histories, steps, requests, lookups, virtualHours, seconds } = report;
  const least = ranked(report)
    .slice(0, EFFECTS_TOLD)
    .map(([name, { asked, took }]) => `  ${name}: ${took} of ${asked} times`);
  const lines = [
    `${runs} runs, ${crashRuns} runs with a fault at one step, ${histories} histories on PostgreSQL`,
    `${steps} steps, ${requests} requests, ${lookups} look-ups, ${virtualHours} virtual hours`,
    `in ${seconds} s: ${report.failed.length} failed`,
    ...report.failed.map(({ replay, what }) => `${replay}\n  ${what.join('\n  ')}`),
    ...(report.histories > 0 ? ['statements that took effect least often:', ...least] : []),
  ];
  return `${lines.join('\n')}\n`;
}
