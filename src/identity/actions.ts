/** The verbs of people. Each runs in the caller's transaction and leaves an entry. */
import { isDeepStrictEqual } from 'node:util';
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { actorId } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { isSelf, type RoleModel } from './model.ts';
import { noSuchPerson, notOneself, unknownRole } from './refusals.ts';
import { giveOrAsk } from './roles.ts';
import { ofCentre, scopeOf } from './scope.ts';
import { selectRoleRequests } from './store-role-request.ts';
import { markAllSessionsEnded } from './store-session.ts';
import {
  insertPerson,
  selectPerson,
  updateActive,
  updatePhone,
  type PersonPhone,
} from './store.ts';

export type Invitation = {
  /** Of the form: the same invitation with the same id is the same person. */
  readonly id?: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
};

/** Makes a person with these roles; the id of the new person. What is dangerous is asked for only. */
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
    return await refuseAnother(tx, { ...invitation, id, email }, now);
  await record(tx, { action: 'person.invited', subject: { kind: 'person', id } });
  for (const role of invitation.roles) {
    await giveOrAsk(tx, { personId: id, role, ...ofCentre }, { model, now });
  }
  return ok(id);
}

/** The form was posted twice: done already, unless it says something else now. */
async function refuseAnother(
  tx: Tx,
  { id, name, email, roles }: Required<Invitation>,
  now: Date,
): Promise<Outcome<string>> {
  const before = await selectPerson(tx, id);
  if (before === undefined) {
    const message = 'Somebody with this address is here already';
    return refused('invalid', message, { email: message });
  }
  const waiting = await selectRoleRequests(tx, now, id);
  const all = [...before.roles, ...waiting.map(({ role }) => role)];
  const isSame =
    before.name === name &&
    before.email === email &&
    isDeepStrictEqual(new Set(all), new Set(roles));
  if (isSame) return ok(id);
  const message = `This form has invited ${before.name} already. Press again to invite somebody else.`;
  return refused('conflict', message);
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
  'A role for organisations, regions or spaces is given afterwards, on their page',
  { roles: 'A role for organisations, regions or spaces is given afterwards, on their page' },
);

/** Keeps the number that a person is woken on, sealed; null takes it away. */
export async function setPhone(
  tx: Tx,
  personId: string,
  phone: PersonPhone | null,
): Promise<Outcome<void>> {
  if ((await updatePhone(tx, personId, phone)) === 0)
    return refused('not_found', 'There is no such person.');
  const action = phone === null ? 'person.phone_removed' : 'person.phone_set';
  await record(tx, { action, subject: { kind: 'person', id: personId } });
  return ok(undefined);
}
