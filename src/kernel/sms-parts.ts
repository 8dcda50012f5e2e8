/**
 * A text as the octets that a network carries: GSM 7-bit, one septet to an octet, or UCS-2 (3GPP TS
 * 23.038, sections 6.2.1 and 6.2.3), cut where a handset joins it again. The wording is that of
 * `smsText`. The encoding is decided by that wording: Notify decides before it replaces, so a
 * letter that became one of those beyond GSM would have no octet.
 */
import { smsText } from './sms-text.ts';

export type SmsParts = {
  readonly encoding: 'gsm' | 'ucs2';
  /** Without headers: one alone, or each to go with its place in the row. */
  readonly parts: readonly Buffer[];
};

/** The place of each character is its code; at 0x1b stands the escape, which is none. */
const alphabet =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const ESCAPE = 0x1b;
const escaped: Readonly<Record<string, number>> = {
  '^': 0x14,
  '{': 0x28,
  '}': 0x29,
  '\\': 0x2f,
  '[': 0x3c,
  '~': 0x3d,
  ']': 0x3e,
  '|': 0x40,
  '€': 0x65,
};

/** `body` with its blanks filled, as octets in one part or several. */
export function smsParts(body: string): SmsParts {
  // A lone escape is shown as a space (section 6.2.1).
  const text = smsText(body).text.replaceAll(alphabet[ESCAPE]!, ' ');
  const isGsm = Array.from(text).every((c) => alphabet.includes(c) || Object.hasOwn(escaped, c));
  const encoding = isGsm ? 'gsm' : 'ucs2';
  const characters = Array.from(text, isGsm ? septets : units);
  const [single, each] = isGsm ? [160, 153] : [140, 134];
  return { encoding, parts: packed(characters, single, each) };
}

/** Words that came in by GSM 7-bit; what the alphabet does not have becomes a question mark. */
export function readSeptets(octets: Buffer): string {
  let text = '';
  for (let i = 0; i < octets.length; i++) {
    const code = octets[i]!;
    if (code === ESCAPE) {
      i += 1;
      const found = Object.entries(escaped).find(([, escapedCode]) => escapedCode === octets[i]);
      text += found?.[0] ?? '?';
    } else text += alphabet[code] ?? '?';
  }
  return text;
}

function septets(character: string): number[] {
  const code = escaped[character];
  if (code !== undefined) return [ESCAPE, code];
  return [alphabet.indexOf(character)];
}

function units(character: string): number[] {
  const code = character.charCodeAt(0);
  return [code >> 8, code & 0xff];
}

/** A character of two octets is never cut in the middle. */
function packed(characters: readonly number[][], single: number, each: number): Buffer[] {
  const all = characters.flat();
  if (all.length <= single) return [Buffer.from(all)];
  const parts: number[][] = [[]];
  for (const octets of characters) {
    if (parts.at(-1)!.length + octets.length > each) parts.push([]);
    parts.at(-1)!.push(...octets);
  }
  return parts.map((part) => Buffer.from(part));
}
