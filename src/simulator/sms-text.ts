import { FULL_WIDTH_PATTERN, ZERO_WIDTH_PATTERN } from './whitespace.ts';

/** The longest text the API takes, in UTF-16 units after replacement, the prefix not counted. */
export const SMS_CHARACTER_LIMIT = 918;

const EXTENDED = '^{}\\[~]|€';
const EXTENDED_GSM = new Set(EXTENDED);
const GSM = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    `¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà${EXTENDED}`,
);
const WELSH = new Set('àèìòùẁỳÀÈÌÒÙẀỲáéíóúẃýÁÉÍÓÚẂÝäëïöüẅÿÄËÏÖÜẄŸâêîôûŵŷÂÊÎÔÛŴŶ');

const REPLACEMENTS = new Map<string, string>([
  ...eachTo('\u2011–—−', '-'),
  ...eachTo('‘’‚', "'"),
  ...eachTo('“”„', '"'),
  ...eachTo('\u180e\u200b\u200c\u200d\u2060\ufeff\u2028\u2029', ''),
  ...eachTo('\u00a0\u202f\t', ' '),
  ['…', '...'],
  ['Ł', 'L'],
  ['ł', 'l'],
]);

function eachTo(characters: string, replacement: string): [string, string][] {
  return Array.from(characters, (character) => [character, replacement]);
}

/** The whole pipeline of the live service, from a filled template to what is handed over. */
export function normaliseSmsText(filled: string, prefix: string | null): string {
  // The usual text needs none of the pipeline: plain ASCII without runs of white space.
  if (prefix === null && PLAIN_TEXT.test(filled)) return filled;
  const prefixed = prefix === null ? filled : `${prefix.trim()}: ${filled}`;
  return replaceCharacters(tidyWhitespace(prefixed));
}

const PLAIN_TEXT = /^[!-_a-z{|}~]+(?: [!-+\-/-_a-z{|}~][!-_a-z{|}~]*)*$/;

// Python's `splitlines` and `split` also count the information separators of ASCII.
// oxlint-disable-next-line no-control-regex
const LINE_END = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;
// oxlint-disable-next-line no-control-regex
const WORD_GAP = /[\s\u001c-\u001f\u0085]+/;

function tidyWhitespace(text: string): string {
  return text
    .replace(/(?<![ \t])[ \t]+([,.])/g, '$1')
    .split(LINE_END)
    .map(tidyLine)
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function tidyLine(line: string): string {
  return line
    .replace(FULL_WIDTH_PATTERN, ' ')
    .replace(ZERO_WIDTH_PATTERN, '')
    .split(WORD_GAP)
    .filter((word) => word !== '')
    .join(' ');
}

function replaceCharacters(text: string): string {
  let encoded = '';
  for (const character of text) {
    if (GSM.has(character) || WELSH.has(character)) encoded += character;
    else encoded += downgrade(character);
  }
  return encoded;
}

/** One step of canonical decomposition, or the table, or a question mark. */
function downgrade(character: string): string {
  const composed = character.normalize('NFC');
  const decomposed = Array.from(character.normalize('NFD'));
  const isSingleton = composed !== character;
  if (!isSingleton && decomposed.length < 2) return REPLACEMENTS.get(character) ?? '?';
  const base = isSingleton ? composed : decomposed.slice(0, -1).join('').normalize('NFC');
  return GSM.has(base) || WELSH.has(base) ? base : '?';
}

/**
 * How many fragments a text is charged as. Only a Welsh letter outside GSM-7 switches the whole
 * text to 16-bit counting; extension characters count twice.
 */
export function countFragments(text: string): number {
  let extended = 0;
  for (const character of text) {
    if (WELSH.has(character) && !GSM.has(character)) return ucs2Fragments(text.length);
    if (EXTENDED_GSM.has(character)) extended += 1;
  }
  const septets = text.length + extended;
  return septets <= 160 ? 1 : Math.ceil(septets / 153);
}

function ucs2Fragments(characters: number): number {
  return characters <= 70 ? 1 : Math.ceil(characters / 67);
}
