/**
 * An alert that is out keeps the rules it was submitted under, unless somebody moves it to those in
 * force: its times change, and nothing else. What would tell somebody else goes as an update, which
 * a second person approves. Run the verb by `Database.attempt`.
 */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData, record } from '#audit/index.ts';
import { retimeDispatch } from '#dispatch/index.ts';
import {
  movingOf,
  pinVersion,
  rulesOf,
  severityFor,
  type Moving,
  type OperatingModel,
} from '#operating-model/index.ts';
import { planRegions } from './owed.ts';
import { lacks } from './policy.ts';
import { setRules } from './store-rules.ts';
import { findOut, REASON_MAX, type Out } from './withdraw.ts';

export type Movable = Out & { readonly from: OperatingModel; readonly moving: Moving };

/** Refused where nothing is out, its next version waits, or there is nothing to move to. */
export async function readMoving(
  tx: Tx,
  { model }: { readonly model: OperatingModel },
  alertId: string,
): Promise<Outcome<Movable>> {
  const found = await findOut(tx, alertId);
  if (!found.ok) return found;
  const { version } = found.value;
  if (version.modelVersion === model.version) return refused('conflict', SAME);
  const from = await rulesOf(tx, version.modelVersion, model);
  const moving = movingOf(from, model, version.severity);
  if (moving === undefined) return refused('conflict', GONE);
  return ok({ ...found.value, from, moving });
}

const SAME = 'This alert obeys the rules in force already.';
const GONE =
  'The rules in force have no severity of that name. Send an update with another severity.';
const WIDENS =
  'The rules in force would tell others, or otherwise. Send an update: it goes under them, and a second person approves it.';

export type Move = {
  readonly alertId: string;
  /** The version of the rules that were shown. */
  readonly to: string;
  readonly reason: string;
};

export async function moveRules(
  tx: Tx,
  context: { readonly model: OperatingModel },
  { alertId, to, reason }: Move,
): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'dispatch.steer');
  if (lacking) return lacking;
  const { model } = context;
  const words = reason.trim();
  if (words === '' || words.length > REASON_MAX) {
    const why = words === '' ? 'Say why, for the audit' : `Use ${REASON_MAX} characters or fewer`;
    return refused('invalid', 'Put right what is marked below.', { reason: why });
  }
  const found = await readMoving(tx, context, alertId);
  if (!found.ok) return found;
  const { version, submission, moving, from } = found.value;
  if (to !== model.version)
    return refused('conflict', 'Other rules came into force since you looked. Look once more.');
  if (moving.widens.length > 0) return refused('conflict', WIDENS);
  const {
    quietHours,
    decideUncertainAfterMs,
    callListAfterMs = null,
  } = severityFor(model, version)!;
  await pinVersion(tx, model);
  const isMine = await setRules(tx, {
    id: version.id,
    from: from.version,
    to: model.version,
    callListAfterMs,
  });
  if (!isMine) return refused('conflict', 'Somebody moved it, or it ended. Look once more.');
  // One that is over has no times left; its deadlines are those of the new rules all the same.
  await retimeDispatch(tx, {
    dispatchId: submission.dispatchId,
    rounds: moving.delaysMs.map((byMs, i) => ({ round: i + 1, byMs })),
    quietHours,
    uncertainAfterMs: decideUncertainAfterMs,
  });
  await planRegions(tx, alertId);
  await record(tx, {
    action: 'alert.rules_moved',
    subject: { kind: 'alert', id: alertId },
    detail: { from: from.version, to: model.version, reason: maskPersonalData(words) },
  });
  return ok(undefined);
}
