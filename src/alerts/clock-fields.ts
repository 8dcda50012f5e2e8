import { ZONE } from '#kernel/day.ts';
/** Dates and times of forms, by the centre's clock. */

/** A date and a time by the centre's clock; undefined where there is no such moment. */
export function instantOf(date: string, time: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || !/^\d\d:\d\d$/.test(time)) return undefined;
  try {
    const local = Temporal.PlainDate.from(date).toPlainDateTime(Temporal.PlainTime.from(time));
    // In the night of the change an hour is missing or comes twice: neither is guessed.
    const zoned = local.toZonedDateTime(ZONE, { disambiguation: 'reject' });
    return new Date(zoned.epochMilliseconds);
  } catch {
    return undefined;
  }
}

/** `2026-11-23`, by the centre's clock: what a date field takes. */
export function dateOf(at: Date): string {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(ZONE)
    .toPlainDate()
    .toString();
}
