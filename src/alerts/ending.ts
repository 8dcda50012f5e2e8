/** What ending an alert would say to whom. */
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { readLedger } from '#dispatch/index.ts';
import { dispatchesOf } from './model.ts';
import { findOut, type Out } from './withdraw.ts';

export type Ending = Out & {
  /** Messages that left, or may have: what is said of the end goes to where they went. */
  readonly mayHaveIt: number;
};

/** The words are `submission.along`; refused where nothing is out, or its next version waits. */
export async function readEnding(tx: Tx, alertId: string): Promise<Outcome<Ending>> {
  const found = await findOut(tx, alertId);
  if (!found.ok) return found;
  let mayHaveIt = 0;
  for (const dispatchId of dispatchesOf(found.value.submission)) {
    const { messages } = await readLedger(tx, dispatchId);
    mayHaveIt += messages.gone + messages.unknown;
  }
  return ok({ ...found.value, mayHaveIt });
}
