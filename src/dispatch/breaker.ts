/**
 * The breaker of a gateway as one table: when it stops taking messages, and how it comes back. It
 * stands in the database, so all workers see the same; each move is guarded by the turn it began
 * from. What waits for a gateway that is open is taken by another one of its channel.
 */

/** What each state means, in one sentence. */
export const breakerStates = {
  closed: 'works',
  open: 'takes nothing for now; other gateways take what waits for it',
  half_open: 'tries a single message, then five',
  ramping: 'takes a part of what it can, then more',
} as const;

export type BreakerState = keyof typeof breakerStates;

/** Every legal move; `half_open` and `ramping` have two rungs each, so they also move to themselves. */
export const breakerMoves = {
  closed: ['open'],
  open: ['half_open'],
  half_open: ['open', 'half_open', 'ramping'],
  ramping: ['open', 'ramping', 'closed'],
} as const satisfies Record<BreakerState, readonly BreakerState[]>;

/** Why it opened, in words for a page. */
export const breakerReasons = {
  no_answer: 'several requests in a row brought no answer, or could not be made',
  failing: 'half of the requests failed',
  trial_failed: 'the trial failed',
} as const;

export type BreakerReason = keyof typeof breakerReasons;

/**
 * The way back. `rows`: so many real messages may be tried (none on the first rung where there is
 * a handset of ours to text instead); `percent`: of the window of requests; `passes`: so many
 * answers lead on; `calmMs`: or so long without a failure, since there may be little to send.
 */
export const rungs = [
  { state: 'half_open', rows: 1, percent: 100, passes: 1, calmMs: Infinity },
  { state: 'half_open', rows: 5, percent: 100, passes: 5, calmMs: 60_000 },
  { state: 'ramping', rows: null, percent: 10, passes: 10, calmMs: 30_000 },
  { state: 'ramping', rows: null, percent: 50, passes: 50, calmMs: 30_000 },
] as const;

/** Failures in a row that open it: time-outs above all, which would take long to be twenty. */
const ROW_MAX = 5;
/** Half of at least so many requests in ten seconds; on the way back five are enough. */
const REQUESTS_MIN = 20;
const REQUESTS_MIN_RAMPING = 5;
const FAILING_SHARE = 0.5;
/** Closed for so long, the next opening counts as the first. */
const FORGET_MS = 600_000;
/** Until the first trial, and at most: each opening doubles it. */
export type Rest = { readonly leastMs: number; readonly mostMs: number };
const usualRest: Rest = { leastMs: 10_000, mostMs: 120_000 };
/** From the end of a request until its tally can be read, in ms; a slow database included. */
const TALLY_MS = 3_000;

/** The breaker as it stands. Times are ages by the database's clock; negative: the clock jumped. */
export type Breaker = {
  readonly state: BreakerState;
  readonly rung: number | null;
  readonly reason: BreakerReason | null;
  readonly openings: number;
  readonly ageMs: number;
  /** Until the next trial; only while open. */
  readonly retryInMs: number | null;
  /** Requests let through on this rung, and how long ago the last one was. */
  readonly tries: number;
  readonly triedMs: number | null;
};

/** What is known of this turn: of the last ten seconds while closed, else of all of it. */
export type BreakerFacts = {
  readonly answered: number;
  readonly failed: number;
  /** Failures since the last answer, as one worker counts them. */
  readonly inARow: number;
  /** Messages accepted since it opened, of those that were under way. */
  readonly acceptedLate: number;
};

export type BreakerStep = {
  readonly state: BreakerState;
  readonly rung: number | null;
  readonly reason: BreakerReason | null;
  readonly openings: number;
  readonly retryInMs: number | null;
  readonly rowsLeft: number | null;
};

/** What the next step depends on beside what was counted. */
export type BreakerOf = {
  /** The gateway has a handset or mailbox of ours. */
  readonly canProbe: boolean;
  /** How long whoever claims a message may be at it: no trial lasts longer. */
  readonly leaseMs: number;
  readonly rest?: Rest | undefined;
};

/** The next step, or undefined where it stays. */
export function nextStep(
  breaker: Breaker,
  facts: BreakerFacts,
  { canProbe, leaseMs, rest = usualRest }: BreakerOf,
): BreakerStep | undefined {
  const { state } = breaker;
  if (state === 'open') return isRested(breaker, facts) ? climb(breaker, 0, canProbe) : undefined;
  if (state === 'half_open') {
    if (facts.failed > 0) return open(breaker, 'trial_failed', rest);
    // Its worker was killed, or gave it back: no word on the provider, so it is made again.
    if (isLost(breaker, facts, leaseMs)) return climb(breaker, breaker.rung!, canProbe);
  } else {
    const reason = failureIn(facts, state === 'closed' ? REQUESTS_MIN : REQUESTS_MIN_RAMPING);
    if (reason !== undefined) return open(breaker, reason, rest);
    if (state === 'closed') return undefined;
  }
  return hasPassed(breaker, facts) ? climb(breaker, breaker.rung! + 1, canProbe) : undefined;
}

/** Of the requests that a gateway can have at once, those it may have in this state. */
export function windowOf(
  breaker: Pick<Breaker, 'state' | 'rung'> | undefined,
  window: number,
): number {
  if (breaker?.state === 'open') return 0;
  const percent = rungs[breaker?.rung ?? 0]!.percent;
  return Math.max(1, Math.floor((window * percent) / 100));
}

/** True for so many failures in a row that they are no accident. */
export function isRow(failures: number): boolean {
  return failures >= ROW_MAX;
}

function failureIn({ answered, failed, inARow }: BreakerFacts, requestsMin: number) {
  if (isRow(inARow)) return 'no_answer';
  const requests = answered + failed;
  const isFailing = requests >= requestsMin && failed >= requests * FAILING_SHARE;
  return isFailing ? 'failing' : undefined;
}

/** A provider that was only slow answers after all; then there is no reason to wait. */
function isRested({ ageMs, retryInMs, reason }: Breaker, { acceptedLate }: BreakerFacts): boolean {
  return ageMs < 0 || retryInMs! <= 0 || (reason === 'no_answer' && acceptedLate > 0);
}

function isLost(
  { tries, triedMs }: Breaker,
  { answered, failed }: BreakerFacts,
  leaseMs: number,
): boolean {
  return triedMs !== null && triedMs > leaseMs + TALLY_MS && tries > answered + failed;
}

function hasPassed({ rung, ageMs }: Breaker, { answered, failed }: BreakerFacts): boolean {
  const { passes, calmMs } = rungs[rung!]!;
  return answered >= passes || (failed === 0 && ageMs >= calmMs);
}

function open(breaker: Breaker, reason: BreakerReason, rest: Rest): BreakerStep {
  const isFresh = breaker.state === 'closed' && breaker.ageMs > FORGET_MS;
  const openings = isFresh ? 1 : breaker.openings + 1;
  const retryInMs = Math.min(rest.leastMs * 2 ** Math.min(openings - 1, 10), rest.mostMs);
  return { state: 'open', rung: null, reason, openings, retryInMs, rowsLeft: null };
}

function climb({ openings, reason }: Breaker, to: number, canProbe: boolean): BreakerStep {
  const rung = rungs[to];
  if (rung === undefined)
    return { state: 'closed', rung: null, reason: null, openings, retryInMs: null, rowsLeft: null };
  const rowsLeft = to === 0 && canProbe ? 0 : rung.rows;
  return { state: rung.state, rung: to, reason, openings, retryInMs: null, rowsLeft };
}
