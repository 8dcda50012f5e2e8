/** For each statement, what it may be asked: values that fit the tables, and some that do not. */
import type { ReceiptMove } from '#dispatch/store-inbox.ts';
import type { Settlement } from '#dispatch/store-send.ts';
import { auditing, retention } from './calls-of-auditor.ts';
import { continuity } from './calls-of-continuity.ts';
import { uncertain } from './calls-of-uncertain.ts';
import { rounds } from './calls-of-rounds.ts';
import { gateways, isClearWhoSent, pace, polling } from './calls-of-gateways.ts';
import type { Twin } from './index.ts';
import {
  ALL,
  most,
  mostly,
  planned,
  someGateways,
  someMessages,
  type Calls,
  type Rest,
  type Scene,
} from './scene.ts';

function attemptKey(scene: Scene): { id: string; attempt: number } {
  const message = scene.random.pick([...scene.base.tables.message.values(), undefined]);
  if (message === undefined) return { id: scene.random.uuid(), attempt: 1 };
  const attempt = scene.random.chance(0.8) ? message.attempt : scene.random.between(1, 3);
  return { id: message.id, attempt };
}

function answered(scene: Scene) {
  const { random, known } = scene;
  const organisationIds = random.shuffle(known.organisationIds).slice(0, random.between(1, 4));
  return { dispatchId: planned(scene), organisationIds };
}

function settlements(scene: Scene): Settlement[] {
  const { random } = scene;
  return someMessages(scene).map((message) => {
    const end = random.pick(['accepted', 'rejected', 'not_sent', 'unknown'] as const);
    return {
      id: message.id,
      epoch: random.chance(0.9) ? 1 : 2,
      attempt: random.chance(0.8) ? Math.max(1, message.attempt) : random.between(1, 3),
      class: end,
      code: end === 'accepted' ? null : 'code',
      providerId: end === 'accepted' ? random.uuid() : null,
      againInMs: random.below(60_000),
    };
  });
}

/** Some that are kept, and one that is not. */
function someReplies(base: Scene['base'], random: Scene['random']): string[] {
  const kept = [...base.tables.reply.keys()].filter(() => random.chance(0.4));
  return [...kept, random.uuid()];
}

function receiptMoves(scene: Scene): ReceiptMove[] {
  const { random, known } = scene;
  return someMessages(scene).flatMap((message) =>
    Array.from({ length: random.between(1, 2) }, () => ({
      gatewayId: random.chance(0.9)
        ? (message.gatewayId ?? 'notify')
        : random.pick(known.gatewayIds),
      messageId: message.id,
      attempt: random.chance(0.8) ? message.attempt : random.between(1, 3),
      providerId: message.providerId ?? message.id,
      to: random.pick(['delivered', 'undelivered'] as const),
    })),
  );
}

function waiting({ base }: Scene) {
  return [...base.tables.receipt.values()].filter((r) => r.handledAt === null);
}

const send: Pick<
  Calls,
  | 'claimMessages'
  | 'settleMessages'
  | 'expireLeases'
  | 'expireMessages'
  | 'cancelLeftovers'
  | 'markCleared'
  | 'endDispatches'
> = {
  claimMessages: ({ random, known }) => [
    {
      gatewayId: random.pick(known.gatewayIds),
      channel: random.pick(['text', 'text', 'mail']),
      owner: random.pick(known.owners),
      leaseMs: random.between(1, 60) * 1000,
      most: random.between(0, 5),
      notOf: random.chance(0.2) ? [random.pick(known.dispatchIds)] : [],
    },
  ],
  settleMessages: (scene) => {
    const batch = settlements(scene);
    const owners = batch.flatMap(({ id }) => scene.base.tables.message.get(id)?.leaseOwner ?? []);
    const owner = owners[0] ?? scene.random.pick(scene.known.owners);
    return [scene.random.chance(0.85) ? owner : scene.random.pick(scene.known.owners), batch];
  },
  expireLeases: ({ random }) => [random.below(60_000)],
  expireMessages: () => [],
  cancelLeftovers: () => [ALL],
  markCleared: () => [],
  endDispatches: () => [],
};

function attemptKeys(scene: Scene) {
  const keys = [attemptKey(scene), attemptKey(scene)];
  return keys[0]!.id === keys[1]!.id ? keys.slice(1) : keys;
}

const check: Pick<
  Calls,
  | 'claimChecks'
  | 'recordLookups'
  | 'adoptMessages'
  | 'requeueMessages'
  | 'setNextChecks'
  | 'setNextReceiptAsks'
  | 'insertAlarms'
