/** What comes in from forms. */
import { z } from 'zod';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { many, parseForm, type Form } from '#web/index.ts';
import type { Outcome } from '#kernel/outcome.ts';
import type { Invitation } from './actions.ts';

export const INVITATION_FIELDS = ['name', 'email', 'roles'] as const;

const invitation = z.object({
  name: z
    .string('Enter the full name')
    .min(1, 'Enter the full name')
    .max(200, 'Use 200 characters or fewer')
    .refine((name) => !name.includes('\n'), 'Use one line'),
  email: z
    .string('Enter the e-mail address')
    .min(1, 'Enter the e-mail address')
    .refine((text) => parseEmailAddress(text).ok, 'Write an address like name@example.org')
    .transform((text) => {
      const address = parseEmailAddress(text);
      return address.ok ? address.value : text;
    }),
  roles: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((roles) => [...many(roles)]),
});

export function parseInvitation(form: Form): Outcome<Invitation> {
  return parseForm(invitation, form);
}

/** One field of a small form, '' where it is absent or doubled. */
export function oneOf(form: Form, field: string): string {
  const value = form[field];
  return typeof value === 'string' ? value : '';
}

const passkeyName = z
  .string()
  .trim()
  .min(1)
  .max(60)
  .refine((name) => !name.includes('\n'));

/** What somebody calls a passkey; undefined for what is no name. */
export function parsePasskeyName(form: Form): string | undefined {
  return passkeyName.safeParse(oneOf(form, 'name')).data;
}

const colleague = invitation.omit({ roles: true }).extend({
  organisation: z.uuid('Choose the organisation'),
  role: z.string('Choose what they may do').regex(/^[a-z][a-z_]*$/, 'Choose what they may do'),
});

/** A colleague to be invited for one organisation. */
export function parseColleague(form: Form): Outcome<z.output<typeof colleague>> {
  return parseForm(colleague, form);
}
