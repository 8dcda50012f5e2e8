import { isTrustworthy } from './same-site.ts';

/**
 * Sent with every answer: pages, errors, files, streams and 304 alike. The policy lets nothing in
 * from elsewhere and runs no script without this answer's nonce. Text becomes HTML in scripts by
 * one policy alone (Trusted Types, `assets/html.js`).
 */
export function securityHeaders(origin: string, nonce: string): Record<string, string> {
  return {
    'content-security-policy':
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self'; ` +
      "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; " +
      "base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; " +
      "require-trusted-types-for 'script'; trusted-types tocsin",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': referrerPolicy(origin),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    'cache-control': 'no-store',
    ...(origin.startsWith('https:') && {
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
    }),
  };
}

/**
 * Paths may hold tokens, so no referrer. But under `no-referrer` browsers post `Origin: null`, and
 * over plain http to another machine they send no Fetch Metadata either: every form would be
 * refused there. `same-origin` tells other sites just as little and keeps the origin.
 */
function referrerPolicy(origin: string): string {
  return isTrustworthy(origin) ? 'no-referrer' : 'same-origin';
}
