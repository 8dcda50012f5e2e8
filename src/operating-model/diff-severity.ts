/** What changes of one severity, in sentences that follow its name. Pure. */
import { formatMoney } from '#kernel/money.ts';
import { formatMinute, type QuietHours } from '#kernel/quiet-hours.ts';
import { spokenDuration } from './durations.ts';
import type { Round, Severity } from './model.ts';

/** What went, what came, and what is in both. */
export function differences<T>(before: readonly T[], after: readonly T[]) {
  return {
    gone: before.filter((one) => !after.includes(one)),
    fresh: after.filter((one) => !before.includes(one)),
    both: after.filter((one) => before.includes(one)),
  };
}

/** `words now instead of before`; nothing where both are the same. */
export function instead(words: string, before: string, now: string): string[] {
  return before === now ? [] : [`${words} ${now} instead of ${before}`];
}

const LANES = ['', '1 (live and critical)', '2 (escalation)', '3 (routine)'];

export function oneSeverity(before: Severity, after: Severity): string[] {
  const channels = differences(before.channels, after.channels);
  const times = (words: string, of: (severity: Severity) => number) =>
    instead(words, spokenDuration(of(before)), spokenDuration(of(after)));
  const asks = (severity: Severity) => severity.askForReceiptAfterMs.map(spokenDuration).join(', ');
  return [
    ...instead('leaves in lane', LANES[before.lane]!, LANES[after.lane]!),
    ...channels.fresh.map((one) => `also by ${one}`),
    ...channels.gone.map((one) => `no longer by ${one}`),
    ...roundChanges(before.rounds, after.rounds, 'round'),
    ...roundChanges(before.reminders, after.reminders, 'reminder'),
    ...quietChange(before, after),
    ...instead('the silent stand on the call list', listedWhen(before), listedWhen(after)),
    ...regionChange(before, after),
    ...instead('texts may cost', capOf(before), capOf(after)),
    ...times('acknowledged within', ({ acknowledgeWithinMs: ms }) => ms),
    ...times('next update within', ({ nextUpdateWithinMs: ms }) => ms),
    ...times('nothing is sent any more after', ({ sendExpiresAfterMs: ms }) => ms),
    ...times('recalled whole within', ({ recallWindowMs: ms }) => ms),
    ...times('an officer decides what is uncertain after', (one) => one.decideUncertainAfterMs),
    ...instead('a missing receipt is asked for after', asks(before), asks(after)),
  ];
}

/** `from 22:00 to 07:00` */
export function quietWords({ fromMinute, untilMinute }: QuietHours): string {
  return `from ${formatMinute(fromMinute)} to ${formatMinute(untilMinute)}`;
}

function quietChange({ quietHours: before }: Severity, { quietHours: after }: Severity): string[] {
  const [old, now] = [before && quietWords(before), after && quietWords(after)];
  if (old === now) return [];
  if (now === undefined) return [`no quiet hours any more: nothing waits ${old}`];
  return [
    `quiet hours ${now}${old === undefined ? '' : ` instead of ${old}`}: rounds wait for their end`,
  ];
}

function listedWhen({ callListAfterMs }: Severity): string {
  if (callListAfterMs === undefined) return 'once the last round has opened';
  return `after ${spokenDuration(callListAfterMs)}`;
}

function regionChange({ tellRegion: before }: Severity, { tellRegion: after }: Severity): string[] {
  const words = ({ afterMs, wake }: NonNullable<Severity['tellRegion']>) =>
    `${wake.join(' and ')} after ${spokenDuration(afterMs)}`;
  const [old, now] = [before && words(before), after && words(after)];
  if (old === now) return [];
  if (now === undefined) return [`regions are not told any more (${old})`];
  return [`regions are told: ${now}${old === undefined ? '' : ` instead of ${old}`}`];
}

const capOf = ({ spendCapPence: cap }: Severity) =>
  cap === undefined ? 'whatever they do' : formatMoney(cap);

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];

/** `second round`, `round 9`. */
function nameOfRound(index: number, what: string): string {
  const ordinal = ORDINALS[index];
  return ordinal === undefined ? `${what} ${index + 1}` : `${ordinal} ${what}`;
}

/** `rank 1, 2 and 3`. */
export function ranksOf({ ranks }: Round): string {
  const last = ranks.at(-1)!;
  return `rank ${ranks.length === 1 ? last : `${ranks.slice(0, -1).join(', ')} and ${last}`}`;
}

function roundChanges(
  before: readonly Round[],
  after: readonly Round[],
  what: 'round' | 'reminder',
): string[] {
  const longest = Math.max(before.length, after.length);
  return Array.from({ length: longest }, (_, i) => {
    const [old, now] = [before[i], after[i]];
    const name = nameOfRound(i, what);
    if (old === undefined)
      return [`a ${name} after ${spokenDuration(now!.afterMs)}, to ${ranksOf(now!)}`];
    if (now === undefined) return [`no ${name} any more`];
    return [
      ...instead(`${name} after`, spokenDuration(old.afterMs), spokenDuration(now.afterMs)),
      ...instead(`${name} to`, ranksOf(old), ranksOf(now)),
    ];
  }).flat();
}
