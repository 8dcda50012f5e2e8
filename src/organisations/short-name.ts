/** How a text calls an organisation: short, of characters every phone has, its own as far as can be. */
import { smsText } from '#kernel/sms-text.ts';

export const SHORT_NAME_MAX = 20;

/** Legal ends and openings that say nothing in a text. */
const LEGAL =
  /(,? (NHS )?((Foundation )?Trust|Integrated Care Board|ICB|Limited|Ltd|PLC|CIC|LLP))+$/i;
const OPENING = /^(The |NHS )+/i;

const abbreviations: readonly (readonly [RegExp, string])[] = [
  [/\bUniversity\b/gi, 'Univ'],
  [/\bHospital(s?)\b/gi, 'Hosp$1'],
  [/\band\b/gi, '&'],
  [/\bMedical\b/gi, 'Med'],
  [/\bCentre\b/gi, 'Ctr'],
  [/\bCommunity\b/gi, 'Comm'],
  [/\bPartnership\b/gi, 'Pship'],
  [/\bAmbulance Services?\b/gi, 'Ambulance'],
  [/\bHealthcare\b/gi, 'Health'],
];

/** Characters that break a line or count twice in a text. */
const DOUBLED = /[\n^{}\\[\]~|€]/;

/** True where texts may carry it as it is: no character is replaced, doubled or dropped. */
export function isShortName(text: string): boolean {
  if (text.length === 0 || text.length > SHORT_NAME_MAX || DOUBLED.test(text)) return false;
  const looks = smsText(text);
  return looks.text === text && looks.encoding === 'gsm';
}

/**
 * The first of these that fits and is not taken: the name without its legal ends, the same with
 * usual abbreviations, that with words taken off its end, and at last a beginning with the code.
 */
export function deriveShortName(
  organisation: { readonly name: string; readonly code: string },
  isTaken: (shortName: string) => boolean,
): string {
  const core = plain(organisation.name).replace(LEGAL, '').replace(OPENING, '').trim();
  const short = abbreviations.reduce((text, [long, brief]) => text.replaceAll(long, brief), core);
  const found = [core, ...beginnings(short)].find((text) => isShortName(text) && !isTaken(text));
  return found ?? withCode(short, organisation.code);
}

/** `A & B Health`, `A & B`, `A`: no end on a comma or on a word that leads to the next. */
function beginnings(text: string): string[] {
  const words = text.split(' ');
  return words
    .map((_, i) => words.slice(0, words.length - i).join(' '))
    .map((beginning) => beginning.replace(/(,| &| of| the| for| upon| on| in| with)+$/i, ''));
}

function withCode(text: string, code: string): string {
  const room = SHORT_NAME_MAX - code.length - 1;
  const beginning = room > 2 ? text.slice(0, room).trim() : '';
  return beginning === '' ? code.slice(-SHORT_NAME_MAX) : `${beginning} ${code}`;
}

/** Without accents, and without what a phone would show as `?` or count twice. */
function plain(name: string): string {
  const bare = name.normalize('NFD').replaceAll(/\p{Mark}/gu, '');
  return smsText(bare)
    .text.replaceAll(/[?\n^{}\\[\]~|€]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const small = new Set(['and', 'of', 'the', 'for', 'on', 'upon', 'in', 'with', 'at', 'by', 'le']);
const capitals = new Set(['NHS', 'ICB', 'CIC', 'LLP', 'PLC', 'II', 'III', 'UK']);

/** `ST GEORGE'S HOSPITALS NHS TRUST` → `St George's Hospitals NHS Trust`; mixed case stays. */
export function titleCased(text: string): string {
  if (text !== text.toUpperCase()) return text;
  return text
    .split(' ')
    .map((word, i) =>
      word
        .split('-')
        .map((part, j) => cased(part, i + j > 0))
        .join('-'),
    )
    .join(' ');
}

function cased(word: string, mayBeSmall: boolean): string {
  if (capitals.has(word) || /\d/.test(word)) return word;
  const lower = word.toLowerCase();
  if (mayBeSmall && small.has(lower)) return lower;
  return lower.replace(/\p{Letter}/u, (letter) => letter.toUpperCase());
}
