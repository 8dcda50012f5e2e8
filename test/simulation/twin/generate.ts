/** Random tables: a few dispatches in every state, with messages in every state. */
import { states, type MessageState } from '#dispatch/model.ts';
import type { Random } from '../random.ts';
import { addBreaker } from './gateway.ts';
import { KEPT_MS, type Known } from './known.ts';
import { fillTraces } from './traces.ts';
import {
  ANSWERS,
  keyOf,
  type Base,
  type BreakerRow,
  type DispatchState,
  type GatewayRow,
  type MessageRow,
} from './rows.ts';
import type { ContinuityRow } from './server.ts';

/** Where each history begins, in ms; any moment would do. */
export const START_MS = Date.UTC(2026, 2, 29, 0, 58);

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Every state; those from which most statements move a message more often. */
const STATES: readonly MessageState[] = [
  ...(Object.keys(states) as MessageState[]),
  ...(['ready', 'ready', 'ready', 'claimed', 'claimed', 'unknown', 'unknown', 'held'] as const),
];
/** Those in which nothing of a message is on its way any more. */
const OVER: readonly MessageState[] = ['accepted', 'delivered', 'rejected', 'cancelled'];
const OWNERS = 3;
const ORGANISATIONS = 4;
/** One more, of which in some dispatches nobody is known to have anything. */
const SILENT = ORGANISATIONS;

function ids(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => random.uuid());
}

/** Fills the empty tables. */
export function fillTables(base: Base, random: Random): Known {
  base.now = START_MS;
  const dispatchIds = ids(random, random.between(1, 3));
  const known = {
    dispatchIds: [...dispatchIds, ANSWERS],
    organisationIds: ids(random, ORGANISATIONS + 1),
    pointIds: ids(random, 3),
    owners: ids(random, OWNERS),
    gatewayIds: ['notify', 'relay', 'second'],
    messageIds: [] as string[],
  };
  fillGateways(base, random);
  fillContinuity(base, random);
  if (random.chance(0.5)) fillLostText(base, random);
  for (const id of known.dispatchIds) fillDispatch(base, random, id);
  for (const dispatchId of known.dispatchIds) {
    const isPlanned = dispatchId !== ANSWERS;
    if (isOld(base, dispatchId) && random.chance(0.5)) {
      fillKept(base, random, dispatchId);
      continue;
    }
    const isCancelled = base.tables.dispatch.get(dispatchId)!.state === 'cancelled';
    const isOver = isPlanned && random.chance(isCancelled ? 0.6 : 0.25);
    if (isOver) openAllRounds(base, dispatchId);
    for (let i = random.below(isPlanned ? 7 : 3); i > 0; i--) {
      const told = { dispatchId, ...(isOver && { state: random.pick(OVER) }) };
      known.messageIds.push(fillMessage(base, random, known, told));
    }
    if (!isPlanned || isOver) continue;
    if (random.chance(0.3)) known.messageIds.push(...fillSilence(base, random, known, dispatchId));
    if (random.chance(0.5)) known.messageIds.push(...fillCrowd(base, random, known, dispatchId));
  }
  if (random.chance(0.5)) fillDecision(base, random, random.pick(dispatchIds));
  for (const dispatchId of dispatchIds) {
    for (const organisationId of known.organisationIds) {
      if (!random.chance(0.3)) continue;
      const row = { dispatchId, organisationId, settledAt: START_MS - random.below(1000) };
      base.tables.settled.set(keyOf(dispatchId, organisationId), row);
    }
  }
  for (const contactPointId of known.pointIds)
    if (random.chance(0.05))
      base.tables.stopped.set(contactPointId, { contactPointId, stoppedAt: START_MS });
  known.messageIds.push(random.uuid());
  for (const dispatchId of dispatchIds) {
    const count = base.messagesOf(dispatchId).length;
    const plannedMessages = random.pick([count, count, count + 1, null]);
    Object.assign(base.tables.dispatch.get(dispatchId)!, { plannedMessages });
  }
  fillTraces(base, random, known);
  return known;
}

/** A breaker in each state; closed more often, as in life. */
const breakers: readonly Partial<BreakerRow>[] = [
  {},
  {},
  {},
  { state: 'open', reason: 'failing', retryAt: START_MS + 5_000, turn: 2 },
  { state: 'half_open', reason: 'no_answer', rung: 0, rowsLeft: 1, turn: 3 },
  { state: 'half_open', reason: 'no_answer', rung: 0, rowsLeft: 0, tries: 1, triedAt: START_MS },
  { state: 'ramping', reason: 'failing', rung: 2, turn: 4 },
];

