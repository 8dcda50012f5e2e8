/** Having a checked file imported: by one person, or by the word of two. */
import { may } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { enqueueWork, findMine, gone, keptUntil, movedOn, type RunContext } from './import-run.ts';
import type { ImportRules } from '../model.ts';
import { startRun } from './store-run.ts';
import { takesTwo, tooMuchForOne } from './two-persons.ts';

export type Confirming = RunContext & {
  readonly goodRowsOnly: boolean;
  readonly rules: Pick<ImportRules, 'importedAloneADay'>;
};

/** Has it imported, once: a second press finds it under way or done. */
export async function confirmRun(
  tx: Tx,
  id: string,
  { goodRowsOnly, rules, now }: Confirming,
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) {
    return refused('forbidden', 'Your role may not change the directory.');
  }
  const run = await findMine(tx, id, now);
  if (run === undefined) return gone;
  if (run.state === 'importing' || run.state === 'imported') return ok(undefined);
  if (run.result !== null && (await takesTwo(tx, { counts: run.result.counts, rules, now })))
    return tooMuchForOne(rules);
  const begun = await beginImport(tx, id, { goodRowsOnly, approvalId: null, now });
  // Pressed twice in the same moment: the other one is at it.
  return begun.ok || run.state !== 'checked' ? begun : ok(undefined);
}

type Beginning = {
  readonly goodRowsOnly: boolean;
  /** By the word of two persons. */
  readonly approvalId: string | null;
  readonly now: Date;
};

/** From here on it is written, in the background. */
export async function beginImport(
  tx: Tx,
  id: string,
  { goodRowsOnly, approvalId, now }: Beginning,
): Promise<Outcome<void>> {
  const attempt = await startRun(tx, id, {
    to: 'importing',
    expiresAt: keptUntil(now),
    approvalId,
    ...(goodRowsOnly && { allOrNothing: false }),
  });
  if (attempt === undefined) return movedOn;
  await enqueueWork(tx, { runId: id, attempt });
  return ok(undefined);
}
