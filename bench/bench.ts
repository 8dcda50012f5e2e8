/**
 * `npm run bench`: figures of the engine, each beside what the same machine does at most.
 * docs/bench.md says what each means.
 */
import { parseArgs } from 'node:util';
import { asJson, asTable, type Measurement } from './figure.ts';
import { measureFreeze } from './freeze.ts';
import { measureNotifyPace } from './notify-pace.ts';
import { measureReleaseToWire } from './release-to-wire.ts';
import { measureResident } from './resident.ts';
import { measureSendCeiling } from './send-ceiling.ts';
import { onStage, type Stage } from './stage.ts';

const figures: Readonly<Record<string, (stage: Stage) => Promise<Measurement>>> = {
  freeze: (stage) => measureFreeze(stage, 5),
  send_ceiling: (stage) => measureSendCeiling(stage, 'off', 3),
  send_ceiling_ledger: (stage) => measureSendCeiling(stage, 'on', 3),
  release_to_wire: measureReleaseToWire,
  rss: measureResident,
  notify_pace: measureNotifyPace,
};

const help = `Usage: npm run bench -- [--json] [--only id]

Measures on this machine, on loopback alone. All figures take about five minutes, notify_pace alone
85 s. Exit code: 0 all targets met, 1 one is not, 2 misused.

  --json      one object on standard output and nothing else
  --only ID   one figure of: ${Object.keys(figures).join(', ')}
`;

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  const options = parse(words);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${help}`);
    return 2;
  }
  if (options.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = options.only === undefined ? Object.keys(figures) : [options.only];
  const measured = await onStage(say, async (stage) => {
    const results: Measurement[] = [];
    for (const id of chosen) {
      say(`${id} …`);
      const startedAt = performance.now();
      results.push(await figures[id]!(stage));
      say(`${id}: took ${Math.round((performance.now() - startedAt) / 1000)} s`);
    }
    return results;
  });
  process.stdout.write(options.json === true ? `${asJson(measured)}\n` : asTable(measured));
  return measured.every(({ met }) => met) ? 0 : 1;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

/** What was asked for, or a sentence about what is wrong with it. */
function parse(words: string[]): { json?: boolean; only?: string; help?: boolean } | string {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        json: { type: 'boolean' },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const unknown = values.only !== undefined && !Object.hasOwn(figures, values.only);
    return unknown ? `There is no figure "${values.only}".` : values;
  } catch (error) {
    return (error as Error).message;
  }
}
