/** A thousand open boards while an alert leaves at full rate: how late they are, what they cost. */
import os from 'node:os';
import { approve, contextOf, readModel, submitToEverybody } from './alert.ts';
import { fillDirectory, type Post } from './directory.ts';
import { inTheatre, NO_RECEIPTS } from './engine.ts';
import { judge, median, quantile, rounded, type Measurement } from './figure.ts';
import type { PageAnswer, PageOrder } from './page-player.ts';
import { BOARDS, measureTurn, type Scene, type Turn } from './page-turn.ts';
import { startPlayer } from './player.ts';
import { openBucket } from './scene.ts';
import type { Stage } from './stage.ts';
import type { StreamsAnswer } from './streams-player.ts';

const ORGANISATIONS = 10_000;
/** All told at once: so many texts that there is time to look. */
const POSTS = Array.from({ length: 22 }, (): Post => ({ rank: 1, channels: ['text'] }));
const RUNS = 2;
/** In one sending the boards come and go: what drifts in it meets both alike. */
const TURNS = 3;
const LAG_TARGET_MS = 1_000;
const RATE_TARGET = 0.95;
const COST_TARGET = 0.05;

export async function measurePageFanout(stage: Stage): Promise<Measurement[]> {
  const turns: Turn[] = [];
  for (let run = 0; run < RUNS; run += 1) turns.push(...(await measureRun(stage)));
  const lags = turns.map(({ answerLagMs }) => quantile(answerLagMs, 0.99));
  const textLags = turns.map(({ textLagMs }) => quantile(textLagMs, 0.99));
  const rates = turns.map(
    ({ watchedPerSecond: watched, alonePerSecond: alone }) => watched / alone,
  );
  const costs = turns.map(({ webCpu, sessionsCpu }) => (webCpu + sessionsCpu) / CORES);
  const each = (of: (turn: Turn) => number) => turns.map((turn) => rounded(of(turn))).join(', ');
  return [
    judge({
      id: 'page_fanout',
      title: `p99 from the commit of an answer until each of ${BOARDS} boards shows it, ${ORGANISATIONS} organisations, texts leaving at full rate`,
      unit: 'ms',
      value: median(lags),
      limit: median(turns.map(({ answerLagMs }) => Math.min(...answerLagMs))),
      limitIs: 'the quickest of the same',
      target: LAG_TARGET_MS,
      better: 'less',
      runs: lags,
      notes: [
        `median ${each(({ answerLagMs }) => median(answerLagMs))} ms`,
        `${each((turn) => turn.statesASecond)} states a second to each board, of ${each((turn) => turn.kilobytes)} kB`,
      ],
    }),
    judge({
      id: 'page_fanout_texts',
      title: 'p99 from the acceptance of a text by the provider until each board counts it as gone',
      unit: 'ms',
      value: median(textLags),
      limit: median(turns.map(({ textLagMs }) => Math.min(...textLagMs))),
      limitIs: 'the quickest of the same',
      target: LAG_TARGET_MS,
      better: 'less',
      runs: textLags,
      notes: [`median ${each(({ textLagMs }) => median(textLagMs))} ms`],
    }),
    judge({
      id: 'page_fanout_cost',
      title: 'what the boards take of the machine: the web process and its sessions of PostgreSQL',
      unit: 'of all cores',
      value: median(costs),
      limit: 1,
      limitIs: 'all that the machine has',
      target: COST_TARGET,
      better: 'less',
      runs: costs,
      notes: [
        `of one core: web ${each(({ webCpu }) => webCpu)}; its sessions ${each(({ sessionsCpu }) => sessionsCpu)}; besides, the screens ${each(({ screensCpu }) => screensCpu)}`,
      ],
    }),
    judge({
      id: 'page_fanout_rate',
      title: 'texts a second with these boards open, by the rate without them just before',
      unit: 'of it',
      value: median(rates),
      limit: median(turns.map(({ screensCpu }) => 1 - screensCpu / CORES)),
      limitIs: 'what the screens, on the same machine, leave of it',
      target: RATE_TARGET,
      better: 'more',
      runs: rates,
      notes: [
        `alone ${each((turn) => turn.alonePerSecond)} a second`,
        `watched ${each((turn) => turn.watchedPerSecond)} a second`,
      ],
    }),
  ];
}

const CORES = os.availableParallelism();

async function measureRun(stage: Stage): Promise<Turn[]> {
  const options = {
    bucket: openBucket,
    simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS],
  };
  return await inTheatre(stage, options, async (theatre) => {
    const { owner, web, webConfig } = theatre.database;
    await fillDirectory(owner, stage.sealingKey, POSTS, ORGANISATIONS);
    const context = contextOf(await readModel());
    const { alertId, dispatchId, ...rest } = await submitToEverybody(web, context);
    const engine = await theatre.startEngine();
    const pages = startPlayer<PageAnswer>('page-player.ts');
    const screens = startPlayer<StreamsAnswer>('streams-player.ts');
    try {
      const start: PageOrder = { kind: 'start', database: webConfig };
      const { origin } = await pages.ask(start);
      await approve(web, context, { alertId, dispatchId, ...rest });
      const url = `${origin}/alerts/${alertId}/board/events`;
      const scene: Scene = { ...theatre, alertId, dispatchId, pages, screens, url };
      const turns: Turn[] = [];
      for (let turn = 0; turn < TURNS; turn += 1) {
        turns.push(await measureTurn(scene, turns.length * 100));
        stage.say(`  ${tell(turns.at(-1)!)}`);
      }
      return turns;
    } finally {
      await screens.stop();
      await pages.stop();
      await engine.stop();
    }
  });
}

function tell({ alonePerSecond, watchedPerSecond, answerLagMs, textLagMs }: Turn): string {
  return `${rounded(alonePerSecond)} a second alone, ${rounded(watchedPerSecond)} watched, p99 of answers ${rounded(quantile(answerLagMs, 0.99))} ms, of texts ${rounded(quantile(textLagMs, 0.99))} ms`;
}
