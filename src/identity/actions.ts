/** The verbs of people. Each runs in the caller's transaction and leaves an entry. */
import { isDeepStrictEqual } from 'node:util';
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { isSelf, scopeOf, type RoleModel } from './model.ts';
import {
  insertGrant,
  passRolesOn,
  insertPerson,
  markGrantEnded,
  selectPerson,
  updateActive,
  updatePhone,
} from './store.ts';
import { markAllSessionsEnded } from './store-session.ts';

export type Invitation = {
  /** Of the form: the same invitation with the same id is the same person. */
  readonly id?: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
};

/** Makes a person with these roles; the id of the new person. */
export async function invitePerson(
  tx: Tx,
  invitation: Invitation,
  { model, now }: { readonly model: RoleModel; readonly now: Date },
): Promise<Outcome<string>> {
  const unknown = invitation.roles.find((role) => !(role in model.roles));
  if (unknown !== undefined) return unknownRole(unknown);
  if (invitation.roles.some((role) => scopeOf(model, role) !== 'centre')) return scopedLater;
  const { id = newId(now.getTime()) } = invitation;
  const email = invitation.email.toLowerCase();
  const person = { id, name: invitation.name, email, createdAt: now, createdBy: actorId(tx.actor) };
  if ((await insertPerson(tx, person)) === 0)
    return await refuseAnother(tx, { ...invitation, id, email });
  await record(tx, { action: 'person.invited', subject: { kind: 'person', id } });
  for (const role of invitation.roles) {
    await grantRole(tx, { personId: id, role, organisationId: null, regionCode: null }, now);
  }
  return ok(id);
}

/** The form was posted twice: done already, unless it says something else now. */
async function refuseAnother(
  tx: Tx,
  { id, name, email, roles }: Required<Invitation>,
): Promise<Outcome<string>> {
  const before = await selectPerson(tx, id);
  if (before === undefined) {
    const message = 'Somebody with this address is here already';
    return refused('invalid', message, { email: message });
  }
  const isSame =
    before.name === name &&
    before.email === email &&
    isDeepStrictEqual(new Set(before.roles), new Set(roles));
  if (isSame) return ok(id);
  const message = `This form has invited ${before.name} already. Press again to invite somebody else.`;
  return refused('conflict', message);
}

/** A role of somebody; some are held for one organisation or one region each. */
export type HeldRole = {
  readonly personId: string;
  readonly role: string;
  readonly organisationId: string | null;
  readonly regionCode: string | null;
};

/** Gives a role to somebody else. Done already is done. */
export async function giveRole(
  tx: Tx,
  given: HeldRole,
  { model, now }: { readonly model: RoleModel; readonly now: Date },
): Promise<Outcome<void>> {
  if (!(given.role in model.roles)) return unknownRole(given.role);
  const scope = scopeOf(model, given.role);
  if ((scope === 'organisation') !== (given.organisationId !== null)) return wrongScope;
  if ((scope === 'region') !== (given.regionCode !== null)) return wrongRegion;
  if (isSelf(tx.actor, given.personId)) return notOneself;
  const person = await selectPerson(tx, given.personId);
  if (person === undefined) return noSuchPerson;
  await grantRole(tx, given, now);
  return ok(undefined);
}

async function grantRole(tx: Tx, given: HeldRole, now: Date): Promise<void> {
  const grant = { ...given, id: newId(now.getTime()), givenAt: now };
  if ((await insertGrant(tx, { ...grant, givenBy: actorId(tx.actor) })) === 0) return;
  const { personId, ...detail } = given;
  await record(tx, { action: 'role.given', subject: { kind: 'person', id: personId }, detail });
}

/** Passes roles for organisations on where those hand over; says how many were given. */
export async function handOverRoles(
  tx: Tx,
  over: Omit<Parameters<typeof passRolesOn>[1], 'by'>,
): Promise<number> {
  const by = tx.actor.kind === 'system' ? tx.actor.name : actorId(tx.actor);
  const handed = await passRolesOn(tx, { ...over, by });
  for (const { personId, role, organisationId, isGiven } of handed)
    await record(tx, {
      action: isGiven ? 'role.given' : 'role.ended',
      subject: { kind: 'person', id: personId },
      detail: { role, organisationId, regionCode: null },
    });
  return handed.filter(({ isGiven }) => isGiven).length;
}

/** Ends a role of somebody else, from their next request on. */
export async function endRole(
  tx: Tx,
  held: HeldRole,
  { now }: { readonly now: Date },
): Promise<Outcome<void>> {
  if (isSelf(tx.actor, held.personId)) return notOneself;
  const ended = await markGrantEnded(tx, held, { at: now, by: actorId(tx.actor) });
  if (ended === 0) return refused('conflict', 'This person does not hold that role any more.');
  const { personId, ...detail } = held;
  await record(tx, { action: 'role.ended', subject: { kind: 'person', id: personId }, detail });
  return ok(undefined);
}

/** Locks somebody out at once, or lets them in again; their roles stay as they are. */
export async function setActive(
  tx: Tx,
  change: { readonly personId: string; readonly active: boolean },
  { now }: { readonly now: Date },
): Promise<Outcome<void>> {
  if (isSelf(tx.actor, change.personId)) return notOneself;
  if ((await updateActive(tx, change.personId, change.active)) === 0) {
    return (await selectPerson(tx, change.personId)) === undefined ? noSuchPerson : ok(undefined);
  }
  if (!change.active) await markAllSessionsEnded(tx, change.personId, now);
  const action = change.active ? 'person.unlocked' : 'person.locked';
  await record(tx, { action, subject: { kind: 'person', id: change.personId } });
  return ok(undefined);
}

const scopedLater = refused(
  'invalid',
  'A role for organisations or regions is given afterwards, on their page',
  { roles: 'A role for organisations or regions is given afterwards, on their page' },
);

const wrongScope = refused('invalid', 'Say for which organisation, where the role is for one.', {
  organisation: 'Enter the code of an organisation of the directory',
});

const wrongRegion = refused('invalid', 'Say for which region, where the role is for one.', {
  region: 'Choose a region',
});

export const noSuchPerson = refused('not_found', 'There is no such person.');

export const notOneself = refused(
  'forbidden',
  'Nobody changes their own rights here. Ask somebody else who may manage people.',
);

function unknownRole(role: string): Outcome<never> {
  const message = `The operating model has no role “${role}”`;
  return refused('invalid', message, { roles: message });
}

/** Keeps the number that a person is woken on, sealed; null takes it away. */
export async function setPhone(
  tx: Tx,
  personId: string,
  phone: { readonly sealed: Buffer; readonly mask: string } | null,
): Promise<Outcome<void>> {
  if ((await updatePhone(tx, personId, phone)) === 0)
    return refused('not_found', 'There is no such person.');
  const action = phone === null ? 'person.phone_removed' : 'person.phone_set';
  await record(tx, { action, subject: { kind: 'person', id: personId } });
  return ok(undefined);
}
