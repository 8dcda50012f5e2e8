/** Quiet hours that would keep back what cannot wait, or that last longer than what they hold. */
import { formatMinute, longestQuietMs } from '#kernel/quiet-hours.ts';
import { formatDuration } from './durations.ts';
import type { ModelFile } from './file-schema.ts';
import { error, type Remark } from './findings.ts';

export function checkQuietHours({ severities, holding }: ModelFile): Remark[] {
  return Object.entries(severities).flatMap(([id, severity], i) => {
    const { quiet_hours: quiet } = severity;
    if (quiet === undefined) return [];
    const at = (...path: string[]) => ['severities', id, ...path];
    const remarks: Remark[] = [];
    if (i === 0)
      remarks.push(error(at('quiet_hours'), 'the most urgent severity waits for nobody'));
    if (id === holding.severity)
      remarks.push(error(at('quiet_hours'), 'the holding alert goes by it, and cannot wait'));
    if (quiet.from === quiet.until) {
      const why = `ends when it begins (${formatMinute(quiet.from)})`;
      return [...remarks, error(at('quiet_hours', 'until'), why)];
    }
    // A round may fall into the night, and with its distance kept the next into another.
    const hours = longestQuietMs({ fromMinute: quiet.from, untilMinute: quiet.until });
    const { rounds, reminders } = severity;
    const refuse = (
      key: 'acknowledge_within' | 'send_expires_after',
      what: string,
      steps: readonly { readonly after: number }[],
    ) => {
      const last = steps.at(-1)!.after;
      // Each step waits once at most, and each night holds one.
      const nights = Math.min(steps.length, 1 + Math.ceil(last / (DAY_MS - hours)));
      const held = last + nights * hours;
      if (severity[key] > held) return;
      const why = `${formatDuration(severity[key])} may be over before the last ${what}, which quiet hours hold for up to ${formatDuration(held)}`;
      remarks.push(error(at(key), why));
    };
    refuse('send_expires_after', 'round', rounds);
    if (reminders.length === 0) refuse('acknowledge_within', 'round', rounds);
    else refuse('acknowledge_within', 'reminder', [...rounds, ...reminders]);
    return remarks;
  });
}

const DAY_MS = 24 * 3_600_000;
