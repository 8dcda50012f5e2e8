/** What happens when under a severity, as one line of time: each step with its place in the file. */
import { formatMoney } from '#kernel/money.ts';
import { outOfQuiet } from '#kernel/quiet-hours.ts';
import { quietWords, ranksOf } from './diff-severity.ts';
import type { Severity } from './model.ts';
import { stepsOf } from './steps.ts';

/** One thing that happens after the release of an alert. */
export type Rung = {
  /** Where the file says so: `severities.high.rounds[1]`. */
  readonly rule: string;
  readonly atMs: number;
  readonly says: string;
  /** People are told, something is due, ends, waits, or is looked at before the release. */
  readonly kind: 'told' | 'due' | 'end' | 'held' | 'before';
};

/**
 * When each round and each reminder opens if it is released then, in ms since the epoch: after the
 * recall window, and not in quiet hours. `dispatch` lays them out by the same function.
 */
export function roundTimes(
  severity: Pick<Severity, 'rounds' | 'reminders' | 'recallWindowMs' | 'quietHours'>,
  releasedAtMs: number,
): number[] {
  const leavesAtMs = releasedAtMs + severity.recallWindowMs;
  const planned = stepsOf(severity).map(({ afterMs }) => leavesAtMs + afterMs);
  return outOfQuiet(planned, severity.quietHours);
}

/**
 * Until when what has not left of each round is sent, if it is released then: counted from the
 * release, for a reminder from its opening, and as much later as hours of the day put the round
 * off. `dispatch` works it out where a message becomes ready.
 */
export function expiryTimes(
  severity: Parameters<typeof roundTimes>[0] & Pick<Severity, 'sendExpiresAfterMs'>,
  releasedAtMs: number,
): number[] {
  const { recallWindowMs, sendExpiresAfterMs } = severity;
  const opens = roundTimes(severity, releasedAtMs);
  return stepsOf(severity).map(({ afterMs, reminds }, i) => {
    const putOffMs = opens[i]! - (releasedAtMs + recallWindowMs + afterMs);
    return (reminds ? opens[i]! : releasedAtMs + putOffMs) + sendExpiresAfterMs;
  });
}

/**
 * When regions are told of their silent organisations, where everybody was asked then; undefined
 * where they are not. It waits as rounds do.
 */
export function regionTime(
  severity: Pick<Severity, 'rounds' | 'recallWindowMs' | 'quietHours' | 'tellRegion'>,
  askedAtMs: number,
): number | undefined {
  const { tellRegion } = severity;
  if (tellRegion === undefined) return undefined;
  const before = severity.rounds.filter(({ afterMs }) => afterMs < tellRegion.afterMs);
  const steps = [...before, tellRegion].map(
    ({ afterMs }) => askedAtMs + severity.recallWindowMs + afterMs,
  );
  return outOfQuiet(steps, severity.quietHours).at(-1);
}

type Make = (key: string, atMs: number, kind: Rung['kind'], says: string) => Rung;

/** The earliest first; what happens together in the order of the work. */
export function ladderOf(severity: Severity): Rung[] {
  const make: Make = (key, atMs, kind, says) => ({
    rule: `severities.${severity.id}.${key}`,
    atMs,
    kind,
    says,
  });
  const all = [
    ...waitsOf(severity, make),
    ...chainOf(severity, make),
    make(
      'decide_uncertain_after',
      severity.decideUncertainAfterMs,
      'due',
      'an officer decides over messages whose fate nobody knows',
    ),
    make('next_update_within', severity.nextUpdateWithinMs, 'due', 'our next update is due'),
    make('acknowledge_within', severity.acknowledgeWithinMs, 'due', 'their answer is due'),
    make(
      'send_expires_after',
      severity.sendExpiresAfterMs,
      'end',
      'what has not left is not sent any more',
    ),
  ];
  return all.toSorted((a, b) => a.atMs - b.atMs);
}

/** What keeps something back, or is looked at before it. */
function waitsOf({ quietHours, recallWindowMs, spendCapPence }: Severity, make: Make): Rung[] {
  const waits: Rung[] = [];
  if (spendCapPence !== undefined) {
    const says = `texts that may cost more than ${formatMoney(spendCapPence)} are said so`;
    waits.push(make('spend_cap', 0, 'before', says));
  }
  if (quietHours !== undefined) {
    const says = `${quietWords(quietHours)} no round opens: it waits, and those after it keep their distance`;
    waits.push(make('quiet_hours', 0, 'held', says));
  }
  if (recallWindowMs > 0)
    waits.push(make('recall_window', recallWindowMs, 'end', 'until then it can be recalled whole'));
  return waits;
}

/** Who is told when, to the end of the chain. */
function chainOf(severity: Severity, make: Make): Rung[] {
  const { rounds, reminders, channels, tellRegion, callListAfterMs } = severity;
  const by = channels.join(' and ');
  const told = rounds.map((round, i) =>
    make(
      `rounds[${i}]`,
      round.afterMs,
      'told',
      i === 0
        ? `${ranksOf(round)} of every organisation, by ${by}`
        : `${ranksOf(round)}, where nobody answered`,
    ),
  );
  const lastMs = rounds.at(-1)!.afterMs;
  const listed =
    callListAfterMs === undefined
      ? make('rounds', lastMs, 'end', 'the chain ends: the silent stand on the call list')
      : make('call_list_after', callListAfterMs, 'end', 'the silent stand on the call list');
  const reminded = reminders.map((reminder, i) =>
    make(
      `reminders[${i}]`,
      reminder.afterMs,
      'told',
      `${ranksOf(reminder)} once more, where nobody answered`,
    ),
  );
  const chain = [...told, listed, ...reminded];
  if (tellRegion === undefined) return chain;
  const region = 'the region is told how many of its organisations are silent';
  return [...chain, make('tell_region', tellRegion.afterMs, 'told', region)];
}
