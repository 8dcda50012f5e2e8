/** The rules behind what answering shows of an alert: whom to ring, and which message told whom. */
import {
  becauseMessage,
  becauseTime,
  rulesOf,
  severityById,
  type Because,
  type OperatingModel,
} from '#operating-model/index.ts';
import type { Tx } from '#db/database.ts';
import { findObeyed } from './store-read.ts';

export type AlertRules = {
  /** Why who is silent is to be rung. */
  readonly callList: Because | undefined;
  readonly ofMessage: (message: { round: number; rank: number }) => Because | undefined;
};

const none: AlertRules = { callList: undefined, ofMessage: () => undefined };

/** Of an alert that is out, under the rules that it obeys. */
export async function alertRules(
  tx: Tx,
  alertId: string,
  inForce: OperatingModel,
): Promise<AlertRules> {
  const obeyed = await findObeyed(tx, alertId);
  if (obeyed === undefined) return none;
  const model = await rulesOf(tx, obeyed.modelVersion, inForce);
  const severity = severityById(model, obeyed.severity);
  if (severity === undefined) return none;
  return {
    callList: becauseTime(model, severity, 'rounds'),
    ofMessage: (message) => becauseMessage(model, severity, message),
  };
}
