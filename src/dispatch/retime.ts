/** Other times for what has not opened yet: a person moved it to other rules. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { QuietHours } from '#kernel/quiet-hours.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { keepQuiet } from './rounds.ts';
import { lockDispatch, notifyDispatch, setWaits } from './store-plan.ts';
import { shiftRound } from './store-rounds.ts';

export type Retiming = {
  readonly dispatchId: string;
  /** By how much each round that is not open comes later; below 0: earlier, now at the earliest. */
  readonly rounds: readonly { readonly round: number; readonly byMs: number }[];
  readonly quietHours: QuietHours | undefined;
  readonly uncertainAfterMs: number;
};

/** Whom it tells and in which words stays as it was approved. Refused where it is over. */
export async function retimeDispatch(tx: Tx, retiming: Retiming): Promise<Outcome<void>> {
  const { dispatchId, rounds, quietHours, uncertainAfterMs } = retiming;
  await lockDispatch(tx, dispatchId);
  if (!(await setWaits(tx, { dispatchId, quietHours, uncertainAfterMs })))
    return refused('conflict', 'Nothing of it is sent any more, so no time of it can change.');
  for (const { round, byMs } of rounds) await shiftRound(tx, { dispatchId, round, byMs });
  await keepQuiet(tx, dispatchId);
  await notifyDispatch(tx, dispatchId);
  await record(tx, { action: 'dispatch.retimed', subject: { kind: 'dispatch', id: dispatchId } });
  return ok(undefined);
}
