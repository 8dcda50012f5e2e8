/** The rules behind what answering shows of an alert: whom to ring, and which message told whom. */
import {
  becauseSent,
  becauseCallList,
  rulesOverTime,
  type Because,
  type OperatingModel,
  type RulesOverTime,
} from '#operating-model/index.ts';
import type { Tx } from '#db/database.ts';
import { findObeyed, listDispatched, listRulesMoves } from './store-read.ts';

export type AlertRules = {
  /** Why who is silent is to be rung. */
  readonly callList: Because | undefined;
  /** `at`: when it left, ended or opened; null: it waits. */
  readonly ofMessage: (message: {
    readonly dispatchId: string;
    readonly round: number;
    readonly rank: number;
    readonly at: Date | null;
  }) => Because | undefined;
};

const none: AlertRules = { callList: undefined, ofMessage: () => undefined };

/** Of an alert that is out, under the rules that each version of it obeyed. */
export async function alertRules(
  tx: Tx,
  alertId: string,
  inForce: OperatingModel,
): Promise<AlertRules> {
  const obeyed = await findObeyed(tx, alertId);
  if (obeyed === undefined) return none;
  const dispatched = await listDispatched(tx, alertId);
  const moves = await listRulesMoves(tx, alertId);
  const over = async (of: typeof obeyed) =>
    await rulesOverTime(
      tx,
      { ...of, moves: moves.filter(({ versionId }) => versionId === of.versionId) },
      inForce,
    );
  const byDispatch = new Map<string, RulesOverTime>();
  for (const one of dispatched)
    byDispatch.set(one.dispatchId, await over({ ...one, exercise: obeyed.exercise }));
  const { model, severity } = await over(obeyed);
  return {
    callList: severity && becauseCallList(model, severity),
    ofMessage: (message) => {
      const sent = dispatched.find(({ dispatchId }) => dispatchId === message.dispatchId);
      const then = byDispatch.get(message.dispatchId)?.at(message.at);
      return sent && then?.severity && becauseSent(then.model, then.severity, sent, message);
    },
  };
}
