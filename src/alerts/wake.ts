/**
 * The ladder of the approver: people are woken by text, step by step, while an alert waits for its
 * approval. The text holds no word of the alert and no link: they sign in where they always do.
 */
import { system } from '#kernel/actor.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { record } from '#audit/index.ts';
import { sendSingleMessages } from '#dispatch/index.ts';
import { listWakeable } from '#identity/index.ts';
import { fillBlanks, severityById, type OperatingModel } from '#operating-model/index.ts';
import { findWaitingSubmission, insertNudges } from './store-wake.ts';
import { listEditors } from './store.ts';

/** One step of the ladder for one submission. */
export const WAKE_TASK = 'approver_woken';

/** One job for each step, in the transaction of the submission: later steps find it decided. */
export async function planWaking(
  tx: Tx,
  { approverLadder: { severities, steps } }: OperatingModel,
  submission: { readonly id: string; readonly severity: string; readonly now: Date },
): Promise<void> {
  if (!severities.includes(submission.severity)) return;
  for (const [i, { afterMs }] of steps.entries()) {
    const runAt = new Date(submission.now.getTime() + afterMs);
    await enqueue(tx, WAKE_TASK, { submissionId: submission.id, step: i + 1 }, { runAt });
  }
}

/** Nobody is asked to text anything back: a message wants four digits, and these mean nothing. */
const NO_CODE = '0000';

type Waking = { readonly model: OperatingModel; readonly clockOf: (at: Date) => string };

/** Texts who is to be woken by this step, each once, unless somebody decided meanwhile. */
export async function wakeApprovers(
  database: Database,
  { model, clockOf }: Waking,
  { submissionId, step }: { readonly submissionId: string; readonly step: number },
): Promise<void> {
  const rung = model.approverLadder.steps[step - 1];
  if (rung === undefined) return;
  await database.withActor(system('approver ladder'), async (tx) => {
    const waiting = await findWaitingSubmission(tx, submissionId);
    if (waiting === undefined) return;
    const hands = new Set([...(await listEditors(tx, waiting.versionId)), waiting.submittedBy]);
    const people = (await listWakeable(tx, rung.roles)).filter(({ id }) => !hands.has(id));
    const fresh = await insertNudges(tx, {
      submissionId,
      step,
      personIds: people.map(({ id }) => id),
    });
    const body = fillBlanks(model.texts.approvePlease, {
      sender: model.sender,
      help_line: model.helpLine,
      alert: String(waiting.alertNumber),
      severity: (severityById(model, waiting.severity)?.label ?? '').toUpperCase(),
      since: clockOf(waiting.submittedAt),
    });
    await sendSingleMessages(
      tx,
      people
        .filter(({ id }) => fresh.includes(id))
        .map(({ id, phoneSealed }) => ({
          contactPointId: id,
          addressSealed: phoneSealed,
          code: NO_CODE,
          body,
          gatewayId: null,
          perHourMax: model.textsPerNumber.most,
        })),
    );
    await record(tx, {
      action: 'approval.woken',
      subject: { kind: 'alert', id: waiting.alertId },
      detail: { step, people: fresh.length },
    });
  });
}
