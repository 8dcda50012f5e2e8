/** The recall window: a release that has not left yet is taken back whole, or let go at once. */
import { afterQuiet } from '#kernel/quiet-hours.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { CANCEL_MAX, type Steering } from './actions.ts';
import { keepQuiet, readyPart } from './rounds.ts';
import { cancelUnsent, notifyDispatch, notifyHalt } from './store-plan.ts';
import { hurryRounds, markRecalled, stopRounds } from './store-recall.ts';
import { listExercisesSending, markRoundOpened } from './store-rounds.ts';

/** Takes a release back while nothing of it could have left. Refused from the first text on. */
export async function recallDispatch(tx: Tx, steering: Steering): Promise<Outcome<void>> {
  const { dispatchId, reason } = steering;
  await stopRounds(tx, dispatchId);
  if (!(await markRecalled(tx, dispatchId)))
    return refused(
      'conflict',
      'It is leaving already, or may have left, so it cannot be recalled. Stop sending, or correct it.',
    );
  await cancelUnsent(tx, dispatchId, CANCEL_MAX);
  await notifyHalt(tx, dispatchId);
  await record(tx, {
    action: 'dispatch.recalled',
    subject: { kind: 'dispatch', id: dispatchId },
    detail: { reason: maskPersonalData(reason) },
  });
  return ok(undefined);
}

/** Ends the recall window: the first round leaves now, later ones so much earlier. */
export async function sendNow(tx: Tx, dispatchId: string): Promise<Outcome<void>> {
  const exercise = (await listExercisesSending(tx)).find((one) => one.dispatchId === dispatchId);
  if (exercise && afterQuiet(exercise.now.getTime(), exercise) > exercise.now.getTime())
    return refused('conflict', 'Nothing of an exercise leaves now: it goes when its hours begin.');
  if (!(await hurryRounds(tx, dispatchId)))
    return refused('conflict', 'It does not wait any more. Its board shows what leaves.');
  // Whoever presses sends the first also in quiet hours; the next wait for their end.
  if (await markRoundOpened(tx, dispatchId, 1)) await readyPart(tx, { dispatchId, round: 1 });
  await keepQuiet(tx, dispatchId);
  await notifyDispatch(tx, dispatchId);
  await record(tx, {
    action: 'dispatch.hurried',
    subject: { kind: 'dispatch', id: dispatchId },
  });
  return ok(undefined);
}
