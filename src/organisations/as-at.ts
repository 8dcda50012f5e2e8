/** A day other than today that the directory is looked at for. Pure. */
import { isDate } from './imports/row.ts';

export type AsAt = {
  /** `2026-04-01`. */
  readonly day: string;
  /** Its end has passed: what was changed later is taken back. */
  readonly isPast: boolean;
};

/** What stands in the address as `as-at`; undefined where it is today, or no day at all. */
export function asAtOf(text: string, now: Date): AsAt | undefined {
  const today = now.toISOString().slice(0, 10);
  if (!isDate(text) || text === today) return undefined;
  return { day: text, isPast: text < today };
}

/** For the banner of a page, `organisations/as-at.njk`; null: it is today. */
export function asAtShown(asAt: AsAt | undefined, beganOn: Date | null) {
  if (asAt === undefined) return null;
  const at = new Date(`${asAt.day}T12:00:00Z`);
  const isBeforeAll = asAt.isPast && beganOn !== null && at < beganOn;
  return { ...asAt, at, beganOn: isBeforeAll ? beganOn : null };
}
