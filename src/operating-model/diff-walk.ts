/** Differences of values by their place, for all that has no sentences of its own. Pure. */
import { formatMinute } from '#kernel/quiet-hours.ts';
import { spokenDuration } from './durations.ts';

export type Change = {
  /** The part of the file, by its key: `severities`. */
  readonly part: string;
  /** `High: second round after 15 min instead of 30 min`. */
  readonly says: string;
};

type Values = Readonly<Record<string, unknown>>;

/** Every difference; lists of plain values say what came and went. */
export function walk(before: Values, after: Values): Change[] {
  return keysOf(before, after).flatMap((key) =>
    compare({ before: before[key], after: after[key], key }, []).map((says) => ({
      part: keyOfFile(key),
      says,
    })),
  );
}

type Pair = { readonly before: unknown; readonly after: unknown; readonly key: string };

function compare({ before, after, key }: Pair, place: readonly string[]): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const here = [...place, nameOf(key, after ?? before)];
  if (isRecord(before) && isRecord(after))
    return keysOf(before, after).flatMap((inner) =>
      compare({ before: before[inner], after: after[inner], key: inner }, here),
    );
  const words = here.join(', ');
  if (isList(before) && isList(after)) return lists(before, after, { words, key, here });
  if (before === undefined) return [`${words}: new, ${shown(key, after)}`];
  if (after === undefined) return [`${words}: gone, was ${shown(key, before)}`];
  return [`${words}: ${shown(key, after)} instead of ${shown(key, before)}`];
}

function lists(
  before: readonly unknown[],
  after: readonly unknown[],
  { words, key, here }: { words: string; key: string; here: readonly string[] },
): string[] {
  if (![...before, ...after].some((one) => isRecord(one) || isList(one))) {
    const came = after.filter((one) => !before.includes(one));
    const went = before.filter((one) => !after.includes(one));
    const sentences = [
      ...came.map((one) => `${words}: also ${shown(key, one)}`),
      ...went.map((one) => `${words}: no longer ${shown(key, one)}`),
    ];
    return sentences.length > 0 ? sentences : [`${words}: in another order`];
  }
  const longest = Math.max(before.length, after.length);
  return Array.from({ length: longest }, (_, i) =>
    compare({ before: before[i], after: after[i], key: `no. ${i + 1}` }, here),
  ).flat();
}

function keysOf(before: Values, after: Values): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !isList(value);
}

/** The label where a value has one, else its key in words: `callBackWithinMs` → `call back within`. */
function nameOf(key: string, value: unknown): string {
  if (isRecord(value) && typeof value['label'] === 'string') return value['label'];
  const words = keyOfFile(key).replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `callBackWithinMs` as the file has it: `call_back_within`. */
function keyOfFile(key: string): string {
  return key.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function shown(key: string, value: unknown): string {
  if (typeof value === 'number') {
    if (key.endsWith('Minute')) return formatMinute(value);
    return key.endsWith('Ms') ? spokenDuration(value) : String(value);
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return /^[\w .:+-]{0,40}$/.test(value) ? value : `“${value}”`;
  if (isList(value)) return value.map((one) => shown(key, one)).join(', ') || 'nothing';
  if (!isRecord(value)) return 'nothing';
  return Object.entries(value)
    .map(([inner, one]) => `${nameOf(inner, undefined).toLowerCase()} ${shown(inner, one)}`)
    .join(', ');
}
