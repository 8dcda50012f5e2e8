import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  everybody,
  joins,
  type AskedPart,
  type AskedQuestion,
  type DirectoryRules,
} from '../model.ts';

/** A form posts one value as text and several as a list. */
const values = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .transform((all) => all.map((text) => text.trim()).filter(Boolean));

const list = values.transform((all) => [...new Set(all)].sort());

/** Codes as somebody types or pastes them: with commas, spaces or lines between, in any case. */
export function codesIn(texts: readonly string[]): string[] {
  const codes = texts.flatMap((text) => text.toUpperCase().split(/[\s,;]+/));
  return [...new Set(codes.filter(Boolean))];
}

const codes = list.transform(codesIn);

const names = values.transform((all) =>
  [...new Set(all.map((text) => text.normalize('NFKC').replaceAll(/\s+/g, ' ')))].sort(),
);

const yes = z
  .union([z.boolean(), z.enum(['yes', 'no', 'on', 'true', 'false', ''])])
  .transform((value) => value === true || ['yes', 'on', 'true'].includes(String(value)));

const rank = z.coerce.number().int().min(1).max(9);

const ranks = z
  .union([rank, z.literal('').transform(() => []), z.array(rank)])
  .transform((value) => [...new Set([value].flat())].sort((a, b) => a - b));

const part = z.object({
  how: z.enum(joins),
  id: z.uuid(),
  version: z.int().min(1).optional(),
});

/** `01900000-…@3`: an audience at one of its versions; without the number that of today. */
const REFERENCE = /^([0-9a-f-]{36})(?:@(\d{1,9}))?$/i;

const references = values.transform((all, context) =>
  all.map((text) => {
    const [, id = '', version] = REFERENCE.exec(text) ?? [];
    if (z.uuid().safeParse(id).success)
      return { id: id.toLowerCase(), version: version === undefined ? undefined : Number(version) };
    context.addIssue({ code: 'custom', message: 'Choose one of those offered' });
    return z.NEVER;
  }),
);

const shape = z.object({
  types: list.default([]),
  regions: codes.default([]),
  systems: codes.default([]),
  parents: codes.default([]),
  roles: list.default([]),
  ranks: ranks.default([]),
  suppliers: names.default([]),
  products: names.default([]),
  tags: names.default([]),
  mustAnswerOnly: yes.default(false),
  namedOnly: yes.default(false),
  include: codes.default([]),
  exclude: codes.default([]),
  // As a form has them: a field for each way of counting.
  within: references.default([]),
  added: references.default([]),
  without: references.default([]),
  // As a program or a stored version has them.
  audiences: z.array(part).default([]),
});

/** More other audiences than anybody could read in one question. */
export const PARTS_MAX = 20;

/**
 * A question over the directory from a form, a request or a stored version. Types and roles must
 * be of the operating model; whether codes, names and audiences exist only the directory knows.
 */
export function parseAudienceQuestion(
  input: unknown,
  rules: Pick<DirectoryRules, 'organisationTypes' | 'contactRoles'>,
): Outcome<AskedQuestion> {
  const parsed = shape.safeParse(input ?? everybody);
  if (!parsed.success) {
    const fields = Object.fromEntries(
      parsed.error.issues.map((issue) => [
        String(issue.path[0] ?? ''),
        issue.code === 'custom' ? issue.message : 'Give text or a list here',
      ]),
    );
    return refused('invalid', 'The audience is not of a known form.', fields);
  }
  const { within, added, without, audiences, ...question } = parsed.data;
  const parts = onceEach([
    ...audiences,
    ...within.map((one): AskedPart => ({ how: 'and', ...one })),
    ...added.map((one): AskedPart => ({ how: 'or', ...one })),
    ...without.map((one): AskedPart => ({ how: 'not', ...one })),
  ]);
  const strange = {
    types: question.types.filter((type) => !Object.hasOwn(rules.organisationTypes, type)),
    roles: question.roles.filter((role) => !Object.hasOwn(rules.contactRoles, role)),
  };
  const fields = Object.fromEntries(
    Object.entries(strange)
      .filter(([, keys]) => keys.length > 0)
      .map(([field, keys]) => [field, `Not in the operating model: ${keys.join(', ')}`]),
  );
  if (parts.length > PARTS_MAX)
    fields['audiences'] = `A question takes ${PARTS_MAX} other audiences at most`;
  if (Object.keys(fields).length === 0) return ok({ ...question, audiences: parts });
  return refused('invalid', Object.values(fields).join('; '), fields);
}

/** The first of each audience and way of counting; a stored part keeps nothing but its reference. */
function onceEach(parts: readonly AskedPart[]): AskedPart[] {
  const seen = new Map(parts.toReversed().map((one) => [`${one.how} ${one.id}`, one]));
  return [...seen.values()]
    .map(({ how, id, version }) => ({ how, id, ...(version !== undefined && { version }) }))
    .toReversed();
}
