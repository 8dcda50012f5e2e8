/** One severity of the file as the model has it. */
import type { ModelFile } from './file-schema.ts';
import type { Severity } from './model.ts';

const roundOf = ({ ranks, after }: ModelFile['severities'][string]['rounds'][number]) => ({
  ranks,
  afterMs: after,
});

export function severityOf([id, severity]: [string, ModelFile['severities'][string]]): Severity {
  const { quiet_hours: quietHours, tell_region: region, spend_cap: cap } = severity;
  const { call_list_after: callListAfterMs } = severity;
  return {
    id,
    label: severity.label,
    lane: severity.lane,
    channels: severity.channels,
    rounds: severity.rounds.map(roundOf),
    reminders: severity.reminders.map(roundOf),
    ...(quietHours && {
      quietHours: { fromMinute: quietHours.from, untilMinute: quietHours.until },
    }),
    ...(cap !== undefined && { spendCapPence: Math.round(cap * 100) }),
    ...(callListAfterMs !== undefined && { callListAfterMs }),
    ...(region && { tellRegion: { afterMs: region.after, wake: region.wake } }),
    acknowledgeWithinMs: severity.acknowledge_within,
    nextUpdateWithinMs: severity.next_update_within,
    sendExpiresAfterMs: severity.send_expires_after,
    recallWindowMs: severity.recall_window,
    decideUncertainAfterMs: severity.decide_uncertain_after,
    askForReceiptAfterMs: severity.ask_for_receipt_after,
  };
}
