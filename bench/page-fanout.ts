/** A thousand open boards while an alert leaves at full rate: how late they are, what they cost. */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { approve, contextOf, readModel, submitToEverybody } from './alert.ts';
import { fillDirectory, type Post } from './directory.ts';
import { inTheatre, NO_RECEIPTS, type Theatre } from './engine.ts';
import { judge, median, quantile, rounded, type Measurement } from './figure.ts';
import type { PageAnswer, PageOrder } from './page-player.ts';
import { startPlayer, type Player } from './player.ts';
import { openBucket, untilSettled } from './scene.ts';
import type { Stage } from './stage.ts';
import type { StreamsAnswer, StreamsOrder } from './streams-player.ts';

const ORGANISATIONS = 10_000;
/** All told at once: 60,000 texts, so that there is time to look. */
const POSTS = Array.from({ length: 6 }, (): Post => ({ rank: 1, channels: ['text'] }));
const BOARDS = 1_000;
const ANSWER_EVERY_MS = 500;
const LAG_TARGET_MS = 1_000;
const RATE_TARGET = 0.95;
const TIMEOUT_MS = 600_000;
const SHOWN_WITHIN_MS = 60_000;
const RUNS = 2;

type Sent = { readonly perSecond: number };
type Watched = Sent & {
  readonly lagMs: readonly number[];
  readonly cpuSeconds: number;
  readonly frames: number;
  readonly kilobytes: number;
};

export async function measurePageFanout(stage: Stage): Promise<Measurement[]> {
  const [alone, watched]: [Sent[], Watched[]] = [[], []];
  for (let run = 0; run < RUNS; run += 1) {
    alone.push(await inScene(stage, sendAlone));
    watched.push(await inScene(stage, sendWatched));
    const { perSecond, lagMs } = watched.at(-1)!;
    stage.say(
      `  ${rounded(alone.at(-1)!.perSecond)} a second alone, ${rounded(perSecond)} watched, lag p99 ${rounded(quantile(lagMs, 0.99))} ms`,
    );
  }
  const p99s = watched.map(({ lagMs }) => quantile(lagMs, 0.99));
  const rates = watched.map(({ perSecond }, i) => perSecond / alone[i]!.perSecond);
  return [
    judge({
      id: 'page_fanout',
      title: `p99 from the commit of an answer until each of ${BOARDS} boards shows it, ${ORGANISATIONS} organisations, texts leaving at full rate`,
      unit: 'ms',
      value: median(p99s),
      limit: median(watched.map(({ lagMs }) => Math.min(...lagMs))),
      limitIs: 'the quickest of the same',
      target: LAG_TARGET_MS,
      better: 'less',
      runs: p99s,
      notes: watched.map(
        ({ lagMs, frames, kilobytes, cpuSeconds }) =>
          `median ${rounded(median(lagMs))} ms; ${rounded(frames / BOARDS)} states to each board of ${rounded(kilobytes / frames)} kB; the web process took ${rounded(cpuSeconds)} s of a core`,
      ),
    }),
    judge({
      id: 'page_fanout_rate',
      title: 'texts a second with these boards open, by the rate without them',
      unit: 'of it',
      value: median(rates),
      limit: 1,
      limitIs: 'no board open',
      target: RATE_TARGET,
      better: 'more',
      runs: rates,
      notes: [
        `alone ${alone.map((one) => rounded(one.perSecond)).join(', ')} a second`,
        `watched ${watched.map((one) => rounded(one.perSecond)).join(', ')} a second; the screens themselves are on the same machine`,
      ],
    }),
  ];
}

type Scene = Theatre & {
  readonly alertId: string;
  /** Texts a second, from the release on until none waits. */
  readonly send: () => Promise<number>;
};

