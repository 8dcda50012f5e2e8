/**
 * `npm run bench`: figures of the engine, each beside what the same machine does at most.
 * docs/performance.md says what each means.
 */
import { parseArgs } from 'node:util';
import { asJson, asTable, rounded, type Measurement } from './figure.ts';
import { measureAnswersByLink, measureAnswersByText } from './answers.ts';
import { measureAudienceCount } from './audience.ts';
import { measureCancel } from './cancel.ts';
import { measureReconcile, measureWorkerDeath } from './certainty.ts';
import { measureEscalation } from './escalation.ts';
import { measureFailover } from './failover.ts';
import { measureFreeze } from './freeze.ts';
import { measureImport } from './import.ts';
import { measureLaneIsolation } from './lane-isolation.ts';
import { LATENCIES_MS, measureLatency } from './latency.ts';
import { measureMillion } from './million.ts';
import { measureNotifyPace } from './notify-pace.ts';
import { measurePages } from './page-board.ts';
import { measurePageFanout } from './page-fanout.ts';
import { measurePromotion } from './promotion.ts';
import { measureReceipts } from './receipts.ts';
import { measureReleaseToWire } from './release-to-wire.ts';
import { measureResident } from './resident.ts';
import { measureSendCeiling } from './send-ceiling.ts';
import { onStage, type Stage } from './stage.ts';
import { measureStatements } from './statements.ts';
import { measureWhatIfAlert, measureWhatIfYear } from './what-if.ts';
import { measureZombie } from './zombie.ts';

type Group = {
  /** The figures that come out of one measurement. */
  readonly ids: readonly string[];
  readonly measure: (stage: Stage) => Promise<Measurement | Measurement[]>;
  /** True: only when asked for, because it takes long. */
  readonly isLong?: true;
};

const groups: readonly Group[] = [
  { ids: ['freeze'], measure: (stage) => measureFreeze(stage, 5) },
  { ids: ['audience_count'], measure: (stage) => measureAudienceCount(stage, 15) },
  {
    ids: ['import', 'import_page', 'import_memory'],
    measure: (stage) => measureImport(stage, 3),
  },
  { ids: ['send_ceiling'], measure: (stage) => measureSendCeiling(stage, 'bare', 5) },
  { ids: ['send_ceiling_ledger'], measure: (stage) => measureSendCeiling(stage, 'ledger', 3) },
  { ids: ['send_ceiling_receipts'], measure: (stage) => measureSendCeiling(stage, 'receipts', 3) },
  ...LATENCIES_MS.map((ms) => ({
    ids: [`latency_${ms}`],
    measure: (stage: Stage) => measureLatency(stage, ms, 3),
  })),
  { ids: ['claim_settle', 'claim_settle_bloated'], measure: measureStatements },
  { ids: ['release_to_wire'], measure: measureReleaseToWire },
  { ids: ['receipts'], measure: measureReceipts },
  { ids: ['acknowledgements'], measure: measureAnswersByText },
  { ids: ['acknowledgements_link'], measure: measureAnswersByLink },
  { ids: ['cancel_leaving', 'cancel_ledger'], measure: measureCancel },
  { ids: ['escalation'], measure: measureEscalation },
  { ids: ['lane_isolation'], measure: (stage) => measureLaneIsolation(stage, 3) },
  { ids: ['what_if_year'], measure: (stage) => measureWhatIfYear(stage, 3) },
  { ids: ['what_if_alert'], measure: (stage) => measureWhatIfAlert(stage, 5) },
  { ids: ['failover'], measure: measureFailover },
  { ids: ['reconcile'], measure: measureReconcile },
  { ids: ['rss'], measure: measureResident },
  { ids: ['notify_pace', 'breadth_first'], measure: measureNotifyPace },
  {
    ids: ['page_board', 'page_weight', 'page_first_byte', 'page_paint'],
    measure: measurePages,
  },
  {
    ids: ['page_fanout', 'page_fanout_texts', 'page_fanout_cost', 'page_fanout_rate'],
    measure: measurePageFanout,
  },
  { ids: ['worker_death'], measure: measureWorkerDeath, isLong: true },
  { ids: ['zombie_copies', 'zombie_certain'], measure: measureZombie, isLong: true },
  { ids: ['promotion_copies', 'promotion_certain'], measure: measurePromotion, isLong: true },
  {
    ids: ['million_rate', 'million_memory', 'million_board'],
    measure: measureMillion,
    isLong: true,
  },
];

const help = `Usage: npm run bench -- [--json] [--only id]

Measures on this machine, on loopback alone, for about half an hour. Exit code: 0 all
targets met, 1 one is not or could not be measured, 2 misused.

  --json      one object on standard output and nothing else
  --only ID   one figure, and those that come with it; may stand several times. The
              last rows only so:
${groups.map(({ ids }) => `              ${ids.join(' ')}`).join('\n')}
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
  const { only } = options;
  const chosen = groups.filter(({ ids, isLong }) =>
    only === undefined ? isLong !== true : ids.some((id) => only.includes(id)),
  );
  let hasFailed = false;
  const { machine, measured } = await onStage(say, async (stage) => {
    const results: Measurement[] = [];
    for (const group of chosen) {
      const found = await measureGroup(stage, group);
      if (found === undefined) hasFailed = true;
      else results.push(...found);
    }
    return { machine: stage.machine, measured: results };
  });
  process.stdout.write(
    options.json === true ? `${asJson(machine, measured)}\n` : asTable(machine, measured),
  );
  return !hasFailed && measured.every(({ met }) => met) ? 0 : 1;
}

/** Undefined where it failed: half an hour of other figures is not lost with it. */
async function measureGroup(stage: Stage, group: Group): Promise<Measurement[] | undefined> {
  const name = group.ids.join(', ');
  say(`${name} …`);
  const startedAt = performance.now();
  try {
    const found = [await group.measure(stage)].flat();
    for (const { id, value, unit, ratio, met } of found)
      say(
        `  ${id} ${rounded(value)} ${unit}, ${rounded(ratio)} of its limit${met ? '' : ': NOT MET'}`,
      );
    say(`${name}: took ${Math.round((performance.now() - startedAt) / 1000)} s`);
    return found;
  } catch (error) {
    say(`${name}: FAILED: ${(error as Error).stack ?? String(error)}`);
    return undefined;
  }
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

/** What was asked for, or a sentence about what is wrong with it. */
function parse(words: string[]): { json?: boolean; only?: string[]; help?: boolean } | string {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        json: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const { only } = values;
    const unknown = only?.find((id) => !groups.some(({ ids }) => ids.includes(id)));
    return unknown === undefined ? values : `There is no figure "${unknown}".`;
  } catch (error) {
    return (error as Error).message;
  }
}
