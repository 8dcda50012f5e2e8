/**
 * Asking for proof by itself: a person plans how many a day, a second one approves over the hash of
 * the number and the words (P5), and each working day those are asked whose proof is missing or too
 * old, or who have not said for too long that all on file is still right. Other words than those
 * approved are never sent: the schedule ends then.
 */
import { createHash } from 'node:crypto';
import { actorId, may, system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import {
  approve,
  consumeApproval,
  requestApproval,
  voidApproval,
  type RoleModel,
} from '#identity/index.ts';
import { askPoints, type EnrolmentRules } from './enrol.ts';
import {
  claimDue,
  countAskedSince,
  findSchedule,
  insertSchedule,
  markEnded,
  markRunning,
} from './store-schedule.ts';

export type ScheduleRules = RoleModel &
  EnrolmentRules & {
    readonly proofHoldsForMs: number;
    readonly askingForProof: { readonly hour: number; readonly againAfterMs: number };
  };

export const A_DAY_MAX = 1_000;
/** Longer than the hour in which it asks, shorter than from one day to the next. */
const LATELY_MS = 12 * 3_600_000;

/** All that is approved: how many a day, how often again, and every word that is sent. */
export function hashOfSchedule(aDay: number, rules: ScheduleRules): string {
  const { texts, proofMail, attestation, askingForProof, sender, helpLine, ownDetails } = rules;
  const { hour, againAfterMs } = askingForProof;
  const parts = [aDay, hour, againAfterMs, rules.proofHoldsForMs, attestation.everyMs];
  const mails = [proofMail, attestation.mail].flatMap(({ subject, body }) => [subject, body]);
  const { purpose, notice } = ownDetails;
  const words = [sender, helpLine, purpose, notice, texts.enrol, texts.stillRight, ...mails];
  return createHash('sha256')
    .update(JSON.stringify([...parts, ...words]))
    .digest('hex');
}

const notAllowed = refused('forbidden', 'Your role may not change the directory.');
const gone = refused('conflict', 'It was decided or ended meanwhile.');

export async function planSchedule(
  tx: Tx,
  aDay: number,
  { rules, now }: { readonly rules: ScheduleRules; readonly now: Date },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const id = newId(now.getTime());
  const hash = hashOfSchedule(aDay, rules);
  const subject = { kind: 'proof_schedule', id };
  const asked = await requestApproval(tx, { hash, subject, shapedBy: [], now });
  if (!asked.ok) return asked;
  const plan = { id, aDay, hash, approvalId: asked.value, plannedBy: actorId(tx.actor) };
  if (!(await insertSchedule(tx, plan)))
    return refused('conflict', 'A schedule waits or runs already: end it first.');
  await record(tx, { action: 'proof_schedule.planned', subject, detail: { aDay, hash } });
  return ok(undefined);
}

/** The second person's yes: from the next working day on it asks. */
export async function approveSchedule(
  tx: Tx,
  shown: { readonly id: string; readonly hash: string },
  { rules, now }: { readonly rules: ScheduleRules; readonly now: Date },
): Promise<Outcome<void>> {
  const schedule = await findSchedule(tx);
  if (schedule?.id !== shown.id || schedule.state !== 'waiting') return gone;
  if (hashOfSchedule(schedule.aDay, rules) !== schedule.hash)
    return refused('conflict', 'The words have changed since it was planned: plan it anew.');
  const used = { id: schedule.approvalId, hash: shown.hash, now, model: rules };
  const approved = await approve(tx, { ...used, askedWith: 'directory.write' });
  if (!approved.ok) return approved;
  const consumed = await consumeApproval(tx, used);
  if (!consumed.ok) return consumed;
  if (!(await markRunning(tx, schedule.id))) return gone;
  await record(tx, {
    action: 'proof_schedule.started',
    subject: { kind: 'proof_schedule', id: schedule.id },
    detail: { hash: schedule.hash },
  });
  return ok(undefined);
}

/** Ends what waits or runs; whoever may change the directory may stop it alone. */
export async function endSchedule(tx: Tx, id: string, now: Date): Promise<Outcome<void>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const schedule = await findSchedule(tx);
  if (schedule?.id !== id || !(await markEnded(tx, id))) return gone;
  if (schedule.state === 'waiting')
    await voidApproval(tx, { id: schedule.approvalId, reason: 'ended before it began', now });
  await recordEnd(tx, id, 'by hand');
  return ok(undefined);
}

async function recordEnd(tx: Tx, id: string, why: string): Promise<void> {
  await record(tx, {
    action: 'proof_schedule.ended',
    subject: { kind: 'proof_schedule', id },
    detail: { why },
  });
}

/** One turn, where it is the hour of a working day; says how many were asked. */
export async function runSchedule(
  database: Database,
  rules: ScheduleRules,
  clock: { readonly hour: number; readonly isWorkingDay: boolean; readonly now: Date },
): Promise<number> {
  if (!clock.isWorkingDay || clock.hour !== rules.askingForProof.hour) return 0;
  return await database.withActor(system('organisations'), async (tx) => {
    const schedule = await findSchedule(tx);
    if (schedule?.state !== 'running') return 0;
    if (hashOfSchedule(schedule.aDay, rules) !== schedule.hash) {
      await markEnded(tx, schedule.id);
      await recordEnd(tx, schedule.id, 'the words have changed');
      return 0;
    }
    const { proofHoldsForMs, askingForProof, attestation } = rules;
    const { againAfterMs } = askingForProof;
    // Run twice in this hour, after a kill, it still asks no more than was approved.
    const lately = await countAskedSince(tx, new Date(clock.now.getTime() - LATELY_MS));
    const most = Math.max(0, schedule.aDay - lately);
    const attestEveryMs = attestation.everyMs;
    const ids = await claimDue(tx, { proofHoldsForMs, attestEveryMs, againAfterMs, most });
    await askPoints(tx, ids, clock.now);
    if (ids.length > 0)
      await record(tx, {
        action: 'proof.asked',
        subject: { kind: 'proof_schedule', id: schedule.id },
        detail: { asked: ids.length },
      });
    return ids.length;
  });
}
