/** A list in JSON → the rows of a table: names of fields first, then the entries. Pure. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';

export type JsonList = {
  readonly columns: readonly string[];
  readonly entries: readonly (readonly string[])[];
};

/** What else comes as JSON beside lists of organisations, and what to do with it. */
const others: readonly { readonly has: readonly string[]; readonly says: string }[] = [
  {
    has: ['predecessor', 'successor'],
    says: 'This is a list of successions, not of organisations: import the list of those that open (such as icb-2026.json), then plan them under Mergers and splits, a line for each that hands over, which hands over contacts and closes the old ones.',
  },
  {
    has: ['layout', 'hexes'],
    says: 'This is a map (hexjson), not a list of organisations: import a CSV file, or a JSON list with codes and names.',
  },
];

/** The one list of objects in the file, at its top or under one of its keys. */
export function listOf(text: string): Outcome<JsonList> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('invalid', 'The JSON in the file is not whole: it was cut off or mistyped.');
  }
  const keysAbove = Object.keys(value as object);
  const lists = [value, ...Object.values(value as object)].filter(isListOfObjects);
  const keys = [...new Set((lists[0] ?? []).flatMap((entry) => Object.keys(entry)))];
  const other = others.find(({ has }) =>
    [keys, keysAbove].some((names) => has.every((name) => names.includes(name))),
  );
  if (other !== undefined) return refused('invalid', other.says);
  if (lists.length !== 1 || keys.length === 0) {
    return refused('invalid', 'This JSON file holds no list of entries: a CSV file is best.');
  }
  if (!lists[0]!.every((entry) => isWithin(DEPTH_MAX, entry))) {
    return refused('invalid', 'The JSON in the file has lists within lists without end.');
  }
  const entries = lists[0]!.map((entry) => keys.map((key) => cellOf(entry[key])));
  return ok({ columns: keys, entries });
}

function isListOfObjects(value: unknown): value is Readonly<Record<string, unknown>>[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
  );
}

/** Deeper than anybody's fields; what goes on for a megabyte is deeper than the stack. */
const DEPTH_MAX = 20;

function isWithin(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isWithin(depth - 1, inner));
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(cellOf).join(' ');
  return typeof value === 'string' ? value.trim() : JSON.stringify(value);
}
