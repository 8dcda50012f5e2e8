/**
 * What the centre owes on alerts, for `identity` to wake people by (`wakePeople`): the approval of
 * one that waits, and the next update of one that is out.
 */
import { actorId, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { planWaking, type FindOwed } from '#identity/index.ts';
import { enqueue } from '#db/enqueue.ts';
import {
  fillBlanks,
  marked,
  rulesOf,
  severityById,
  singleReason,
  type OperatingModel,
} from '#operating-model/index.ts';
import { absent, lacks } from './policy.ts';
import { findOwedUpdate, findWaitingSubmission, updateOwner } from './store-owed.ts';
import { findLiveVersion, findVersion, listEditors } from './store.ts';

type Submitted = {
  readonly id: string;
  readonly severity: string;
  readonly submittedAt: Date;
};

/** The timers of the approval, in the transaction of the submission. */
export async function planApproval(
  tx: Tx,
  { promises: { approval } }: OperatingModel,
  { id, severity, submittedAt }: Submitted,
): Promise<void> {
  if (!approval.severities.includes(severity)) return;
  const dueAt = new Date(submittedAt.getTime() + approval.withinMs);
  await planWaking(tx, approval.steps, { kind: 'approval', id, madeAt: submittedAt, dueAt });
}

/** The timers of the next update, in the transaction of the release. */
export async function planNextUpdate(
  tx: Tx,
  { promises: { nextUpdate } }: OperatingModel,
  released: { readonly versionId: string; readonly nextUpdateAt: Date | null; readonly now: Date },
): Promise<void> {
  const { versionId: id, nextUpdateAt: dueAt, now: madeAt } = released;
  if (dueAt === null) return;
  await planWaking(tx, nextUpdate.steps, { kind: 'next_update', id, madeAt, dueAt });
}

/** Job that tells regions of their silent organisations; payload `{ alertId }`. */
export const REGIONS_TASK = 'regions_told';

/** In the transaction of the release: whoever hears it works out when, and sets the timer. */
export async function planRegions(tx: Tx, alertId: string): Promise<void> {
  await enqueue(tx, REGIONS_TASK, { alertId }, { jobKey: `regions ${alertId}` });
}

/** What the texts are filled with. */
export type WakingWords = {
  readonly model: OperatingModel;
  readonly clockOf: (at: Date) => string;
  /** A time of another day with its date. */
  readonly whenOf: (at: Date) => string;
};

/** The blanks that every text of waking has. */
export function blanksFor(
  model: OperatingModel,
  { alertNumber, severity }: { readonly alertNumber: number; readonly severity: string },
) {
  return {
    sender: model.sender,
    help_line: model.helpLine,
    alert: String(alertNumber),
    severity: (severityById(model, severity)?.label ?? '').toUpperCase(),
  };
}

/** Whether nobody of the centre is woken for it: it is an exercise, and the rules say so. */
export function sleepsThrough(
  { exercises }: OperatingModel,
  { exercise }: { readonly exercise: boolean },
): boolean {
  return exercise && !exercises.pagesCentre;
}

/** A submission that waits. Whoever shaped it cannot approve it, and sleeps. */
export function owedApproval({ model: inForce, clockOf }: WakingWords): FindOwed {
  return async (tx, submissionId) => {
    const waiting = await findWaitingSubmission(tx, submissionId);
    if (waiting === undefined) return undefined;
    // The steps were planned under these rules.
    const model = await rulesOf(tx, waiting.modelVersion, inForce);
    if (sleepsThrough(model, waiting)) return undefined;
    const { versionId, alertId, submittedBy, submittedAt } = waiting;
    const words = fillBlanks(model.texts.approvePlease, {
      ...blanksFor(model, waiting),
      since: clockOf(submittedAt),
    });
    const body = marked(model, waiting.exercise, words);
    return {
      dueAt: null,
      ownerId: null,
      except: [...(await listEditors(tx, versionId)), submittedBy],
      ladder: model.promises.approval,
      text: () => body,
      because: singleReason(
        model,
        'promises.approval',
        `alert ${waiting.alertNumber} waits since ${clockOf(submittedAt)}`,
      ),
      subject: { kind: 'alert', id: alertId },
    };
  };
}

/** The next update of a version that is out. */
export function owedUpdate({ model: inForce, whenOf }: WakingWords): FindOwed {
  return async (tx, versionId) => {
    const owed = await findOwedUpdate(tx, versionId);
    if (owed === undefined) return undefined;
    const model = await rulesOf(tx, owed.modelVersion, inForce);
    if (sleepsThrough(model, owed)) return undefined;
    const { alertId, nextUpdateAt, ownedBy } = owed;
    return {
      dueAt: nextUpdateAt,
      ownerId: ownedBy,
      except: [],
      ladder: model.promises.nextUpdate,
      text: (isLate) =>
        marked(
          model,
          owed.exercise,
          fillBlanks(model.texts.updatePlease, {
            ...blanksFor(model, owed),
            due: dueWords(whenOf(nextUpdateAt), isLate),
          }),
        ),
      because: singleReason(
        model,
        'promises.next_update',
        `the next update of alert ${owed.alertNumber} is due ${whenOf(nextUpdateAt)}`,
      ),
      subject: { kind: 'alert', id: alertId },
    };
  };
}

/** `due 05:00`, or `late, due 05:00`. */
export function dueWords(when: string, isLate: boolean): string {
  return isLate ? `late, due ${when}` : `due ${when}`;
}

/** The actor owes the next update from here on, whoever did before. */
export async function takeNextUpdate(tx: Tx, alertId: string): Promise<Outcome<void>> {
  const lacking = lacks(tx.actor, 'alert.write');
  if (lacking) return lacking;
  const version = await findLiveVersion(tx, alertId);
  if (version === undefined)
    return (await findVersion(tx, alertId)) ? refused('conflict', NOTHING_OWED) : absent;
  await updateOwner(tx, version.id, { by: actorId(tx.actor), byName: nameOf(tx.actor) });
  await record(tx, { action: 'alert.update_taken', subject: { kind: 'alert', id: alertId } });
  return ok(undefined);
}

const NOTHING_OWED = 'This alert is not out, so nobody waits for an update of it.';
