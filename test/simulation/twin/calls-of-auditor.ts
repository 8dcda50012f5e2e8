/** Calls of the statements of the auditor and of retention. */
import type { Finding } from '#dispatch/store-auditor.ts';
import { KEPT_MS } from './known.ts';
import { ANSWERS } from './rows.ts';
import { ALL, type Calls, type Scene } from './scene.ts';

export const auditing: Pick<
  Calls,
  | 'countMiscounted'
  | 'countOverheld'
  | 'countUnresolved'
  | 'countUnopened'
  | 'countAcceptedTwice'
  | 'countUntimed'
  | 'countUnfinished'
  | 'countMovedBack'
  | 'countMislaned'
  | 'countOverspent'
  | 'countUnheard'
  | 'countStranded'
  | 'countHeld'
  | 'countAway'
  | 'takeTurn'
  | 'endTurn'
  | 'recordInvariant'
  | 'listInvariants'
  | 'readAuditor'
  | 'notifyAudit'
> = {
  countMiscounted: () => [],
  countOverheld: () => [],
  countUnresolved: () => [],
  countUnopened: () => [],
  countAcceptedTwice: () => [],
  countUntimed: () => [],
  countUnfinished: () => [],
  countMovedBack: () => [],
  countMislaned: () => [],
  countOverspent: () => [],
  countUnheard: () => [],
  countStranded: () => [],
  countHeld: () => [],
  countAway: () => [],
  takeTurn: ({ random, known }) => [random.pick(known.owners), random.pick([1_000, 60_000])],
  endTurn: (scene) => [ownerOf(scene)],
  recordInvariant: (scene) => [drawFinding(scene)],
  listInvariants: () => [],
  readAuditor: () => [],
  notifyAudit: () => [],
};

/** Mostly whoever has the turn. */
function ownerOf({ base, random, known }: Scene): string {
  const { owner } = base.tables.auditor.get('auditor')!;
  return owner !== null && random.chance(0.7) ? owner : random.pick(known.owners);
}

function drawFinding({ random }: Scene): Finding {
  const breaches = random.pick([0, 1, 7]);
  return {
    id: random.pick(['counted', 'leased', 'timed']),
    holds: random.pick(['it holds', 'it does hold']),
    mend: random.pick(['restart', 'report']),
    breaches,
    sample: breaches === 0 ? null : random.pick(['one', 'two']),
  };
}

export const retention: Pick<Calls, 'forgetMessages' | 'forgetInbox'> = {
  // All of them or just as many as there are: which of more would go is not told.
  forgetMessages: ({ base, random }) => {
    const [oldest] = [...base.tables.dispatch.values()]
      .filter(({ endedAt, forgottenAt }) => endedAt !== null && forgottenAt === null)
      .toSorted((a, b) => a.endedAt! - b.endedAt!);
    const count = oldest === undefined ? 0 : base.messagesOf(oldest.id).length;
    return [{ olderThanMs: random.pick(AGES_MS), most: random.pick([ALL, Math.max(1, count)]) }];
  },
  forgetInbox: ({ base, random }) => {
    const { part, receipt, reply } = base.tables;
    const inOrder = [
      [...receipt.values()].map(({ receivedAt }) => receivedAt),
      [...part.values()].map(({ updatedAt }) => updatedAt),
    ];
    const isClear = inOrder.every((times) => new Set(times).size === times.length);
    const others = Math.max(1, reply.size, base.messagesOf(ANSWERS).length);
    return [
      { olderThanMs: random.pick(AGES_MS), most: isClear ? random.pick([ALL, others]) : ALL },
    ];
  },
};

/** What is younger than thirty days is not asked for: it would be refused. */
const AGES_MS = [KEPT_MS, KEPT_MS + 3_600_000];
