/**
 * What a text will look like on a handset, and how many fragments it takes. Mirrors the pipeline
 * of GOV.UK Notify (notifications-utils `template.py`, `sanitise_text.py`) step by step, because
 * the text an approver sees has to be what arrives, and Notify changes it without a word.
 */

export type SmsText = {
  /** As it will look, prefix included. */
  readonly text: string;
  readonly encoding: 'gsm' | 'ucs2';
  /** Of the text without its prefix: this is what Notify compares with its limit. */
  readonly characters: number;
  /** Billed parts, prefix included. */
  readonly fragments: number;
  /** True above `charactersMax`: Notify refuses the text. */
  readonly tooLong: boolean;
  /** Characters that look different on the handset, each once, in order: for a warning. */
  readonly replaced: readonly Replacement[];
};

export type Replacement = { readonly from: string; readonly to: string };

/** Six fragments; counted in characters, not septets, so a text may cost up to fourteen. */
export const charactersMax = 918;

const extended = new Set('^{}\\[~]|€');

const gsm = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
).union(extended);

const welsh = new Set('àèìòùẁỳÀÈÌÒÙẀỲáéíóúẃýÁÉÍÓÚẂÝäëïöüẅÿÄËÏÖÜẄŸâêîôûŵŷÂÊÎÔÛŴŶ');

/** The 43 letters that switch a whole text to UCS-2. Nothing else ever does. */
const welshBeyondGsm = welsh.difference(gsm);

const kept = gsm.union(welsh);

const lookalikes: Readonly<Record<string, string>> = {
  '\u2011': '-',
  '\u2013': '-',
  '\u2014': '-',
  '\u2212': '-',
  '\u2026': '...',
  '\u2018': "'",
  '\u2019': "'",
  '\u201a': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  Ł: 'L',
  ł: 'l',
};

const ZERO_WIDTH = /[\u180e\u200b-\u200d\u2060\ufeff\u2028\u2029]/gu;

/** What Python's `str.split` and `str.strip` take for white space; `\s` differs in six places. */
const SPACE =
  '[\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const SPACES = new RegExp(`${SPACE}+`, 'gu');
const OUTER_SPACES = new RegExp(`^${SPACE}+|${SPACE}+$`, 'gu');

/** Where Python's `str.splitlines` breaks. */
const BREAK = '[\\n-\\r\\u001c-\\u001e\\u0085\\u2028\\u2029]';
const LINE_BREAK = new RegExp(`\\r\\n|${BREAK}`, 'u');

/** `body` with its blanks filled; `prefix` as Notify adds it (`Service name: `) where it is on. */
export function smsText(body: string, options: { readonly prefix?: string } = {}): SmsText {
  const { prefix } = options;
  const plain = tidied(prefix ? `${trimmed(prefix)}: ${body}` : body);
  const { text, replaced } = encoded(plain);
  const encoding = welshBeyondGsm.isDisjointFrom(new Set(plain)) ? 'gsm' : 'ucs2';
  const septets = text.length + count(plain, extended);
  const characters = prefix
    ? Math.max(text.length - encoded(prefix).text.length - 2, 0)
    : text.length;
  return {
    text,
    encoding,
    characters,
    fragments: encoding === 'gsm' ? parts(septets, 160, 153) : parts(text.length, 70, 67),
    tooLong: characters > charactersMax,
    replaced,
  };
}

function count(text: string, characters: ReadonlySet<string>): number {
  return Array.from(text).filter((character) => characters.has(character)).length;
}

/** A single text holds more than a part of a long one, which also carries its place in the row. */
function parts(size: number, single: number, each: number): number {
  return size <= single ? 1 : Math.ceil(size / each);
}

function tidied(text: string): string {
  const lines = text
    .replaceAll(/(?<![ \t])[ \t]+([,.])/g, '$1')
    .split(LINE_BREAK)
    .map((line) => trimmed(line.replaceAll(ZERO_WIDTH, '').replaceAll(SPACES, ' ')));
  return trimmed(lines.join('\n').replaceAll(/\n{3,}/g, '\n\n'));
}

function trimmed(text: string): string {
  return text.replaceAll(OUTER_SPACES, '');
}

function encoded(text: string): { text: string; replaced: Replacement[] } {
  const replaced = new Map<string, string>();
  let result = '';
  for (const character of text) {
    const to = kept.has(character) ? character : replacement(character);
    if (to !== character) replaced.set(character, to);
    result += to;
  }
  return { text: result, replaced: Array.from(replaced, ([from, to]) => ({ from, to })) };
}

function replacement(character: string): string {
  if (character.normalize('NFD') === character) return lookalikes[character] ?? '?';
  const base = firstOfDecomposition(character);
  return kept.has(base) ? base : '?';
}

/**
 * One step of canonical decomposition, as Python's `unicodedata.decomposition` gives it: 'ǘ' is
 * 'ü' and an accent, not 'u' and two. JavaScript only decomposes fully, so the last mark is taken
 * off and the rest composed again; a singleton (the Ohm sign) is what it composes to.
 */
function firstOfDecomposition(character: string): string {
  const composed = character.normalize('NFC');
  if (composed !== character) return String.fromCodePoint(composed.codePointAt(0)!);
  const rest = Array.from(character.normalize('NFD')).slice(0, -1).join('').normalize('NFC');
  return String.fromCodePoint(rest.codePointAt(0)!);
}
