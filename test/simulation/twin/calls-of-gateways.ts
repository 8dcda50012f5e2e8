/** Calls of the statements about gateways, buckets, breakers and polls. */
import type { BreakerStep } from '#dispatch/breaker.ts';
import {
  ALL,
  mostly,
  planned,
  someGateways,
  someMessages,
  type Calls,
  type Scene,
} from './scene.ts';
import type { Base } from './rows.ts';

/** False where two messages to one person could each say who wrote to them last. */
export function isClearWhoSent(base: Base): boolean {
  const keys = [...base.tables.message.values()].map((m) => `${m.contactPointId} ${m.channel}`);
  return new Set(keys).size === keys.length;
}

export const gateways: Pick<
  Calls,
  | 'listGateways'
  | 'listGatewayCards'
  | 'markGatewayRemoved'
  | 'addCallbackToken'
  | 'keepCallbackTokens'
  | 'notifyGateways'
  | 'pinTemplate'
  | 'markTemplateRead'
  | 'markGatewayProven'
  | 'markGatewayFailed'
  | 'listSharedChannels'
  | 'rememberSenders'
  | 'findHomes'
  | 'listGatewayStates'
  | 'findGatewayState'
  | 'markGatewayEnabled'
  | 'setGatewayWeight'
> = {
  listGatewayStates: () => [],
  findGatewayState: (scene) => [someGateways(scene)[0]!],
  markGatewayEnabled: (scene) => [someGateways(scene)[0]!, scene.random.chance(0.5)],
  setGatewayWeight: (scene) => [someGateways(scene)[0]!, scene.random.pick([0, 1, 100])],
  listGateways: () => [],
  listGatewayCards: () => [],
  markGatewayRemoved: (scene) => [someGateways(scene)[0]!],
  addCallbackToken: (scene) => [someGateways(scene)[0]!, Buffer.from([scene.random.below(4)])],
  keepCallbackTokens: (scene) => [someGateways(scene)[0]!, scene.random.between(0, 2)],
  notifyGateways: () => [],
  pinTemplate: (scene) => [
    someGateways(scene)[0]!,
    { id: 'template', version: scene.random.between(1, 2), subject: null, body: '((body))' },
  ],
  markTemplateRead: (scene) => [someGateways(scene)[0]!],
  markGatewayProven: ({ random, known }) => [random.pick([...known.gatewayIds, 'none'])],
  markGatewayFailed: ({ random, known }) => [random.pick(known.gatewayIds), 'deadline'],
  listSharedChannels: () => [],
  rememberSenders: (scene) => [
    { ids: someMessages(scene).map(({ id }) => id), channels: ['text', 'mail'] },
  ],
  findHomes: () => [ALL],
};

const breakerSteps: readonly BreakerStep[] = [
  {
    state: 'open',
    rung: null,
    reason: 'failing',
    openings: 1,
    retryInMs: 10_000,
    rowsLeft: null,
  },
  {
    state: 'half_open',
    rung: 1,
    reason: 'failing',
    openings: 1,
    retryInMs: null,
    rowsLeft: 5,
  },
  { state: 'closed', rung: null, reason: null, openings: 2, retryInMs: null, rowsLeft: null },
];

export const pace: Pick<
  Calls,
  | 'waitForTokenMs'
  | 'pauseBucket'
  | 'reserveTokens'
  | 'insertTally'
  | 'deleteOldTallies'
  | 'readBreaker'
  | 'moveBreaker'
  | 'claimProbe'
  | 'shiftSlow'
  | 'pauseRefused'
  | 'spaceMessages'
> = {
  waitForTokenMs: ({ random, known }) => [random.pick(known.gatewayIds)],
  pauseBucket: ({ random, known }) => [
    {
      gatewayId: random.pick([...known.gatewayIds, 'none']),
      forMs: random.between(1, 60) * 500,
      reason: '429 RateLimitError',
      tooFast: random.chance(0.5),
    },
  ],
  reserveTokens: ({ random }) => [random.pick([0, 0.5, 0.85])],
  insertTally: (scene) => [
    scene.random.pick(scene.known.gatewayIds),
    [1, 2].map((turn) => ({
      turn,
      dispatchId: scene.random.pick([null, ...scene.known.dispatchIds]),
      accepted: scene.random.below(9),
      rejected: scene.random.below(9),
      unknown: scene.random.below(3),
      failed: scene.random.below(9),
    })),
  ],
  deleteOldTallies: () => [],
  readBreaker: ({ random, known }) => [random.pick([...known.gatewayIds, 'none'])],
  moveBreaker: ({ random, known }) => [
    {
      gatewayId: random.pick(known.gatewayIds),
      turn: random.between(1, 3),
      step: random.pick(breakerSteps),
    },
  ],
  claimProbe: ({ random, known }) => [
    { gatewayId: random.pick(known.gatewayIds), everyMs: 180_000 },
  ],
  shiftSlow: () => [],
  pauseRefused: (scene) => [
    {
      dispatchId: mostly(scene, countedDispatches(scene), () =>
        scene.random.pick(scene.known.dispatchIds),
      ),
      rule: { share: scene.random.pick([0.2, 0.5]), atLeast: scene.random.between(1, 9) },
      code: '400 ValidationError',
    },
  ],
  spaceMessages: (scene) => [
    mostly(scene, spacedTexts(scene), () => ({
      dispatchId: planned(scene),
      ids: someMessages(scene).map(({ id }) => id),
    })),
  ],
};

function countedDispatches({ base }: Scene): string[] {
  return base.tables.tally.flatMap(({ dispatchId }) => dispatchId ?? []);
}

/** Texts that may be too much for their number. */
function spacedTexts({ base }: Scene): { dispatchId: string; ids: string[] }[] {
  return [...base.tables.message.values()]
    .filter(({ channel, state }) => channel === 'text' && state === 'ready')
    .filter((message) => base.dispatchOf(message).numberMost !== null)
    .map(({ dispatchId, id }) => ({ dispatchId, ids: [id] }));
}

export const polling: Pick<Calls, 'claimPoll' | 'finishPoll'> = {
  claimPoll: (scene) => [
    {
      gatewayId: someGateways(scene)[0]!,
      what: scene.random.pick(['statuses', 'texts']),
      owner: scene.random.pick(scene.known.owners),
      leaseMs: scene.random.between(1, 60) * 1_000,
      liveMs: 5_000,
      idleMs: 60_000,
      liveForMs: scene.random.pick([60_000, 3_600_000]),
    },
  ],
  finishPoll: ({ random, known }) => [
    {
      gatewayId: random.pick(known.gatewayIds),
      what: random.pick(['statuses', 'texts']),
      owner: random.pick(known.owners),
      olderThan: random.pick([null, null, 'a text']),
    },
  ],
};
