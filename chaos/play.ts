/** One run: load and faults for so long, then quiet, then the judgement. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import {
  AcceptedCounts,
  judge,
  type Judgement,
  type LedgerLine,
  type MessageRow,
} from './audit.ts';
import { CertaintyClock, type Certain } from './certainty.ts';
import { drawFault, faults, opening, type Dice, type Fault } from './faults.ts';
import { pause } from './part.ts';
import { tellProgress } from './progress.ts';
import type { Stage } from './stage.ts';

/** Between the beginnings of two faults, in ms: they overlap. */
const GAP_MS = [400, 6_000] as const;
/** Long enough that workers have claimed, or have sent what they hold. */
const BEFORE_MS = 2_000;
/** The promise: two minutes after the last fault everything is certain. */
export const CERTAIN_WITHIN_S = 120;
const QUIET_MAX_MS = CERTAIN_WITHIN_S * 1_000 + 60_000;

export type Run = {
  readonly judgement: Judgement;
  readonly kills: number;
  /** How often each fault struck. */
  readonly struck: ReadonlyMap<string, number>;
  readonly lookups: number;
  /** Of each promotion: how many texts were found that the promoted database did not know. */
  readonly found: readonly number[];
  readonly certain: readonly Certain[];
  /** Faults of which nobody became certain before the quiet time was over. */
  readonly neverCertain: number;
};

export type RunOptions = {
  readonly minutes: number;
  readonly dice: Dice;
  readonly say: (sentence: string) => void;
};

export async function play(stage: Stage, options: RunOptions): Promise<Run> {
  const { owner, load } = stage;
  const clock = new CertaintyClock(owner);
  clock.start();
  load.start();
  let isOver = false;
  const progress = tellProgress(owner, () => isOver, options.say);
  const struck = await strikeAll(stage, clock, options);
  await load.stop();
  options.say('faults are over; waiting until everything is certain');
  await untilQuiet(owner, clock);
  await clock.stop();
  isOver = true;
  await progress;
  const kills = faults.reduce(
    (sum, { name, isKill }) => sum + (isKill ? (struck.get(name) ?? 0) : 0),
    0,
  );
  return {
    judgement: await judgeRun(stage),
    kills,
    struck,
    lookups: await countLookups(owner),
    found: stage.found,
    certain: clock.certain,
    neverCertain: clock.open,
  };
}

async function strikeAll(
  stage: Stage,
  clock: CertaintyClock,
  { minutes, dice, say }: RunOptions,
): Promise<Map<string, number>> {
  const struck = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const strike = (fault: Fault) => {
    const healed = fault.strike(stage, dice);
    if (healed === undefined) return;
    say(fault.name);
    struck.set(fault.name, (struck.get(fault.name) ?? 0) + 1);
    const isOver = clock.begin(fault.name);
    const ending = healed.finally(isOver).finally(() => underWay.delete(ending));
    underWay.add(ending);
  };
  await pause(BEFORE_MS);
  strike(opening);
  await Promise.all(underWay);
  await pause(BEFORE_MS);
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    const fault = drawFault(dice);
    const gapMs = dice.between(...GAP_MS);
    if (!fault.isOnceAtATime || !clock.isOpen(fault.name)) strike(fault);
    await pause(gapMs);
  }
  await Promise.all(underWay);
  return struck;
}

/** Until no released message waits or is in doubt, and every fault is certain. */
async function untilQuiet(owner: Database, clock: CertaintyClock): Promise<void> {
  const until = performance.now() + QUIET_MAX_MS;
  while (performance.now() < until) {
    const waiting = await countWaiting(owner).catch(() => Infinity);
    if (waiting === 0 && clock.open === 0) return;
    await pause(500);
  }
}

async function countWaiting(owner: Database): Promise<number> {
  const { waiting } = await owner.withActor(system('chaos'), (tx) =>
    tx.one<{ waiting: number }>(sql`
      select count(*) as waiting from dispatch.message message
      join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
      where dispatch.released_at is not null and message.state in ('ready', 'claimed', 'unknown')`),
  );
  return waiting;
}

export async function judgeRun({ owner, controlUrl }: Stage): Promise<Judgement> {
  return await judgeLedgers(owner, [controlUrl]);
}

/** The ledgers of all simulators together, beside the one database that sent to them. */
export async function judgeLedgers(
  owner: Database,
  controlUrls: readonly string[],
): Promise<Judgement> {
  const accepted = new AcceptedCounts();
  for (const controlUrl of controlUrls)
    for await (const line of createInterface(createReadStream(await ledgerPath(controlUrl))))
      accepted.add(JSON.parse(line) as LedgerLine);
  const rows = await owner.withActor(system('chaos'), (tx) =>
    tx.rows<MessageRow>(sql`
      select message.id, message.state from dispatch.message message
      join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
      where dispatch.released_at is not null`),
  );
  return judge(accepted, rows);
}

async function ledgerPath(controlUrl: string): Promise<string> {
  // A page of the ledger is read only after all of it is on disk.
  const response = await fetch(`${controlUrl}/_control/ledger?limit=1`);
  return ((await response.json()) as { path: string }).path;
}

async function countLookups(owner: Database): Promise<number> {
  const { lookups } = await owner.withActor(system('chaos'), (tx) =>
    tx.one<{ lookups: number }>(sql`select count(*) as lookups from dispatch.lookup`),
  );
  return lookups;
}
