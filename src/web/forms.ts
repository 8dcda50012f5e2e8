/** Forms: what was typed comes back with a sentence for each field that was refused. */
import type { z } from 'zod';
import { isUuid, newId } from '#kernel/ids.ts';
import { ok, refused, type FieldErrors, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Form } from './route.ts';

/** What a form template reads. `values` are as typed, `errors` have the shape of nhsuk macros. */
export type FormModel = {
  /** One value per field of `fields`, '' where nothing was typed. */
  readonly values: Readonly<Record<string, string>>;
  /** All values of a field, for check boxes. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** `errorMessage: form.errors.name` in a macro; undefined where the field is right. */
  readonly errors: Readonly<Record<string, { readonly text: string } | undefined>>;
  /** For `errorSummary({ errorList: form.summary })`: each line leads to its field. */
  readonly summary: readonly { readonly text: string; readonly href?: string }[];
};

/**
 * The model of a form with these field names: empty, filled from a record, or as typed with the
 * errors of `parseForm`. Field ids equal field names; the summary links rely on it.
 */
export function formModel(
  fields: readonly string[],
  typed: Readonly<Record<string, string | readonly string[] | undefined>> = {},
  errors: FieldErrors = {},
): FormModel {
  const lists = Object.fromEntries(fields.map((field) => [field, many(typed[field])]));
  return {
    lists,
    values: Object.fromEntries(fields.map((field) => [field, lists[field]?.[0] ?? ''])),
    errors: Object.fromEntries(
      Object.entries(errors).map(([field, text]) => [field === '' ? 'form' : field, { text }]),
    ),
    summary: Object.entries(errors).map(([field, text]) => {
      const known = fields.includes(field);
      return known ? { text, href: `#${field}` } : { text };
    }),
  };
}

/**
 * The id that a form has carried since it was opened, as the hidden field `formId`; a new one for a
 * form that is being opened. What the form creates gets this id, so that posting it twice (no
 * script guards the button, the network repeats) creates one thing.
 */
export function formIdOf(form: Form): string {
  const id = many(form['formId'])[0] ?? '';
  return isUuid(id) ? id : newId();
}

/** One value or several, as a list. */
export function many(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** PostgreSQL's `integer` ends here. */
const WHOLE_MAX = 2_147_483_647;

/**
 * What a hidden field of ours counted when the form was opened, such as a revision; -1 where
 * somebody made it up: nothing has that one, so it is refused as overtaken.
 */
export function countIn(form: Form, name: string): number {
  const text = many(form[name])[0] ?? '';
  return /^\d{1,10}$/.test(text) && Number(text) <= WHOLE_MAX ? Number(text) : -1;
}

/** Parses a posted form; the refusal holds one plain sentence per field. */
export function parseForm<S extends z.ZodType>(schema: S, form: Form): Outcome<z.output<S>> {
  const result = schema.safeParse(trimmed(form), { reportInput: true });
  if (result.success) return ok(result.data);
  return refused('invalid', 'Put right what is marked below.', fieldErrors(result.error));
}

function trimmed(form: Form): Form {
  return Object.fromEntries(
    Object.entries(form).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((one) => one.trim()) : value.trim(),
    ]),
  );
}

/** The errors of a refusal; beside `field` where it is about none in particular. */
export function errorsAt(field: string, { fields, message }: Refused): FieldErrors {
  return Object.keys(fields).length > 0 ? fields : { [field]: message };
}

/**
 * The first complaint about each field, in words of people instead of words of the checker. Parse
 * with `reportInput: true`: without it a value of the wrong kind looks like one left out.
 */
export function fieldErrors(error: z.ZodError): FieldErrors {
  // Not an object yet: a field may be called __proto__ or constructor.
  const errors = new Map<string, string>();
  for (const issue of error.issues)
    for (const path of pathsOf(issue)) {
      const field = path.join('.');
      if (!errors.has(field)) errors.set(field, plainWords(issue));
    }
  return Object.fromEntries(errors);
}

/** Where it is wrong: at each key that is not known, or at the one place of the issue. */
function pathsOf(issue: z.core.$ZodIssue): PropertyKey[][] {
  if (issue.code !== 'unrecognized_keys') return [issue.path];
  return issue.keys.map((key) => [...issue.path, key]);
}

/** Messages that a schema gives itself stay; zod's own are replaced. */
function plainWords(issue: z.core.$ZodIssue): string {
  const own = issue.message;
  if (!/^(Invalid|Too (small|big)|Unrecognized)/.test(own)) return own;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.path.length > 0
        ? 'Fill this in'
        : `Give ${kindOf(issue.expected)} here`;
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return tooBig(issue);
    case 'invalid_value':
      return wrongValue(issue);
    case 'invalid_format':
      return formats[issue.format] ?? 'Check the form';
    case 'unrecognized_keys':
      return 'Not known here';
    default:
      return 'Check this';
  }
}

const formats: Readonly<Record<string, string>> = {
  email: 'Write an address like name@example.org',
  uuid: 'Give an id like 01900000-0000-7000-8000-000000000001',
  datetime: 'Write a time like 2026-11-23T04:00:00Z',
  date: 'Write a day like 2026-11-23',
};

function wrongValue({ input, values }: z.core.$ZodIssueInvalidValue): string {
  const kind = typeof values[0];
  if (input === undefined || typeof input === kind) return 'Choose one of those offered';
  return `Give ${kindOf(kind)} here: one of ${values.map(String).join(', ')}`;
}

function tooSmall(issue: z.core.$ZodIssueTooSmall): string {
  const minimum = Number(issue.minimum);
  if (issue.origin === 'string') {
    return minimum <= 1 ? 'Fill this in' : `Use at least ${minimum} characters`;
  }
  if (issue.origin === 'array') return minimum <= 1 ? 'Choose at least one' : `Choose ${minimum}`;
  return `Must be ${minimum} or more`;
}

function tooBig(issue: z.core.$ZodIssueTooBig): string {
  const maximum = String(issue.maximum);
  if (issue.origin === 'string') return `Use ${maximum} characters or fewer`;
  return issue.origin === 'array' ? `Give ${maximum} at most` : `Must be ${maximum} or less`;
}

function kindOf(expected: string): string {
  const kinds: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
    record: 'an object',
    null: 'null',
  };
  return kinds[expected] ?? 'another kind of value';
}
