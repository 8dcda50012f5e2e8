/** Where a request may come from and where a visitor may be sent: pure decisions. */

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isSafeMethod(method: string): boolean {
  return SAFE.has(method);
}

export type Provenance = {
  readonly method: string;
  readonly secFetchSite: string | undefined;
  readonly origin: string | undefined;
};

/**
 * True where a request that changes something comes from one of our own pages. Fetch Metadata
 * decides; browsers without it must name our origin; with neither it is refused (OWASP CSRF cheat
 * sheet, 2025). `same-site` is refused as well: a sibling subdomain is not us.
 */
export function isOurOwn(from: Provenance, ourOrigin: string): boolean {
  if (isSafeMethod(from.method)) return true;
  if (from.secFetchSite !== undefined) return from.secFetchSite === 'same-origin';
  return from.origin === ourOrigin;
}

/**
 * True where the browser says that one of our pages, or the visitor by hand, asks for this, and no
 * other site on the way to it. Browsers without Fetch Metadata say nothing.
 */
export function isBegunByVisitor(secFetchSite: string | readonly string[] | undefined): boolean {
  return secFetchSite === 'same-origin' || secFetchSite === 'none';
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f\\]/;

/**
 * `text` where it is a path of this site, else `otherwise`. Refuses what a browser would read as
 * another host: `//host`, `/\host`, `/<tab>/host`, schemes, and anything not beginning with `/`.
 */
export function sameSitePath(text: unknown, otherwise = '/'): string {
  if (typeof text !== 'string' || text.length > 2000) return otherwise;
  if (!text.startsWith('/') || text.startsWith('//') || CONTROL.test(text)) return otherwise;
  const base = 'http://here.invalid';
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  // `/..//host` parses to our host but its path would be another host when sent as a redirect.
  if (url?.origin !== base || url.pathname.startsWith('//')) return otherwise;
  return url.pathname + url.search;
}

/** True where browsers send Fetch Metadata: https, or this machine. */
export function isTrustworthy(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return (
    protocol === 'https:' ||
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '127.0.0.1' ||
    hostname === '[::1]'
  );
}
