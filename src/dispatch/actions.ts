/** The verbs of whoever plans, releases and steers a dispatch. One transaction each, the caller's. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Approved } from '#kernel/approved.ts';
import type { Tx } from '#db/database.ts';
import { newId } from '#kernel/ids.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import type { DispatchPlan } from './model.ts';
import { insertSingleMessages, notifyAnswers, type SingleMessage } from './store-answer.ts';
import { keepQuiet, readyPart } from './rounds.ts';
import {
  cancelUnsent,
  hashContent,
  insertDispatch,
  lockDispatch,
  markReleased,
  moveDispatch,
  notifyDispatch,
  notifyHalt,
  setContent,
} from './store-plan.ts';
import { markRoundOpened, postponeRounds, startRounds } from './store-rounds.ts';
import { cancelSettled, lockLaterRounds, markSettled } from './store-settled.ts';

/** Writes the dispatch and its rounds; its messages follow through `dispatch.v_in_recipient`. */
export async function planDispatch(tx: Tx, plan: DispatchPlan): Promise<void> {
  await insertDispatch(tx, plan);
}

/**
 * Closes the plan: from here on the dispatch is known by the hash of all it would send (P5), and of
 * `alsoCovers`: what belongs to it without being in a message, such as the page. The hash is made
 * again at release, so whatever changed in between is noticed.
 */
export async function sealDispatch(
  tx: Tx,
  dispatchId: string,
  alsoCovers: string,
): Promise<string> {
  const content = await hashContent(tx, dispatchId, alsoCovers);
  await setContent(tx, dispatchId, content);
  return content.hash;
}

export type Release = {
  readonly dispatchId: string;
  readonly approved: Approved;
  readonly alsoCovers: string;
};

/**
 * Lets it go. Refused where what would be sent is not what was approved, or where it went already:
 * pressing twice releases once.
 */
export async function releaseDispatch(tx: Tx, release: Release): Promise<Outcome<void>> {
  const { dispatchId, approved, alsoCovers } = release;
  // Nothing may be added between the hash and the release: a planner's insert waits for this lock.
  await lockDispatch(tx, dispatchId);
  const { hash } = await hashContent(tx, dispatchId, alsoCovers);
  if (hash !== approved.hash)
    return refused('conflict', 'What would be sent is not what was approved. Submit it again.');
  return await letGo(tx, { dispatchId, hash, approvedBy: approved.approvedBy });
}

/** What was checked against its approval goes: its rounds get their times, the first opens. */
export async function letGo(
  tx: Tx,
  going: { dispatchId: string; hash: string; approvedBy: string },
): Promise<Outcome<void>> {
  const { dispatchId, hash, approvedBy } = going;
  if (!(await markReleased(tx, dispatchId, hash)))
    return refused('conflict', 'This was released already.');
  await startRounds(tx, dispatchId);
  await keepQuiet(tx, dispatchId);
  // A first round that is to wait is opened by its timer, like every other.
  if (await markRoundOpened(tx, dispatchId, 1)) await readyPart(tx, { dispatchId, round: 1 });
  await notifyDispatch(tx, dispatchId);
  await record(tx, {
    action: 'dispatch.released',
    subject: { kind: 'dispatch', id: dispatchId },
    detail: { hash, approvedBy },
  });
  return ok(undefined);
}

/**
 * These organisations have answered: later rounds are called off where nobody else needs them.
 * Round 1 goes out whatever happens (P7). Says how many messages are not sent because of it.
 */
export async function standDown(
  tx: Tx,
  settled: { dispatchId: string; organisationIds: readonly string[] },
): Promise<number> {
  await lockLaterRounds(tx, settled);
  await markSettled(tx, settled);
  return await cancelSettled(tx, settled);
}

export type Steering = { readonly dispatchId: string; readonly reason: string };

export async function pauseDispatch(tx: Tx, { dispatchId, reason }: Steering) {
  return await steer(tx, { dispatchId, from: ['sending'], to: 'paused', reason });
}

/** Goes on; its rounds come as much later as it stood still. */
export async function resumeDispatch(tx: Tx, { dispatchId, reason }: Steering) {
  await lockDispatch(tx, dispatchId);
  await postponeRounds(tx, dispatchId);
  await keepQuiet(tx, dispatchId);
  return await steer(tx, { dispatchId, from: ['paused'], to: 'sending', reason });
}

/** As much as a cancellation calls off itself: the beat does the rest, and nobody waits for it. */
export const CANCEL_MAX = 20_000;

/**
 * Calls off what has not left. Nothing is claimed once this is committed, however many messages
 * still wait to be marked; what is under way ends by itself within seconds (`readLedger`).
 */
export async function cancelDispatch(tx: Tx, { dispatchId, reason }: Steering) {
  const moved = await steer(tx, {
    dispatchId,
    from: ['held', 'sending', 'paused'],
    to: 'cancelled',
    reason,
  });
  if (moved.ok) await cancelUnsent(tx, dispatchId, CANCEL_MAX);
  return moved;
}

async function steer(
  tx: Tx,
  move: {
    dispatchId: string;
    from: readonly string[];
    to: 'sending' | 'paused' | 'cancelled';
    reason: string;
  },
): Promise<Outcome<void>> {
  const { dispatchId, from, to, reason } = move;
  const pauseReason = to === 'paused' ? reason : null;
  if (!(await moveDispatch(tx, { id: dispatchId, from, to, reason: pauseReason })))
    return refused(
      'conflict',
      'Somebody else steered it first. Look at its state and decide again.',
    );
  await (to === 'sending' ? notifyDispatch : notifyHalt)(tx, dispatchId);
  await record(tx, {
    action: `dispatch.${to}`,
    subject: { kind: 'dispatch', id: dispatchId },
    detail: { reason: maskPersonalData(reason) },
  });
  return ok(undefined);
}

/**
 * Lets one message go that belongs to no dispatch of an alert: an answer to a person who texted us,
 * a code, a call to wake up. False where the number had its share of them this hour.
 */
export async function sendSingleMessage(tx: Tx, message: SingleMessage): Promise<boolean> {
  return (await sendSingleMessages(tx, [message])) === 1;
}

/** The same for several, each to another number or address; says how many go. */
export async function sendSingleMessages(
  tx: Tx,
  messages: readonly SingleMessage[],
): Promise<number> {
  if (messages.length === 0) return 0;
  const queued = await insertSingleMessages(
    tx,
    messages.map((message) => ({ ...message, id: newId() })),
  );
  if (queued > 0) await notifyAnswers(tx);
  return queued;
}
