import { pythonStr } from './python-text.ts';
import { stripObscureWhitespace } from './whitespace.ts';

export type Personalisation = Readonly<Record<string, unknown>>;

const PLACEHOLDER = /\({2}([^()]+)\){2}/g;
const TRUE_WORDS = new Set(['yes', 'y', 'true', 't', '1', 'include', 'show']);

/** How a list reads: bullet lines in the body of an e-mail, "a, b and c" elsewhere. */
export type ListStyle = 'bullets' | 'sentence';

/** Names in order of first appearance; names that differ only in case or `_-` are one. */
export function listPlaceholders(...contents: readonly string[]): string[] {
  const names = new Map<string, string>();
  for (const content of contents) {
    for (const match of content.matchAll(PLACEHOLDER)) {
      const name = match[1]!.split('??')[0]!;
      if (!names.has(normaliseName(name))) names.set(normaliseName(name), name);
    }
  }
  return [...names.values()];
}

/** Looks values up as the live service does: case, spaces, underscores and hyphens aside. */
export class Values {
  readonly #values = new Map<string, unknown>();

  constructor(personalisation: Personalisation) {
    for (const [name, value] of Object.entries(personalisation)) {
      this.#values.set(normaliseName(name), value);
    }
  }

  /** Null and absent are both missing; an empty string, false and 0 are present. */
  has(name: string): boolean {
    return this.get(name) !== null;
  }

  get(name: string): unknown {
    return this.#values.get(normaliseName(name)) ?? null;
  }
}

/** Puts the values in; a placeholder without a value stays as it is written. */
export function fill(content: string, values: Values, lists: ListStyle): string {
  return content.replace(PLACEHOLDER, (written: string, inner: string) => {
    const [name, ...conditional] = inner.split('??') as [string, ...string[]];
    const value = values.get(name);
    if (value === null) return written;
    const text = Array.isArray(value) ? joinList(value, lists) : pythonStr(value);
    if (conditional.length === 0) return text;
    return TRUE_WORDS.has(text.toLowerCase()) ? conditional.join('??') : '';
  });
}

function joinList(items: readonly unknown[], lists: ListStyle): string {
  const shown = items
    .filter((item) => item !== null)
    .map((item) => stripObscureWhitespace(pythonStr(item)))
    .filter((item) => item !== '');
  if (shown.length === 0) return '';
  if (lists === 'bullets') return `\n\n${shown.map((item) => `* ${item}`).join('\n')}`;
  if (shown.length === 1) return shown[0]!;
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)!}`;
}

function normaliseName(name: string): string {
  return name.replace(/[ _-]/g, '').toLowerCase();
}

const URL_IN_TEXT = /\b(?<![@.])(https?:\/\/)?([\w-]+\.)+([a-z]{2,63})(?!@)\b([/?#][^<\s]*)?/gi;

/** The e-mail option `sanitise_content_for`: links out, Markdown marks escaped. */
export function sanitise(value: string): string {
  return value
    .replace(URL_IN_TEXT, (url) => (/^[a-zA-Z0-9.-]+$/.test(url) ? url.replaceAll('.', '. ') : ''))
    .replace(/([`*_()\\{}[\]<>#+\-.!|])/g, '\\$1');
}

/** True when `names` holds `name`, by the same loose comparison as placeholders. */
export function namesInclude(names: readonly unknown[], name: string): boolean {
  return names.some(
    (item) => typeof item === 'string' && normaliseName(item) === normaliseName(name),
  );
}
