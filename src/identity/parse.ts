/** What comes in from forms. */
import { z } from 'zod';
import { CONTROL } from '#kernel/control-characters.ts';
import { ZONE, londonDay } from '#kernel/day.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { dateOnly, many, parseForm, type Form } from '#web/index.ts';
import type { Invitation } from './actions.ts';
import type { Term } from './store-held.ts';

export const INVITATION_FIELDS = ['name', 'email', 'roles'] as const;

const emailAddress = z
  .string('Enter the e-mail address')
  .min(1, 'Enter the e-mail address')
  .refine((text) => parseEmailAddress(text).ok, 'Write an address like name@example.org')
  .transform((text) => {
    const address = parseEmailAddress(text);
    return address.ok ? address.value : text;
  });

const invitation = z.object({
  name: z
    .string('Enter the full name')
    .min(1, 'Enter the full name')
    .max(200, 'Use 200 characters or fewer')
    .refine((name) => !name.includes('\n'), 'Use one line'),
  email: emailAddress,
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

export const VOUCHING_FIELDS = ['name', 'email', 'code', 'role', 'because'] as const;

const vouching = colleague.omit({ organisation: true }).extend({
  code: z.string('Enter the code').trim().min(1, 'Enter the code').max(40, 'No code is so long'),
  because: z
    .string('Say how you know them')
    .trim()
    .min(1, 'Say how you know them')
    .max(500, 'Use 500 characters or fewer'),
});

/** Somebody whom a sponsor vouches for. */
export function parseVouching(form: Form): Outcome<z.output<typeof vouching>> {
  return parseForm(vouching, form);
}

export const SPACE_FIELDS = ['name', 'purpose'] as const;

const space = z.object({
  name: z
    .string('Enter a name')
    .trim()
    .min(1, 'Enter a name')
    .max(80, 'Use 80 characters or fewer')
    .refine((name) => !CONTROL.test(name), 'Use one line without invisible characters'),
  purpose: z
    .string('Say what it is for')
    .trim()
    .min(1, 'Say what it is for')
    .max(500, 'Use 500 characters or fewer')
    .refine(
      (text) => !CONTROL.test(text.replaceAll(/\s/g, '')),
      'Type it without invisible characters',
    ),
});

/** What a space is called, and what it is for. */
export function parseSpace(form: Form): Outcome<z.output<typeof space>> {
  return parseForm(space, form);
}

export const READER_FIELDS = ['email', 'until'] as const;

const reader = z.object({ email: emailAddress });

/** Who is to read in a space, and until when: with the last day, by the clock of the centre. */
export function parseReader(form: Form, now: Date): Outcome<{ email: string; until: Date }> {
  const parsed = parseForm(reader, form);
  const last = dayToCome(oneOf(form, 'until'), now);
  if (parsed.ok && typeof last !== 'string')
    return ok({ email: parsed.value.email, until: endOf(last) });
  return refused('invalid', 'Put right what is marked below.', {
    ...(!parsed.ok && parsed.fields),
    ...(typeof last === 'string' && { until: last }),
  });
}

/**
 * From and until which day a role is to hold, both by the clock of the centre and both with that
 * day; an empty one is at once, or until it is ended.
 */
export function parseTerm(form: Form, now: Date): Outcome<Term> {
  const wrong: Record<string, string> = {};
  if (oneOf(form, 'role') === '') wrong['role'] = 'Choose a role';
  const [from, until] = (['from', 'until'] as const).map((name) => {
    const text = oneOf(form, name);
    if (text.trim() === '') return undefined;
    const day = dayToCome(text, now);
    if (typeof day !== 'string') return day;
    wrong[name] = day;
    return undefined;
  });
  if (from && until && Temporal.PlainDate.compare(from, until) > 0)
    wrong['until'] ??= 'The last day comes before the first';
  if (Object.keys(wrong).length > 0)
    return refused('invalid', 'Put right what is marked below.', wrong);
  return ok({
    startsAt: from === undefined || from.toString() === londonDay(now) ? null : beginOf(from),
    endsAt: until === undefined ? null : endOf(until),
  });
}

/** What was typed as a day that is not over; or what is wrong with it. */
function dayToCome(text: string, now: Date): Temporal.PlainDate | string {
  const day = dayOf(text.trim());
  if (day === undefined) return 'Enter a day like 2027-01-31';
  return day.toString() < londonDay(now) ? 'Enter today or a day to come' : day;
}

/** Years of four digits: what comes after them no calendar of ours shows. */
function dayOf(text: string): Temporal.PlainDate | undefined {
  try {
    return /^\d{4}-\d\d-\d\d$/.test(text) ? Temporal.PlainDate.from(text) : undefined;
  } catch {
    return undefined;
  }
}

function beginOf(day: Temporal.PlainDate): Date {
  return new Date(day.toZonedDateTime(ZONE).epochMilliseconds);
}

function endOf(day: Temporal.PlainDate): Date {
  return beginOf(day.add({ days: 1 }));
}

/** `from 1 December 2026 until 31 January 2027`; '' for one without planned days that holds. */
export function termWords({ startsAt, endsAt }: Term, now: Date): string {
  const from = startsAt !== null && startsAt > now ? `from ${dateOnly(startsAt)}` : '';
  const until = endsAt === null ? '' : `until ${dateOnly(lastDayOf(endsAt))}`;
  return [from, until].filter((part) => part !== '').join(' ');
}

/** Within the day before the instant at which it holds no more. */
export function lastDayOf(endsAt: Date): Date {
  return new Date(endsAt.getTime() - 1);
}
