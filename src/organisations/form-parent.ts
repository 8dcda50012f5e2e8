/** What somebody types about the parent of an organisation. Pure. */
import { z } from 'zod';
import { nameText } from './suppliers/form-use.ts';
import { isDate } from './imports/row.ts';

const day = z
  .string()
  .refine((text) => text === '' || isDate(text), 'Give a day such as 2026-11-23')
  .transform((text) => text || null);

const shape = z.object({
  parent: z.string().transform((text) => text.toUpperCase() || null),
  from: day.default(null),
  until: day.default(null),
  saidBy: nameText(120, 'Say who told you'),
  seen: z.string(),
});

export const parentFields = ['parent', 'from', 'until', 'saidBy'];

export const parentForm = shape.superRefine(({ from, until }, context) => {
  if (from !== null && until !== null && until < from)
    context.addIssue({ code: 'custom', path: ['until'], message: 'It is before the first day' });
});
