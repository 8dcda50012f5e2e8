/** The contact card that people save, so that alerts ring through "do not disturb" (RFC 6350). Pure. */
import { dialled } from '#kernel/phone-number.ts';

/** What `/ring-through` says in full, for whoever has only the card in hand. */
const steps = [
  'Let our alerts ring through Do Not Disturb. iPhone: press Edit\\, then switch on',
  'Emergency Bypass under Ringtone and again under Text Tone. Android: press the star\\, then',
  'let starred contacts through in Settings\\, Do Not Disturb\\, People.',
].join(' ');

/** Lines have 75 octets at most, and go on after a space (RFC 2426, 2.6). */
function folded(line: string): string {
  return [line.slice(0, 75), ...(line.slice(75).match(/.{1,74}/g) ?? [])].join('\r\n ');
}

/** vCard 3.0 (RFC 2426): what every phone still reads, old ones too. */
export function contactCard(name: string, numbers: readonly string[]): string {
  const written = name.replaceAll(/[\\,;]/g, (mark) => `\\${mark}`);
  const lines = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${written};;;;`,
    `FN:${written}`,
    `ORG:${written}`,
    ...numbers.map((number) => `TEL;TYPE=CELL:${dialled(number)}`),
    folded(`NOTE:${steps}`),
    'END:VCARD',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
