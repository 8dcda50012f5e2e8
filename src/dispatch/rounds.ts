/**
 * How rounds open: all messages of a small one at once, those of a large one in parts, so that
 * nobody who approves waits for a million rows and the first texts leave while others are readied.
 */
import { system } from '#kernel/actor.ts';
import { afterQuiet, outOfQuiet } from '#kernel/quiet-hours.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { listSharedChannels, rememberSenders } from './store-home.ts';
import { notifyDispatch } from './store-plan.ts';
import {
  listDueRounds,
  listExercisesSending,
  listQuietTimes,
  lockNextPart,
  lockOpeningRound,
  markPartReady,
  markRoundOpened,
  readyMessages,
  restReady,
  setRoundTime,
  type DueRound,
} from './store-rounds.ts';
import { spaceMessages } from './store-space.ts';

/** A second of work: as much as an approver waits for, and as a beat holds up its other timers. */
const PART_MAX = 20_000;

type Part = {
  readonly dispatchId: string;
  readonly round: number;
  /** Messages at most. */
  readonly most?: number;
};

/**
 * Lets the next part of an open round go; where there are several gateways each person gets their
 * sender first. Says how many became ready.
 */
export async function readyPart(tx: Tx, part: Part): Promise<number> {
  const { dispatchId, round, most = PART_MAX } = part;
  const ids = await lockNextPart(tx, { dispatchId, round, most });
  const channels = await listSharedChannels(tx);
  if (channels.length > 0) await rememberSenders(tx, { ids, channels });
  const ready = await readyMessages(tx, ids);
  await spaceMessages(tx, { dispatchId, ids });
  // Fewer than asked for may only mean that some were called off in this moment.
  const mayBeLast = ids.length < most;
  const left = mayBeLast ? await lockNextPart(tx, { dispatchId, round, most: 1 }) : ids;
  await markPartReady(tx, { dispatchId, round, isLast: left.length === 0 });
  return ready;
}

/**
 * Moves what is to open in quiet hours to their end, and what comes after it along. Called whenever
 * rounds get their times or are put off: from then on each time is one at which it opens.
 */
export async function keepQuiet(tx: Tx, dispatchId: string): Promise<void> {
  const times = await listQuietTimes(tx, dispatchId);
  const [first] = times;
  if (first === undefined) return;
  const planned = times.map(({ opensAt }) => opensAt.getTime());
  for (const [i, at] of outOfQuiet(planned, first).entries())
    if (at !== planned[i])
      await setRoundTime(tx, { dispatchId, round: times[i]!.round, opensAt: new Date(at) });
}

/**
 * What an exercise has not sent when its hours end waits for the next ones: its open rounds stop,
 * as the others do not open. Says how many messages that puts off.
 */
export async function restExercises(database: Database): Promise<number> {
  return await database.withActor(system('dispatch'), async (tx) => {
    let rested = 0;
    for (const { dispatchId, now, ...hours } of await listExercisesSending(tx)) {
      const until = new Date(afterQuiet(now.getTime(), hours));
      if (until > now) rested += await restReady(tx, { dispatchId, until });
    }
    return rested;
  });
}

/**
 * One part of every round that is due or not through yet, each in a transaction of its own; says
 * how many messages became ready.
 */
export async function openDueRounds(database: Database, most = PART_MAX): Promise<number> {
  const act = system('dispatch');
  let ready = 0;
  for (const due of await database.withActor(act, listDueRounds))
    ready += await database.withActor(act, async (tx) => {
      if (!(await takeRound(tx, due))) return 0;
      const { dispatchId, round } = due;
      return await readyPart(tx, { dispatchId, round, most });
    });
  return ready;
}

/** False where another engine has it in hand, or it was paused or called off meanwhile. */
async function takeRound(tx: Tx, { dispatchId, round, isOpen }: DueRound): Promise<boolean> {
  if (isOpen) return await lockOpeningRound(tx, dispatchId, round);
  // It may be late, and the night have begun meanwhile.
  await keepQuiet(tx, dispatchId);
  if (!(await markRoundOpened(tx, dispatchId, round))) return false;
  // One that opened late has put off the others.
  await keepQuiet(tx, dispatchId);
  await record(tx, {
    action: 'dispatch.round_opened',
    subject: { kind: 'dispatch', id: dispatchId },
    detail: { round },
  });
  await notifyDispatch(tx, dispatchId);
  return true;
}
