/** What somebody types about a use, a name or a tag. Pure. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import { hasYear } from '#web/index.ts';

/** A name on one line, without characters that nobody sees. */
export const nameText = (max: number, missing: string) =>
  z
    .string()
    .transform((text) => text.normalize('NFKC').replaceAll(/\s+/g, ' ').trim())
    .pipe(
      z
        .string()
        .min(1, missing)
        .max(max, `Use ${max} characters or fewer`)
        .regex(/^[^\p{Cc}\p{Cf}]*$/u, 'It has an invisible character; type it again'),
    );

const day = (wrong: string) =>
  z
    .string()
    .refine((text) => !Number.isNaN(Date.parse(`${text}T00:00:00Z`)), wrong)
    .pipe(z.iso.date(wrong).refine(hasYear, wrong));

const A_DAY = 'Give a day such as 2026-11-23';

export const SUPPLIER_MAX = 80;
export const TAG_MAX = 40;

const optionalDay = z.union([z.literal('').transform(() => null), day(A_DAY)]);

const shape = z.object({
  supplier: nameText(SUPPLIER_MAX, 'Say who the supplier is'),
  product: z.union([z.literal('').transform(() => ''), nameText(SUPPLIER_MAX, '')]).default(''),
  saidBy: nameText(120, 'Say who told you'),
  saidOn: optionalDay.default(null),
  usedUntil: optionalDay.default(null),
});

export const useFields = Object.keys(shape.shape);

export type SaidUse = Omit<z.output<typeof shape>, 'saidOn'> & { readonly saidOn: string };

/** A use as it was typed; said today unless a day is given, which cannot be a day to come. */
export function useForm(now: Date) {
  const today = londonDay(now);
  return shape
    .transform((said): SaidUse => ({ ...said, saidOn: said.saidOn ?? today }))
    .superRefine(({ saidOn, usedUntil }, context) => {
      if (saidOn > today)
        context.addIssue({ code: 'custom', path: ['saidOn'], message: 'That day is yet to come' });
      if (usedUntil !== null && usedUntil <= saidOn)
        context.addIssue({
          code: 'custom',
          path: ['usedUntil'],
          message: 'It must be later than the day on which it was said',
        });
    });
}

export const tagForm = z.object({ tag: nameText(TAG_MAX, 'Write a word') });

export const nameForm = (max: number) => z.object({ name: nameText(max, 'Give it a name') });
