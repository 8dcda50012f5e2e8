/** What the statements about lost history may be asked. */
import type { SightedText } from '#dispatch/store-continuity.ts';
import { timeAsText } from './continuity.ts';
import { someMessages, type Calls, type Scene } from './scene.ts';

/** Texts as a list shows them: of attempts that are known, of others, and of no message at all. */
function sightings(scene: Scene): SightedText[] {
  const { base, random } = scene;
  return Array.from({ length: random.between(1, 4) }, (_, i) => {
    const [message] = someMessages(scene, 1);
    const [lost] = random.shuffle([...base.tables.lostText.values()]);
    const messageId =
      message !== undefined && random.chance(0.7) ? message.id : (lost?.reference ?? random.uuid());
    const [known] = random.shuffle(base.attemptsOf(messageId));
    const isKnown = known !== undefined && random.chance(0.5);
    const epoch = isKnown ? known.epoch : 1;
    // Far from the numbers of claims: here a restored attempt is not always adopted at once.
    const attempt = isKnown ? known.number : random.between(100, 30_000);
    return {
      messageId,
      epoch,
      attempt,
      // One reference for each attempt; of a lost text it only has to be its own.
      reference: base.tables.message.has(messageId)
        ? `${messageId}-${epoch}-${attempt}`
        : messageId,
      providerId: random.uuid(),
      status: random.pick(['created', 'sending', 'delivered']),
      // Apart, so that their order is clear.
      createdAt: new Date(base.now - 1_000 * random.below(60) - i),
    };
  }).flatMap((text) => {
    if (!random.chance(0.15)) return [text];
    // Notify does not refuse a reference that it had before.
    const createdAt = new Date(text.createdAt.getTime() + 500);
    return [text, { ...text, providerId: random.uuid(), status: 'sending', createdAt }];
  });
}

export const continuity: Pick<
  Calls,
  | 'readContinuity'
  | 'markProven'
  | 'markHeld'
  | 'markHeldAnew'
  | 'findUnknownReferences'
  | 'restoreAttempts'
  | 'adoptLost'
  | 'listNeverSent'
  | 'markLookedAt'
  | 'endHold'
  | 'raiseEpochs'
  | 'closeInDoubt'
  | 'readHold'
  | 'readReplica'
  | 'markReplicaAway'
  | 'markReplicaBack'
  | 'markAlone'
  | 'markNotAlone'
> = {
  readContinuity: () => [],
  markProven: ({ base, random }) => [
    timeAsText(random.chance(0.8) ? base.server.startedAt : base.now - 1_000),
  ],
  markHeld: ({ base, random }) => [
    { reason: 'lost', readFrom: random.pick([null, new Date(base.now - 1_000)]) },
  ],
  findUnknownReferences: (scene) => [sightings(scene)],
  restoreAttempts: (scene) => [scene.random.pick(scene.known.gatewayIds), sightings(scene)],
  adoptLost: (scene) => [
    scene.random.pick(scene.known.gatewayIds),
    sightings(scene).map(({ messageId, attempt, providerId, status }) => ({
      messageId,
      attempt,
      providerId,
      status,
    })),
  ],
  listNeverSent: (scene) => [someMessages(scene).map(({ id }) => id)],
  markHeldAnew: () => [],
  markLookedAt: ({ base, random, known }) => {
    const { heldSince } = base.tables.continuity.get('history')!;
    return [
      {
        heldSince: timeAsText(random.chance(0.8) ? (heldSince ?? base.now) : base.now),
        gatewayIds: random.shuffle(known.gatewayIds).slice(0, 2),
        adopted: random.below(9),
      },
    ];
  },
  endHold: ({ random }) => [random.pick(['refuse', 'accept'])],
  raiseEpochs: () => [],
  closeInDoubt: ({ random }) => [random.pick(['send_again', 'treat_as_sent'])],
  readHold: () => [],
  readReplica: () => [],
  markReplicaAway: () => [],
  markReplicaBack: () => [],
  markAlone: () => ['cannot wait'],
  markNotAlone: () => [],
};
