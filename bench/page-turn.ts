/** One turn of `page_fanout`: the same sending for a while without boards, and then with them. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import type { Theatre } from './engine.ts';
import type { PageAnswer, PageOrder } from './page-player.ts';
import type { Player } from './player.ts';
import { readState } from './stage.ts';
import type { Shown, StreamsAnswer, StreamsOrder } from './streams-player.ts';

const ANSWER_EVERY_MS = 500;
/** Of the texts, each so manieth is looked for on the boards. */
const EACH = 200;
const PHASE_MS = 3_500;
/** After a thousand came or went, before the rate is measured. */
const SETTLE_MS = 500;
const SHOWN_WITHIN_MS = 60_000;
export const BOARDS = 1_000;

/** Sending with the boards open, by the sending just before without them. */
export type Turn = {
  readonly alonePerSecond: number;
  readonly watchedPerSecond: number;
  /** From the commit of an answer, and from the acceptance of a text, until each board shows it. */
  readonly answerLagMs: readonly number[];
  readonly textLagMs: readonly number[];
  /** Seconds of one core, by each second with the boards open. */
  readonly webCpu: number;
  readonly sessionsCpu: number;
  readonly screensCpu: number;
  readonly statesASecond: number;
  readonly kilobytes: number;
};

export type Scene = Theatre & {
  readonly alertId: string;
  readonly dispatchId: string;
  readonly pages: Player<PageAnswer>;
  readonly screens: Player<StreamsAnswer>;
  /** The stream of the board. */
  readonly url: string;
};

export async function measureTurn(scene: Scene, answersBefore: number): Promise<Turn> {
  const { pages, screens, database } = scene;
  await delay(SETTLE_MS);
  const alonePerSecond = await rateDuring(scene, delay(PHASE_MS));
  await screens.ask({ kind: 'open', url: scene.url, streams: BOARDS } satisfies StreamsOrder);
  await delay(SETTLE_MS);
  const readCpu = async () => ({
    atMs: performance.now(),
    web: (await pages.ask({ kind: 'usage' } satisfies PageOrder)).cpuSeconds,
    sessions: new Map((await listSessions(database.owner)).map((pid) => [pid, cpuOf(pid)])),
    screens: await screens.ask({ kind: 'report' } satisfies StreamsOrder),
  });
  const before = await readCpu();
  const since = new Date();
  const answering = answerFor(database.owner, { ...scene, after: answersBefore }, PHASE_MS);
  const watchedPerSecond = await rateDuring(scene, answering);
  const after = await readCpu();
  const until = new Date();
  await checkStillSending(database.owner, scene.dispatchId);
  const answered = await answering;
  const accepted = await listAccepted(database.owner, scene.dispatchId);
  const gone = accepted.filter(({ at }) => at >= since && at <= until);
  const { seen } = await untilShown(screens, {
    acknowledged: answered.at(-1)!.count,
    gone: gone.at(-1)!.count,
  });
  await screens.ask({ kind: 'close' } satisfies StreamsOrder);
  const seconds = (after.atMs - before.atMs) / 1_000;
  const sessionsSeconds = Array.from(
    after.sessions,
    ([pid, cpu]) => cpu - (before.sessions.get(pid) ?? 0),
  );
  const frames = after.screens.frames - before.screens.frames;
  return {
    alonePerSecond,
    watchedPerSecond,
    answerLagMs: seen.flatMap((states) => lagsOf(states, answered, 'acknowledged')),
    textLagMs: seen.flatMap((states) => lagsOf(states, gone, 'gone')),
    webCpu: (after.web - before.web) / seconds,
    sessionsCpu: sessionsSeconds.reduce((sum, one) => sum + one, 0) / seconds,
    screensCpu: (after.screens.cpuSeconds - before.screens.cpuSeconds) / seconds,
    statesASecond: frames / BOARDS / seconds,
    kilobytes: (after.screens.bytes - before.screens.bytes) / 1_000 / frames,
  };
}

