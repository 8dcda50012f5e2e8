/** Reminders that come before what they remind of, after what is due, or to nobody. */
import { formatDuration } from './durations.ts';
import type { ModelFile } from './file-schema.ts';
import { error, type Remark } from './findings.ts';

type FileSeverity = ModelFile['severities'][string];

export function checkReminders({ severities, texts_per_number: limit }: ModelFile): Remark[] {
  return Object.entries(severities).flatMap(([id, severity]) => [
    ...checkTimes(id, severity),
    ...checkWhom(id, severity),
    ...checkFatigue(id, severity, limit),
  ]);
}

const at = (id: string, i: number, key: string) => ['severities', id, 'reminders', i, key];

/** After the chain, each later than the one before, and all while the answer is not overdue. */
function checkTimes(id: string, { rounds, reminders, acknowledge_within: due }: FileSeverity) {
  const last = rounds.at(-1)!.after;
  return reminders.flatMap(({ after }, i): Remark[] => {
    const before = reminders[i - 1]?.after;
    if (after <= last) {
      const why = `must be later than the last round (${formatDuration(last)}): the chain goes on until then`;
      return [error(at(id, i, 'after'), why)];
    }
    if (before !== undefined && after <= before) {
      const why = `must be later than the reminder before it (${formatDuration(before)})`;
      return [error(at(id, i, 'after'), why)];
    }
    if (after < due) return [];
    const why = `the answer is due before its reminder (acknowledge_within is ${formatDuration(due)})`;
    return [error(at(id, i, 'after'), why)];
  });
}

/** Only who was told can be reminded. */
function checkWhom(id: string, { rounds, reminders }: FileSeverity): Remark[] {
  const called = rounds.flatMap(({ ranks }) => ranks).toSorted((a, b) => a - b);
  return reminders.flatMap(({ ranks }, i) =>
    ranks
      .filter((rank, place) => !called.includes(rank) || ranks.indexOf(rank) !== place)
      .map((rank) => {
        const why = called.includes(rank)
          ? `rank ${rank} stands there twice`
          : `no round calls rank ${rank}; allowed: ${called.join(', ')}`;
        return error(at(id, i, 'ranks'), why);
      }),
  );
}

/** A reminder that its number may not have any more would never leave. */
function checkFatigue(
  id: string,
  { channels, rounds, reminders }: FileSeverity,
  { most, within }: ModelFile['texts_per_number'],
): Remark[] {
  if (!channels.includes('text')) return [];
  return reminders.flatMap(({ ranks, after }, i) => {
    const tired = ranks.filter((rank) => {
      const earlier = [...rounds, ...reminders.slice(0, i)].filter(
        (one) => one.ranks.includes(rank) && one.after > after - within,
      );
      return earlier.length >= most;
    });
    if (tired.length === 0) return [];
    const why = `rank ${tired.join(', ')} has had ${most} in ${formatDuration(within)} by then, as much as texts_per_number allows`;
    return [error(at(id, i, 'after'), why)];
  });
}
