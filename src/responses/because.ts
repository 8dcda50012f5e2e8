/** The rules behind what answering shows of an alert: whom to ring, and which message told whom. */
import {
  becauseMessage,
  becauseTime,
  rulesOverTime,
  type Because,
  type OperatingModel,
} from '#operating-model/index.ts';
import type { Tx } from '#db/database.ts';
import { findObeyed, listRulesMoves } from './store-read.ts';

export type AlertRules = {
  /** Why who is silent is to be rung. */
  readonly callList: Because | undefined;
  /** `at`: when it left or ended; null: it waits. */
  readonly ofMessage: (message: {
    round: number;
    rank: number;
    at: Date | null;
  }) => Because | undefined;
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
  const moves = await listRulesMoves(tx, alertId);
  const rules = await rulesOverTime(tx, { ...obeyed, moves }, inForce);
  const { model, severity } = rules;
  return {
    callList: severity && becauseTime(model, severity, 'rounds'),
    ofMessage: (message) => {
      const then = rules.at(message.at);
      return then.severity && becauseMessage(then.model, then.severity, message);
    },
  };
}
