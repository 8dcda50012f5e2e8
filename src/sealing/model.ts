/** What a key is for, and the life of one. */
import type { SealedPurpose } from '#kernel/sealed.ts';

/** `blind_index` makes the hashes that numbers are found by; it seals nothing. */
export type KeyPurpose = SealedPurpose | 'blind_index';

export const purposes = {
  personal: 'numbers, addresses, replies and files of contacts',
  credential: 'settings of gateways and other secrets',
  blind_index: 'the hashes that numbers and addresses are found by',
} as const satisfies Readonly<Record<KeyPurpose, string>>;

export const sealedPurposes: readonly SealedPurpose[] = ['personal', 'credential'];

/**
 * coming ─ all processes open it ─▶ current ─ another is current ─▶ old ─ nothing needs it ─▶ gone
 *
 * Only `current` seals; all three open.
 */
export type KeyState = 'coming' | 'current' | 'old';

/** A process that runs and was seen lately, with the keys that it opens. */
export type Holder = {
  readonly id: string;
  readonly part: 'web' | 'worker';
  readonly opens: readonly number[];
};

/** How often a process says which keys it opens. */
export const BEAT_MS = 5_000;
/** A process that said nothing for so long is gone; if it comes back, it first reads the keys. */
export const GONE_AFTER_MS = 30_000;
/** How long a key that seals no more is kept at least: longer than any transaction lasts. */
export const KEEP_OLD_MS = 24 * 3_600_000;

/** Those that do not open all of these keys. */
export function lacking(holders: readonly Holder[], keyIds: readonly number[]): Holder[] {
  return holders.filter(({ opens }) => !keyIds.every((id) => opens.includes(id)));
}
