/** What the statements about rounds are asked. */
import { mostly, planned, someMessages, type Calls, type Scene } from './scene.ts';
import type { RoundRow } from './rows.ts';

export const rounds: Pick<
  Calls,
  | 'startRounds'
  | 'postponeRounds'
  | 'listQuietTimes'
  | 'setRoundTime'
  | 'shiftRound'
  | 'markRoundOpened'
  | 'lockOpeningRound'
  | 'markPartReady'
  | 'lockNextPart'
  | 'readyMessages'
  | 'listDueRounds'
  | 'listExercisesSending'
  | 'restReady'
> = {
  startRounds: (scene) => [planned(scene)],
  postponeRounds: (scene) => [planned(scene)],
  listQuietTimes: (scene) => [planned(scene)],
  shiftRound: (scene) => [
    {
      dispatchId: planned(scene),
      round: scene.random.between(1, 3),
      byMs: scene.random.between(-300_000, 300_000),
    },
  ],
  setRoundTime: (scene) => [
    {
      dispatchId: planned(scene),
      round: scene.random.between(1, 3),
      opensAt: new Date(scene.base.now + scene.random.below(600_000)),
    },
  ],
  markRoundOpened: (scene) => {
    const anything = () => [planned(scene), scene.random.between(1, 3)] as const;
    return [...mostly(scene, dueRounds(scene), anything)];
  },
  lockOpeningRound: (scene) => {
    const anything = () => [planned(scene), scene.random.between(1, 3)] as const;
    const opening = openRounds(scene).filter(({ partAt }) => partAt !== null);
    const known = opening.map(({ dispatchId, round }) => [dispatchId, round] as const);
    return [...mostly(scene, known, anything)];
  },
  markPartReady: (scene) => {
    const [open] = scene.random.shuffle(openRounds(scene));
    if (open === undefined) return undefined;
    const { dispatchId, round } = open;
    return [{ dispatchId, round, isLast: scene.random.chance(0.5) }];
  },
  lockNextPart: (scene) => [
    {
      dispatchId: planned(scene),
      round: scene.random.between(1, 3),
      most: scene.random.between(1, 3),
    },
  ],
  readyMessages: (scene) => [someMessages(scene).map(({ id }) => id)],
  listDueRounds: () => [],
  listExercisesSending: () => [],
  restReady: (scene) => [
    { dispatchId: planned(scene), until: new Date(scene.base.now + scene.random.below(600_000)) },
  ],
};

function dueRounds({ base }: Scene): (readonly [string, number])[] {
  return [...base.tables.round.values()]
    .filter(({ opensAt, openedAt }) => openedAt === null && opensAt !== null && opensAt <= base.now)
    .map(({ dispatchId, round }) => [dispatchId, round] as const);
}

function openRounds({ base }: Scene): RoundRow[] {
  return [...base.tables.round.values()].filter(({ openedAt }) => openedAt !== null);
}