function fillGateways(base: Base, random: Random): void {
  // Whole numbers and halves: what a claim may take does not hang on the last bit of a sum.
  for (const id of ['shared', 'own']) {
    const burst = random.between(1, 8);
    const isPaused = random.chance(0.2);
    const isSlow = random.chance(0.2);
    base.tables.bucket.set(id, {
      id,
      // At the slowest a minute goes by without a token.
      ratePerSecond: random.pick([0.5, 1, 2, 4, 1 / 64]),
      burst,
      tokens: random.chance(0.05) ? -0.5 : random.pick([0, 0, random.below(2 * burst + 1) / 2]),
      refilledAt: START_MS - random.between(-4, 8) * 500,
      reserveShare: random.pick([0, 0.5, 0.85]),
      pausedAt: isPaused ? START_MS - random.between(-1, 4) * 500 : null,
      slowShare: 0.5,
      slowFrom: isSlow ? START_MS - 4_000 : null,
      slowUntil: isSlow ? START_MS + random.between(-1, 60) * 500 : null,
      pausedUntil: isPaused ? START_MS + random.between(-2, random.pick([6, 600])) * 500 : null,
      pauseReason: isPaused ? '429 RateLimitError' : null,
    });
  }
  const gateway = (id: string, rest: Partial<GatewayRow>) => {
    base.tables.gateway.set(id, {
      id,
      kind: 'notify',
      channel: 'text',
      bucketId: 'shared',
      canBeAsked: true,
      askLag: random.pick([null, 0]),
      keepsFor: random.pick([null, 3_600_000]),
      deduplicates: false,
      takesReplies: true,
      limitsValidity: false,
      receipts: 'final',
      settingsSealed: Buffer.from([random.below(256)]),
      callbackTokenHashes: Array.from({ length: random.below(3) }, (_, i) => Buffer.from([i])),
      polls: random.pick(['never', 'without_token', 'always']),
      templateId: null,
      templateVersion: random.pick([null, 1]),
      templateBody: null,
      templateReadAt: null,
      createdAt: START_MS - 60_000,
      removedAt: null,
      weight: random.pick([0, 1, 100]),
      enabled: random.chance(0.8),
      lastProvenAt: null,
      lastFailureAt: null,
      lastFailureCode: null,
      ...rest,
    });
  };
  for (const id of ['notify', 'relay', 'second']) {
    addBreaker(base, id);
    const shift = random.pick([0, 0, 30, 100]);
    Object.assign(base.tables.breaker.get(id)!, { ...random.pick(breakers), shift });
  }
  gateway('notify', {});
  gateway('relay', { kind: 'smtp', channel: 'mail', canBeAsked: random.chance(0.5) });
  gateway('second', { bucketId: 'own', ...(random.chance(0.2) && removed) });
}

/** Taken away a moment ago. */
const removed: Partial<GatewayRow> = {
  removedAt: START_MS - 10_000,
  enabled: false,
  callbackTokenHashes: [],
};

/** Whole mostly; else another start, timeline or server, or held, read already or not yet. */
function fillContinuity(base: Base, random: Random): void {
  const row = base.tables.continuity.get('history')!;
  fillReplica(row, random);
  if (random.chance(0.6)) return;
  if (random.chance(0.6)) row.provenStart = START_MS - 60_000;
  if (random.chance(0.3)) row.timeline = '00000002';
  if (random.chance(0.2)) row.systemIdentifier = '7000000000000000002';
  if (random.chance(0.2)) row.databaseId = '6-16400';
  if (random.chance(0.4)) return;
  row.heldSince = START_MS - random.between(1, 100_000);
  row.heldStart = random.pick([base.server.startedAt, START_MS - 90_000]);
  row.heldReason = 'another database, server or timeline';
  row.readFrom = random.pick([null, START_MS - 200_000]);
  if (random.chance(0.5)) return;
  row.lookedAt = START_MS - 1;
  row.readGateways = random.pick([[], ['notify'], ['notify', 'second']]);
  row.adopted = random.below(5);
}

