/**
 * What is done where nobody can say in time whether a message left. By itself the engine stays
 * silent and tells the next in line; a second copy is risked only by a person (P2).
 */
import { afterQuiet } from '#kernel/quiet-hours.ts';
import { actorId, may, system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { findPersonalData, record } from '#audit/index.ts';
import { notifyDispatch } from './store-plan.ts';
import {
  applyRiskDecisions,
  insertRiskDecision,
  listUncertain,
  listWaitingDeputies,
  readyDeputies,
  type WaitingDeputies,
} from './store-uncertain.ts';

/** The next in line waits for the morning too, where everybody does. */
export function isHeldByQuiet({ now, fromMinute, untilMinute }: WaitingDeputies): boolean {
  if (fromMinute === null || untilMinute === null) return false;
  const nowMs = now.getTime();
  return afterQuiet(nowMs, { fromMinute, untilMinute }) > nowMs;
}

/** Longest reason of a decision, in characters. */
const REASON_MAX = 500;

export type RiskDecision = { readonly dispatchId: string; readonly reason: string };

/**
 * Decides that what is uncertain goes again, at the risk of second copies; says of how many. The
 * engine carries it out within a second, for what is still uncertain then.
 */
export async function riskSecondCopies(tx: Tx, decision: RiskDecision): Promise<Outcome<number>> {
  if (!may(tx.actor, 'dispatch.steer'))
    return refused('forbidden', 'Your role may not decide this.');
  const { dispatchId } = decision;
  const reason = decision.reason.trim();
  const problem = problemOfReason(reason);
  if (problem !== undefined)
    return refused('invalid', 'Put right what is marked below.', { reason: problem });
  const rows = await listUncertain(tx, dispatchId);
  const messages = rows.reduce((sum, row) => sum + row.messages, 0);
  if (messages === 0)
    return refused('conflict', 'Nothing is uncertain any more: it was found out meanwhile.');
  await insertRiskDecision(tx, { dispatchId, decidedBy: actorId(tx.actor), reason });
  await record(tx, {
    action: 'dispatch.risk_decided',
    subject: { kind: 'dispatch', id: dispatchId },
    detail: { messages, reason },
  });
  await notifyDispatch(tx, dispatchId);
  return ok(messages);
}

/** The audit keeps the reason for ever and takes no numbers and no addresses (P12). */
export function problemOfReason(reason: string): string | undefined {
  if (reason === '') return 'Say why: it is kept with your name';
  if (reason.length > REASON_MAX) return `Use ${REASON_MAX} characters or fewer`;
  if (findPersonalData(reason) !== undefined) return 'Leave out phone numbers and addresses';
  return undefined;
}

/** Carries out decisions, and tells who is next in line; says how many messages became ready. */
export async function settleUncertain(database: Database): Promise<number> {
  return await database.withActor(system('dispatch'), async (tx) => {
    let ready = 0;
    for (const { dispatchId, messages } of await applyRiskDecisions(tx)) {
      ready += messages;
      await record(tx, {
        action: 'dispatch.risk_taken',
        subject: { kind: 'dispatch', id: dispatchId },
        detail: { messages },
      });
      await notifyDispatch(tx, dispatchId);
    }
    for (const waiting of await listWaitingDeputies(tx)) {
      if (isHeldByQuiet(waiting)) continue;
      const { dispatchId } = waiting;
      const told = await readyDeputies(tx, dispatchId);
      if (told === 0) continue;
      ready += told;
      await record(tx, {
        action: 'dispatch.deputies_told',
        subject: { kind: 'dispatch', id: dispatchId },
        detail: { messages: told },
      });
      await notifyDispatch(tx, dispatchId);
    }
    return ready;
  });
}
