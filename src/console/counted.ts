/**
 * The messages of an alert, counted once and kept up with what moves since: by organisation for the
 * figures, by gateway for the paths. A move that the count has seen already is left out, by its
 * transaction, so nothing counts twice. Pure, but that `Counted` is changed in place.
 */
import type { PathTally } from './model.ts';
import { isSeenBy, type Move, type Notice } from './notice.ts';
import type { Heap, HeapsRead } from './store.ts';
import type { AnswerTuple, StandingsRead, StandingTuple } from './store-standings.ts';

/** What a state means for an organisation; of the other states nothing comes any more. */
const kinds: Readonly<Record<string, 'toCome' | 'taken' | 'unsure' | 'arrived'>> = {
  held: 'toCome',
  ready: 'toCome',
  claimed: 'toCome',
  accepted: 'taken',
  unknown: 'unsure',
  uncertain_closed: 'unsure',
  delivered: 'arrived',
};

/** What a state means for a path; of the states before those, see `Waiting`. */
const ends: Readonly<
  Record<string, 'accepted' | 'delivered' | 'failed' | 'unknown' | 'cancelled'>
> = {
  accepted: 'accepted',
  delivered: 'delivered',
  undelivered: 'failed',
  rejected: 'failed',
  expired: 'failed',
  unknown: 'unknown',
  uncertain_closed: 'unknown',
  cancelled: 'cancelled',
};

export type Standing = {
  readonly name: string;
  readonly region: string | null;
  readonly system: string | null;
  readonly type: string;
  /** Messages that count for it. */
  toCome: number;
  taken: number;
  unsure: number;
  arrived: number;
  deliveredMs: number | null;
  answer: AnswerTuple;
};

export type Counted = {
  readonly standingsSeen: string;
  readonly standings: Map<string, Standing>;
  readonly heapsSeen: string;
  /** By channel and home: what has not left. */
  readonly waiting: Map<string, { first: number; later: number }>;
  /** What of it workers held when that was read last: claims are not told. */
  claimed: readonly Heap[];
  claimedReadAtMs: number;
  /** By channel and gateway, and by state. */
  readonly ended: Map<string, Map<string, number>>;
};

export function countedOf(standings: StandingsRead, heaps: HeapsRead, nowMs: number): Counted {
  const counted: Counted = {
    standingsSeen: standings.snapshot,
    standings: new Map(standings.standings.map((tuple) => [tuple[0], standingOf(tuple)])),
    heapsSeen: heaps.snapshot,
    waiting: new Map(),
    ended: new Map(),
    claimed: heaps.heaps.filter(({ state }) => state === 'claimed'),
    claimedReadAtMs: nowMs,
  };
  for (const heap of heaps.heaps) addHeap(counted, heap, heap.messages);
  return counted;
}

/** The paths of messages that are counted for this once. */
export function tallyHeaps(heaps: HeapsRead): PathTally[] {
  return tallyPaths(countedOf({ snapshot: '', standings: [] }, heaps, 0));
}

function standingOf(tuple: StandingTuple): Standing {
  const [, name, region, system, type, toCome, taken, unsure, arrived, deliveredMs, answer] = tuple;
  return { name, region, system, type, toCome, taken, unsure, arrived, deliveredMs, answer };
}

type HeapKey = Pick<Heap, 'channel' | 'home' | 'gateway' | 'isFirst' | 'state'>;

function addHeap(counted: Counted, heap: HeapKey, messages: number): void {
  if (kinds[heap.state] === 'toCome') {
    const key = JSON.stringify([heap.channel, heap.home]);
    const waiting = counted.waiting.get(key) ?? { first: 0, later: 0 };
    waiting[heap.isFirst ? 'first' : 'later'] += messages;
    counted.waiting.set(key, waiting);
    return;
  }
  const key = JSON.stringify([heap.channel, heap.gateway]);
  const ended = counted.ended.get(key) ?? new Map<string, number>();
  ended.set(heap.state, (ended.get(heap.state) ?? 0) + messages);
  counted.ended.set(key, ended);
}

