/** A day other than today that the directory is looked at for. Pure. */
import { londonDay } from '#kernel/day.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { isDate } from './imports/row.ts';

export type AsAt = {
  /** `2026-04-01`. */
  readonly day: string;
  /** Its end has passed: what was changed later is taken back. */
  readonly isPast: boolean;
};

/** What stands in the address as `as-at`; undefined where it is today, or no day at all. */
export function asAtOf(text: string, now: Date): AsAt | undefined {
  const today = londonDay(now);
  if (!isDate(text) || text === today) return undefined;
  return { day: text, isPast: text < today };
}

/**
 * A day that somebody gave for whole numbers, which have no past: one that somebody gave up may be
 * a stranger's by now, and nobody is to ring it. Undefined, or empty: today.
 */
export function dayAhead(text: string | undefined, now: Date): Outcome<AsAt | undefined> {
  if (text === undefined || text === '') return ok(undefined);
  if (!isDate(text)) return aboutDay('Enter a day such as 2027-04-01');
  const asAt = asAtOf(text, now);
  return asAt?.isPast === true ? noPast : ok(asAt);
}

function aboutDay(why: string): Refused {
  return refused('invalid', `${why}.`, { asAt: why });
}

const noPast = aboutDay(
  'Choose today or a day to come: a number of a past day may be a stranger’s by now',
);

/** For the banner of a page, `organisations/as-at.njk`; null: it is today. */
export function asAtShown(
  asAt: AsAt | undefined,
  known: { readonly beganOn: Date | null; readonly ahead: AheadCounts },
) {
  if (asAt === undefined) return null;
  const { beganOn, ahead } = known;
  const at = new Date(`${asAt.day}T12:00:00Z`);
  const isBeforeAll = asAt.isPast && beganOn !== null && at < beganOn;
  return { ...asAt, at, beganOn: isBeforeAll ? beganOn : null, ahead };
}

/** How many mergers and splits until a day to come are in what is shown, and how many are not. */
export type AheadCounts = Readonly<Record<'done' | 'waiting' | 'planned', number>>;
