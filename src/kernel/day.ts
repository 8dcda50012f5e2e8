/** The day at the centre, by the clock on its wall (summer time and all). Pure. */

/** The centre's time zone. */
export const ZONE = 'Europe/London';

const dayKey = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE });

/**
 * The day there, as `2026-11-23`: on it the directory's dates begin and end, as in `kernel.today()`
 * of the database.
 */
export function londonDay(at: Date): string {
  return dayKey.format(at);
}
