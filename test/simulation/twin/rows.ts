/**
 * The tables of the schema `dispatch` in memory. Times are milliseconds; rows are changed in
 * place and only by the twins of the statements, each of which counts as one transaction or a part
 * of one.
 */
import type { BreakerReason, BreakerState } from '#dispatch/breaker.ts';
import type { GatewayKind, ReceiptKind } from '#dispatch/gateways/capabilities.ts';
import type { NewAlarm } from '#dispatch/store-check.ts';
import type { AttemptClass, MessageState, ReceiptMeaning } from '#dispatch/model.ts';
import { NEVER_AUDITED, type InvariantRow, type KeptCountRow, type KeptLedgerRow } from './kept.ts';
import { FIRST_SERVER, wholeHistory, type LostTextRow, type Server } from './server.ts';

export type Channel = 'text' | 'mail';

export type BucketRow = {
  id: string;
  ratePerSecond: number;
  burst: number;
  tokens: number;
  refilledAt: number;
  reserveShare: number;
  pausedAt: number | null;
  pausedUntil: number | null;
  pauseReason: string | null;
  slowShare: number;
  slowFrom: number | null;
  slowUntil: number | null;
};

export type GatewayRow = {
  id: string;
  kind: GatewayKind;
  channel: Channel;
  bucketId: string;
  canBeAsked: boolean;
  askLag: number | null;
  keepsFor: number | null;
  deduplicates: boolean;
  takesReplies: boolean;
  limitsValidity: boolean;
  receipts: ReceiptKind;
  settingsSealed: Buffer;
  callbackTokenHashes: Buffer[];
  polls: 'never' | 'without_token' | 'always';
  templateId: string | null;
  templateVersion: number | null;
  templateBody: string | null;
  templateReadAt: number | null;
  createdAt: number;
  removedAt: number | null;
  weight: number;
  enabled: boolean;
  lastProvenAt: number | null;
  lastFailureAt: number | null;
  lastFailureCode: string | null;
};

export type BreakerRow = {
  gatewayId: string;
  state: BreakerState;
  rung: number | null;
  turn: number;
  changedAt: number;
  reason: BreakerReason | null;
  openings: number;
  retryAt: number | null;
  rowsLeft: number | null;
  tries: number;
  triedAt: number | null;
  probeAt: number;
  shift: number;
  shiftedAt: number;
};

export type TallyRow = {
  gatewayId: string;
  at: number;
  turn: number;
  dispatchId: string | null;
  accepted: number;
  rejected: number;
  unknown: number;
  failed: number;
  receipts: number;
  slowReceipts: number;
};

export type PollRow = {
  gatewayId: string;
  what: 'statuses' | 'texts';
  polledAt: number | null;
  owner: string;
  leaseUntil: number | null;
  olderThan: string | null;
};

export type SenderRow = { contactPointId: string; channel: Channel; gatewayId: string };

export type DispatchState = 'held' | 'sending' | 'paused' | 'cancelled' | 'done';

export type DispatchRow = {
  id: string;
  label: string;
  lane: number;
  exercise: boolean;
  state: DispatchState;
  epoch: number;
  contentHash: string | null;
  plannedMessages: number | null;
  expiresAfter: number;
  recallFor: number;
  receiptAsksMs: readonly number[];
  uncertainAfter: number;
  /** False while messages of a cancelled dispatch may still wait to be called off. */
  cleared: boolean;
  createdAt: number;
  releasedAt: number | null;
  endedAt: number | null;
  forgottenAt: number | null;
  pauseReason: string | null;
  pausedAt: number | null;
  numberMost: number | null;
  numberWithin: number | null;
  quietFromMinute: number | null;
  quietUntilMinute: number | null;
  /** Null: since ever. */
  refusalsFrom: number | null;
  lastClaimedAt: number | null;
};

export type RoundRow = {
  dispatchId: string;
  round: number;
  opensAfter: number;
  opensAt: number | null;
  openedAt: number | null;
  partAt: number | null;
  /** By quiet hours, so far. */
  putOff: number;
  /** What is simulated plans none that does. */
  reminds: boolean;
};

export type MessageRow = {
  id: string;
  dispatchId: string;
  contactPointId: string;
  organisationId: string | null;
  channel: Channel;
  round: number;
  rank: number;
  code: string;
  subject: string | null;
  body: string;
  addressSealed: Buffer;
  state: MessageState;
  dueAt: number | null;
  expiresAt: number | null;
  attempt: number;
  homeGatewayId: string | null;
  gatewayId: string | null;
  leaseOwner: string | null;
  leaseUntil: number | null;
  checkAt: number | null;
  checks: number;
  absences: number;
  providerId: string | null;
  acceptedAt: number | null;
  finalAt: number | null;
  failureCode: string | null;
  absentGatewayId: string | null;
  rule: string | null;
  ruleVersion: string | null;
  ruleFact: string | null;
};

