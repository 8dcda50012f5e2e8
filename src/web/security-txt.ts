/** `/.well-known/security.txt` (RFC 9116): where to report a weakness of this installation. */

export type SecurityContact = {
  /** `mailto:`, `https:` or `tel:`, the preferred one first. */
  readonly contacts: readonly string[];
  /** The page with the rules of reporting. */
  readonly policy?: string;
};

/** Less than a year (2.5.5). Whoever keeps a copy for longer asks again. */
const HOLDS_DAYS = 90;
const DAY_MS = 86_400_000;

/**
 * The file as of `now`. It is made from the settings at each request, so what it says holds as long
 * as it is served: Expires moves on with the day, and is never over.
 */
export function securityTxt({ contacts, policy }: SecurityContact, origin: string, now: Date) {
  const day = Math.floor(now.getTime() / DAY_MS);
  const expires = new Date((day + HOLDS_DAYS) * DAY_MS).toISOString().replace('.000', '');
  return [
    ...contacts.map((contact) => `Contact: ${contact}`),
    `Expires: ${expires}`,
    'Preferred-Languages: en',
    `Canonical: ${origin}/.well-known/security.txt`,
    ...(policy === undefined ? [] : [`Policy: ${policy}`]),
    '',
  ].join('\n');
}