> = {
  claimChecks: (scene) => [
    {
      gatewayIds: someGateways(scene),
      gapMs: scene.random.between(1, 30_000),
      most: most(
        scene.random,
        [...scene.base.tables.message.values()].flatMap((m) => m.checkAt ?? []),
      ),
    },
  ],
  recordLookups: (scene) => [
    someMessages(scene).map((message) => {
      const answer = scene.random.pick(['found', 'absent', 'cannot_tell'] as const);
      const status = answer === 'found' ? 'sending' : null;
      return { messageId: message.id, reference: 'reference', answer, status };
    }),
  ],
  adoptMessages: (scene) => [
    attemptKeys(scene).map((key) => ({
      ...key,
      foundAttempt: Math.max(1, key.attempt - scene.random.below(2)),
      providerId: scene.random.uuid(),
    })),
  ],
  requeueMessages: (scene) => [attemptKeys(scene)],
  setNextChecks: (scene) => [
    attemptKeys(scene).map((key) => ({
      ...key,
      inMs: scene.random.pick([15_000, 120_000]),
      absences: scene.random.below(2),
    })),
  ],
  setNextReceiptAsks: (scene) => [attemptKeys(scene)],
  insertAlarms: (scene) => [
    someMessages(scene).map((message) => ({
      kind: scene.random.pick(['accepted_twice', 'stuck_at_provider'] as const),
      messageId: message.id,
      gatewayId: scene.random.pick(scene.known.gatewayIds),
      providerId: scene.random.pick(['one', 'two']),
    })),
  ],
};

const inbox: Pick<
  Calls,
  | 'findGatewayDoor'
  | 'insertReceipts'
  | 'insertReceiptOfAttempt'
  | 'claimReceipts'
  | 'applyReceipts'
  | 'findSecondTexts'
  | 'markReceiptsHandled'
  | 'insertReplies'
  | 'lockWaitingReplies'
  | 'markRepliesHandled'
> = {
  findGatewayDoor: ({ random, known }) => [random.pick([...known.gatewayIds, 'none'])],
  insertReceipts: ({ random, known }) => {
    // One for both: of the same receipt twice in a batch either may be the one that is kept.
    const reference = random.pick([null, 'somebody else’s', 'tocsin-00000000']);
    const receipt = () => ({
      providerId: random.pick(known.messageIds),
      status: random.pick(['delivered', 'permanent-failure', 'sending']),
      reference,
    });
    return [random.pick(known.gatewayIds), [receipt(), receipt()]];
  },
  insertReceiptOfAttempt: (scene) => {
    const [attempt] = scene.random.shuffle([...scene.base.tables.attempt.values()]);
    const known = { messageId: scene.random.uuid(), epoch: 1, number: 1 };
    const { messageId, epoch, number } = attempt ?? known;
    return [{ messageId, epoch, attempt: number, reference: 'reference', status: 'delivered' }];
  },
  claimReceipts: (scene) => [
    {
      gatewayIds: someGateways(scene),
      most: most(
        scene.random,
        waiting(scene).map((r) => r.receivedAt),
      ),
    },
  ],
  applyReceipts: (scene) => [receiptMoves(scene)],
  findSecondTexts: (scene) => [receiptMoves(scene)],
  markReceiptsHandled: (scene) => [
    waiting(scene)
      .filter(() => scene.random.chance(0.6))
      .map(({ gatewayId, providerId, status, reference }) => ({
        gatewayId,
        providerId,
        status,
        reference,
        outcome: scene.random.pick(['applied', 'repeated', 'unmatched'] as const),
      })),
  ],
  insertReplies: ({ random, known }) => [
    random.pick(known.gatewayIds),
    Array.from({ length: random.between(1, 3) }, () => ({
      id: random.uuid(),
      providerId: random.pick(known.messageIds),
      addressIndex: Buffer.from([1, random.below(256)]),
      addressSealed: Buffer.from([2]),
      contentSealed: Buffer.from([3]),
      sentAt: random.pick([null, new Date(0)]),
    })),
  ],
  lockWaitingReplies: ({ base, random }) => [
    { most: random.between(1, 3), except: someReplies(base, random) },
  ],
  markRepliesHandled: ({ base, random }) => [someReplies(base, random)],
};

