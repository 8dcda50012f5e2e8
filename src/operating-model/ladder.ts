/** What happens when under a severity, as one line of time: each step with its place in the file. */
import { outOfQuiet } from '#kernel/quiet-hours.ts';
import { quietWords, ranksOf } from './diff-severity.ts';
import type { Severity } from './model.ts';

/** One thing that happens after the release of an alert. */
export type Rung = {
  /** Where the file says so: `severities.high.rounds[1]`. */
  readonly rule: string;
  readonly atMs: number;
  readonly says: string;
  /** People are told, something is due, something ends, or something waits. */
  readonly kind: 'told' | 'due' | 'end' | 'held';
};

/**
 * When each round opens if it is released then, in ms since the epoch: after the recall window, and
 * not in quiet hours. `dispatch` lays them out by the same function.
 */
export function roundTimes(
  {
    rounds,
    recallWindowMs,
    quietHours,
  }: Pick<Severity, 'rounds' | 'recallWindowMs' | 'quietHours'>,
  releasedAtMs: number,
): number[] {
  const planned = rounds.map(({ afterMs }) => releasedAtMs + recallWindowMs + afterMs);
  return outOfQuiet(planned, quietHours);
}

/** The earliest first; what happens together in the order of the work. */
export function ladderOf(severity: Severity): Rung[] {
  const { id, rounds, channels, recallWindowMs, quietHours } = severity;
  const by = channels.join(' and ');
  const rung = (key: string, atMs: number, kind: Rung['kind'], says: string): Rung => ({
    rule: `severities.${id}.${key}`,
    atMs,
    kind,
    says,
  });
  const recalled =
    recallWindowMs === 0
      ? []
      : [rung('recall_window', recallWindowMs, 'end', 'until then it can be recalled whole')];
  const quiet =
    quietHours === undefined
      ? []
      : [
          rung(
            'quiet_hours',
            0,
            'held',
            `${quietWords(quietHours)} no round opens: it waits, and those after it keep their distance`,
          ),
        ];
  const all = [
    ...quiet,
    ...rounds.map((round, i) =>
      rung(
        `rounds[${i}]`,
        round.afterMs,
        'told',
        i === 0
          ? `${ranksOf(round)} of every organisation, by ${by}`
          : `${ranksOf(round)}, where nobody answered`,
      ),
    ),
    ...recalled,
    rung(
      'rounds',
      rounds.at(-1)!.afterMs,
      'end',
      'the chain ends: the silent stand on the call list',
    ),
    rung(
      'decide_uncertain_after',
      severity.decideUncertainAfterMs,
      'due',
      'an officer decides over messages whose fate nobody knows',
    ),
    rung('next_update_within', severity.nextUpdateWithinMs, 'due', 'our next update is due'),
    rung('acknowledge_within', severity.acknowledgeWithinMs, 'due', 'their answer is due'),
    rung(
      'send_expires_after',
      severity.sendExpiresAfterMs,
      'end',
      'what has not left is not sent any more',
    ),
  ];
  return all.toSorted((a, b) => a.atMs - b.atMs);
}
