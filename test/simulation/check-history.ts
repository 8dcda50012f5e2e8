/**
 * The judge of lost history (P10): whatever the database believes after it lost its last moments,
 * nothing leaves before the providers were read, nor without a person where something was lost.
 */
import { parseReference } from '#dispatch/model.ts';
import type { Evidence, Loss } from './evidence.ts';
import { isTaken, type Entry } from './provider.ts';
import { keyOf } from './twin/rows.ts';

export function historyIsRead(evidence: Evidence): string[] {
  const { attempts, losses, readings } = evidence;
  return losses.flatMap((loss) =>
    attempts.slice(loss.after).flatMap((attempt, i) => {
      const what = `P10: attempt ${attempt.number} of ${attempt.messageId.slice(0, 4)}`;
      const isRead = [...readings.values()].every((times) =>
        times.some((time) => time >= loss.at && time <= attempt.at),
      );
      if (!isRead) return [`${what} before the history was read`];
      const isHeld = loss.after + i < (loss.goneOnAfter ?? Infinity);
      return isHeld && (loss.isElsewhere || lostTexts(evidence, loss).length > 0)
        ? [`${what} before a person let it go on`]
        : [];
    }),
  );
}

/** What a provider took that has a list, and the database did not know when it came back. */
function lostTexts(evidence: Evidence, loss: Loss): Entry[] {
  return listed(evidence).filter(
    (entry) => isTaken(entry) && entry.at < loss.at && !loss.known.has(attemptOf(entry)),
  );
}

/**
 * True where a message counts as never sent because nothing could tell that its sending was lost: a
 * disk was turned back, and all that was lost had gone by gateways that have no list.
 */
export function isLostUnnoticed(evidence: Evidence, entry: Entry): boolean {
  return evidence.losses.some(
    (loss) =>
      entry.at < loss.at &&
      !loss.known.has(attemptOf(entry)) &&
      !loss.isElsewhere &&
      lostTexts(evidence, loss).length === 0,
  );
}

/**
 * True where the opening of its round was lost too, and the provider, which had the text then, took
 * it out again after it was adopted: there it counts as accepted even while it is only `created`.
 */
export function wasTakenOutLater(
  { losses, moves }: Evidence,
  messageId: string,
  entries: readonly Entry[],
): boolean {
  const wasHeld = moves.some(
    (move) => move.messageId === messageId && move.from === 'held' && move.to === 'accepted',
  );
  const wasTakenOut = losses.some((loss) =>
    entries.some(({ at, deletedAt }) => at < loss.at && deletedAt !== null && deletedAt > loss.at),
  );
  return wasHeld && wasTakenOut;
}

/** Every text that a provider took is written down in the end, as an attempt or as a lost text. */
export function nothingUnrecorded(evidence: Evidence): string[] {
  const { attempt, lostText } = evidence.base.tables;
  return listed(evidence)
    .filter((entry) => isTaken(entry))
    .filter((entry) => !attempt.has(attemptOf(entry)) && !lostText.has(entry.reference))
    .map(({ reference }) => `P10: ${reference} is not written down`);
}

function listed({ ledgers, readings }: Evidence): Entry[] {
  return [...readings.keys()].flatMap((gatewayId) => ledgers.get(gatewayId)!);
}

function attemptOf({ reference }: Entry): string {
  const { messageId, epoch, attempt } = parseReference(reference)!;
  return keyOf(messageId, epoch, attempt);
}