const plan: Pick<
  Calls,
  | 'insertDispatch'
  | 'lockDispatch'
  | 'hashContent'
  | 'markReleased'
  | 'setContent'
  | 'setWaits'
  | 'listSending'
  | 'moveDispatch'
  | 'cancelUnsent'
  | 'lockLaterRounds'
  | 'markSettled'
  | 'cancelSettled'
  | 'cancelAllSettled'
  | 'notifyDispatch'
  | 'notifyHalt'
  | 'countMessages'
> = {
  insertDispatch: ({ random }) => {
    const lane = random.between(1, 4);
    return [
      {
        id: random.uuid(),
        label: 'Planned later',
        lane,
        exercise: lane === 4,
        expiresAfterMs: random.between(1, 60) * 1000,
        receiptAsksMs: [60_000],
        uncertainAfterMs: 60_000,
        ...(random.chance(0.5) && { recallForMs: 60_000 }),
        ...(random.chance(0.5) && { quietHours: { fromMinute: 1320, untilMinute: 360 } }),
        ...(random.chance(0.5) && { perNumber: { most: 2, withinMs: 60_000 } }),
        rounds: [1, 2].map((round) => ({ round, opensAfterMs: random.below(60_000) })),
      },
    ];
  },
  lockDispatch: (scene) => [planned(scene)],
  hashContent: (scene) => [planned(scene), scene.random.pick(['', 'page'])],
  markReleased: (scene) => {
    const anything = () => [planned(scene), scene.random.pick(['one', 'two'])] as const;
    return [...mostly(scene, sealedDispatches(scene), anything)];
  },
  setContent: (scene) => [
    planned(scene),
    { hash: scene.random.pick(['one', 'two']), messages: scene.random.below(9) },
  ],
  setWaits: (scene) => [
    {
      dispatchId: planned(scene),
      quietHours: scene.random.pick([undefined, { fromMinute: 1320, untilMinute: 360 }]),
      uncertainAfterMs: 120_000,
    },
  ],
  listSending: ({ random, known }) => [random.shuffle(known.dispatchIds).slice(0, 2)],
  moveDispatch: (scene) => {
    const id = planned(scene);
    const reason = 'asked for';
    return scene.random.pick([
      [{ id, from: ['sending'], to: 'paused', reason }],
      [{ id, from: ['paused'], to: 'sending', reason: null }],
      [{ id, from: ['held', 'sending', 'paused'], to: 'cancelled', reason: null }],
    ] as const satisfies Rest<Twin['moveDispatch']>[]);
  },
  cancelUnsent: (scene) => [planned(scene), ALL],
  lockLaterRounds: (scene) => [answered(scene)],
  markSettled: (scene) => [answered(scene)],
  cancelSettled: (scene) => [answered(scene)],
  cancelAllSettled: () => [],
  notifyDispatch: (scene) => [planned(scene)],
  notifyHalt: (scene) => [planned(scene)],
  countMessages: ({ random, known }) => [random.pick(known.dispatchIds)],
};

function sealedDispatches({ base }: Scene): (readonly [string, string])[] {
  return [...base.tables.dispatch.values()].flatMap(({ id, state, contentHash }) =>
    state === 'held' && contentHash !== null ? ([[id, contentHash]] as const) : [],
  );
}

const steering: Pick<
  Calls,
  | 'stopRounds'
  | 'markRecalled'
  | 'hurryRounds'
  | 'callOffAll'
  | 'chooseWordings'
  | 'keepRoundTimes'
  | 'carryAnswers'
  | 'skipTold'
  | 'readLedger'
> = {
  stopRounds: (scene) => [planned(scene)],
  markRecalled: (scene) => [planned(scene)],
  hurryRounds: (scene) => [mostly(scene, recallable(scene), () => planned(scene))],
  callOffAll: (scene) => [[planned(scene)]],
  chooseWordings: (scene) => [
    {
      earlierIds: [planned(scene)],
      correctionId: planned(scene),
      firstId: scene.random.chance(0.2) ? null : planned(scene),
    },
  ],
  keepRoundTimes: (scene) => [{ fromId: planned(scene), toId: planned(scene) }],
  carryAnswers: (scene) => [{ fromId: planned(scene), toId: planned(scene) }],
  skipTold: (scene) => [{ earlierIds: [planned(scene)], firstId: planned(scene) }],
  readLedger: ({ random, known }) => [random.pick(known.dispatchIds)],
};

