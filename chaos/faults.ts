/** What may go wrong, how often each of it is drawn, and how it is done. */
import type { Cut } from './wire.ts';
import { oldestInDoubt } from './certainty.ts';
import { pause } from './part.ts';
import { letItGoOn } from './person.ts';
import type { Stage } from './stage.ts';

/** Drawn from the seed: `between` includes both ends. */
export type Dice = { readonly between: (least: number, most: number) => number };

export type Fault = {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  readonly isKill: boolean;
  /** Not again before all that the last one left in doubt is certain. */
  readonly isOnceAtATime?: true;
  /**
   * Strikes and heals; undefined where what it would strike is under another fault already. The
   * dice are asked before anything is awaited, so that a seed draws the same faults.
   */
  readonly strike: (stage: Stage, dice: Dice) => Promise<void> | undefined;
};

/** Past the lease of 16 s, and past the look-ups after it: others may have sent again by then. */
const FREEZE_MS = [17_000, 35_000] as const;
/** Half a minute where nothing else is on the machine. */
const LOOKED_UP_WITHIN_MS = 110_000;

export const faults: readonly Fault[] = [
  {
    name: 'kill worker',
    weight: 10,
    isKill: true,
    strike(stage, dice) {
      const part = stage.workers[dice.between(0, stage.workers.length - 1)]!;
      const downMs = dice.between(0, 2_000);
      return part.isFree ? part.kill(downMs) : undefined;
    },
  },
  {
    name: 'kill web',
    weight: 2,
    isKill: true,
    strike({ web }, dice) {
      const downMs = dice.between(0, 2_000);
      return web.isFree ? web.kill(downMs) : undefined;
    },
  },
  {
    name: 'kill simulator',
    weight: 3,
    isKill: true,
    strike({ simulator }, dice) {
      const downMs = dice.between(0, 1_500);
      return simulator.isFree ? simulator.kill(downMs) : undefined;
    },
  },
  {
    name: 'kill postgres',
    weight: 3,
    isKill: true,
    strike({ postgres, load }, dice) {
      const downMs = dice.between(0, 1_500);
      return mayEnd(postgres, load) ? postgres.kill(downMs) : undefined;
    },
  },
  {
    name: 'promote a lagging replica',
    weight: 1,
    isKill: true,
    // Each holds everything for lease, quiet period and reading: two of them are no fault of ours.
    isOnceAtATime: true,
    strike({ postgres, load, person, found }, dice) {
      const forMs = dice.between(500, 3_000);
      if (!postgres.isFree) return undefined;
      const before = () => load.hold();
      return postgres
        .promoteReplica({ forMs, before })
        .then(async () => void found.push(await letItGoOn(person)))
        .finally(() => load.goOn());
    },
  },
  {
    name: 'kill backend of postgres',
    weight: 2,
    isKill: true,
    strike: ({ postgres, load }) => (mayEnd(postgres, load) ? postgres.killBackend() : undefined),
  },
  {
    name: 'freeze worker past its lease',
    weight: 4,
    isKill: false,
    strike(stage, dice) {
      const part = stage.workers[dice.between(0, stage.workers.length - 1)]!;
      const forMs = dice.between(...FREEZE_MS);
      return part.isFree ? part.freeze(() => pause(forMs)) : undefined;
    },
  },
  {
    name: 'freeze simulator',
    weight: 1,
    isKill: false,
    strike({ simulator }, dice) {
      const forMs = dice.between(500, 4_000);
      return simulator.isFree ? simulator.freeze(() => pause(forMs)) : undefined;
    },
  },
  {
    name: 'freeze web',
    weight: 1,
    isKill: false,
    strike({ web }, dice) {
      const forMs = dice.between(500, 6_000);
      return web.isFree ? web.freeze(() => pause(forMs)) : undefined;
    },
  },
  {
    name: 'freeze postgres',
    weight: 1,
    isKill: false,
    strike({ postgres }, dice) {
      const forMs = dice.between(500, 5_000);
      return postgres.isFree ? postgres.freeze(forMs) : undefined;
    },
  },
  {
    name: 'cut the wire to the provider',
    weight: 3,
    isKill: false,
    strike: async ({ providerWire }, dice) => providerWire.cut(cutBy(dice, 600)),
  },
  {
    name: 'cut the wire to the database',
    weight: 3,
    isKill: false,
    strike: async ({ databaseWire }, dice) => databaseWire.cut(cutBy(dice, 20_000)),
  },
  {
    name: 'black hole before the provider',
    weight: 2,
    isKill: false,
    async strike({ providerWire }, dice) {
      const forMs = dice.between(500, 5_000);
      providerWire.swallow();
      await pause(forMs);
      providerWire.passAgain();
    },
  },
  {
    name: 'black hole before the database',
    weight: 2,
    isKill: false,
    async strike({ databaseWire }, dice) {
      const forMs = dice.between(500, 5_000);
      databaseWire.swallow();
      await pause(forMs);
      databaseWire.passAgain();
    },
  },
  {
    name: 'fault of the provider',
    weight: 8,
    isKill: false,
    async strike({ controlUrl }, dice) {
      const fault = providerFaults[dice.between(0, providerFaults.length - 1)]!;
      const forMs = dice.between(500, 4_000);
      await control(controlUrl, 'POST', fault);
      await pause(forMs);
      await control(controlUrl, 'DELETE');
    },
  },
];

