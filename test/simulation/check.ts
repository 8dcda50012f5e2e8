/**
 * The judge. It reads the providers' ledgers, the rows, and the logs of moves and attempts; it asks
 * neither the engine nor its decisions what they think happened. Promises by their numbers in
 * docs/architecture.md.
 */
import { moves, type MessageState } from '#dispatch/model.ts';
import { afterQuiet } from '#kernel/quiet-hours.ts';
import { isTaken, statusAt, type Entry } from './provider.ts';
import type { PlannedDispatch } from './dispatches.ts';
import * as history from './check-history.ts';
import * as people from './check-people.ts';
import * as polls from './check-polls.ts';
import * as probes from './check-probes.ts';
import { jumpsMsOf, type Evidence } from './evidence.ts';
import { neverSent } from './states.ts';
import { ANSWERS, keyOf, type AttemptRow, type MessageRow } from './twin/rows.ts';

/** Two absences so far apart are proof (notification-peers.md, 6.7). */
const ABSENCE_GAP_MS = 15_000;
/** What a claim gives, by the clock of whoever claimed. */
const LEASE_MS = 62_000;
const ON_THE_WIRE_MS = 20;
/** A provider may hold a request so long before it stores it. */
const PROVIDER_HOLDS_MS = 30_000;

/** Every breach of a promise, in words; none where the run was right. */
export function findBreaches(evidence: Evidence): string[] {
  const judges = [
    oneRow,
    oneAccepted,
    underLease,
    noEarlyRetry,
    absentStays,
    nothingUnneeded,
    noSilentRow,
    honestStates,
    whatWasApproved,
    onlyLegalMoves,
    silenceEscalates,
    bucketHolds,
    exercisesStayApart,
    quietHoursHold,
    history.historyIsRead,
    history.nothingUnrecorded,
    people.correctionsReach,
    people.risksAreDecided,
    people.deputiesAreNext,
    people.cancelledStops,
    people.closedStaysClosed,
    polls.endsAreHeard,
    polls.textsAreHeard,
    probes.probesStayApart,
    probes.probesAreSeldom,
  ];
  return judges.flatMap((judge) => judge(evidence));
}

const short = (id: string) => id.slice(0, 4);

function entriesOf({ ledgers }: Evidence, messageId: string): Entry[] {
  return [...ledgers.values()].flat().filter((entry) => entry.messageId === messageId);
}

/** No round opens in the quiet hours of its dispatch, however late it is. */
function quietHoursHold({ base, scenario }: Evidence): string[] {
  return scenario.dispatches.flatMap(({ id, quietHours }) =>
    [...base.tables.round.values()]
      .filter(({ dispatchId, openedAt }) => dispatchId === id && openedAt !== null)
      .filter(({ openedAt }) => afterQuiet(openedAt!, quietHours) !== openedAt)
      .map(({ round }) => `round ${round} of ${short(id)} opened in quiet hours`),
  );
}

function oneRow({ base, scenario }: Evidence): string[] {
  const rows = [...base.tables.message.values()];
  const keys = rows.map((m) => keyOf(m.dispatchId, m.contactPointId, m.channel, m.round));
  const doubled = keys.filter((key, i) => keys.indexOf(key) !== i);
  const planned = scenario.dispatches.flatMap(({ messages }) => messages);
  const gone = planned.filter(({ id }) => !base.tables.message.has(id));
  return [
    ...doubled.map((key) => `P1: two messages for ${key}`),
    ...gone.map(({ id }) => `P3: message ${short(id)} is not there any more`),
  ];
}

function oneAccepted(evidence: Evidence): string[] {
  const all = [...evidence.ledgers.values()].flat();
  // A reference whose request was lost with the database, and was not taken, may be used again.
  const backAt = evidence.losses.at(-1)?.at ?? 0;
  const references = all
    .filter((entry) => isTaken(entry) || entry.at >= backAt)
    .map((entry) => entry.reference);
  const repeated = references.filter((reference, i) => references.indexOf(reference) !== i);
  const doubled = [...evidence.base.tables.message.keys()].filter(
    (id) =>
      entriesOf(evidence, id).filter(isTaken).length > 1 + people.risksOf(evidence, id).length,
  );
  return [
    ...doubled.map((id) => `P2: message ${short(id)} was accepted twice`),
    ...repeated.map((reference) => `P2: ${reference} was requested twice`),
  ];
}

/** A request reaches the provider while the lease of its attempt stands, or a moment later. */
function underLease(evidence: Evidence): string[] {
  return evidence.attempts
    .filter((attempt, i) => {
      // Written anew after its record was lost: judged then.
      if (evidence.attempts.slice(i + 1).some((later) => isSameAttempt(later, attempt)))
        return false;
      const name = `-${attempt.epoch}-${attempt.number}`;
      const asked = entriesOf(evidence, attempt.messageId).find((e) => e.reference.endsWith(name));
      return asked !== undefined && asked.at > attempt.at + LEASE_MS + ON_THE_WIRE_MS;
    })
    .map((attempt) => `P2: ${short(attempt.messageId)} was requested after its lease`);
}

