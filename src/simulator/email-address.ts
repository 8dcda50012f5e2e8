import { domainToASCII } from 'node:url';
import { stripObscureWhitespace } from './whitespace.ts';

const ADDRESS = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@([^.@][^@\s]+)$/;
const HOST_LABEL = /^(xn|[a-z0-9]+)(-?-[a-z0-9]+)*$/i;
const LAST_LABEL = /^([a-z]{2,63}|xn--([a-z0-9]+-)*[a-z0-9]+)$/i;

/** The live service's rule; it has one message for every failure, so a boolean says it all. */
export function isEmailAddress(address: string): boolean {
  const stripped = stripObscureWhitespace(address);
  const host = ADDRESS.exec(stripped)?.[1];
  if (host === undefined || stripped.length > 320 || stripped.includes('..')) return false;
  const ascii = toAsciiHost(host);
  const labels = ascii.split('.');
  return (
    ascii.length <= 253 &&
    labels.length >= 2 &&
    labels.every((label) => label.length <= 63 && HOST_LABEL.test(label)) &&
    LAST_LABEL.test(labels.at(-1)!)
  );
}

/** Only non-ASCII names are encoded: URL rules would also rewrite odd but plain ones. */
function toAsciiHost(host: string): string {
  return /^[\x21-\x7e]+$/.test(host) ? host : domainToASCII(host);
}
