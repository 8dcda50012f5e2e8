/** Codes typed on public pages: who may still try, and who has to know when many try. */
import { refused, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  guessingFrom,
  guessingWithinMs,
  wrongCodesMax,
  wrongCodesOfNetworkMax,
  wrongCodesWithinMs,
} from './model.ts';
import {
  countAllFailedTries,
  countFailedTries,
  insertFailedTries,
  lockAddresses,
  notifyResponse,
} from './store.ts';
import { openItem } from './open-item.ts';

/** Blind indexes of an address somebody typed, and of the visitor's network. */
export type Visitor = { readonly addressIndex: Buffer; readonly networkIndex: Buffer };

/** Wrong codes of late by blind index, in hex, of an address or a network. */
export type Tries = Map<string, number>;

/** Counts the wrong codes of these visitors, whose addresses are theirs until the end. */
export async function countTries(tx: Tx, visitors: readonly Visitor[]): Promise<Tries> {
  const addressIndexes = visitors.map((visitor) => visitor.addressIndex);
  const networkIndexes = visitors.map((visitor) => visitor.networkIndex);
  await lockAddresses(tx, addressIndexes);
  const withinMs = wrongCodesWithinMs;
  const counts = await countFailedTries(tx, { addressIndexes, networkIndexes, withinMs });
  return new Map(counts.map(({ index, tries }) => [index.toString('hex'), tries]));
}

/**
 * Why no code is taken from here any more, or undefined. To be returned only after all look-ups are
 * made: whoever guesses must not learn from the time an answer takes (P8).
 */
export function refuseGuessing(
  tries: Tries,
  { addressIndex, networkIndex }: Visitor,
): Refused | undefined {
  if ((tries.get(addressIndex.toString('hex')) ?? 0) >= wrongCodesMax)
    return refused('forbidden', 'Too many wrong codes. Reply to the text, or ring the help line.');
  // No lock here: with ten connections at once a few more tries than that may slip through.
  if ((tries.get(networkIndex.toString('hex')) ?? 0) >= wrongCodesOfNetworkMax)
    return refused(
      'forbidden',
      'Too many wrong codes from your network. Reply to the text, or ring the help line.',
    );
  return undefined;
}

/** Counts a wrong code among those who came together. */
export function addTry(tries: Tries, { addressIndex, networkIndex }: Visitor): void {
  for (const index of [addressIndex, networkIndex]) {
    const key = index.toString('hex');
    tries.set(key, (tries.get(key) ?? 0) + 1);
  }
}

/** Writes wrong codes down, and tells the desk where there are many. */
export async function noteWrongCodes(tx: Tx, visitors: readonly Visitor[]): Promise<void> {
  await insertFailedTries(tx, visitors);
  await warnOfGuessing(tx);
}

/** So many wrong codes in ten minutes are not people mistyping: an officer has to know. */
async function warnOfGuessing(tx: Tx): Promise<void> {
  const failed = await countAllFailedTries(tx, guessingWithinMs);
  if (failed < guessingFrom) return;
  await openItem(tx, {
    kind: 'guessing',
    alertId: null,
    organisationId: null,
    contactPointId: null,
    replyId: null,
  });
  await notifyResponse(tx, '');
}