/** Texts a second that the provider took meanwhile. */
async function rateDuring({ simulator }: Scene, work: Promise<unknown>): Promise<number> {
  const look = async () => ({ atMs: performance.now(), ...(await readState(simulator)) });
  const before = await look();
  await work;
  const after = await look();
  return ((after.accepted - before.accepted) * 1_000) / (after.atMs - before.atMs);
}

/** The processes of PostgreSQL that serve the web process. */
async function listSessions(owner: Database): Promise<number[]> {
  const rows = await owner.withActor(system('bench'), (tx) =>
    tx.rows<{ pid: number }>(sql`
      select pid from pg_stat_activity
      where usename = 'tocsin_web' and datname = current_database()`),
  );
  return rows.map(({ pid }) => pid);
}

/** Seconds, by the hundredth (proc(5)). None where it has ended: the pool lets go of idle ones. */
function cpuOf(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  const stat = readFileSync(file, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** So many have answered, or so many texts were taken, from then on. */
type Change = { readonly count: number; readonly at: Date };

/** Somebody answers each half second; with when each answer was committed. */
async function answerFor(
  owner: Database,
  { alertId, after }: { readonly alertId: string; readonly after: number },
  ms: number,
): Promise<Change[]> {
  const endMs = performance.now() + ms;
  const answered: Change[] = [];
  do {
    const { count } = await owner.withActor(system('bench'), (tx) =>
      tx.one<{ count: number }>(sql`
        with answer as (
          insert into responses.response (alert_id, organisation_id, acknowledged_at, evidence)
          select ${alertId}, recipient.organisation_id, now(), 'text_with_code'
          from alerts.v_recipient recipient where recipient.alert_id = ${alertId}
          order by recipient.organisation_id offset ${after + answered.length} limit 1
          returning alert_id, organisation_id)
        select count(*) + (select count(*) from responses.response
            where response.alert_id = ${alertId}) as count,
          pg_notify('tocsin_response', min(alert_id || ' ' || organisation_id)) from answer`),
    );
    answered.push({ count, at: new Date() });
    await delay(ANSWER_EVERY_MS);
  } while (performance.now() < endMs);
  return answered;
}

/** When each so manieth text was taken by the provider, as the engine wrote it down. */
async function listAccepted(owner: Database, dispatchId: string): Promise<Change[]> {
  return await owner.withActor(system('bench'), (tx) =>
    tx.rows<Change>(sql`
      select count, accepted_at as at from (
        select accepted_at, row_number() over (order by accepted_at) as count
        from dispatch.message where dispatch_id = ${dispatchId} and accepted_at is not null
      ) accepted where count % ${EACH} = 0 order by count`),
  );
}

/** Waits until every screen shows so many, and nobody has left. */
async function untilShown(
  screens: Player<StreamsAnswer>,
  least: Pick<Shown, 'acknowledged' | 'gone'>,
): Promise<StreamsAnswer> {
  const deadline = performance.now() + SHOWN_WITHIN_MS;
  for (;;) {
    const report = await screens.ask({ kind: 'report' } satisfies StreamsOrder);
    if (report.broken > 0) throw new Error(`${report.broken} streams broke`);
    const isShown = ({ acknowledged, gone }: Shown) =>
      acknowledged >= least.acknowledged && gone >= least.gone;
    if (report.seen.every((states) => isShown(states.at(-1)!))) return report;
    if (performance.now() > deadline) throw new Error('a board never showed the last change');
    await delay(500);
  }
}

/** A rate when nothing is sent any more would be none. */
async function checkStillSending(owner: Database, dispatchId: string): Promise<void> {
  const { left } = await owner.withActor(system('bench'), (tx) =>
    tx.one<{ left: boolean }>(sql`
      select exists (select from dispatch.message
        where dispatch_id = ${dispatchId} and channel = 'text' and state = 'ready') as left`),
  );
  if (!left) throw new Error('all had left before the last turn was over');
}

/** How long after each change a screen showed as many as there were then. */
function lagsOf(
  states: readonly Shown[],
  changes: readonly Change[],
  what: 'acknowledged' | 'gone',
): number[] {
  return changes.map(({ count, at }) =>
    Math.max(0, states.find((shown) => shown[what] >= count)!.atMs - at.getTime()),
  );
}
