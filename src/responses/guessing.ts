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
  countFailedTriesOfNetwork,
  insertDeskItem,
  insertFailedTry,
  lockAddress,
  notifyResponse,
} from './store.ts';

/** An id that nobody has: an unknown address is looked up like a known one, as slowly. */
export const NOBODY = '00000000-0000-4000-8000-00000000dead';

/** Blind indexes of an address somebody typed, and of the visitor's network. */
export type Visitor = { readonly addressIndex: Buffer; readonly networkIndex: Buffer };

/**
 * Why no code is taken from here any more, or undefined. To be returned only after all look-ups are
 * made: whoever guesses must not learn from the time an answer takes (P8).
 */
export async function refuseGuessing(
  tx: Tx,
  { addressIndex, networkIndex }: Visitor,
): Promise<Refused | undefined> {
  await lockAddress(tx, addressIndex);
  const since = { withinMs: wrongCodesWithinMs };
  const tries = await countFailedTries(tx, { addressIndex, ...since });
  const triesOfNetwork = await countFailedTriesOfNetwork(tx, { networkIndex, ...since });
  if (tries >= wrongCodesMax)
    return refused('forbidden', 'Too many wrong codes. Reply to the text, or ring the help line.');
  // No lock here: with ten connections at once a few more tries than that may slip through.
  if (triesOfNetwork >= wrongCodesOfNetworkMax)
    return refused(
      'forbidden',
      'Too many wrong codes from your network. Reply to the text, or ring the help line.',
    );
  return undefined;
}

/** Counts a wrong code, and tells the desk where there are many. */
export async function noteWrongCode(tx: Tx, visitor: Visitor): Promise<void> {
  const { addressIndex, networkIndex } = visitor;
  await insertFailedTry(tx, { addressIndex, networkIndex });
  await warnOfGuessing(tx);
}

/** So many wrong codes in ten minutes are not people mistyping: an officer has to know. */
async function warnOfGuessing(tx: Tx): Promise<void> {
  const failed = await countAllFailedTries(tx, guessingWithinMs);
  if (failed < guessingFrom) return;
  await insertDeskItem(tx, {
    kind: 'guessing',
    alertId: null,
    organisationId: null,
    contactPointId: null,
    replyId: null,
  });
  await notifyResponse(tx, '');
}