/** The columns that a planner fills (dispatch.v_in_recipient). */
export type PlannedMessage = Pick<
  MessageRow,
  | 'id'
  | 'dispatchId'
  | 'contactPointId'
  | 'organisationId'
  | 'channel'
  | 'round'
  | 'rank'
  | 'code'
  | 'subject'
  | 'body'
  | 'addressSealed'
>;

export type AttemptRow = {
  messageId: string;
  epoch: number;
  number: number;
  gatewayId: string;
  owner: string;
  claimedAt: number;
};

export type AttemptEndRow = {
  messageId: string;
  epoch: number;
  number: number;
  class: AttemptClass;
  code: string | null;
  providerId: string | null;
  endedAt: number;
};

export type LookupRow = {
  messageId: string;
  at: number;
  reference: string;
  answer: string;
  status: string | null;
};

export type ReceiptRow = {
  gatewayId: string;
  providerId: string;
  status: string;
  reference: string | null;
  receivedAt: number;
  handledAt: number | null;
  outcome: string | null;
};

export type AlarmRow = NewAlarm & { readonly raisedAt: number };

export type PartRow = {
  gatewayId: string;
  providerId: string;
  reference: string | null;
  part: number | null;
  parts: number | null;
  status: string | null;
  meaning: ReceiptMeaning | null;
  updatedAt: number;
};

export type ReplyRow = {
  id: string;
  gatewayId: string;
  providerId: string;
  addressIndex: Buffer;
  addressSealed: Buffer;
  contentSealed: Buffer;
  sentAt: number | null;
  receivedAt: number;
  handledAt: number | null;
};

/** A person's decision to risk second copies. */
export type RiskDecisionRow = {
  id: string;
  dispatchId: string;
  decidedAt: number;
  decidedBy: string;
  reason: string;
  appliedAt: number | null;
};

export type RiskTakenRow = {
  messageId: string;
  attempt: number;
  decisionId: string;
  takenAt: number;
};

export type SettledRow = { dispatchId: string; organisationId: string; settledAt: number };

export type StoppedRow = { contactPointId: string; stoppedAt: number };

/** The standing dispatch of automatic answers (migrations/0004). */
export const ANSWERS = '00000000-0000-4000-8000-000000000000';

function emptyTables() {
  return {
    bucket: new Map<string, BucketRow>(),
    gateway: new Map<string, GatewayRow>(),
    breaker: new Map<string, BreakerRow>(),
    tally: [] as TallyRow[],
    poll: new Map<string, PollRow>(),
    sender: new Map<string, SenderRow>(),
    dispatch: new Map<string, DispatchRow>(),
    round: new Map<string, RoundRow>(),
    message: new Map<string, MessageRow>(),
    /** Organisations beyond the first, by message. */
    credit: new Map<string, Set<string>>(),
    settled: new Map<string, SettledRow>(),
    stopped: new Map<string, StoppedRow>(),
    attempt: new Map<string, AttemptRow>(),
    attemptEnd: new Map<string, AttemptEndRow>(),
    lookup: [] as LookupRow[],
    receipt: new Map<string, ReceiptRow>(),
    alarm: new Map<string, AlarmRow>(),
    part: new Map<string, PartRow>(),
    reply: new Map<string, ReplyRow>(),
    continuity: new Map([['history', wholeHistory(FIRST_SERVER)]]),
    lostText: new Map<string, LostTextRow>(),
    riskDecision: new Map<string, RiskDecisionRow>(),
    riskTaken: new Map<string, RiskTakenRow>(),
    keptLedger: new Map<string, KeptLedgerRow>(),
    keptCount: new Map<string, KeptCountRow>(),
    auditor: new Map([['auditor', { ...NEVER_AUDITED }]]),
    invariant: new Map<string, InvariantRow>(),
  };
}

export type Tables = ReturnType<typeof emptyTables>;

export type Move = {
  readonly messageId: string;
  readonly from: MessageState;
  readonly to: MessageState;
  readonly at: number;
};

const NOT_SENT = new Set<MessageState>(['rejected', 'cancelled', 'expired', 'suppressed']);

/** A key of several columns. */
export function keyOf(...parts: readonly (string | number)[]): string {
  return parts.join(' ');
}

