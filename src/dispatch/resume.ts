/** Letting it go on after history was lost (P10): a person decides, and the audit keeps why. */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { may } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { notifyAnswers } from './store-answer.ts';
import { closeInDoubt, endHold, raiseEpochs, readHold, type HoldRow } from './store-resume.ts';
import { cancelAllSettled } from './store-settled.ts';
import { suppressStopped } from './store-stopped.ts';

export type Resumption = {
  readonly reason: string;
  /**
   * What becomes of texts and mails of which nobody can say whether they left. Those that were
   * called off meanwhile are not sent again: they stay unknown.
   */
  readonly inDoubt: 'send_again' | 'treat_as_sent';
  /** Whether to go on although a provider could not be read. */
  readonly unread: 'refuse' | 'accept';
};

/** Raises every epoch and lets sending go on; says what was decided over. */
export async function resumeAfterRestore(
  tx: Tx,
  resumption: Resumption,
): Promise<Outcome<HoldRow>> {
  if (!may(tx.actor, 'dispatch.steer'))
    return refused('forbidden', 'Your role may not steer dispatches.');
  const { reason, inDoubt, unread } = resumption;
  const hold = await readHold(tx);
  const closed = await closeInDoubt(tx, inDoubt);
  if (!(await endHold(tx, unread)))
    return refused(
      'conflict',
      hold.heldSince === null
        ? 'Nothing is held: sending goes on.'
        : 'The providers have not all been read yet. Wait until they are.',
    );
  await raiseEpochs(tx);
  await cancelAllSettled(tx);
  await suppressStopped(tx);
  await record(tx, {
    action: 'dispatch.resumed_after_restore',
    subject: { kind: 'database', id: 'history' },
    detail: {
      reason: maskPersonalData(reason),
      unread: hold.lookedAt === null,
      adopted: hold.adopted,
      withoutMessage: hold.withoutMessage,
      notSent: hold.notSent,
      inDoubt: hold.inDoubt,
      closed,
    },
  });
  await notifyAnswers(tx);
  return ok(hold);
}