/** Mostly it answers; else it is away, and some send without it. */
function fillReplica(row: ContinuityRow, random: Random): void {
  if (random.chance(0.8)) return;
  row.replicaAwaySince = START_MS - random.between(1, 100_000);
  if (random.chance(0.5)) return;
  row.aloneSince = START_MS - 1;
  row.aloneReason = 'cannot wait';
}

/** A person decided, and nobody carried it out yet. */
function fillDecision(base: Base, random: Random, dispatchId: string): void {
  const id = random.uuid();
  const decidedAt = START_MS - random.below(MINUTE_MS);
  const by = { decidedBy: 'an officer', reason: 'nobody knows' };
  base.tables.riskDecision.set(id, { id, dispatchId, decidedAt, ...by, appliedAt: null });
}

/** A text that an earlier reading found, or the one that is held for. */
function fillLostText(base: Base, random: Random): void {
  const reference = random.uuid();
  base.tables.lostText.set(reference, {
    reference,
    gatewayId: 'notify',
    providerId: random.uuid(),
    status: 'sending',
    createdAt: START_MS - 200_000,
    foundAt: START_MS - random.between(1, 100_000),
  });
}

function fillDispatch(base: Base, random: Random, id: string): void {
  const isStanding = id === ANSWERS;
  const state: DispatchState = isStanding
    ? 'sending'
    : random.pick(['held', 'sending', 'sending', 'sending', 'paused', 'cancelled', 'done']);
  const lane = isStanding ? 0 : random.pick([1, 1, 2, 3, 4]);
  const isSpaced = random.chance(0.4);
  const isQuiet = !isStanding && random.chance(0.4);
  const isOver = state === 'cancelled' || state === 'done';
  const ageMs = random.pick([random.below(MINUTE_MS), random.between(1, 20) * MINUTE_MS]);
  const releasedAt = state === 'held' ? null : START_MS - ageMs;
  const recallFor = random.pick([0, 0, MINUTE_MS, 10 * MINUTE_MS]);
  const longAgo = KEPT_MS + random.below(4 * HOUR_MS);
  const endedFor = random.pick([1, 2 * MINUTE_MS, HOUR_MS, longAgo, longAgo]);
  base.tables.dispatch.set(id, {
    id,
    label: `Dispatch ${random.below(100)}`,
    lane,
    // Now and then as the constraint forbids it.
    exercise: (lane === 4) !== random.chance(0.05),
    state,
    epoch: state === 'cancelled' ? 2 : 1,
    contentHash: random.pick([null, 'one', 'two']),
    plannedMessages: null,
    receiptAsksMs: [120_000, 300_000],
    uncertainAfter: random.pick([20_000, MINUTE_MS, 5 * MINUTE_MS]),
    recallFor,
    cleared: state !== 'cancelled' || random.chance(0.5),
    expiresAfter: random.between(15, 40) * MINUTE_MS,
    createdAt: START_MS - 30 * MINUTE_MS,
    releasedAt,
    endedAt: isOver ? START_MS - endedFor : null,
    forgottenAt: null,
    pauseReason: state === 'paused' ? 'asked for' : null,
    numberMost: isSpaced ? random.pick([1, 1, 2]) : null,
    numberWithin: isSpaced ? random.pick([1, 10, 30, 60]) * MINUTE_MS : null,
    quietFromMinute: isQuiet ? 22 * 60 : null,
    quietUntilMinute: isQuiet ? 6 * 60 : null,
    refusalsFrom: random.pick([null, START_MS - 1_000, START_MS - 600_000]),
    pausedAt: state === 'paused' ? START_MS - random.below(MINUTE_MS) : null,
    // All apart, so that it is clear which is served next.
    lastClaimedAt: START_MS - 1 - random.below(1_000_000),
  });
  if (isStanding) return;
  for (let round = 1; round <= random.between(1, 3); round++) {
    const opensAfter = (round - 1) * random.between(1, 10) * MINUTE_MS;
    const opensAt = releasedAt === null ? null : releasedAt + recallFor + opensAfter + round;
    const openedAt = opensAt !== null && opensAt <= START_MS && random.chance(0.6) ? opensAt : null;
    const key = keyOf(id, round);
    const partAt = openedAt !== null && random.chance(0.3) ? openedAt : null;
    base.tables.round.set(key, {
      dispatchId: id,
      round,
      opensAfter,
      opensAt,
      openedAt,
      partAt,
      putOff: random.pick([0, 0, MINUTE_MS, 10 * MINUTE_MS]),
      reminds: false,
    });
  }
}