function isSameAttempt(a: AttemptRow, b: AttemptRow): boolean {
  return a.messageId === b.messageId && a.epoch === b.epoch && a.number === b.number;
}

/** How it ended; of one before a loss as it was known then: its reference may be used again. */
function endOf({ attempts, base, losses, lostEnds }: Evidence, place: number) {
  const { messageId, epoch, number } = attempts[place]!;
  const key = keyOf(messageId, epoch, number);
  const lost = losses.some(({ after }) => place < after) ? lostEnds.get(key) : undefined;
  return lost ?? base.tables.attemptEnd.get(key);
}

/** A second attempt only after the first surely left nothing: by its end, or by two absences. */
function noEarlyRetry(evidence: Evidence): string[] {
  const { attempts, lookups } = evidence;
  const gapMs = ABSENCE_GAP_MS - jumpsMsOf(evidence);
  return attempts.flatMap((attempt, i) => {
    const place = attempts.findLastIndex(
      (a, j) => j < i && a.messageId === attempt.messageId && a.number === attempt.number - 1,
    );
    const before = attempts[place];
    if (before === undefined) return [];
    const end = endOf(evidence, place);
    if (end?.class === 'not_sent' || people.isRisked(evidence, before)) return [];
    const absences = lookups.filter(
      (l) =>
        l.messageId === before.messageId &&
        l.answer === 'absent' &&
        l.at >= before.at &&
        l.at <= attempt.at,
    );
    const [first, last] = [absences[0], absences.at(-1)];
    const isProven = absences.length > 1 && last!.at - first!.at >= gapMs;
    const asked = entriesOf(evidence, attempt.messageId).find((entry) =>
      entry.reference.endsWith(`-${before.epoch}-${before.number}`),
    );
    const isQuiet =
      asked === undefined || attempt.at - asked.at > PROVIDER_HOLDS_MS - jumpsMsOf(evidence);
    return isProven && isQuiet
      ? []
      : [`P2: attempt ${attempt.number} of ${short(attempt.messageId)} without proof of absence`];
  });
}

/**
 * What may have left by one gateway never goes by another, unless somebody risks a copy: only that
 * one's receipt would tell. No gateway is switched off here; losses are judged by their history.
 */
function absentStays(evidence: Evidence): string[] {
  const { attempts, base, losses } = evidence;
  if (losses.length > 0) return [];
  return attempts.flatMap((attempt, i) => {
    const elsewhere = attempts.slice(0, i).find((before) => {
      const key = keyOf(before.messageId, before.epoch, before.number);
      const end = base.tables.attemptEnd.get(key);
      const isOther =
        before.messageId === attempt.messageId && before.gatewayId !== attempt.gatewayId;
      const hasStayed = end?.class === 'not_sent';
      return isOther && !hasStayed && !people.wasRiskedSince(evidence, before);
    });
    return elsewhere === undefined
      ? []
      : [`P2: ${short(attempt.messageId)} may be at ${elsewhere.gatewayId}, and went elsewhere`];
  });
}

/** Nothing is claimed that was called off, stands still, or that nobody needs any more. */
function nothingUnneeded(evidence: Evidence): string[] {
  const { attempts, base, steering, answered } = evidence;
  return attempts.flatMap((attempt, i) => {
    const message = base.tables.message.get(attempt.messageId);
    // An answer to a reply, lost with the database.
    if (message === undefined) return [];
    const steered = steering.findLast((s) => s.dispatchId === message.dispatchId && s.after <= i);
    const what = `attempt ${attempt.number} of ${short(message.id)}`;
    if (steered !== undefined && steered.to !== 'sending')
      return [`P2: ${what} in a dispatch that is ${steered.to}`];
    const done = new Set(
      answered
        .filter((a) => a.dispatchId === message.dispatchId && a.after <= i)
        .flatMap((a) => a.organisationIds),
    );
    const isUnneeded =
      message.round > 1 &&
      message.organisationId !== null &&
      base.creditedTo(message).every((id) => done.has(id));
    return isUnneeded ? [`P2: ${what}, which nobody needed any more`] : [];
  });
}

const UNFINISHED = new Set<MessageState>(['ready', 'claimed', 'unknown']);

function noSilentRow({ base }: Evidence): string[] {
  return [...base.tables.message.values()].flatMap((message) => {
    const { state, id, dispatchId } = message;
    const isHeldForEver =
      state === 'held' && base.tables.dispatch.get(dispatchId)!.state !== 'held';
    if (UNFINISHED.has(state) || isHeldForEver)
      return [`P3: message ${short(id)} is ${state} at the end`];
    return isWhole(message)
      ? []
      : [`P3: message ${short(id)} is ${state} without what belongs to it`];
  });
}

/** What the CHECK constraints of the table ask for. */
function isWhole(m: MessageRow): boolean {
  const final = !['held', 'ready', 'claimed', 'unknown', 'accepted'].includes(m.state);
  return (
    (m.state === 'claimed') === (m.leaseOwner !== null) &&
    (m.leaseOwner === null) === (m.leaseUntil === null) &&
    final === (m.finalAt !== null) &&
    (m.state !== 'unknown' || m.checkAt !== null) &&
    (m.state !== 'accepted' || m.acceptedAt !== null) &&
    (neverSent.includes(m.state) || m.state === 'held' || m.dueAt !== null)
  );
}

