/**
 * A legal hold: while it stands, nothing that retention would take goes for its age, and nobody is
 * erased. One for the whole installation: what an inquiry will ask for is not known beforehand.
 */
import { actorId, may, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { maskPersonalData } from './model.ts';
import { record } from './record.ts';
import { findLegalHold, insertLegalHold, markHoldLifted } from './store-legal-hold.ts';

const REASON_MAX = 500;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Puts it; `reviewOn` is a day to come, such as `2027-04-01`, by which somebody looks at it. */
export async function putLegalHold(
  tx: Tx,
  { reason: said, reviewOn }: { readonly reason: string; readonly reviewOn: string },
  now: Date,
): Promise<Outcome<void>> {
  if (!may(tx.actor, 'audit.keep')) return notAllowed;
  const reason = said.trim();
  if (reason === '' || reason.length > REASON_MAX) return sayWhy;
  const isDay = DAY.test(reviewOn) && !Number.isNaN(Date.parse(reviewOn));
  if (!isDay || reviewOn <= now.toISOString().slice(0, 10))
    return refused('invalid', 'Say a day to come by which it is looked at, such as 2027-04-01.');
  const [by, byName] = [actorId(tx.actor), nameOf(tx.actor)];
  if (!(await insertLegalHold(tx, { id: newId(), reason, reviewOn, by, byName })))
    return refused('conflict', 'A legal hold stands already.');
  const detail = { reason: maskPersonalData(reason), reviewOn };
  await record(tx, { action: 'legal_hold.put', subject, detail });
  return ok(undefined);
}

/** What is due goes with the next night. */
export async function liftLegalHold(tx: Tx, said: string): Promise<Outcome<void>> {
  if (!may(tx.actor, 'audit.keep')) return notAllowed;
  const reason = said.trim();
  if (reason === '' || reason.length > REASON_MAX) return sayWhy;
  const [by, byName] = [actorId(tx.actor), nameOf(tx.actor)];
  if (!(await markHoldLifted(tx, { reason, by, byName })))
    return refused('conflict', 'No legal hold stands.');
  const detail = { reason: maskPersonalData(reason) };
  await record(tx, { action: 'legal_hold.lifted', subject, detail });
  return ok(undefined);
}

/** Why nobody is erased now; undefined: nothing stands against it. */
export async function refuseOnHold(tx: Tx) {
  const hold = await findLegalHold(tx);
  if (hold === undefined) return undefined;
  const since = hold.putAt.toISOString().slice(0, 10);
  return refused(
    'conflict',
    `A legal hold stands since ${since}, by ${hold.putByName}: ${hold.reason}. Nobody is erased until it is lifted: bin/tocsin legal-hold lift.`,
  );
}

const subject = { kind: 'database', id: 'legal-hold' };
const notAllowed = refused('forbidden', 'Your role may not keep the audit.');
const sayWhy = refused('invalid', `Say why, in at most ${REASON_MAX} characters: --reason WORDS`);
