/**
 * Invitations: somebody who holds a role for an organisation lets a colleague in, for no more than
 * they hold there themselves. Each verb runs in the caller's transaction and leaves an entry.
 */
import { record } from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import { isOwn, may, type Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { isSelf, needsPasskey, permissionsOf, rolesWith, type RoleModel } from './model.ts';
import { notOneself } from './refusals.ts';
import { endLapsed, recordRole } from './roles.ts';
import { ofOrganisation, scopeOf } from './scope.ts';
import { newToken, sha256 } from './secrets.ts';
import { startSession, type SignIn } from './sign-in.ts';
import { selectHoldsNow } from './store-approval-proof.ts';
import {
  insertInvitation,
  markInvitationAccepted,
  markInvitationRevoked,
  selectInvitation,
  selectIsOwnGuest,
  selectRolesFor,
  type Invited,
} from './store-invitation.ts';
import {
  insertGrant,
  insertPerson,
  markGrantEnded,
  selectPerson,
  selectPersonByEmail,
} from './store.ts';

export type InvitationWish = {
  /** Of the form: posted twice it is one invitation, and the last link opens. */
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly organisationId: string;
};

type By = { readonly model: RoleModel; readonly now: Date };

/**
 * Roles that whoever holds these for an organisation may give there: nothing that they do not hold
 * themselves, and nothing that takes a passkey, which two people of the centre give.
 */
export function rolesToOffer(model: RoleModel, held: readonly string[]): string[] {
  const mine = permissionsOf(model, held);
  return Object.keys(model.roles).filter(
    (role) =>
      scopeOf(model, role) === 'organisation' &&
      !needsPasskey(model, [role]) &&
      permissionsOf(model, [role]).isSubsetOf(mine),
  );
}

/** A link that lets a colleague in, once. The token is not kept: show it now or never. */
export async function inviteColleague(
  tx: Tx,
  { id, name, email, role, organisationId }: InvitationWish,
  { model, now }: By,
): Promise<Outcome<{ readonly token: string; readonly expiresAt: Date }>> {
  const { actor } = tx;
  if (actor.kind !== 'person' || !isOwn(actor, organisationId)) return notYours;
  if (!(await mayOffer(tx, model, { personId: actor.id, organisationId, role }))) return tooMuch;
  const token = newToken();
  const expiresAt = new Date(now.getTime() + model.signingIn.linkHoldsForMs);
  const invitation = { id, tokenSha256: sha256(token), name, email: email.toLowerCase(), role };
  const by = { invitedBy: actor.id, invitedAt: now, vouchedBecause: null };
  const made = { ...invitation, ...by, organisationId, expiresAt };
  if ((await insertInvitation(tx, made)) === 0) return usedForm;
  await recordInvitation(tx, 'invitation.made', { id, role, organisationId });
  return ok({ token, expiresAt });
}

type Offering = {
  readonly personId: string;
  readonly organisationId: string;
  readonly role: string;
};

/** Asked at the invitation and again when it is accepted: a role may have ended meanwhile. */
export async function mayOffer(tx: Tx, model: RoleModel, offer: Offering): Promise<boolean> {
  const held = await selectRolesFor(tx, offer.personId, offer.organisationId);
  return rolesToOffer(model, held).includes(offer.role);
}

/** Whom a sponsor vouched for, the centre may let in too: for what takes no passkey. */
export async function mayConfirm(tx: Tx, model: RoleModel, offer: Offering): Promise<boolean> {
  if (await mayOffer(tx, model, offer)) return true;
  const { role, personId } = offer;
  if (scopeOf(model, role) !== 'organisation' || needsPasskey(model, [role])) return false;
  return await selectHoldsNow(tx, { personId, roles: rolesWith(model, 'person.manage') });
}

/**
 * Takes back one that nobody accepted; anybody of the organisation may, and where a sponsor vouches
 * that one and whoever manages people.
 */
export async function revokeInvitation(tx: Tx, id: string, now: Date): Promise<Outcome<void>> {
  const { actor } = tx;
  if (actor.kind !== 'person') return notYours;
  const whose = { organisationIds: organisationsOf(actor), anywhere: may(actor, 'person.manage') };
  if ((await markInvitationRevoked(tx, { id, ...whose, by: actor.id, now })) === 0) return gone;
  await record(tx, { action: 'invitation.revoked', subject: { kind: 'invitation', id } });
  return ok(undefined);
}

/** The organisations whose colleagues the actor lets in. */
export function organisationsOf(actor: Actor): readonly string[] {
  if (actor.kind !== 'person') return [];
  return (actor.organisationIds ?? []).filter((id) => isOwn(actor, id));
}

/** Ends what a colleague holds for one's own organisation, from their next request on. */
export async function endColleague(
  tx: Tx,
  held: { readonly personId: string; readonly role: string; readonly organisationId: string },
  { model, now }: By,
): Promise<Outcome<void>> {
  const { actor } = tx;
  const { personId, role, organisationId } = held;
  if (actor.kind !== 'person' || !isOwn(actor, organisationId)) return notYours;
  if (isSelf(actor, personId)) return notOneself;
  if (!(await mayOffer(tx, model, { personId: actor.id, organisationId, role }))) return tooMuch;
  const ended = { at: now, by: actor.id };
  const grant = { personId, role, ...ofOrganisation(organisationId) };
  if ((await markGrantEnded(tx, grant, ended)) === 0) return gone;
  await recordRole(tx, 'role.ended', grant);
  return ok(undefined);
}

/** What whoever has the link is told; `account`: who has this address already. */
export type Offer = Invited & {
  readonly account: 'none' | 'guest' | 'theirs';
  readonly accountId: string | undefined;
};

/** Undefined where it was used, revoked, is too old, or the inviter may not offer it any more. */
export async function findOffer(tx: Tx, token: string, by: By): Promise<Offer | undefined> {
  return await findOfferOf(tx, sha256(token), by);
}

async function findOfferOf(
  tx: Tx,
  tokenSha256: Buffer,
  { model, now }: By,
): Promise<Offer | undefined> {
  const invited = await selectInvitation(tx, tokenSha256, now);
  if (invited === undefined) return undefined;
  const { role, organisationId, vouchedBecause } = invited;
  const offering = { personId: giverOf(invited), organisationId, role };
  const isVouched = vouchedBecause !== null;
  if (!(await (isVouched ? mayConfirm : mayOffer)(tx, model, offering))) return undefined;
  const known = await selectPersonByEmail(tx, invited.email);
  if (known === undefined) return { ...invited, account: 'none', accountId: undefined };
  const isGuest = !isVouched && (await selectIsOwnGuest(tx, known.id, invited.invitedBy));
  return { ...invited, account: isGuest ? 'guest' : 'theirs', accountId: known.id };
}

/** Who lets in: the sponsor only vouches. */
function giverOf({ confirmedBy, invitedBy }: Invited): string {
  return confirmedBy ?? invitedBy;
}

/**
 * A newcomer accepts: an account with this one role, and a session that may make its first passkey.
 * An address that has an account accepts only when signed in there: else whoever invites it would
 * be let into it.
 */
export async function acceptAsNewcomer(
  tx: Tx,
  token: string,
  by: { readonly model: RoleModel; readonly how: SignIn },
): Promise<Outcome<string>> {
  const accepted = await acceptOffered(tx, sha256(token), by);
  return accepted.ok ? ok(accepted.value.token) : accepted;
}

/** The newcomer, the token of their session, and who vouches for them. */
export async function acceptOffered(
  tx: Tx,
  tokenSha256: Buffer,
  { model, how }: { readonly model: RoleModel; readonly how: SignIn },
): Promise<Outcome<{ personId: string; token: string; vouchedBy: readonly string[] }>> {
  const { now } = how;
  const offer = await findOfferOf(tx, tokenSha256, { model, now });
  if (offer === undefined) return gone;
  if (offer.account === 'theirs') return signInFirst;
  const personId = offer.accountId ?? newId(now.getTime());
  if (offer.accountId === undefined) {
    const { name, email } = offer;
    const createdBy = giverOf(offer);
    if ((await insertPerson(tx, { id: personId, name, email, createdAt: now, createdBy })) === 0)
      return signInFirst;
  }
  const accepted = await accept(tx, offer, personId, now);
  if (!accepted.ok) return accepted;
  const vouchedBy = [...new Set([offer.invitedBy, giverOf(offer)])];
  const whose = { personId, begunBy: 'link', vouchedBy, passkeyId: null } as const;
  const begun = await startSession(tx, whose, how);
  return begun.ok ? ok({ personId, token: begun.value, vouchedBy }) : begun;
}

/** Somebody signed in accepts for their own account. */
export async function acceptAsMyself(
  tx: Tx,
  token: string,
  { model, now, personId }: By & { readonly personId: string },
): Promise<Outcome<void>> {
  const offer = await findOffer(tx, token, { model, now });
  if (offer === undefined) return gone;
  if (offer.accountId !== personId) return forAnother;
  return await accept(tx, offer, personId, now);
}

async function accept(tx: Tx, offer: Offer, personId: string, now: Date): Promise<Outcome<void>> {
  const { id, role, organisationId, invitedBy } = offer;
  const givenBy = giverOf(offer);
  const person = await selectPerson(tx, personId);
  if (person?.active !== true || [invitedBy, givenBy].includes(personId)) return gone;
  if ((await markInvitationAccepted(tx, { id, personId, now })) === 0) return gone;
  await recordInvitation(tx, 'invitation.accepted', { id, role, organisationId, personId });
  const held = { personId, role, ...ofOrganisation(organisationId) };
  await endLapsed(tx, personId);
  const given = { id: newId(now.getTime()), givenAt: now, givenBy, agreedBy: null };
  if ((await insertGrant(tx, { ...held, ...given })) === 0) return ok(undefined);
  const detail = { role, ...ofOrganisation(organisationId), givenBy };
  await record(tx, { action: 'role.given', subject: { kind: 'person', id: personId }, detail });
  return ok(undefined);
}

export async function recordInvitation(
  tx: Tx,
  action: string,
  { id, ...detail }: { id: string; role: string; organisationId: string; personId?: string },
): Promise<void> {
  await record(tx, { action, subject: { kind: 'invitation', id }, detail });
}

export const notYours = refused('not_found', 'There is no such organisation of yours.');

export const tooMuch = refused(
  'forbidden',
  'Nobody gives or ends more than they hold themselves for that organisation. Ask the centre.',
);

export const usedForm = refused(
  'conflict',
  'The invitation of this form was changed or used already. Press again to make a new one.',
);

export const gone = refused('conflict', 'It was used, taken back or ended already, or is too old.');

const signInFirst = refused(
  'conflict',
  'This address has an account. Sign in to it, then open the link again.',
);

const forAnother = refused(
  'conflict',
  'This invitation is for somebody else. Sign out, then open the link again.',
);