function isOld(base: Base, dispatchId: string): boolean {
  const { cleared, endedAt } = base.tables.dispatch.get(dispatchId)!;
  return cleared && endedAt !== null && endedAt < START_MS - DAY_MS;
}

/** Its messages were forgotten, and what was counted of them was kept; now and then not yet all. */
function fillKept(base: Base, random: Random, dispatchId: string): void {
  const messages = random.below(9);
  base.tables.keptLedger.set(dispatchId, {
    dispatchId,
    keptAt: START_MS - 1_000,
    messages,
    messagesGone: messages,
    messagesUnknown: random.below(3),
    messagesNeverSent: random.below(3),
    organisations: random.below(9),
    organisationsGone: random.below(3),
    organisationsUnknown: random.below(3),
    organisationsNeverSent: random.below(3),
  });
  for (const state of random.shuffle([...OVER]).slice(0, 2)) {
    const row = { dispatchId, channel: 'text', state, messages: random.between(1, 9) };
    base.tables.keptCount.set(keyOf(dispatchId, 'text', state), row);
  }
  const forgottenAt = random.pick([null, START_MS - 1_000]);
  Object.assign(base.tables.dispatch.get(dispatchId)!, { forgottenAt });
}

/** As where nothing waits any more: a dispatch may end then. */
function openAllRounds(base: Base, dispatchId: string): void {
  for (const round of base.tables.round.values())
    if (round.dispatchId === dispatchId) round.openedAt ??= round.opensAt;
}

/** What is told of a message; the rest is drawn. */
type Told = Pick<MessageRow, 'dispatchId'> &
  Partial<Pick<MessageRow, 'channel' | 'contactPointId' | 'organisationId' | 'round' | 'state'>>;

function fillMessage(base: Base, random: Random, known: Known, told: Told): string {
  const { dispatchId } = told;
  const id = random.uuid();
  const isAnswer = dispatchId === ANSWERS;
  const dispatch = base.tables.dispatch.get(dispatchId)!;
  const taken = base.messagesOf(dispatchId);
  const isShared = isAnswer || (told.round === undefined && random.chance(0.3));
  const drawnPoint = isShared ? random.pick(known.pointIds) : random.uuid();
  const contactPointId = told.contactPointId ?? drawnPoint;
  base.addMessage({
    id,
    contactPointId,
    organisationId: isAnswer ? null : random.pick(known.organisationIds.slice(0, SILENT)),
    channel: random.pick(['text', 'text', 'text', 'mail']),
    round: isShared
      ? taken.filter((m) => m.contactPointId === contactPointId).length + 1
      : random.between(1, 3),
    rank: random.between(1, 3),
    code: String(random.between(1000, 9999)),
    subject: random.pick([null, 'Subject']),
    body: random.pick(['Isolate now. {since}', 'Unanswered since {since}, {since}', 'News']),
    addressSealed: Buffer.from([random.below(256), random.below(256)]),
    ...columnsOf(random, told.state ?? random.pick(STATES), known),
    ...(isAnswer && { rule: 'texts.after_reply', ruleVersion: '0'.repeat(64), ruleFact: 'asked' }),
    ...told,
  });
  if (random.chance(0.2)) {
    const { channel } = base.tables.message.get(id)!;
    const gatewayId = random.pick(known.gatewayIds);
    base.tables.sender.set(keyOf(contactPointId, channel), { contactPointId, channel, gatewayId });
  }
  const message = base.tables.message.get(id)!;
  if (dispatch.releasedAt === null && random.chance(0.9)) message.state = 'held';
  if (message.state === 'held') Object.assign(message, heldColumns);
  if (isAnswer && message.dueAt !== null && random.chance(0.3)) message.dueAt -= KEPT_MS;
  if (!isAnswer && random.chance(0.4)) {
    const others = known.organisationIds.filter((one) => one !== message.organisationId);
    base.tables.credit.set(id, new Set(random.shuffle(others).slice(0, random.between(1, 2))));
  }
  fillAttempts(base, random, message, known);
  return id;
}

