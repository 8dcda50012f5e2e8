/** What the routes of the API have in common: each schema checks, and is the documentation. */
import { z } from 'zod';
import { refused, type Refused } from '#kernel/outcome.ts';
import { decodeCursor, PAGE_ROWS, PAGE_ROWS_MAX } from './paging.ts';

export const uuid = z.uuid().meta({ examples: ['01900000-0000-7000-8000-000000000001'] });

export const instant = z.iso.datetime().meta({ examples: ['2026-11-23T03:02:00.000Z'] });

/** ISO 8601 has a year 0, and PostgreSQL has none. */
export const hasYear = (text: string): boolean => text >= '0001';

export const day = z.iso.date().refine(hasYear, 'There is no year 0');

/** Text of a name or a search. Control characters: PostgreSQL has no NUL, pages have one line. */
export const oneLine = (max: number) =>
  z
    .string()
    .max(max, { abort: true })
    .regex(/^\P{Cc}*$/u, 'No line ends or control characters here');

/** One of the keys of a table. */
export const keysOf = <K extends string>(table: Readonly<Record<K, unknown>>) =>
  z.enum(Object.keys(table) as [K, ...K[]]);

/** One of the keys of a table, which says what each of them means. */
export const meaningsOf = <K extends string>(table: Readonly<Record<K, string>>) =>
  keysOf(table).describe(
    Object.entries<string>(table)
      .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
      .join('; '),
  );

/** Every list of the API: `rows` in a stable order, `next` for the page after this one. */
export const listOf = <T extends z.ZodType>(row: T) =>
  z.strictObject({
    rows: z.array(row),
    next: z.string().nullable().describe('Give it back as `after`; null on the last page'),
  });

/** Longer than any of ours: two keys, one of them a name. */
const CURSOR_CHARACTERS_MAX = 2000;

/** The `next` of the page before, as the values that the list is ordered by (`pageOf`). */
export const cursorOf = <T extends z.ZodTuple>(key: T) =>
  z
    .string()
    .max(CURSOR_CHARACTERS_MAX)
    .transform((cursor, context): z.output<T> => {
      const found = key.safeParse(decodeCursor(cursor));
      if (found.success) return found.data;
      context.addIssue({ code: 'custom', message: 'Give the “next” of the page before' });
      return z.NEVER;
    })
    .describe('The `next` of the page before');

/** What the query of every list takes beside its filters. */
export const pageQuery = <T extends z.ZodType>(cursor: T) => ({
  after: cursor.optional(),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(PAGE_ROWS_MAX)
    .default(PAGE_ROWS)
    .describe('Rows of a page'),
});

/** For an act without a body: what came instead of nothing or `{}` is refused, not ignored. */
export function refuseBody(rawBody: string): Refused | undefined {
  if (/^\s*(\{\s*\})?\s*$/.test(rawBody)) return undefined;
  return refused('invalid', 'This takes no body.', { '': 'Leave the body out' });
}

/** Which rule of the operating model decides something (`Because`); null where none does. */
export const because = z
  .strictObject({
    rule: z
      .string()
      .describe('Its place in the file')
      .meta({ examples: ['severities.high.rounds[1]'] }),
    version: z.string().describe('SHA-256 of the operating model that is obeyed'),
    says: z.string(),
    hours: z
      .string()
      .optional()
      .describe('What the hours of the day have to do with it; absent where they cannot have any'),
    href: z.string().describe('The rule on the page of that version'),
  })
  .nullable()
  .describe('The rule; null where none of the operating model decides it');