/** Dispatches whose first round waits. */
function recallable({ base }: Scene): string[] {
  return [...base.tables.round.values()]
    .filter(({ round, opensAt }) => round === 1 && opensAt !== null && opensAt > base.now)
    .map(({ dispatchId }) => dispatchId);
}

const parts: Pick<Calls, 'upsertPart' | 'upsertPartEnd' | 'lockParts' | 'findWholeEnd'> = {
  // The id says which part it is: of two first parts PostgreSQL takes any.
  upsertPart: ({ random, known }) => {
    const part = random.between(1, 2);
    const reference = random.pick(['a', 'b']);
    const taken = { providerId: `${reference}${part}`, reference, part, parts: 2 };
    return [random.pick(known.gatewayIds), random.chance(0.9) ? taken : { ...taken, parts: 1 }];
  },
  upsertPartEnd: ({ random, known }) => [
    random.pick(known.gatewayIds),
    {
      providerId: random.pick(['a1', 'a2', 'b1', 'b2']),
      status: random.pick(['DELIVRD', 'UNDELIV']),
      meaning: random.pick(['delivered', 'undelivered', 'retained'] as const),
    },
  ],
  lockParts: ({ random, known }) => [random.pick(known.gatewayIds), 'a'],
  findWholeEnd: (scene) => {
    const { base, random, known } = scene;
    const texts = [...base.tables.part.values()].flatMap(({ gatewayId, reference }) =>
      reference === null ? [] : ([[gatewayId, reference]] as const),
    );
    const anything = () => [random.pick(known.gatewayIds), random.pick(['a', 'b'])] as const;
    return [...mostly(scene, texts, anything)];
  },
};

export const calls: Calls = {
  ...auditing,
  ...retention,
  ...send,
  ...check,
  ...inbox,
  ...plan,
  ...rounds,
  // To none that is stopped: the trigger asks the real clock (cut-off.test.ts).
  insertSingleMessages: ({ base, random, known }) => [
    random
      .shuffle(known.pointIds.filter((id) => !base.tables.stopped.has(id)))
      .slice(0, random.between(1, 3))
      .map((contactPointId) => ({
        id: random.uuid(),
        contactPointId,
        gatewayId: random.pick([...known.gatewayIds, 'none', null]),
        addressSealed: Buffer.from([9]),
        code: '4821',
        body: 'Thanks',
        because: { rule: 'texts.after_reply', version: '0'.repeat(64), fact: 'they answered' },
        ...(random.chance(0.3) && { subject: 'Hello' }),
        perHourMax: random.between(1, 3),
      })),
  ],
  notifyAnswers: () => [],
  lockStopped: () => [],
  notifyStopped: () => [],
  insertStopped: ({ random, known }) => [random.shuffle(known.pointIds).slice(0, 2)],
  deleteStoppedBut: ({ random, known }) => [random.shuffle(known.pointIds).slice(0, 2)],
  suppressStopped: () => [],
  ...gateways,
  ...steering,
  ...pace,
  ...polling,
  ...continuity,
  ...uncertain,
  ...parts,
  upsertGateway: ({ base, random, known }) => [
    {
      id: random.pick(isClearWhoSent(base) ? [...known.gatewayIds, 'fresh'] : known.gatewayIds),
      kind: 'notify',
      channel: random.pick(['text', 'mail']),
      bucket: {
        id: random.pick(['shared', 'own', 'new']),
        ratePerSecond: random.pick([0.5, 1, 2]),
        burst: random.between(1, 8),
      },
      canBeAsked: random.chance(0.5),
      ...(random.chance(0.5) && { polls: 'always' as const }),
      ...(random.chance(0.5) && { askLagMs: random.below(9_000), keepsMs: 60_000 }),
      takesReplies: random.chance(0.5),
      settingsSealed: Buffer.from([7]),
      callbackTokenHash: random.pick([null, Buffer.from([0]), Buffer.from([5])]),
    },
  ],
  findDispatch: ({ random, known }) => [random.pick([...known.dispatchIds, random.uuid()])],
  listRounds: (scene) => [planned(scene)],
  listMessagesOfOrganisation: ({ random, known }) => [
    {
      dispatchId: random.pick(known.dispatchIds),
      organisationId: random.pick(known.organisationIds),
    },
  ],
  listAttempts: (scene) => [someMessages(scene).map((m) => m.id)],
  listLookups: (scene) => [someMessages(scene).map((m) => m.id)],
  listReceipts: (scene) => {
    const some = someMessages(scene, 10);
    return [some.map((m) => m.id)];
  },
};
