/**
 * A later version of what is out, an update or a correction. Its one round goes to everybody to
 * whom the earlier dispatches are gone or may be, those on the wire too; whoever never got anything
 * gets the new version as a first alert.
 * Both were frozen and approved in full, as two dispatches; who gets which is settled here, in the
 * transaction that calls the earlier ones off, so that nobody gets both and nobody gets neither.
 */
import type { Approved } from '#kernel/approved.ts';
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { letGo } from './actions.ts';
import { readContinuity } from './store-continuity.ts';
import {
  callOffAll,
  carryAnswers,
  chooseWordings,
  keepRoundTimes,
  skipTold,
} from './store-correct.ts';
import { hashContent, lockDispatch, moveDispatch, notifyHalt } from './store-plan.ts';
import { stopRounds } from './store-recall.ts';
import { cancelAllSettled } from './store-settled.ts';

export type Correction = {
  /** Every dispatch of what is corrected. */
  readonly earlierIds: readonly string[];
  /** To those who had it: one round, frozen from the audience of the earlier ones. */
  readonly correctionId: string;
  /** To those who had nothing: the new version with its rounds. */
  readonly firstId: string;
  /**
   * The earlier dispatch whose chase goes on, with its answers and at its times; null where
   * everybody is asked again, and the chase begins anew.
   */
  readonly chaseOfId: string | null;
  /** Over the first alert and, by `alsoCovers`, over the correction. */
  readonly approved: Approved;
  readonly alsoCovers: (correctionHash: string) => string;
};

const NOT_KNOWN_YET =
  'Who had the earlier text is being read back from the providers. Nothing leaves meanwhile. ' +
  'Press again as soon as the board says that it is known.';

async function isKnownWhoHadIt(tx: Tx): Promise<boolean> {
  const { heldReason, isSameServer, isProven } = await readContinuity(tx);
  return heldReason === null && isSameServer && isProven;
}

/** What the approval covers beside the first alert: the caller's own, and the correction's hash. */
export async function hashOfCorrection(tx: Tx, correctionId: string): Promise<string> {
  return (await hashContent(tx, correctionId, '')).hash;
}

/**
 * Run it by `Database.attempt`: a refusal half-way takes back what was called off. Not while our
 * history may have holes: who had the earlier text is not known then, and nothing leaves (P10).
 */
export async function releaseCorrection(tx: Tx, correction: Correction): Promise<Outcome<void>> {
  const { earlierIds, correctionId, firstId, chaseOfId, approved } = correction;
  if (!(await isKnownWhoHadIt(tx))) return refused('conflict', NOT_KNOWN_YET);
  for (const id of [correctionId, firstId]) await lockDispatch(tx, id);
  const correctionHash = await hashOfCorrection(tx, correctionId);
  const { hash } = await hashContent(tx, firstId, correction.alsoCovers(correctionHash));
  if (hash !== approved.hash)
    return refused('conflict', 'What would be sent is not what was approved. Submit it again.');
  if (chaseOfId !== null) await keepRoundTimes(tx, { fromId: chaseOfId, toId: firstId });
  for (const id of earlierIds)
    await callOff(tx, id, { reason: 'corrected', correction: correctionId });
  // What a worker has in its hands is not waited for: it may be on the wire, so it is corrected.
  await callOffAll(tx, earlierIds);
  const chosen = await chooseWordings(tx, { earlierIds, correctionId, firstId });
  if (chaseOfId !== null) await goOn(tx, { earlierIds, firstId, chaseOfId });
  const { approvedBy } = approved;
  for (const [dispatchId, itsHash] of [
    [correctionId, correctionHash],
    [firstId, hash],
  ] as const) {
    const gone = await letGo(tx, { dispatchId, hash: itsHash, approvedBy });
    if (!gone.ok) return gone;
  }
  await record(tx, {
    action: 'dispatch.corrected',
    subject: { kind: 'dispatch', id: correctionId },
    detail: { corrects: [...earlierIds], first: firstId, ...chosen },
  });
  return { ok: true, value: undefined };
}

export type Ending = {
  /** Every dispatch of what ends. */
  readonly earlierIds: readonly string[];
  /** To those who had it: one round, rendered from the words that were approved along. */
  readonly endingId: string;
  /** Over the release that ends, and over those words. */
  readonly approved: Approved;
};

/**
 * Calls everything off and tells whoever may have had something; nobody else. By `Database.attempt`
 * and not while history may have holes, as a correction.
 */
export async function releaseEnding(tx: Tx, ending: Ending): Promise<Outcome<void>> {
  const { earlierIds, endingId, approved } = ending;
  if (!(await isKnownWhoHadIt(tx))) return refused('conflict', NOT_KNOWN_YET);
  await lockDispatch(tx, endingId);
  const { hash } = await hashContent(tx, endingId, '');
  for (const id of earlierIds) await callOff(tx, id, { reason: 'ended', ending: endingId });
  await callOffAll(tx, earlierIds);
  const choice = { earlierIds, correctionId: endingId, firstId: null };
  const { dropped } = await chooseWordings(tx, choice);
  const { approvedBy } = approved;
  const gone = await letGo(tx, { dispatchId: endingId, hash, approvedBy });
  if (!gone.ok) return gone;
  await record(tx, {
    action: 'dispatch.ended',
    subject: { kind: 'dispatch', id: endingId },
    detail: { ends: [...earlierIds], dropped },
  });
  return { ok: true, value: undefined };
}

/** Whoever answered or was told is not chased with the first alert. */
async function goOn(
  tx: Tx,
  chase: { earlierIds: readonly string[]; firstId: string; chaseOfId: string },
): Promise<void> {
  const { earlierIds, firstId, chaseOfId } = chase;
  await carryAnswers(tx, { fromId: chaseOfId, toId: firstId });
  await skipTold(tx, { earlierIds, firstId });
  await cancelAllSettled(tx);
}

/** Nothing of an earlier dispatch is claimed any more; one that is over stays as it is. */
async function callOff(tx: Tx, id: string, why: Record<string, string>): Promise<void> {
  const move = { id, from: ['sending', 'paused'], to: 'cancelled', reason: null } as const;
  if (!(await moveDispatch(tx, move))) return;
  // A round that opens in this moment is waited for: its messages can then be called off.
  await stopRounds(tx, id);
  await notifyHalt(tx, id);
  await record(tx, {
    action: 'dispatch.cancelled',
    subject: { kind: 'dispatch', id },
    detail: why,
  });
}