/** Each state says no more than the ledger does (P4), and nothing that was accepted is lost. */
function honestStates(evidence: Evidence): string[] {
  const now = Infinity;
  return [...evidence.base.tables.message.values()].flatMap((message) => {
    const entries = entriesOf(evidence, message.id);
    const taken = entries.filter(isTaken);
    const says = (what: string) => [
      `P4: message ${short(message.id)} is ${message.state}, ${what}`,
    ];
    switch (message.state) {
      case 'accepted':
      case 'undelivered':
        return taken.length > 0 || history.wasTakenOutLater(evidence, message.id, entries)
          ? []
          : says('and the provider does not have it');
      case 'delivered':
        return taken.some((entry) => statusAt(entry, now) === 'delivered')
          ? []
          : says('and was not delivered');
      case 'rejected':
      case 'cancelled':
      case 'expired':
      case 'suppressed':
        return taken.every((entry) => history.isLostUnnoticed(evidence, entry))
          ? []
          : says('and the provider has it');
      default:
        return [];
    }
  });
}

/** Only what was approved leaves, after it was released, in the very words (P5). */
function whatWasApproved(evidence: Evidence): string[] {
  const { scenario, released, base } = evidence;
  return scenario.dispatches.flatMap((dispatch) => {
    const planned = new Map(dispatch.messages.map((m) => [m.id, m.body]));
    const releasedAt = released.get(dispatch.id);
    if (dispatch.isEditedLate && releasedAt !== undefined)
      return [`P5: ${short(dispatch.id)} was released though it was changed`];
    return base
      .messagesOf(dispatch.id)
      .flatMap((message) => entriesOf(evidence, message.id))
      .flatMap((entry) => {
        const words = planned.get(entry.messageId)?.replaceAll('{since}', '03:02');
        if (releasedAt === undefined || entry.at < releasedAt)
          return [`P5: message ${short(entry.messageId)} left before it was released`];
        return entry.body === words ? [] : [`P5: message ${short(entry.messageId)} in other words`];
      });
  });
}

function onlyLegalMoves({ moves: made }: Evidence): string[] {
  return made
    .filter(({ from, to }) => !(moves[from] as readonly MessageState[]).includes(to))
    .map(({ messageId, from, to }) => `P6: message ${short(messageId)} went from ${from} to ${to}`);
}

/** Who did not answer got every round; round 1 went out whatever happened (P7). */
function silenceEscalates({ base, scenario, answered, corrected }: Evidence): string[] {
  const settled = (dispatch: PlannedDispatch) =>
    new Set(answered.filter((a) => a.dispatchId === dispatch.id).flatMap((a) => a.organisationIds));
  return scenario.dispatches.flatMap((dispatch) => {
    if (base.tables.dispatch.get(dispatch.id)!.state !== 'done') return [];
    const done = settled(dispatch);
    const isReworded = corrected.some(({ dispatches }) => dispatches.includes(dispatch));
    return base
      .messagesOf(dispatch.id)
      .filter((message) => message.state === 'cancelled')
      .filter((m) => !isReworded || m.round > 1)
      .filter((m) => m.round === 1 || !base.creditedTo(m).every((id) => done.has(id)))
      .map((m) => `P7: message ${short(m.id)} of round ${m.round} was called off unanswered`);
  });
}

/** Every claimed row is a token that the bucket had: its burst, and its rate since then. */
function bucketHolds(evidence: Evidence): string[] {
  const { attempts, base } = evidence;
  const { burst, ratePerSecond } = evidence.scenario.bucket;
  const jumpsMs = jumpsMsOf(evidence);
  return [...base.tables.gateway.keys()].flatMap((gatewayId) => {
    let tokens = burst + (jumpsMs * ratePerSecond) / 1000;
    const most = tokens;
    let before = 0;
    for (const attempt of attempts.filter((a) => a.gatewayId === gatewayId)) {
      tokens = Math.min(most, tokens + ((attempt.at - before) * ratePerSecond) / 1000) - 1;
      before = attempt.at;
      if (tokens < -1e-6) return [`bucket of ${gatewayId} was overspent at ${attempt.at} ms`];
    }
    return [];
  });
}

/** A text of an exercise says so, and no other does (P11). */
function exercisesStayApart(evidence: Evidence): string[] {
  const { base } = evidence;
  return [...evidence.ledgers.values()].flat().flatMap((entry) => {
    const message = base.tables.message.get(entry.messageId);
    const dispatch = message && base.tables.dispatch.get(message.dispatchId);
    if (dispatch === undefined || dispatch.id === ANSWERS) return [];
    const isMarked = entry.body.startsWith('EXERCISE ');
    const isDrill = dispatch.lane === 4 && dispatch.exercise;
    return isMarked === isDrill
      ? []
      : [`P11: message ${short(entry.messageId)} is not marked right`];
  });
}
