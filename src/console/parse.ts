/** What the addresses of boards and lists hold. */
import { z } from 'zod';
import { ZONE } from '#kernel/day.ts';
import { cursorOf, dateTime, keysOf, oneLine } from '#web/index.ts';
import type { Filter } from './figures.ts';
import { ledgerParts, listings, messageListings } from './model.ts';

/** By name and id, as `listStandings` orders. */
export const standingCursor = cursorOf(z.tuple([oneLine(300), z.uuid()]));

/** By id: in the order in which messages were made. */
export const messageCursor = cursorOf(z.tuple([z.uuid()]));

/** Of a region, system or type; `-` for whatever has none. Chosen in a form, '' is all. */
const code = z
  .string()
  .regex(/^[\w-]{0,40}$/)
  .transform((typed) => (typed === '' ? undefined : typed))
  .optional();

const filterQuery = { region: code, system: code, type: code };

export const idParams = z.object({ id: z.uuid() });

export const boardQuery = z.object({ ...filterQuery, at: z.string().max(40).optional() });

export const listQuery = z.object({
  ...filterQuery,
  show: keysOf(listings).default('must_answer'),
  at: z.string().max(40).optional(),
  after: standingCursor.optional().catch(undefined),
});

export const messageQuery = z.object({
  channel: z.enum(['text', 'mail']).default('text'),
  show: keysOf(messageListings).default('planned'),
  after: messageCursor.optional().catch(undefined),
});

export const singleQuery = z.object({ after: messageCursor.optional().catch(undefined) });

export const ledgerQuery = z.object({
  show: keysOf(ledgerParts).default('gone'),
  after: standingCursor.optional().catch(undefined),
});

export function filterOf(query: { readonly [By in keyof Filter]?: string | undefined }): Filter {
  return { region: query.region, system: query.system, type: query.type };
}

const MINUTE_MS = 60_000;

/**
 * The end of a minute by the centre's clock, as a field of a form gives it (`2026-11-23T03:12`), or
 * an instant. The first of two, in the hour that comes twice. Undefined where there is no such one.
 */
export function momentOf(text: string): Date | undefined {
  try {
    if (text.endsWith('Z')) return new Date(Temporal.Instant.from(text).epochMilliseconds);
    const local = Temporal.PlainDateTime.from(text).round({
      smallestUnit: 'minute',
      roundingMode: 'floor',
    });
    const zoned = local.toZonedDateTime(ZONE, { disambiguation: 'earlier' });
    return new Date(zoned.epochMilliseconds + MINUTE_MS - 1);
  } catch {
    return undefined;
  }
}

/** As `momentOf`, between the release and now; otherwise a sentence about what is wrong with it. */
export function pastMomentOf(
  text: string,
  { releasedAt, now }: { readonly releasedAt: Date; readonly now: Date },
): Date | string {
  const at = momentOf(text);
  if (at === undefined) return 'Enter a date and a time';
  if (at < releasedAt) return `This version went out on ${dateTime(releasedAt)}`;
  if (at.getTime() > now.getTime() + MINUTE_MS) return 'That minute has not come yet';
  return at > now ? now : at;
}

/** As a field of a form has it. */
export function fieldMinute(at: Date): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(ZONE);
  return local.toPlainDateTime().toString({ smallestUnit: 'minute' });
}
