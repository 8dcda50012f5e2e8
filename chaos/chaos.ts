/**
 * `npm run chaos`: real processes under faults, and the provider's ledger as the judge.
 * docs/performance.md says what is struck and what is promised.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '#simulator/faults.ts';
import type { Dice } from './faults.ts';
import { CERTAIN_WITHIN_S, play, type Run } from './play.ts';
import { onStage } from './stage.ts';
import { chaosWaits, type Defect } from './task.ts';

const MINUTES = 2;
const SEED_MAX = 2 ** 31;

const help = `Usage: npm run chaos -- [--minutes N] [--seed S] [--json] [--defect NAME]

Kills, freezes and cuts off the parts of a running Tocsin, on this machine and loopback alone, and
compares what the provider accepted with what the database believes. Exit code: 0 none lost,
none twice, none unknown, none taken for never sent, and all certain within
${CERTAIN_WITHIN_S} s; 1 not so, 2 misused.

  --minutes N      how long faults strike (${MINUTES}); the frozen worker before them and the quiet
                   time after them come on top
  --seed S         which faults strike when; a new one where none is given
  --json           one object on standard output and nothing else
  --defect NAME    with a defect on purpose, which the run must find: "lease" (workers do not
                   check how long they may send) or "look-up" (the provider always says absent)
`;

type Options = { minutes: number; seed: number; json: boolean; defect: Defect | null };

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(help);
    return 0;
  }
  const options = parse(words);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${help}`);
    return 2;
  }
  const { minutes, seed, defect } = options;
  const say = (sentence: string) => process.stderr.write(`${sentence}\n`);
  say(`seed ${seed}, ${minutes} minutes of faults`);
  const run = await onStage({ defect, waits: chaosWaits }, (stage) =>
    play(stage, { minutes, dice: diceOf(seed), say }),
  );
  const report = reportOf(run, seed);
  // Nothing sent or nobody killed proves nothing.
  const holds =
    report.messages > 0 &&
    report.kills > 0 &&
    report.lost + report.acceptedTwice + report.unknown + run.neverCertain === 0 &&
    run.judgement.misstated.length === 0 &&
    report.secondsToCertaintyMax <= CERTAIN_WITHIN_S;
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  (options.json ? process.stderr : process.stdout).write(tell(run, report, holds));
  return holds ? 0 : 1;
}

export type Report = ReturnType<typeof reportOf>;

function reportOf({ judgement, kills, lookups, certain }: Run, seed: number) {
  return {
    kills,
    messages: judgement.messages,
    lost: judgement.lost.length,
    acceptedTwice: judgement.acceptedTwice.length,
    unknown: judgement.unknown.length,
    lookups,
    secondsToCertaintyMax: Math.max(0, ...certain.map(({ seconds }) => seconds)),
    seed,
  };
}

function tell(run: Run, report: Report, holds: boolean): string {
  const { judgement, struck, certain, neverCertain, found } = run;
  const some = (what: string, ids: readonly string[]) =>
    ids.length === 0 ? [] : [`${what}: ${ids.slice(0, 10).join(', ')}`];
  return [
    ...Object.entries(report).map(([name, value]) => `${name.padEnd(22)} ${value}`),
    ...[...struck].map(([name, times]) => {
      const seconds = certain.filter((one) => one.name === name).map((one) => one.seconds);
      return `  ${name.padEnd(34)} ${times} times, certain within ${Math.max(0, ...seconds)} s`;
    }),
    ...(found.length === 0 ? [] : [`found again after promotions: ${found.join(', ')} texts`]),
    ...some('lost', judgement.lost),
    ...some('accepted twice', judgement.acceptedTwice),
    ...some('unknown', judgement.unknown),
    ...some(`${judgement.misstated.length} never sent, says the database`, judgement.misstated),
    ...(neverCertain === 0 ? [] : [`${neverCertain} faults left something in doubt for good`]),
    holds ? 'The promise held.' : 'THE PROMISE IS BROKEN.',
    '',
  ].join('\n');
}

function diceOf(seed: number): Dice {
  const random = seededRandom(seed);
  return { between: (least, most) => least + Math.floor(random() * (most - least + 1)) };
}

/** What was asked for, or a sentence about what is wrong with it. */
function parse(words: string[]): Options | string {
  const strings = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        minutes: strings,
        seed: strings,
        defect: strings,
        json: { type: 'boolean', default: false },
      },
    });
    const minutes = Number(values.minutes ?? MINUTES);
    if (!(minutes > 0 && minutes <= 1_440)) return '--minutes: a number from 0 to 1440.';
    const seed = Number(values.seed ?? Math.floor(Math.random() * SEED_MAX));
    if (!Number.isSafeInteger(seed) || seed < 0) return '--seed: a whole number.';
    const { defect = null, json } = values;
    if (defect !== null && defect !== 'lease' && defect !== 'look-up')
      return '--defect: "lease" or "look-up".';
    return { minutes, seed, json, defect };
  } catch (error) {
    return (error as Error).message;
  }
}
