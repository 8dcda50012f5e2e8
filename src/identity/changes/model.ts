/**
 * What is kept of a change that takes two persons. It lives as long as its approval
 * (`approval-model.ts`); there is no other state of it.
 */
import { z } from 'zod';

/** One thing that would be another one, in words. */
export type ChangeLine = {
  readonly what: string;
  /** Absent: there is none yet. */
  readonly before?: string | undefined;
  readonly after: string;
  /** Where all of it is seen. */
  readonly href?: string | undefined;
};

/** Longest reason, in characters. */
export const REASON_MAX = 500;

const content = z.strictObject({
  payload: z.unknown(),
  base: z.unknown(),
  lines: z.array(
    z.strictObject({
      what: z.string(),
      before: z.string().optional(),
      after: z.string(),
      href: z.string().startsWith('/').optional(),
    }),
  ),
  reason: z.string(),
});

export type ChangeContent = z.output<typeof content>;

/** Exactly what is approved; the same content is the same text. */
export function writeContent({ payload, base, lines, reason }: ChangeContent): string {
  return JSON.stringify({ payload, base, lines, reason });
}

/** The content as it was written; anything else is a bug. */
export function readContent(text: string): ChangeContent {
  return content.parse(JSON.parse(text));
}

/** Why these words are no reason; undefined where they are. */
export function wrongReason(words: string, empty: string): string | undefined {
  if (words === '') return empty;
  return words.length > REASON_MAX ? `Use ${REASON_MAX} characters or fewer` : undefined;
}
