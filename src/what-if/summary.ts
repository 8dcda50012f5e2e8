/** What a run comes to, in numbers. Pure. */
import { priceOfTexts, type Pence } from '#kernel/money.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';
import type { Ended, Ending, Fate, Run } from './model.ts';

const MINUTE_MS = 60_000;

export type RoundCount = {
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
  readonly round: number;
  /** After the release. */
  readonly opensAfterMs: number;
  readonly texts: number;
  readonly mails: number;
  readonly organisations: number;
  readonly calledOff: number;
};

export type RoleCount = {
  readonly role: string;
  /** By round, in their order. */
  readonly texts: readonly number[];
  readonly mails: readonly number[];
};

export type Reached = {
  readonly withinMinutes: number;
  /** Of all: the first message for them has left. */
  readonly told: number;
  /** Of those that must answer. */
  readonly answered: number;
};

export type Summary = {
  readonly organisations: number;
  readonly mustAnswer: number;
  readonly texts: number;
  readonly mails: number;
  /** Automatic answers to those who answer by text; not among the texts, nor in the cost. */
  readonly replies: number;
  readonly fragments: number;
  readonly costPence: Pence;
  /** After the release; null: none leaves. */
  readonly lastLeftMs: number | null;
  readonly rounds: readonly RoundCount[];
  readonly roles: readonly RoleCount[];
  readonly reached: readonly Reached[];
  /** Of those that must answer, until their answer is due. */
  readonly answeredInTime: number;
  readonly list: {
    /** When the first is on the call list that was told and is silent, after the release; null: none. */
    readonly firstSilentMs: number | null;
    /** Names that are ever on it, and those that are still on it in the end. */
    readonly ever: number;
    readonly silent: number;
    readonly unreachable: number;
  };
  readonly regions:
    | { readonly afterMs: number; readonly regions: number; readonly silent: number }
    | undefined;
  readonly notSent: Readonly<Record<Exclude<Ending, 'sent'>, number>>;
};

/** How soon organisations are looked at. */
export const REACHED_MINUTES = [15, 60] as const;

export function summarise(
  run: Run,
  { severity, model }: { readonly severity: Severity; readonly model: OperatingModel },
): Summary {
  const { fates, ended, releasedAtMs } = run;
  const sent = ended.filter(({ ending }) => ending === 'sent');
  const texts = sent.filter(({ message }) => message.channel === 'text');
  const fragments = texts.reduce((sum, { message }) => sum + message.fragments, 0);
  const must = fates.filter(({ mustAnswer }) => mustAnswer);
  const last = Math.max(...lastOf(sent));
  return {
    organisations: fates.length,
    mustAnswer: must.length,
    texts: texts.length,
    mails: sent.length - texts.length,
    replies: run.replies,
    fragments,
    costPence: priceOfTexts(fragments, model.textPrice),
    lastLeftMs: sent.length === 0 ? null : last - releasedAtMs,
    rounds: run.rounds.map((opened) => roundCount(opened, run)),
    roles: rolesOf(sent, run.rounds.length),
    reached: REACHED_MINUTES.map((minutes) => reachedWithin(minutes, fates, releasedAtMs)),
    answeredInTime: answeredBy(must, releasedAtMs + severity.acknowledgeWithinMs),
    list: listOf(must, releasedAtMs),
    regions: regionsOf(run),
    notSent: {
      called_off: countOf(ended, 'called_off'),
      expired: countOf(ended, 'expired'),
      suppressed: countOf(ended, 'suppressed'),
      no_gateway: countOf(ended, 'no_gateway'),
    },
  };
}

/** They are in order, so the last of them is the latest. */
function lastOf(sent: readonly Ended[]): number[] {
  return sent.slice(-1).map(({ atMs }) => atMs);
}

function countOf(ended: readonly Ended[], ending: Ending): number {
  return ended.reduce((sum, one) => sum + (one.ending === ending ? 1 : 0), 0);
}

function roundCount({ round, atMs, reminds }: Run['rounds'][number], run: Run): RoundCount {
  const own = run.ended.filter(({ message }) => message.round === round);
  const sent = own.filter(({ ending }) => ending === 'sent');
  const texts = sent.filter(({ message }) => message.channel === 'text').length;
  return {
    round,
    reminds,
    opensAfterMs: atMs - run.releasedAtMs,
    texts,
    mails: sent.length - texts,
    organisations: new Set(sent.flatMap(({ message }) => message.organisationIds)).size,
    calledOff: countOf(own, 'called_off'),
  };
}

/** Those who get most first. */
function rolesOf(sent: readonly Ended[], rounds: number): RoleCount[] {
  const counts = new Map<string, { texts: number[]; mails: number[] }>();
  for (const { message } of sent) {
    const zeros = () => Array.from({ length: rounds }, () => 0);
    const role = counts.get(message.role) ?? { texts: zeros(), mails: zeros() };
    counts.set(message.role, role);
    const by = message.channel === 'text' ? role.texts : role.mails;
    by[message.round - 1]! += 1;
  }
  const total = ({ texts, mails }: Omit<RoleCount, 'role'>) =>
    [...texts, ...mails].reduce((sum, one) => sum + one, 0);
  return Array.from(counts, ([role, count]) => ({ role, ...count })).toSorted(
    (a, b) => total(b) - total(a) || (a.role < b.role ? -1 : 1),
  );
}

function reachedWithin(minutes: number, fates: readonly Fate[], releasedAtMs: number): Reached {
  const untilMs = releasedAtMs + minutes * MINUTE_MS;
  return {
    withinMinutes: minutes,
    told: fates.filter(({ toldAtMs }) => (toldAtMs ?? Infinity) <= untilMs).length,
    answered: answeredBy(
      fates.filter(({ mustAnswer }) => mustAnswer),
      untilMs,
    ),
  };
}

function answeredBy(fates: readonly Fate[], untilMs: number): number {
  return fates.filter(({ answeredAtMs }) => (answeredAtMs ?? Infinity) <= untilMs).length;
}

function listOf(must: readonly Fate[], releasedAtMs: number): Summary['list'] {
  const listed = must.filter(({ listedAtMs }) => listedAtMs !== null);
  const silent = listed.filter(({ why }) => why === 'silent');
  const first = silent.reduce((least, one) => Math.min(least, one.listedAtMs!), Infinity);
  const left = listed.filter(({ answeredAtMs }) => answeredAtMs === null);
  return {
    firstSilentMs: silent.length === 0 ? null : first - releasedAtMs,
    ever: listed.length,
    silent: left.filter(({ why }) => why === 'silent').length,
    unreachable: left.filter(({ why }) => why === 'unreachable').length,
  };
}

function regionsOf({ regions, releasedAtMs }: Run): Summary['regions'] {
  if (regions === undefined) return undefined;
  const counts = Object.values(regions.silent);
  return {
    afterMs: regions.atMs - releasedAtMs,
    regions: counts.length,
    silent: counts.reduce((sum, one) => sum + one, 0),
  };
}
