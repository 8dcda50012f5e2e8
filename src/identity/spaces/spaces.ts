/**
 * Spaces: closed circles of people who read together. The centre opens them and says who leads;
 * whoever leads one says who reads in it, until which day.
 */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId, leadsSpace, may } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { isSelf } from '../model.ts';
import { noSuchPerson, notOneself } from '../refusals.ts';
import { recordRole } from '../roles.ts';
import { ofSpace } from '../scope.ts';
import { selectPerson, selectPersonByEmail } from '../store.ts';
import {
  insertReader,
  insertSpace,
  lockOpenSpace,
  markLeadsEnded,
  markReadingEnded,
  markSpaceClosed,
  selectReaders,
  selectSpace,
  updateReadsUntil,
  updateSpace,
  type Space,
} from './store.ts';

type At = { readonly now: Date };

/** Opens a space with nobody in it; its id. The same form sent twice is one space. */
export async function openSpace(
  tx: Tx,
  { id = newId(), name, purpose }: Omit<Space, 'id'> & { readonly id?: string },
  { now }: At,
): Promise<Outcome<string>> {
  if (!may(tx.actor, 'person.manage')) return notAllowed;
  const opened = { openedAt: now, openedBy: actorId(tx.actor) };
  if ((await insertSpace(tx, { id, name, purpose, ...opened })) === 1) {
    await record(tx, { action: 'space.opened', subject: { kind: 'space', id }, detail: { name } });
    return ok(id);
  }
  const before = await selectSpace(tx, id);
  if (before?.name === name && before.purpose === purpose) return ok(id);
  return refused('conflict', 'This form has opened a space already. Press again to open another.');
}

/** Another name or purpose, by whoever leads it or the centre. */
export async function changeSpace(tx: Tx, to: Space): Promise<Outcome<void>> {
  const before = mayKeep(tx, to.id) ? await lockOpenSpace(tx, to.id) : undefined;
  if (before === undefined) return noSuchSpace;
  if ((await updateSpace(tx, to)) === 0) return ok(undefined);
  const detail = { name: to.name, before: before.name };
  await record(tx, { action: 'space.changed', subject: { kind: 'space', id: to.id }, detail });
  return ok(undefined);
}

/** Ends it for everybody in it, for good: nobody reads in a closed space but the centre. */
export async function closeSpace(tx: Tx, id: string, { now }: At): Promise<Outcome<void>> {
  if (!may(tx.actor, 'person.manage')) return notAllowed;
  const ended = { at: now, by: actorId(tx.actor) };
  if ((await markSpaceClosed(tx, id, ended)) === 0)
    return (await selectSpace(tx, id)) === undefined ? noSuchSpace : ok(undefined);
  const readers = await markReadingEnded(tx, { spaceId: id, personId: null });
  for (const { personId, role } of await markLeadsEnded(tx, id, ended))
    await recordRole(tx, 'role.ended', { personId, role, ...ofSpace(id) });
  const detail = { readers };
  await record(tx, { action: 'space.closed', subject: { kind: 'space', id }, detail });
  return ok(undefined);
}

type LettingIn = {
  readonly spaceId: string;
  readonly email: string;
  /** From then on they read in it no more. */
  readonly until: Date;
};

/**
 * Lets somebody who signs in here read in it; for who reads in it already, until another day. Its
 * lead does that and not the centre: that role took two, and whoever manages people is one.
 */
export async function letIn(
  tx: Tx,
  { spaceId, email, until }: LettingIn,
): Promise<Outcome<{ readonly name: string }>> {
  const space = mayKeep(tx, spaceId) ? await lockOpenSpace(tx, spaceId) : undefined;
  if (space === undefined) return noSuchSpace;
  if (tx.actor.kind !== 'system' && !leadsSpace(tx.actor, spaceId)) return leadsOnly;
  const person = await selectPersonByEmail(tx, email);
  if (person?.active !== true) return unknownAddress;
  if (isSelf(tx.actor, person.id)) return notYourself;
  const which = { spaceId, personId: person.id, until };
  const isKnown = (await updateReadsUntil(tx, which)) > 0;
  if (!isKnown) await insertReader(tx, which);
  await record(tx, {
    action: isKnown ? 'space.reader_prolonged' : 'space.reader_let_in',
    subject: { kind: 'space', id: spaceId },
    detail: { personId: person.id, until: until.toISOString() },
  });
  return ok({ name: person.name });
}

/** From their next click on; who leads it reads in it until that role ends. */
export async function endReading(
  tx: Tx,
  { spaceId, personId }: { readonly spaceId: string; readonly personId: string },
): Promise<Outcome<void>> {
  const space = mayKeep(tx, spaceId) ? await lockOpenSpace(tx, spaceId) : undefined;
  if (space === undefined) return noSuchSpace;
  if (isSelf(tx.actor, personId)) return notOneself;
  if ((await markReadingEnded(tx, { spaceId, personId })) === 0) {
    const leads = (await selectReaders(tx, spaceId)).some((one) => one.personId === personId);
    if (leads) return isLead;
    return (await selectPerson(tx, personId)) === undefined ? noSuchPerson : ok(undefined);
  }
  await record(tx, {
    action: 'space.reader_ended',
    subject: { kind: 'space', id: spaceId },
    detail: { personId },
  });
  return ok(undefined);
}

/** Whoever leads it, and whoever manages people. To all others there is no such space. */
function mayKeep({ actor }: Tx, spaceId: string): boolean {
  return may(actor, 'person.manage') || leadsSpace(actor, spaceId);
}

const leadsOnly = refused('forbidden', 'Only whoever leads a space lets people in.');

const notAllowed = refused('forbidden', 'Only whoever manages people opens and closes spaces.');

const noSuchSpace = refused('not_found', 'There is no such space, or it was closed.');

const unknownAddress = refused('invalid', 'Put right what is marked below.', {
  email: 'Nobody signs in here by this address. Ask the centre to invite them first',
});

const notYourself = refused('invalid', 'Put right what is marked below.', {
  email: 'Nobody lets themselves in. Ask somebody else',
});

const isLead = refused(
  'conflict',
  'Whoever leads a space is in it. The centre ends that role on the page of the person.',
);