async function inScene<T>(stage: Stage, play: (scene: Scene) => Promise<T>): Promise<T> {
  const options = {
    bucket: openBucket,
    simulator: ['--no-limiter', '--no-ledger', NO_RECEIPTS],
  };
  return await inTheatre(stage, options, async (theatre) => {
    const { owner, web } = theatre.database;
    await fillDirectory(owner, stage.sealingKey, POSTS, ORGANISATIONS);
    const context = contextOf(await readModel());
    const alert = await submitToEverybody(web, context);
    const engine = await theatre.startEngine();
    const send = async () => {
      await approve(web, context, alert);
      const startedAt = performance.now();
      await untilSettled(owner, alert.dispatchId, TIMEOUT_MS);
      return (alert.messages * 1_000) / (performance.now() - startedAt);
    };
    try {
      return await play({ ...theatre, alertId: alert.alertId, send });
    } finally {
      await engine.stop();
    }
  });
}

async function sendAlone({ send }: Scene): Promise<Sent> {
  return { perSecond: await send() };
}

/** Boards open with the release, as no board is there before it. */
async function sendWatched({ database, alertId, send }: Scene): Promise<Watched> {
  const pages = startPlayer<PageAnswer>('page-player.ts');
  const screens = startPlayer<StreamsAnswer>('streams-player.ts');
  try {
    const { origin } = await pages.ask({
      kind: 'start',
      database: database.webConfig,
    } satisfies PageOrder);
    const sending = send();
    sending.catch(() => {});
    const url = `${origin}/alerts/${alertId}/board/events`;
    await untilThere(url);
    await screens.ask({ kind: 'open', url, streams: BOARDS } satisfies StreamsOrder);
    const answered = await answerUntil(sending, database.owner, alertId);
    const perSecond = await sending;
    const { seen, frames, bytes } = await untilShown(screens, answered.length);
    const { cpuSeconds } = await pages.ask({ kind: 'usage' } satisfies PageOrder);
    const lagMs = seen.flatMap((states) => lagsOf(states, answered));
    return { perSecond, lagMs, cpuSeconds, frames, kilobytes: bytes / 1_000 };
  } finally {
    await screens.stop();
    await pages.stop();
  }
}

/** Waits until every screen shows the last answer, and nobody has left. */
async function untilShown(screens: Player<StreamsAnswer>, count: number): Promise<StreamsAnswer> {
  const deadline = performance.now() + SHOWN_WITHIN_MS;
  for (;;) {
    const report = await screens.ask({ kind: 'report' } satisfies StreamsOrder);
    if (report.broken > 0) throw new Error(`${report.broken} streams broke`);
    if (report.seen.every((states) => states.at(-1)!.count >= count)) return report;
    if (performance.now() > deadline) throw new Error('a board never showed the last answer');
    await delay(1_000);
  }
}

/** A board is there as soon as its alert is released. */
async function untilThere(url: string): Promise<void> {
  for (;;) {
    const stop = new AbortController();
    const { status } = await fetch(url, {
      headers: { cookie: 'tocsin=first' },
      signal: stop.signal,
    });
    stop.abort();
    if (status === 200) return;
    await delay(20);
  }
}

/** Somebody answers each half second; when each answer was committed, in epoch ms. */
async function answerUntil(
  done: Promise<unknown>,
  owner: Database,
  alertId: string,
): Promise<number[]> {
  const answered: number[] = [];
  do {
    await owner.withActor(system('bench'), (tx) =>
      tx.run(sql`
        with answer as (
          insert into responses.response (alert_id, organisation_id, acknowledged_at, evidence)
          select ${alertId}, recipient.organisation_id, now(), 'text_with_code'
          from alerts.v_recipient recipient where recipient.alert_id = ${alertId}
          order by recipient.organisation_id offset ${answered.length} limit 1)
        select pg_notify('tocsin_response', ${alertId})`),
    );
    answered.push(Date.now());
  } while ((await Promise.race([done, delay(ANSWER_EVERY_MS)])) === undefined);
  return answered;
}

/** How long after each answer a screen showed as many as there were then. */
function lagsOf(states: StreamsAnswer['seen'][number], answered: readonly number[]): number[] {
  return answered.map((committedAt, i) =>
    Math.max(0, states.find(({ count }) => count > i)!.atMs - committedAt),
  );
}
