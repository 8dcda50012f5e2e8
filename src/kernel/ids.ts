import { drawBytes } from './random-bytes.ts';

/** An id that nobody has: whoever is not there is looked up like one who is, as slowly (P8). */
export const NOBODY = '00000000-0000-4000-8000-00000000dead';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for the canonical lower-case text form of a UUID (RFC 9562, section 4). */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A time-ordered UUID, version 7 (RFC 9562, section 5.7): rows written together lie together. */
export function newId(now: number = Date.now()): string {
  const bytes = drawBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [8, 12, 16, 20, 32]
    .map((end, i, ends) => hex.slice(i === 0 ? 0 : ends[i - 1], end))
    .join('-');
}
