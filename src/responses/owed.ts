/** The calls that the centre owes to who asked for help, for `identity` to wake people by. */
import type { Tx } from '#db/database.ts';
import { blanksFor, dueWords, sleepsThrough, type WakingWords } from '#alerts/index.ts';
import { planWaking, type FindOwed } from '#identity/index.ts';
import { fillBlanks, marked, singleReason, type OperatingModel } from '#operating-model/index.ts';
import { findOwedCall, type CallPromise } from './store-desk.ts';

/** Their timers, in the transaction that promises them. */
export async function planCalls(
  tx: Tx,
  { promises: { callBack } }: Pick<OperatingModel, 'promises'>,
  promised: readonly CallPromise[],
): Promise<void> {
  for (const { id, madeAt, callBackAt: dueAt } of promised)
    await planWaking(tx, callBack.steps, { kind: 'call_back', id, madeAt, dueAt });
}

/** A call for help that is not dealt with. */
export function owedCall({ model, whenOf }: WakingWords): FindOwed {
  return async (tx, itemId) => {
    const owed = await findOwedCall(tx, itemId);
    if (owed === undefined) return undefined;
    if (sleepsThrough(model, owed)) return undefined;
    const { callBackAt, ownedBy } = owed;
    return {
      dueAt: callBackAt,
      ownerId: ownedBy,
      except: [],
      ladder: model.promises.callBack,
      text: (isLate) =>
        marked(
          model,
          owed.exercise,
          fillBlanks(model.texts.callPlease, {
            ...blanksFor(model, owed),
            due: dueWords(whenOf(callBackAt), isLate),
          }),
        ),
      because: singleReason(
        model,
        'promises.call_back',
        `the call to who asked for help over alert ${owed.alertNumber} is due ${whenOf(callBackAt)}`,
      ),
      subject: { kind: 'desk_item', id: itemId },
    };
  };
}
