/** What zod found, as sentences for the person who edits the file. */
import type { core, z } from 'zod';
import { nearestName, notKnown } from './nearest.ts';

type RawIssue = core.$ZodRawIssue;

/** Kinds of value by zod's names, in words. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text (put it in quotes where it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list, such as [a, b]',
  object: 'a block of keys',
  record: 'a block of keys',
};

/** The message of one issue; passed to zod as its error map. */
export function explain(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; it must be ${kindOf(issue)}`
        : `must be ${kindOf(issue)}`;
    case 'invalid_value':
      return oneOf(issue.input, issue.values.map(String));
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, keysOf(issue.inst))).join('\n');
    case 'invalid_key':
      return `is no name: ${issue.issues[0]?.message.replace(/^must be /, '')}`;
    case 'too_small':
      return sized(issue.origin, 'least', issue.minimum);
    case 'too_big':
      return sized(issue.origin, 'most', issue.maximum);
    default:
      return undefined;
  }
}

/** In words; by examples where the schema gives some, as for durations. */
function kindOf({ expected, inst }: RawIssue & { readonly expected: string }): string {
  const examples = (inst as z.ZodType | undefined)?.meta?.()?.['examples'];
  if (Array.isArray(examples)) return `like ${examples.join(', ')}`;
  return KINDS[expected] ?? expected;
}

function oneOf(input: unknown, allowed: readonly string[]): string {
  const list = `allowed: ${allowed.join(', ')}`;
  if (input === undefined) return `is missing; ${list}`;
  if (typeof input !== 'string') return `must be text; ${list}`;
  return notKnown(input, allowed);
}

function unknownKey(key: string, allowed: readonly string[]): string {
  const meant = nearestName(key, allowed);
  const hint = meant ? `, did you mean ‘${meant}’?` : '';
  return `unknown key ‘${key}’${hint}; allowed: ${allowed.join(', ')}`;
}

function keysOf(schema: unknown): string[] {
  const { shape } =
    (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def ?? {};
  return Object.keys(shape ?? {});
}

function sized(origin: string, bound: 'least' | 'most', limit: number | bigint): string {
  if (origin === 'string' && bound === 'least') return 'must not be empty';
  if (origin === 'string') return `must have at most ${limit} characters`;
  if (origin === 'array') return `must have at ${bound} ${limit} ${limit === 1 ? 'item' : 'items'}`;
  return `must be at ${bound} ${limit}`;
}
