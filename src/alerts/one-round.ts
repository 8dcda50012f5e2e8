/** A dispatch of one round: what follows an alert goes once, to whoever had it. */
import type { Tx } from '#db/database.ts';
import { planDispatch } from '#dispatch/index.ts';
import type { OperatingModel, Severity } from '#operating-model/index.ts';

export async function planOneRound(
  tx: Tx,
  plan: {
    readonly id: string;
    readonly label: string;
    readonly severity: Severity;
    readonly model: OperatingModel;
  },
): Promise<void> {
  const { id, label, severity, model } = plan;
  await planDispatch(tx, {
    id,
    label,
    lane: severity.lane,
    exercise: false,
    expiresAfterMs: severity.sendExpiresAfterMs,
    receiptAsksMs: severity.askForReceiptAfterMs,
    uncertainAfterMs: severity.decideUncertainAfterMs,
    perNumber: model.textsPerNumber,
    rounds: [{ round: 1, opensAfterMs: 0 }],
  });
}