/** Takes in what moved, but for what was counted already. `nowMs` is when. */
export function addMoves(counted: Counted, { news }: Notice, nowMs: number): void {
  if (news?.kind !== 'moves') return;
  const { transaction, moves } = news;
  if (!isSeenBy(counted.standingsSeen, transaction))
    for (const move of moves) moveStandings(counted.standings, move, nowMs);
  if (isSeenBy(counted.heapsSeen, transaction)) return;
  for (const { gatewayBefore, gatewayNow, was, became, messages, ...heap } of moves) {
    addHeap(counted, { ...heap, gateway: gatewayBefore, state: was }, -messages);
    addHeap(counted, { ...heap, gateway: gatewayNow, state: became }, messages);
  }
}

/** Whoever is left to be reminded is silent, and is rung. */
function kindOf(state: string, { reminds }: Move): (typeof kinds)[string] | undefined {
  const kind = kinds[state];
  return kind === 'toCome' && reminds ? undefined : kind;
}

function moveStandings(standings: Counted['standings'], move: Move, nowMs: number): void {
  const [from, to] = [kindOf(move.was, move), kindOf(move.became, move)];
  if (from === to) return;
  for (const key of move.organisations) {
    const standing = standings.get(key);
    // One that need not answer has no figures.
    if (standing === undefined) continue;
    if (from !== undefined) standing[from] -= 1;
    if (to !== undefined) standing[to] += 1;
    if (to === 'arrived') standing.deliveredMs ??= nowMs;
  }
}

export function setAnswer(counted: Counted, key: string, answer: AnswerTuple): void {
  const standing = counted.standings.get(key);
  if (standing !== undefined) standing.answer = answer;
}

/** The paths. What workers held is never more of a path than is still to come of it. */
export function tallyPaths({
  waiting,
  ended,
  claimed,
}: Pick<Counted, 'waiting' | 'ended' | 'claimed'>): PathTally[] {
  type Tally = { -readonly [K in keyof PathTally]: PathTally[K] };
  const tallies = new Map<string, Tally>();
  const of = (channel: PathTally['channel'], gatewayId: string | null) => {
    const key = JSON.stringify([channel, gatewayId]);
    const tally = tallies.get(key) ?? { ...nothing, channel, gatewayId };
    tallies.set(key, tally);
    return tally;
  };
  const toCome = new Map<string, number>();
  for (const [key, { first, later }] of waiting) {
    toCome.set(key, first + later);
    const tally = of(...(JSON.parse(key) as [PathTally['channel'], string | null]));
    tally.waiting += first;
    tally.planned += first + later;
  }
  for (const { channel, home, gateway, isFirst, messages: read } of claimed) {
    const key = JSON.stringify([channel, home]);
    const left = toCome.get(key) ?? 0;
    const messages = Math.min(read, left);
    toCome.set(key, left - messages);
    const waited = of(channel, home);
    waited.waiting = Math.max(0, waited.waiting - (isFirst ? messages : 0));
    waited.planned -= messages;
    const held = of(channel, gateway);
    held.underWay += messages;
    held.planned += messages;
  }
  for (const [key, states] of ended) {
    const tally = of(...(JSON.parse(key) as [PathTally['channel'], string | null]));
    for (const [state, messages] of states) {
      tally.planned += messages;
      const end = ends[state];
      if (end !== undefined) tally[end] += messages;
    }
  }
  return [...tallies.values()]
    .filter(({ planned }) => planned > 0)
    .toSorted(
      (a, b) =>
        b.channel.localeCompare(a.channel) ||
        (a.gatewayId ?? '~').localeCompare(b.gatewayId ?? '~'),
    );
}

const nothing = {
  planned: 0,
  waiting: 0,
  underWay: 0,
  accepted: 0,
  delivered: 0,
  failed: 0,
  unknown: 0,
  cancelled: 0,
};
