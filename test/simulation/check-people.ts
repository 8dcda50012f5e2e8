/**
 * The judge of what people decide while it runs: corrections, risks that are taken, cancellations,
 * and of what must not leave while numbers cannot be opened.
 */
import { isTaken, type Entry } from './provider.ts';
import type { Evidence } from './evidence.ts';
import { keyOf, type AttemptRow, type MessageRow } from './twin/rows.ts';

const short = (id: string) => id.slice(0, 4);

function entriesOf({ ledgers }: Evidence, messageId: string): Entry[] {
  return [...ledgers.values()].flat().filter((entry) => entry.messageId === messageId);
}

/** The attempts of a message of which somebody risked a second copy. */
export function risksOf({ base }: Evidence, messageId: string): number[] {
  return [...base.tables.riskTaken.values()]
    .filter((risk) => risk.messageId === messageId)
    .map(({ attempt }) => attempt);
}

export function isRisked({ base }: Evidence, { messageId, number }: AttemptRow): boolean {
  return base.tables.riskTaken.has(keyOf(messageId, number));
}

/** Whether a copy was risked of this attempt, or of a later one that repeats it. */
export function wasRiskedSince(evidence: Evidence, { messageId, number }: AttemptRow): boolean {
  return risksOf(evidence, messageId).some((attempt) => attempt >= number);
}

/** A second copy is risked where a person said so, of what was past its deadline then (P2). */
export function risksAreDecided({ base, scenario, risked }: Evidence): string[] {
  const { attempt, message, riskDecision, riskTaken } = base.tables;
  const decisions = [...riskDecision.values()];
  const made = decisions.filter(({ dispatchId, decidedAt }) =>
    risked.some((one) => one.dispatchId === dispatchId && one.at === decidedAt),
  );
  const taken = [...riskTaken.values()].filter(({ messageId, attempt: number, decisionId }) => {
    const decision = made.find(({ id }) => id === decisionId);
    const { dispatchId } = message.get(messageId)!;
    const { uncertainAfterMs } = scenario.dispatches.find(({ id }) => id === dispatchId)!;
    const requests = [...attempt.values()].filter(
      (one) => one.messageId === messageId && one.number === number,
    );
    const isPast = requests.some(
      ({ claimedAt }) => claimedAt + uncertainAfterMs <= (decision?.decidedAt ?? -Infinity),
    );
    return decision?.dispatchId !== dispatchId || !isPast;
  });
  return [
    ...taken.map(({ messageId }) => `P2: a copy of ${short(messageId)} was risked by nobody`),
    ...decisions
      .filter(({ appliedAt }) => appliedAt === null)
      .map(({ dispatchId }) => `P3: a decision about ${short(dispatchId)} was not carried out`),
  ];
}

/** Who is told before their round opened is next in line where nobody is known to have it (P7). */
export function deputiesAreNext({ toldEarly }: Evidence): string[] {
  return toldEarly
    .filter(({ isInDoubt }) => !isInDoubt)
    .map(({ messageId }) => `P7: ${short(messageId)} was told early, and nothing was in doubt`);
}

/** Asked in the moment in which a message becomes ready before its round: is anything in doubt? */
export function isNextInLine({ base, scenario }: Evidence, message: MessageRow): boolean {
  const { dispatchId, organisationId } = message;
  const { uncertainAfterMs } = scenario.dispatches.find(({ id }) => id === dispatchId)!;
  const own = base.messagesOf(dispatchId).filter((m) => m.organisationId === organisationId);
  const isUncertain = own.some(
    (m) =>
      m.state === 'unknown' &&
      base
        .attemptsOf(m.id)
        .some((a) => a.number === m.attempt && a.claimedAt + uncertainAfterMs <= base.now),
  );
  const isEarlier = own.every((m) => m.state !== 'held' || m.round >= message.round);
  return isUncertain && isEarlier && !own.some(({ state }) => HAS_IT.has(state));
}

const HAS_IT: ReadonlySet<string> = new Set(['claimed', 'accepted', 'delivered']);

/**
 * Each reader of what is corrected gets the correction or the first alert: the correction where
 * anything was taken or may have been, and only where it was requested at all.
 */
export function correctionsReach(evidence: Evidence): string[] {
  const { attempts, base, corrected } = evidence;
  const isGoing = ({ state }: MessageRow) => state !== 'cancelled';
  return corrected.flatMap(({ earlierId, correctionId, firstId }) => {
    const of = (id: string, contactPointId: string) =>
      base.messagesOf(id).filter((m) => m.contactPointId === contactPointId);
    const firsts = base.messagesOf(firstId).filter(({ round }) => round === 1);
    return firsts.flatMap((first) => {
      const earlier = of(earlierId, first.contactPointId);
      const getsCorrection = of(correctionId, first.contactPointId).some(isGoing);
      const wasAsked = earlier.some(({ id }) => attempts.some((a) => a.messageId === id));
      const wasTaken = earlier.some(({ id }) => entriesOf(evidence, id).some(isTaken));
      const whose = `${short(first.contactPointId)} of ${short(earlierId)}`;
      if (isGoing(first) && getsCorrection) return [`P2: ${whose} gets both wordings`];
      if (!isGoing(first) && !getsCorrection) return [`P7: ${whose} gets neither wording`];
      if (wasTaken && !getsCorrection) return [`P7: ${whose} has the text, and is not corrected`];
      if (getsCorrection && !wasAsked) return [`P2: ${whose} is corrected of what never left`];
      return [];
    });
  });
}

/** After a cancellation no more leaves than what is on the wire, a beat of news later at the most. */
const NEWS_MS = 3_000;

export function cancelledStops(evidence: Evidence): string[] {
  const { base, ledgers, steering } = evidence;
  if (mayStandStill(evidence)) return [];
  return [...ledgers.values()].flat().flatMap(({ messageId, at }) => {
    const dispatchId = base.tables.message.get(messageId)?.dispatchId;
    const cancelled = steering.find((s) => s.dispatchId === dispatchId && s.to === 'cancelled');
    return cancelled !== undefined && at > cancelled.at + NEWS_MS
      ? [`P2: ${short(messageId)} was requested ${at - cancelled.at} ms after it was cancelled`]
      : [];
  });
}

/** From opening a number until its request is with the provider. */
const WRITTEN_WITHIN_MS = 100;

export function closedStaysClosed(evidence: Evidence): string[] {
  const { keysAway, ledgers } = evidence;
  if (mayStandStill(evidence)) return [];
  return [...ledgers.values()]
    .flat()
    .flatMap(({ messageId, at }) =>
      keysAway.some(({ from, until }) => at > from + WRITTEN_WITHIN_MS && at <= until)
        ? [`P12: ${short(messageId)} was requested while no number could be opened`]
        : [],
    );
}

/** A process that stands still, or cannot reach the database, hears of nothing meanwhile. */
function mayStandStill({ scenario, stepFaults }: Evidence): boolean {
  const kinds = [...scenario.faults, ...stepFaults.values()].map(({ kind }) => kind);
  return kinds.some((kind) => /^(?:freeze|database_down|disk|replica|backup)/.test(kind));
}
