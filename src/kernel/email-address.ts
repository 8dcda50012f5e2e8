import { domainToASCII } from 'node:url';
import { ok, refused, type Outcome } from './outcome.ts';

export type EmailAddress = string & { readonly __brand: 'EmailAddress' };

const OBSCURE_SPACE = /[\u180e\u200b-\u200d\u2060\ufeff\u2028\u2029\u00a0\u202f]/g;
const WHOLE = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@(?<host>[^.@][^@\s]+)$/u;
const LABEL = /^(xn|[a-z0-9]+)(-?-[a-z0-9]+)*$/i;
const LAST_LABEL = /^([a-z]{2,63}|xn--([a-z0-9]+-)*[a-z0-9]+)$/i;

/**
 * Refuses exactly what GOV.UK Notify refuses (notifications-utils `email_address.py`), with its one
 * message; gives the address as Notify sends to it, in lower case.
 */
export function parseEmailAddress(text: string): Outcome<EmailAddress> {
  const address = text.replaceAll(OBSCURE_SPACE, '').replaceAll(/^[ \t-\r]+|[ \t-\r]+$/g, '');
  const host = WHOLE.exec(address)?.groups?.['host'];
  const good =
    host !== undefined && address.length <= 320 && !address.includes('..') && isHost(host);
  return good
    ? ok(address.toLowerCase() as EmailAddress)
    : refused('invalid', 'Not a valid email address');
}

function isHost(host: string): boolean {
  const labels = host.split(/[.\u3002\uff0e\uff61]/u).map(asciiLabel);
  return (
    labels.join('.').length <= 253 &&
    labels.length >= 2 &&
    labels.every((label) => label.length <= 63 && LABEL.test(label)) &&
    LAST_LABEL.test(labels.at(-1)!)
  );
}

/**
 * Label by label, and ASCII left alone: on a whole host `domainToASCII` would also resolve percent
 * signs and numbers, and refuse `xn--` labels that Notify lets pass.
 */
function asciiLabel(unfolded: string): string {
  const label = unfolded.replaceAll(/[ßẞ]/g, 'ss'); // as IDNA 2003, which Python speaks
  if (/^[a-z0-9-]*$/i.test(label)) return label;
  const odd = Array.from(label.replaceAll(/[a-z0-9-]/gi, ''));
  return odd.some((character) => character < '\u0080') ? '' : domainToASCII(label);
}

/** For screens and logs of refused rows: `j···@northmoor.test` (P12). */
export function maskEmailAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 1 ? '···' : `${address.slice(0, 1)}···${address.slice(at)}`;
}
