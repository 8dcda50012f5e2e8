/** What comes in from the form for a key of a program. */
import { z } from 'zod';
import type { Permission } from '#kernel/actor.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import { many, parseForm, type Form } from '#web/index.ts';
import { isForKeys } from './model.ts';

export const KEY_FIELDS = ['name', 'permissions', 'days', 'reason'] as const;

/** Longest life of a key that is made on a page, in days. */
export const DAYS_MAX = 366;

const DAYS = `Enter a whole number of days, at most ${DAYS_MAX}`;

const wish = z.object({
  name: z
    .string('Enter which program it is for')
    .min(1, 'Enter which program it is for')
    .max(200, 'Use 200 characters or fewer')
    .refine((name) => !name.includes('\n'), 'Use one line'),
  permissions: z
    .union([z.string(), z.array(z.string())], 'Choose what it may do')
    .transform((all) => [...new Set(many(all))])
    .refine((all) => all.length > 0, 'Choose what it may do')
    .refine(
      (all): all is Permission[] => all.every(isForKeys),
      'Choose from the list: a program can use nothing else',
    ),
  days: z
    .string(DAYS)
    .regex(/^[1-9]\d{0,2}$/, DAYS)
    .transform(Number)
    .refine((days) => days <= DAYS_MAX, DAYS),
  reason: z.string().optional().default(''),
});

export type KeyWish = {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly reason: string;
};

export function parseKeyWish(form: Form, now: Date): Outcome<KeyWish> {
  const parsed = parseForm(wish, form);
  if (!parsed.ok) return parsed;
  const { days, ...rest } = parsed.value;
  const expiresAt = new Date(now.getTime() + days * 86_400_000).toISOString();
  return ok({ ...rest, expiresAt });
}
