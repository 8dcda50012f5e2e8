/** The settings of an issuer as an administrator writes them. */
import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { isTrustworthy } from '#web/index.ts';
import type { IssuerWish } from './issuers.ts';

const name = /^[a-z][a-z0-9-]{0,39}$/;

/** An id in addresses of pages. */
export const issuerId = z.string().regex(name);

function isSafe(text: string): boolean {
  return URL.canParse(text) && isTrustworthy(new URL(text).origin);
}

const address = z
  .string()
  .max(300)
  .refine(isSafe, 'write an https address')
  .refine((text) => !/[?#@]/.test(text), 'write it without user, query or fragment');

const origin = z
  .string()
  .refine(isSafe, 'write an https origin')
  .refine((text) => !isSafe(text) || new URL(text).origin === text, 'write scheme and host alone');

const words = z.array(z.string().min(1).max(200)).max(20).default([]);

const settings = z.strictObject({
  url: address,
  label: z.string().trim().min(1).max(60),
  organisation: z.string().trim().min(1).optional(),
  clientId: z.string().min(1).max(300),
  clientSecret: z.string().min(1).max(2000).optional(),
  sendsSecretBy: z.enum(['basic', 'post']).default('basic'),
  origins: z.array(origin).max(10).default([]),
  acr: words,
  amr: words,
  authAgeMaxMinutes: z.int().min(1).max(1440).default(60),
});

/** All but the organisation, which is given by its code and looked up by whoever asks. */
export type ParsedIssuer = Omit<IssuerWish, 'organisationId'> & {
  readonly organisationCode: string | undefined;
};

/** The first thing that is wrong is named, by where it stands and never by its value. */
export function parseIssuerSettings(id: string, value: unknown): Outcome<ParsedIssuer> {
  if (!name.test(id))
    return refused('invalid', 'The id has small letters, digits and hyphens, 40 at most.');
  const parsed = settings.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    const where = first?.path.join('.') || 'the settings';
    return refused('invalid', `${where}: ${first?.message ?? 'cannot be read'}.`);
  }
  const { organisation, authAgeMaxMinutes, ...rest } = parsed.data;
  const authAgeMaxMs = authAgeMaxMinutes * 60_000;
  return ok({ ...rest, id, authAgeMaxMs, organisationCode: organisation });
}
