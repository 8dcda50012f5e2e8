/**
 * Hours of the day in which nothing that can wait is sent, by the clock on the wall of the centre
 * (summer time and all). Pure.
 */

import { ZONE } from './day.ts';

const DAY_MINUTES = 24 * 60;

/** Minutes since midnight; `until` may be on the next day, and is the first that is not quiet. */
export type QuietHours = { readonly fromMinute: number; readonly untilMinute: number };

/** Minutes since midnight of `22:30`; undefined where it is no time of a day. */
export function parseMinute(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

/** `22:30` */
export function formatMinute(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function isQuiet({ fromMinute, untilMinute }: QuietHours, minute: number): boolean {
  return fromMinute < untilMinute
    ? minute >= fromMinute && minute < untilMinute
    : minute >= fromMinute || minute < untilMinute;
}

/** The moment itself, or the end of the quiet hours that it lies in. In ms since the epoch. */
export function afterQuiet(atMs: number, quiet: QuietHours | undefined): number {
  if (quiet === undefined) return atMs;
  const { fromMinute, untilMinute } = quiet;
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(ZONE);
  const minute = local.hour * 60 + local.minute;
  if (!isQuiet(quiet, minute)) return atMs;
  const isNextDay = fromMinute > untilMinute && minute >= fromMinute;
  const end = local
    .toPlainDate()
    .add({ days: isNextDay ? 1 : 0 })
    .toPlainDateTime({ hour: Math.floor(untilMinute / 60), minute: untilMinute % 60 })
    // An hour that comes twice is quiet both times.
    .toZonedDateTime(ZONE, { disambiguation: 'later' });
  return end.epochMilliseconds;
}

/** When quiet hours begin next, this moment included. In ms since the epoch. */
export function nextQuiet(atMs: number, { fromMinute }: QuietHours): number {
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(ZONE);
  const begins = (days: number) =>
    local
      .toPlainDate()
      .add({ days })
      .toPlainDateTime({ hour: Math.floor(fromMinute / 60), minute: fromMinute % 60 })
      .toZonedDateTime(ZONE, { disambiguation: 'earlier' }).epochMilliseconds;
  return begins(0) >= atMs ? begins(0) : begins(1);
}

/**
 * When steps planned for these moments, in their order, happen: one that falls into quiet hours
 * waits for their end, and those after it keep their distance, so that nobody is given less time to
 * answer.
 */
export function outOfQuiet(plannedMs: readonly number[], quiet: QuietHours | undefined): number[] {
  let heldMs = 0;
  return plannedMs.map((planned) => {
    const at = afterQuiet(planned + heldMs, quiet);
    heldMs = at - planned;
    return at;
  });
}

/** How long something waits at most, in ms; with the hour by which clocks are put back. */
export function longestQuietMs({ fromMinute, untilMinute }: QuietHours): number {
  const minutes = (untilMinute - fromMinute + DAY_MINUTES) % DAY_MINUTES;
  return (minutes + 60) * 60_000;
}
