import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { everybody, type AudienceQuestion, type DirectoryRules } from './model.ts';

/** A form posts one value as text and several as a list. */
const list = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .transform((values) => [...new Set(values.map((text) => text.trim()).filter(Boolean))].sort());

/** Codes as somebody types or pastes them: with commas, spaces or lines between, in any case. */
const codes = list.transform((values) => [
  ...new Set(values.flatMap((text) => text.toUpperCase().split(/[\s,;]+/)).filter(Boolean)),
]);

const yes = z
  .union([z.boolean(), z.enum(['yes', 'no', 'on', 'true', 'false', ''])])
  .transform((value) => value === true || ['yes', 'on', 'true'].includes(String(value)));

const shape = z.object({
  types: list.default([]),
  regions: codes.default([]),
  systems: codes.default([]),
  roles: list.default([]),
  mustAnswerOnly: yes.default(false),
  include: codes.default([]),
  exclude: codes.default([]),
});

/**
 * A question over the directory from a form, a request or a stored version. Types and roles must
 * be of the operating model; whether codes exist only the directory knows.
 */
export function parseAudienceQuestion(
  input: unknown,
  rules: DirectoryRules,
): Outcome<AudienceQuestion> {
  const parsed = shape.safeParse(input ?? everybody);
  if (!parsed.success) {
    const fields = Object.fromEntries(
      parsed.error.issues.map((issue) => [String(issue.path[0] ?? ''), 'Give text or a list here']),
    );
    return refused('invalid', 'The audience is not of a known form.', fields);
  }
  const question = parsed.data;
  const strange = {
    types: question.types.filter((type) => !Object.hasOwn(rules.organisationTypes, type)),
    roles: question.roles.filter((role) => !Object.hasOwn(rules.contactRoles, role)),
  };
  const fields = Object.fromEntries(
    Object.entries(strange)
      .filter(([, names]) => names.length > 0)
      .map(([field, names]) => [field, `Not in the operating model: ${names.join(', ')}`]),
  );
  if (Object.keys(fields).length === 0) return ok(question);
  return refused('invalid', Object.values(fields).join('; '), fields);
}
