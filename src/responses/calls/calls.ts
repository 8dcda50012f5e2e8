/**
 * Ringing who is to be rung, name by name between the desk and the regions: one person has a name
 * at a time, and loses it by saying nothing for too long.
 */
import { actorId, mayIn, nameOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { recordCall, type AnswerRules } from '../actions.ts';
import type { AnswerKind } from '../model.ts';
import { notifyResponse } from '../store.ts';
import type { CallOutcome } from './model.ts';
import { findAttempt, insertAttempt } from './store-attempts.ts';
import {
  findRung,
  insertCall,
  lockOpenCall,
  markCallEnded,
  renewCall,
  type OpenCall,
} from './store-calls.ts';

/** A name of the call list of an alert. */
export type Name = { readonly alertId: string; readonly organisationId: string };

/** Takes a name, or has it for as long again. */
export async function claimCall(tx: Tx, name: Name, { desk }: AnswerRules): Promise<Outcome<void>> {
  const { alertId, organisationId } = name;
  const rung = await findMine(tx, name);
  if (!rung.ok) return rung;
  const before = await lockOpenCall(tx, alertId, organisationId);
  const holdsForMs = desk.claimHoldsForMs;
  const by = actorId(tx.actor);
  if (before?.claimedBy === by) {
    await renewCall(tx, before.id, holdsForMs);
    return ok(undefined);
  }
  if (before !== undefined && !before.isLapsed) return takenFirst(before);
  const { why, acknowledgedAt } = rung.value;
  if (why === null)
    return refused('conflict', acknowledgedAt === null ? STILL_ASKED : HAVE_ANSWERED);
  if (before !== undefined) await markCallEnded(tx, before.id, 'lapsed');
  const id = await insertCall(tx, { ...name, by, byName: nameOf(tx.actor), holdsForMs });
  if (id === undefined) return takenFirst(undefined);
  return await recordAndTell(tx, name, 'call.claimed');
}

const HAVE_ANSWERED = 'They have answered: nobody need ring.';
const STILL_ASKED = 'Nobody need ring them now: others of theirs are still being told.';

/** Gives it back to everybody. */
export async function giveBackCall(tx: Tx, name: Name): Promise<Outcome<void>> {
  const mine = await lockMine(tx, name);
  if (!mine.ok) return mine;
  await markCallEnded(tx, mine.value.id, 'given_back');
  return await recordAndTell(tx, name, 'call.given_back');
}

/** What came of a number that was rung. */
export type Attempt = {
  /** Of the form: posted twice it is one attempt. */
  readonly id: string;
  /** Null: the switchboard. */
  readonly contactPointId: string | null;
  readonly note: string;
} & (
  | { readonly outcome: 'reached'; readonly said: AnswerKind }
  | { readonly outcome: Exclude<CallOutcome, 'reached'> }
);

/**
 * Writes it down. Whoever was reached has answered; word that was left, and the name goes back to
 * the list; else whoever has it goes on with the next number.
 */
export async function recordAttempt(
  tx: Tx,
  name: Name,
  attempt: Attempt,
  rules: AnswerRules,
): Promise<Outcome<void>> {
  const by = actorId(tx.actor);
  const { id, contactPointId, outcome } = attempt;
  const note = attempt.note === '' ? null : attempt.note;
  const before = await findAttempt(tx, id);
  if (before !== undefined)
    // The button was pressed twice: what it says is done.
    return before.outcome === outcome && before.note === note && before.triedBy === by
      ? ok(undefined)
      : refused('conflict', 'This form was used already, with other words. Look at what is there.');
  const mine = await lockMine(tx, name);
  if (!mine.ok) return mine;
  const tried = { id, callId: mine.value.id, ...name, contactPointId, outcome, note };
  if (!(await insertAttempt(tx, { ...tried, by, byName: nameOf(tx.actor) }))) return ok(undefined);
  await record(tx, {
    action: 'call.tried',
    subject: { kind: 'alert', id: name.alertId },
    detail: { organisationId: name.organisationId, outcome },
  });
  if (outcome === 'reached' || outcome === 'left_word')
    await markCallEnded(tx, mine.value.id, outcome);
  else await renewCall(tx, mine.value.id, rules.desk.claimHoldsForMs);
  if (attempt.outcome === 'reached')
    return await recordCall(tx, rules, { ...name, kind: attempt.said, note: attempt.note });
  await notifyResponse(tx, name.alertId);
  return ok(undefined);
}

/** An organisation that the actor may ring; anybody else's looks like one that is not there (P8). */
async function findMine(tx: Tx, { alertId, organisationId }: Name) {
  const rung = await findRung(tx, alertId, organisationId);
  if (rung === undefined || !mayIn(tx.actor, 'response.record', rung.regionCode))
    return refused('not_found', 'There is no such name on the call list.');
  return ok(rung);
}

async function lockMine(tx: Tx, name: Name): Promise<Outcome<OpenCall>> {
  const call = await lockOpenCall(tx, name.alertId, name.organisationId);
  if (call?.claimedBy === actorId(tx.actor)) return ok(call);
  if (call !== undefined && !call.isLapsed)
    return refused('conflict', `${call.claimedByName} has this name now.`);
  return refused('conflict', 'Take the name first.');
}

function takenFirst(call: OpenCall | undefined): Outcome<void> {
  return refused('conflict', `${call?.claimedByName ?? 'Somebody else'} took this name first.`);
}

async function recordAndTell(tx: Tx, name: Name, action: string): Promise<Outcome<void>> {
  await record(tx, {
    action,
    subject: { kind: 'alert', id: name.alertId },
    detail: { organisationId: name.organisationId },
  });
  await notifyResponse(tx, name.alertId);
  return ok(undefined);
}
