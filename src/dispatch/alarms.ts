/** What an operator has to know at once: a row that the page and the auditor read, and an entry. */
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { insertAlarms, type NewAlarm } from './store-check.ts';

/** Raises each alarm once, however often it is seen; returns those that are new. */
export async function raiseAlarms(tx: Tx, alarms: readonly NewAlarm[]): Promise<NewAlarm[]> {
  if (alarms.length === 0) return [];
  const raised = await insertAlarms(tx, alarms);
  for (const { kind, messageId, gatewayId } of raised)
    await record(tx, {
      action: `message.${kind}`,
      subject: { kind: 'message', id: messageId },
      detail: { gatewayId },
    });
  return raised;
}