/** One database: its tables, its clock, and what its statements did and told. */
export class Base {
  tables: Tables = emptyTables();
  /** `now()`: whoever runs a transaction sets it. */
  now = 0;
  /** Another start, another timeline or another server: only where history may have been lost. */
  server: Server = FIRST_SERVER;
  /** Goes up with every written row, so that a transaction without effect is recognised. */
  writes = 0;
  /** Told of every change of state, in order. */
  onMove: (move: Move) => void = () => {};
  /** Told of every attempt when it is written. */
  onAttempt: (attempt: AttemptRow) => void = () => {};
  /** Told of every look-up when its answer is written. */
  onLookup: (lookup: LookupRow) => void = () => {};
  /** Channels and payloads of the notifications that this transaction sends at its commit. */
  told: { channel: string; payload: string }[] = [];
  #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
    this.tables.dispatch.set(ANSWERS, {
      id: ANSWERS,
      label: 'Answers to replies',
      lane: 0,
      exercise: false,
      state: 'sending',
      epoch: 1,
      contentHash: null,
      plannedMessages: null,
      expiresAfter: 3_600_000,
      recallFor: 0,
      receiptAsksMs: [600_000],
      uncertainAfter: 3_600_000,
      cleared: true,
      createdAt: 0,
      releasedAt: 0,
      endedAt: null,
      forgottenAt: null,
      pauseReason: null,
      pausedAt: null,
      numberMost: null,
      numberWithin: null,
      quietFromMinute: null,
      quietUntilMinute: null,
      refusalsFrom: null,
      lastClaimedAt: null,
    });
  }

  newId(): string {
    return this.#newId();
  }

  /** Changes a message: the one place where a state is written. */
  update(message: MessageRow, change: Partial<MessageRow>): void {
    const from = message.state;
    Object.assign(message, change);
    const ends = NOT_SENT.has(message.state) && message.state !== from;
    if (ends && this.#isRisked(message.id)) message.state = 'uncertain_closed';
    this.writes += 1;
    if (message.state !== from)
      this.onMove({ messageId: message.id, from, to: message.state, at: this.now });
  }

  /** Twin of the trigger risked_stays_in_doubt: a copy was risked, so the first one may be out. */
  #isRisked(messageId: string): boolean {
    return [...this.tables.riskTaken.values()].some((risk) => risk.messageId === messageId);
  }

  /** Adds a message as planned, or with the columns that its statement sets. */
  addMessage(planned: PlannedMessage & Partial<MessageRow>): void {
    this.writes += 1;
    this.tables.message.set(planned.id, {
      state: 'held',
      dueAt: null,
      expiresAt: null,
      attempt: 0,
      homeGatewayId: null,
      gatewayId: null,
      leaseOwner: null,
      leaseUntil: null,
      checkAt: null,
      checks: 0,
      absences: 0,
      providerId: null,
      acceptedAt: null,
      finalAt: null,
      failureCode: null,
      absentGatewayId: null,
      rule: null,
      ruleVersion: null,
      ruleFact: null,
      ...planned,
    });
  }

  /** The attempt is written before its request is made. */
  addAttempt(attempt: AttemptRow): void {
    this.writes += 1;
    this.tables.attempt.set(keyOf(attempt.messageId, attempt.epoch, attempt.number), attempt);
    this.onAttempt(attempt);
  }

  /** An attempt that the provider tells of: it was made in the time that was lost. */
  restoreAttempt(attempt: AttemptRow): void {
    this.writes += 1;
    this.tables.attempt.set(keyOf(attempt.messageId, attempt.epoch, attempt.number), attempt);
  }

  addLookup(lookup: LookupRow): void {
    this.writes += 1;
    this.tables.lookup.push(lookup);
    this.onLookup(lookup);
  }

  notify(channel: string, payload: string): void {
    this.told.push({ channel, payload });
  }

  messagesOf(dispatchId: string): MessageRow[] {
    return [...this.tables.message.values()].filter((m) => m.dispatchId === dispatchId);
  }

  dispatchOf(message: MessageRow): DispatchRow {
    return this.tables.dispatch.get(message.dispatchId)!;
  }

  /** Ready, due and not too old. */
  mayBeClaimed({ state, dueAt, expiresAt }: MessageRow): boolean {
    return state === 'ready' && dueAt! <= this.now && expiresAt !== null && expiresAt > this.now;
  }

  /** The organisations for which a message counts, the first of them too. */
  creditedTo(message: MessageRow): string[] {
    const first = message.organisationId === null ? [] : [message.organisationId];
    return [...first, ...(this.tables.credit.get(message.id) ?? [])];
  }

  attemptsOf(messageId: string): AttemptRow[] {
    return [...this.tables.attempt.values()].filter((a) => a.messageId === messageId);
  }

  /** The attempt that the message stands at: of those with its number that of the newest epoch. */
  attemptOf(message: MessageRow): AttemptRow | undefined {
    return this.attemptsOf(message.id)
      .filter(({ number }) => number === message.attempt)
      .toSorted((a, b) => b.epoch - a.epoch)[0];
  }

  /** A copy that later changes do not reach: what a replica or a backup holds. */
  copy(): Tables {
    const { credit, lookup, tally, ...maps } = this.tables;
    const copied = Object.entries(maps).map(([name, rows]) => [name, copyRows<object>(rows)]);
    return {
      ...(Object.fromEntries(copied) as typeof maps),
      credit: new Map([...credit].map(([id, organisations]) => [id, new Set(organisations)])),
      lookup: lookup.map((row) => ({ ...row })),
      tally: tally.map((row) => ({ ...row })),
    };
  }
}

/** As PostgreSQL orders ids and names in the C collation. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function copyRows<Row extends object>(rows: ReadonlyMap<string, Row>): Map<string, Row> {
  return new Map(Array.from(rows, ([key, row]) => [key, { ...row }]));
}
