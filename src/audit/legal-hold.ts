/**
 * A legal hold: while it stands, what it is on does not go for its age and is not erased. On
 * everything, because what an inquiry will ask for is not known beforehand; or on one organisation
 * or one contact of the directory, which says what belongs to it (`organisations/legal-holds`).
 */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import { actorId, may, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData } from './model.ts';
import { record } from './record.ts';
import {
  deleteHeld,
  findHoldOn,
  insertHeld,
  insertLegalHold,
  markHoldLifted,
  moveReview,
  type HeldId,
  type HeldKind,
} from './store-legal-hold.ts';

/** Longest reason, in characters. */
export const HOLD_REASON_MAX = 500;
const realDay = z.iso.date();

export type NewHold = {
  readonly kind: HeldKind;
  /** Null: everything. */
  readonly heldId: string | null;
  /** All that belongs to it, itself too. */
  readonly held: readonly HeldId[];
  readonly reason: string;
  /** A day to come, such as `2027-04-01`, by which somebody looks at it. */
  readonly reviewOn: string;
};

/** The hold on everything. */
export const everything = { kind: 'everything', heldId: null, held: [] } as const;

/** Puts it; says its id. */
export async function putLegalHold(tx: Tx, hold: NewHold, now: Date): Promise<Outcome<string>> {
  if (!may(tx.actor, 'audit.keep')) return notAllowed;
  const { kind, heldId, held, reviewOn } = hold;
  const wrong = { ...wrongReason(hold.reason), ...wrongDay(reviewOn, now) };
  const [first] = Object.values(wrong);
  if (first !== undefined) return refused('invalid', first, wrong);
  const [id, reason] = [newId(), hold.reason.trim()];
  const put = { by: actorId(tx.actor), byName: nameOf(tx.actor) };
  if (!(await insertLegalHold(tx, { id, kind, heldId, reason, reviewOn, ...put })))
    return refused('conflict', 'A legal hold on it stands already.');
  await insertHeld(tx, id, held);
  const detail = {
    reason: maskPersonalData(reason),
    reviewOn,
    on: kind,
    ...(heldId && { heldId }),
  };
  await record(tx, { action: 'legal_hold.put', subject: subjectOf(id), detail });
  return ok(id);
}

/** Somebody looked, and it is still needed: looked at again by another day to come. */
export async function reviewLegalHold(
  tx: Tx,
  { id, reviewOn }: { readonly id: string; readonly reviewOn: string },
  now: Date,
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'audit.keep')) return notAllowed;
  const wrong = wrongDay(reviewOn, now);
  if (wrong.reviewOn !== undefined) return refused('invalid', wrong.reviewOn, wrong);
  if (!(await moveReview(tx, { id, reviewOn }))) return gone;
  const detail = { reviewOn };
  await record(tx, { action: 'legal_hold.reviewed', subject: subjectOf(id), detail });
  return ok(undefined);
}

/** What is due goes with the next night. */
export async function liftLegalHold(
  tx: Tx,
  { id, reason: said }: { readonly id: string; readonly reason: string },
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'audit.keep')) return notAllowed;
  const wrong = wrongReason(said);
  if (wrong.reason !== undefined) return refused('invalid', wrong.reason, wrong);
  const reason = said.trim();
  const [by, byName] = [actorId(tx.actor), nameOf(tx.actor)];
  if (!(await markHoldLifted(tx, { id, reason, by, byName }))) return gone;
  await deleteHeld(tx, id);
  const detail = { reason: maskPersonalData(reason) };
  await record(tx, { action: 'legal_hold.lifted', subject: subjectOf(id), detail });
  return ok(undefined);
}

/** Why these contacts are not erased now; undefined: nothing stands against it. */
export async function refuseOnHold(tx: Tx, contactIds: readonly string[]) {
  const hold = await findHoldOn(tx, contactIds);
  if (hold === undefined) return undefined;
  const since = hold.putAt.toISOString().slice(0, 10);
  return refused(
    'conflict',
    `A legal hold${onWhat[hold.kind]} stands since ${since}, by ${hold.putByName}: ` +
      `${hold.reason}. Nobody it is on is erased until it is lifted, on the page Legal holds or by ` +
      'bin/tocsin legal-hold lift.',
  );
}

const onWhat: Readonly<Record<HeldKind, string>> = {
  everything: '',
  organisation: ' on their organisation',
  contact: ' on them',
};

function wrongReason(said: string): { reason?: string } {
  const length = said.trim().length;
  if (length > 0 && length <= HOLD_REASON_MAX) return {};
  return { reason: `Say why, in at most ${HOLD_REASON_MAX} characters` };
}

function wrongDay(day: string, now: Date): { reviewOn?: string } {
  if (realDay.safeParse(day).success && day > londonDay(now)) return {};
  return { reviewOn: 'Say a day to come by which it is looked at, such as 2027-04-01' };
}

const subjectOf = (id: string) => ({ kind: 'legal_hold', id });
const notAllowed = refused('forbidden', 'Your role may not keep the audit.');
const gone = refused('conflict', 'That legal hold does not stand any more.');
