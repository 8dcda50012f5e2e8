/** A dispatch of one round: what follows an alert goes once, to whoever had it. */
import type { Tx } from '#db/database.ts';
import { planDispatch } from '#dispatch/index.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';

export async function planOneRound(
  tx: Tx,
  plan: {
    readonly id: string;
    readonly label: string;
    /** By which it goes (`severityFor`). */
    readonly severity: Severity;
    readonly exercise: boolean;
    readonly model: OperatingModel;
    /** Whether it may wait for the end of quiet hours; what takes something back never does. */
    readonly canWait: boolean;
  },
): Promise<void> {
  const { id, label, severity, exercise, model, canWait } = plan;
  await planDispatch(tx, {
    id,
    label,
    lane: severity.lane,
    exercise,
    expiresAfterMs: severity.sendExpiresAfterMs,
    receiptAsksMs: severity.askForReceiptAfterMs,
    uncertainAfterMs: severity.decideUncertainAfterMs,
    perNumber: model.textsPerNumber,
    quietHours: canWait ? severity.quietHours : undefined,
    rounds: [{ round: 1, opensAfterMs: 0 }],
  });
}
