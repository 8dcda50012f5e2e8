/** The contact card that people save, so that alerts ring through "do not disturb" (RFC 6350). Pure. */
import { dialled } from '../form-organisation.ts';

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
    'NOTE:Alerts of your sector. Let this contact ring through silent mode.',
    'END:VCARD',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
