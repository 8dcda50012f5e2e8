/**
 * Where a mail that could not be delivered comes back to: an address of its own for each attempt,
 * signed, so that nobody can make a message look undelivered and nothing else is let in. It holds
 * no person's address (P12) and fits the 64 characters of a local part (RFC 5321, 4.5.3.1.1).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { formatReference, parseReference, type Reference } from './model.ts';

const SIGNATURE_BYTES = 8;
const LOCAL = /^b-([0-9a-f]{32})-([0-9a-z]{1,7})-([0-9a-z]{1,3})-([0-9a-f]{16})$/;

/** The part before the @ for an attempt; undefined where the reference is none of ours. */
export function returnPath(key: Buffer, reference: string): string | undefined {
  const parts = parseReference(reference);
  if (parts === undefined) return undefined;
  const { messageId, epoch, attempt } = parts;
  const id = messageId.replaceAll('-', '');
  const signature = sign(key, parts).toString('hex');
  return `b-${id}-${epoch.toString(36)}-${attempt.toString(36)}-${signature}`;
}

/** The attempt that an address of ours stands for; mail systems may have changed its case. */
export function readReturnPath(
  key: Buffer,
  installation: string,
  local: string,
): Reference | undefined {
  const [, id, epoch, attempt, signature] = LOCAL.exec(local.toLowerCase()) ?? [];
  if (id === undefined) return undefined;
  const reference = {
    installation,
    messageId: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    epoch: Number.parseInt(epoch!, 36),
    attempt: Number.parseInt(attempt!, 36),
  };
  const isOurs = timingSafeEqual(sign(key, reference), Buffer.from(signature!, 'hex'));
  return isOurs ? reference : undefined;
}

function sign(key: Buffer, reference: Reference): Buffer {
  const hmac = createHmac('sha256', key).update(formatReference(reference));
  return hmac.digest().subarray(0, SIGNATURE_BYTES);
}
