/**
 * A sponsor vouches for somebody, of another organisation or of their own; another person, who lets
 * people in for that organisation or for the centre, confirms it, and only then there is a link.
 * Neither of the two can do it alone.
 */
import type { Tx } from '#db/database.ts';
import { isOwn, may } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import {
  gone,
  mayConfirm,
  notYours,
  organisationsOf,
  recordInvitation,
  rolesToOffer,
  tooMuch,
  usedForm,
  type InvitationWish,
} from './invitations.ts';
import { isSelf, rolesWith, type RoleModel } from './model.ts';
import { newToken, sha256 } from './secrets.ts';
import {
  insertInvitation,
  markInvitationConfirmed,
  selectRolesFor,
  selectVouchedFor,
  type Invited,
} from './store-invitation.ts';

type By = { readonly model: RoleModel; readonly now: Date };

export type VouchingWish = InvitationWish & {
  /** How the sponsor knows them: for whoever confirms. */
  readonly because: string;
};

/** The roles that the actor may vouch for: what they could give for an organisation of theirs. */
export async function rolesToVouchFor(tx: Tx, model: RoleModel): Promise<string[]> {
  const { actor } = tx;
  if (actor.kind !== 'person') return [];
  const all: string[] = [];
  for (const organisationId of organisationsOf(actor))
    all.push(...rolesToOffer(model, await selectRolesFor(tx, actor.id, organisationId)));
  return [...new Set(all)];
}

/** Vouches for somebody. Nothing opens by it: it waits for another person as long as a link holds. */
export async function vouchFor(
  tx: Tx,
  { id, name, email, role, organisationId, because }: VouchingWish,
  { model, now }: By,
): Promise<Outcome<void>> {
  const { actor } = tx;
  if (actor.kind !== 'person') return notYours;
  if (!(await rolesToVouchFor(tx, model)).includes(role)) return tooMuch;
  const made = {
    id,
    name,
    email: email.toLowerCase(),
    role,
    organisationId,
    // Of nothing that anybody has: a link is made when it is confirmed.
    tokenSha256: sha256(newToken()),
    invitedBy: actor.id,
    invitedAt: now,
    vouchedBecause: because,
    expiresAt: new Date(now.getTime() + model.signingIn.linkHoldsForMs),
  };
  if ((await insertInvitation(tx, made)) === 0) return usedForm;
  await recordInvitation(tx, 'invitation.vouched', { id, role, organisationId });
  return ok(undefined);
}

/** Those that wait for a second person, and whether the actor may be that. */
export async function listVouchedFor(
  tx: Tx,
  { model, now }: By,
): Promise<(Invited & { readonly isMine: boolean; readonly mayConfirm: boolean })[]> {
  const { actor } = tx;
  if (actor.kind !== 'person') return [];
  const told = [];
  for (const one of await selectVouchedFor(tx, now)) {
    const isMine = isSelf(actor, one.invitedBy);
    const { role, organisationId } = one;
    const offering = { personId: actor.id, organisationId, role };
    told.push({ ...one, isMine, mayConfirm: !isMine && (await mayConfirm(tx, model, offering)) });
  }
  return told;
}

/** The second person: from now on there is a link, which they hand over. */
export async function confirmVouched(
  tx: Tx,
  id: string,
  { model, now }: By,
): Promise<Outcome<{ readonly token: string; readonly expiresAt: Date; readonly name: string }>> {
  const { actor } = tx;
  if (actor.kind !== 'person') return notYours;
  const waiting = (await selectVouchedFor(tx, now)).find((one) => one.id === id);
  if (waiting === undefined) return gone;
  const { organisationId, role, invitedBy, name } = waiting;
  if (isSelf(actor, invitedBy)) return notAlone;
  if (!isOwn(actor, organisationId) && !may(actor, 'person.manage')) return gone;
  if (!(await mayConfirm(tx, model, { personId: actor.id, organisationId, role }))) return tooMuch;
  const token = newToken();
  const { linkHoldsForMs, sessionEndsMs } = model.signingIn;
  const expiresAt = new Date(now.getTime() + linkHoldsForMs);
  const confirmed = await markInvitationConfirmed(tx, {
    id,
    tokenSha256: sha256(token),
    expiresAt,
    personId: actor.id,
    now,
    roles: rolesWith(model, 'person.manage'),
    ofOrganisations: rolesWith(model, 'directory.own'),
    since: new Date(now.getTime() - sessionEndsMs),
  });
  if (confirmed === 0) return notAlone;
  await recordInvitation(tx, 'invitation.confirmed', { id, role, organisationId });
  return ok({ token, expiresAt, name });
}

const notAlone = refused(
  'conflict',
  'Somebody else confirms it: you vouched for them, or whoever did let you in or gave you your role.',
);