/** An organisation with an unknown message, perhaps a refused one, and deputies who wait. */
function fillSilence(base: Base, random: Random, known: Known, dispatchId: string): string[] {
  const of = { dispatchId, organisationId: known.organisationIds[SILENT]! };
  const states = random.pick([
    ['unknown', 'held', 'held'],
    ['unknown', 'rejected', 'held', 'held', 'held'],
    ['unknown', 'ready', 'held'],
  ] as const);
  return states.map((state, i) =>
    fillMessage(base, random, known, { ...of, state, round: 1 + Math.min(i, 2) }),
  );
}

/** A number that gets a text in each round, where a dispatch says how many are too many. */
function fillCrowd(base: Base, random: Random, known: Known, dispatchId: string): string[] {
  if (base.tables.dispatch.get(dispatchId)!.numberMost === null) return [];
  openAllRounds(base, dispatchId);
  const to = { dispatchId, contactPointId: random.uuid(), channel: 'text' } as const;
  const states = random.shuffle(['ready', 'accepted', random.pick(STATES)] as const);
  return states.map((state, i) => fillMessage(base, random, known, { ...to, state, round: 1 + i }));
}

const heldColumns: Partial<MessageRow> = {
  dueAt: null,
  expiresAt: null,
  attempt: 0,
  homeGatewayId: null,
  gatewayId: null,
  absentGatewayId: null,
  leaseOwner: null,
  leaseUntil: null,
  checkAt: null,
  acceptedAt: null,
  finalAt: null,
};

const FINAL = new Set<MessageState>([
  ...(['delivered', 'undelivered', 'rejected', 'cancelled'] as const),
  ...(['expired', 'suppressed', 'uncertain_closed'] as const),
]);

/** The columns that belong to the state, as the CHECK constraints have them. */
function columnsOf(random: Random, state: MessageState, known: Known): Partial<MessageRow> {
  const wasTried = !['held', 'cancelled', 'expired', 'suppressed'].includes(state);
  const attempt = wasTried && (state !== 'ready' || random.chance(0.3)) ? random.between(1, 3) : 0;
  const soon = () => START_MS + random.between(-60_000, 60_000);
  const isAsked = state === 'unknown' || state === 'accepted';
  const wasAccepted = ['accepted', 'delivered', 'undelivered'].includes(state);
  return {
    state,
    attempt,
    homeGatewayId: state === 'held' ? null : random.pick([null, ...known.gatewayIds]),
    gatewayId: attempt === 0 ? null : random.pick(known.gatewayIds),
    dueAt: START_MS - random.between(-20_000, 60_000),
    expiresAt: START_MS + random.between(-10, 40) * 30_000,
    leaseOwner: state === 'claimed' ? random.pick(known.owners) : null,
    leaseUntil: state === 'claimed' ? soon() : null,
    checkAt: isAsked && (state === 'unknown' || random.chance(0.8)) ? soon() : null,
    checks: random.below(5),
    absences: random.below(2),
    providerId: wasAccepted ? random.uuid() : null,
    acceptedAt: wasAccepted
      ? START_MS - random.pick([random.below(1_000_000), random.below(1_000_000), 8 * DAY_MS])
      : null,
    finalAt: FINAL.has(state) ? START_MS - 3 : null,
    absentGatewayId: attempt > 0 && random.chance(0.3) ? random.pick(known.gatewayIds) : null,
  };
}

function fillAttempts(base: Base, random: Random, message: MessageRow, known: Known): void {
  const firstAt = START_MS - random.pick([MINUTE_MS, MINUTE_MS, 2 * HOUR_MS]);
  for (let number = 1; number <= message.attempt; number++) {
    // A database that lost its last moments may lack an attempt.
    if (random.chance(0.1)) continue;
    const key = { messageId: message.id, epoch: 1, number };
    base.addAttempt({
      ...key,
      gatewayId: message.gatewayId!,
      owner: message.leaseOwner ?? random.pick(known.owners),
      claimedAt: firstAt + number,
    });
    if (message.state === 'claimed' && number === message.attempt) continue;
    const ended = random.pick(['accepted', 'rejected', 'not_sent', 'unknown'] as const);
    const isNamed = ended === 'accepted' && random.chance(0.5);
    base.tables.attemptEnd.set(keyOf(message.id, 1, number), {
      ...key,
      class: ended,
      code: random.pick([null, 'ECONNREFUSED']),
      providerId: isNamed ? (message.providerId ?? random.uuid()) : null,
      endedAt: START_MS - 30_000 + number,
    });
  }
}