/**
 * What each run begins with, before anything else strikes: a worker that does not look at its lease
 * would never be found out among the other faults. Each few seconds they end its sessions, and who
 * wakes to that drops what it holds; so does who was frozen inside a transaction.
 */
export const opening: Fault = {
  name: 'freeze worker past the look-ups',
  weight: 0,
  isKill: false,
  strike({ workers, postgres, owner }, dice) {
    const part = workers[dice.between(0, workers.length - 1)]!;
    const untilLookedUp = async () => {
      const from = Date.now();
      while (Date.now() - from < LOOKED_UP_WITHIN_MS && (await oldestInDoubt(owner)) <= from)
        await pause(500);
    };
    return part.isFree ? part.freeze(untilLookedUp, () => postgres.isIdle(part.name)) : undefined;
  },
};

/**
 * Not while lost history is read: each start of a server begins that anew, after lease and quiet
 * period; drawn every quarter of a minute, it would hold everything to the end of the run.
 */
function mayEnd(postgres: Stage['postgres'], load: Stage['load']): boolean {
  return postgres.isFree && !load.isHolding;
}

/** In the words of `/_control/faults`; the delays stay inside the shortened waits (task.ts). */
const providerFaults: readonly object[] = [
  { fault: 'accept_then_drop', probability: 0.1 },
  { fault: 'accept_then_500', probability: 0.1 },
  { fault: 'accept_after', delayMs: 6_000, probability: 0.05 },
  { fault: 'answer_after', delayMs: 8_000, probability: 0.05 },
  { fault: 'insert_then_delete', probability: 0.05 },
  { fault: 'drop', probability: 0.1 },
  { fault: 'error', status: 503, probability: 0.1 },
  { fault: 'slow', delayMs: 700, on: 'any', probability: 0.5 },
  { fault: 'rate_limited', times: 3 },
  { fault: 'get_lag', lagMs: 2_000 },
  [
    { fault: 'receipt_early', probability: 0.3 },
    { fault: 'receipt_doubled', probability: 0.3 },
    { fault: 'receipt_lost', probability: 0.3 },
  ],
  [
    { fault: 'accept_then_drop', probability: 0.1 },
    { fault: 'get_lag', lagMs: 2_000 },
  ],
];

function cutBy(dice: Dice, mostBytes: number): Cut {
  const side = dice.between(0, 1) === 0 ? 'request' : 'answer';
  return { side, afterBytes: dice.between(0, mostBytes) };
}

/** The simulator may be what is down: then its faults are gone with it. */
async function control(url: string, method: 'POST' | 'DELETE', body?: object): Promise<void> {
  await fetch(`${url}/_control/faults`, {
    method,
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  }).catch(() => {});
}

/** Draws a fault by weight. */
export function drawFault(dice: Dice): Fault {
  let left = dice.between(1, TOTAL_WEIGHT);
  for (const fault of faults) {
    left -= fault.weight;
    if (left <= 0) return fault;
  }
  throw new RangeError('the weights do not add up');
}

const TOTAL_WEIGHT = faults.reduce((sum, { weight }) => sum + weight, 0);
