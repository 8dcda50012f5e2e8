/** Where weaknesses of this installation are reported to. */
import type { Reader } from './reader.ts';

export type SecurityContactConfig = {
  readonly contacts: readonly string[];
  readonly policy?: string;
};

/** Absent where none is set. */
export function readSecurityContact(read: Reader): { securityContact?: SecurityContactConfig } {
  const contacts = read.parsed(
    'TOCSIN_SECURITY_CONTACT',
    'mailto:, https:// or tel: addresses with commas between, such as mailto:security@tocsin.example',
    parseContacts,
  );
  const policy = read.parsed('TOCSIN_SECURITY_POLICY', 'an address of a page, https://…', (text) =>
    isContact(text) && text.startsWith('https:') ? text : undefined,
  );
  if (policy !== undefined && contacts === undefined)
    read.missing('TOCSIN_SECURITY_CONTACT', 'TOCSIN_SECURITY_POLICY', 'who to write to');
  if (contacts === undefined) return {};
  return { securityContact: { contacts, ...(policy !== undefined && { policy }) } };
}

function parseContacts(text: string): string[] | undefined {
  const contacts = text.split(',').map((part) => part.trim());
  return contacts.every(isContact) ? contacts : undefined;
}

/** RFC 9116, 2.5.3: a URI, and of the web by https only. One line, or it would be two fields. */
function isContact(text: string): boolean {
  return (
    /^(mailto:[^\s@]+@[^\s@]+|tel:\+?[\d-]+|https:\/\/[^\s]+)$/.test(text) && URL.canParse(text)
  );
}
